"""What Binder would build, asked without Docker."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from . import binder

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture
def pack(monkeypatch):
    """Let repo2docker look at the repository."""
    monkeypatch.chdir(ROOT)
    return binder.pack()


def test_binder_takes_a_python_that_the_package_supports(pack):
    assert type(pack).__name__ == "PythonBuildPack"
    supported = SpecifierSet(PROJECT["requires-python"])
    assert Version(pack.python_version) in supported


def test_binder_installs_the_package_once_the_whole_repository_is_there(pack):
    pip = "${KERNEL_PYTHON_PREFIX}/bin/pip install --no-cache-dir"
    assert binder.steps(pack) == [f'{pip} -r "binder/requirements.txt"']
    assert pack.get_preassemble_scripts() == []


def test_binder_brings_a_lab_that_the_package_supports(pack):
    image = {one.name: one for one in map(Requirement, binder.image(pack))}
    assert set(image) == set(binder.IMAGE)
    (lab,) = map(Requirement, PROJECT["optional-dependencies"]["lab"])
    (pin,) = image["jupyterlab"].specifier
    assert Version(pin.version) in lab.specifier


def test_binder_has_two_files_that_say_what_ci_tests():
    names = sorted(path.name for path in (ROOT / "binder").iterdir())
    assert names == ["requirements.txt", "runtime.txt"]
    brought = (ROOT / "binder" / "requirements.txt").read_text().split()
    assert brought == [".[excel,scale]", "duckdb", "polars"]  # what notebooks import
    assert (ROOT / "binder" / "runtime.txt").read_text() == "python-3.11\n"
