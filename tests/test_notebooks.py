"""Rules of stored notebooks: what nbval does not look at."""

import json
import re

import nbformat
import pytest

import braze_frames as bf

from .stored import NOTEBOOKS, code_cells, is_meant_to_fail

LONGEST = 25  # lines of a cell that one can take in


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    """Read a notebook."""
    return nbformat.read(request.param, as_version=4)


def outputs(notebook):
    """Return what is stored of each output, by its type of content."""
    found = [output for cell in code_cells(notebook) for output in cell.outputs]
    return [output.get("data", {}) for output in found]


def plots(cell):
    """Say whether a cell draws."""
    return re.search(r"\.plot[.(]", cell.source)


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
                assert is_meant_to_fail(cell)


def test_it_begins_with_its_title_and_has_no_other(notebook):
    assert notebook.cells[0].cell_type == "markdown"
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    titled = [bool(re.search(r"^# ", text, re.MULTILINE)) for text in texts]
    assert titled == [True, *[False] * (len(texts) - 1)]


def test_it_begins_with_what_the_reader_will_be_able_to_do(notebook):
    assert re.search(r"^After these .*\byou can\b", notebook.cells[0].source, re.M)


def test_it_ends_with_where_to_go_next(notebook):
    assert notebook.cells[-1].cell_type == "markdown"
    headings = re.findall(r"^## (.*)", notebook.cells[-1].source, re.MULTILINE)
    assert headings[-1] == "Where to go next"


def test_cells_with_code_are_short(notebook):
    lengths = [len(cell.source.splitlines()) for cell in code_cells(notebook)]
    assert max(lengths) <= LONGEST


def test_cells_are_plain_python(notebook):
    for cell in code_cells(notebook):
        assert not re.search(r"^\s*[%!]", cell.source, re.MULTILINE), cell.source


def test_no_cell_asks_what_day_it_is(notebook):
    for cell in code_cells(notebook):
        assert not re.search(r"\b(now|today|time|utcnow)\(", cell.source), cell.source


def test_no_output_is_kept_from_being_compared(notebook):
    for cell in code_cells(notebook):
        marks = [cell.source, *cell.metadata.get("tags", [])]
        assert "nbval" not in " ".join(marks).lower(), cell.source


def test_cells_that_plot_show_a_picture_and_nothing_else(notebook):
    for cell in filter(plots, code_cells(notebook)):
        assert cell.outputs, cell.source
        assert all("image/png" in output.get("data", {}) for output in cell.outputs)


def test_pictures_are_stored_in_one_format(notebook):
    kinds = {kind for data in outputs(notebook) for kind in data}
    assert {kind for kind in kinds if kind.startswith("image/")} <= {"image/png"}
    pages = "".join(data.get("text/html", "") for data in outputs(notebook))
    assert not re.search("<(img|svg|canvas)", pages)


def test_cells_show_their_last_value_and_no_semicolon(notebook):
    sources = [cell.source.rstrip() for cell in code_cells(notebook)]
    assert not [source for source in sources if source.endswith(";")]


def test_no_key_and_no_path_of_a_machine_is_stored(notebook):
    for data in outputs(notebook):
        data.pop("image/png", None)  # whose letters may spell anything
    text = json.dumps(notebook)
    with bf.Sandbox() as sandbox:
        assert sandbox.api_key not in text
    for path in ("/home/", "/root/", "/tmp/", "/Users/", "ipykernel_"):  # noqa: S108
        assert path not in text
