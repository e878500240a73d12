"""The API as type checkers see it."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Keep what mypy learns of pandas: 20 seconds a run without it."""
    return tmp_path_factory.mktemp("mypy")


def mypy(path, known):
    """Run mypy, strict; return its exit code and what it says."""
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(known)]
    done = subprocess.run(  # noqa: S603
        [*command, str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE.parent,
    )
    return done.returncode, done.stdout


def test_what_a_typed_user_writes_is_accepted(known):
    assert mypy(HERE / "typing_api.py", known) == (
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
def test_misspelt_keywords_are_found(tmp_path, known, right, wrong):
    text = (HERE / "typing_api.py").read_text()
    path = tmp_path / "misspelt.py"
    path.write_text(text.replace(right, wrong))
    code, said = mypy(path, known)
    assert code == 1
    assert wrong.partition("=")[0] in said
