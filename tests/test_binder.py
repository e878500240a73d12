"""What Binder would build, asked without Docker."""

import warnings
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own dependencies' renamed modules
    from repo2docker.app import Repo2Docker

ROOT = Path(__file__).parents[1]


def test_binder_installs_the_package_with_a_python_that_it_supports(monkeypatch):
    monkeypatch.chdir(ROOT)
    packs = [pack(Repo2Docker().base_image) for pack in Repo2Docker().buildpacks]
    for pack in packs:
        pack.platform = "linux/amd64"
    found = next(pack for pack in packs if pack.detect())
    assert type(found).__name__ == "PythonBuildPack"
    assert Version(found.python_version) in SpecifierSet(">=3.11")
    steps = "\n".join(text for _, text in found.get_assemble_scripts())
    assert 'pip install --no-cache-dir -r "binder/requirements.txt"' in steps


def test_binder_has_two_files_that_say_what_ci_tests():
    names = sorted(path.name for path in (ROOT / "binder").iterdir())
    assert names == ["requirements.txt", "runtime.txt"]
    assert (ROOT / "binder" / "requirements.txt").read_text() == "."
    assert (ROOT / "binder" / "runtime.txt").read_text() == "python-3.11\n"
