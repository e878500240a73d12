"""Rules of stored notebooks: what nbval does not look at."""

import json
from pathlib import Path

import nbformat
import pytest

import braze_frames as bf

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    """Read a notebook."""
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    """Return the cells with code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_it_was_run_from_top_to_bottom(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    assert any(cell.outputs for cell in code_cells(notebook))


def test_it_names_a_kernel_that_everyone_has(notebook):
    assert notebook.metadata.kernelspec.name == "python3"


def test_no_moment_of_execution_is_stored(notebook):
    assert not [cell for cell in notebook.cells if "execution" in cell.metadata]


def test_no_warning_and_no_error_is_stored_but_those_shown_on_purpose(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert output.get("name") != "stderr"
            if output.output_type == "error":
                assert "raises-exception" in cell.metadata.get("tags", [])


def test_cells_show_their_last_value_and_no_semicolon(notebook):
    assert not [cell for cell in code_cells(notebook) if cell.source.endswith(";")]


def test_no_key_and_no_path_of_a_machine_is_stored(notebook):
    text = json.dumps(notebook)
    with bf.Sandbox() as sandbox:
        assert sandbox.api_key not in text
    assert "/home/" not in text
    assert "ipykernel_" not in text
