"""The API as type checkers see it."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def mypy(path):
    """Run mypy, strict; return its exit code and what it says.

    What it learns of pandas stays in the project's own cache: 20 seconds a run.
    """
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "mypy", "--strict", str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE.parent,
    )
    return done.returncode, done.stdout


def test_what_a_typed_user_writes_is_accepted():
    assert mypy(HERE / "typing_api.py") == (
        0,
        "Success: no issues found in 1 source file\n",
    )


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('freq="W"', 'frequency="W"'),
        ("sequential=", "sequentially="),
        ('start="2026-01-01"', 'begin="2026-01-01"'),
    ],
)
def test_misspelt_keywords_are_found(tmp_path, right, wrong):
    text = (HERE / "typing_api.py").read_text()
    path = tmp_path / "misspelt.py"
    path.write_text(text.replace(right, wrong))
    code, said = mypy(path)
    assert code == 1
    assert wrong.partition("=")[0] in said
