"""README: its examples run, its two commands are there, its links lead somewhere."""

import doctest
import re
from pathlib import Path

import nbformat
import pytest

from .stored import NOTEBOOKS, code_cells

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_its_examples_show_what_they_print(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert blocks
    parsed = doctest.DocTestParser().get_doctest(
        "\n".join(blocks), {}, "README.md", "README.md", 0
    )
    told = []
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    # verbose by default where the command line has -v, and then it tells of all
    runner = doctest.DocTestRunner(verbose=False, optionflags=flags)
    runner.run(parsed, out=told.append)
    assert not told, "".join(told)


@pytest.mark.parametrize("job", ["-m braze_frames", "-m pytest"])
def test_one_command_does_the_whole_job(job):
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len([line for line in lines if line.endswith(job)]) == 1


def test_every_file_it_links_to_exists():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_its_pictures_are_those_that_a_notebook_saves():
    shown = re.findall(r"!\[[^\]]+\]\(notebooks/images/([^)]+)\)", README)
    kept = [path.name for path in (ROOT / "notebooks" / "images").iterdir()]
    assert len(shown) == 3
    assert sorted(shown) == sorted(kept)
    sources = [
        cell.source
        for path in NOTEBOOKS
        for cell in code_cells(nbformat.read(path, as_version=4))
    ]
    saved = re.findall(r'savefig\(images / "([^"]+)"', "\n".join(sources))
    assert sorted(saved) == sorted(shown)
