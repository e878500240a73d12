"""The project's own promises: names, bounds, the wheel, a light import."""

import inspect
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import braze_frames as bf

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "braze_frames"
MODULES = {path.stem for path in PACKAGE.glob("*")}


def test_public_names_are_sorted_documented_and_no_modules():
    assert bf.__all__ == sorted(bf.__all__)
    assert not set(bf.__all__) & set(MODULES)
    expected = {"read_braze_series", "BrazeAccessor", "BrazeClient", "connect"}
    expected |= {"Cache", "Sandbox", "glossary", "__version__"}
    assert expected <= set(bf.__all__)
    for name in bf.__all__:
        assert name == "__version__" or inspect.getdoc(getattr(bf, name))


def test_every_error_and_warning_is_public_and_in_one_tree():
    from braze_frames import errors

    for name, kind in vars(errors).items():
        if inspect.isclass(kind) and issubclass(kind, Exception):
            assert name in bf.__all__
            base = bf.BrazeWarning if issubclass(kind, Warning) else bf.BrazeError
            assert issubclass(kind, base)


def test_the_version_is_that_of_the_package():
    about = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert bf.__version__ == about["project"]["version"]


def test_the_oldest_versions_tested_are_the_bounds_of_the_package():
    about = tomllib.loads((ROOT / "pyproject.toml").read_text())
    bounds = dict(one.split(">=") for one in about["project"]["dependencies"])
    lines = (ROOT / "tests" / "oldest.txt").read_text().split()
    pins = dict(line.split("==") for line in lines)
    assert set(bounds) <= set(pins)
    for name, bound in bounds.items():
        assert pins[name] == bound or pins[name].startswith(f"{bound}."), name


def test_every_dependency_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text()
    block = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    assert all("#" in line for line in block[1].splitlines())


def test_the_top_level_holds_what_was_agreed():
    allowed = {"pyproject.toml", "README.md", "LICENSE", "braze_frames", "notebooks"}
    allowed |= {"tests", "binder"}
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert names - {"build", "dist"} == allowed


def test_the_wheel_holds_the_package_and_its_type_marker(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", str(ROOT)]
    done = subprocess.run(  # noqa: S603
        [*command, "-w", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert "braze_frames/py.typed" in names
    assert not [name for name in names if name.startswith(("tests", "notebooks"))]


def python(code):
    """Run code in a new interpreter, with warnings as errors; return what it prints."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_importing_loads_nothing_heavy():
    heavy = (
        "matplotlib jinja2 scipy requests urllib3 tqdm IPython http.server jupyterlab "
        "dask distributed orjson filelock openpyxl obstore pyarrow.dataset "
        "pyarrow.parquet"
    )
    code = (
        "import sys, pandas; before = set(sys.modules); import braze_frames; "
        f"print(*[m for m in {heavy.split()} if m in sys.modules and m not in before])"
    )
    assert python(code) == []


def test_importing_loads_only_the_modules_that_every_session_needs():
    code = """
import sys, braze_frames
ours = {name: m for name, m in sys.modules.items() if name.startswith("braze_frames.")}
print(*[name for name, m in ours.items() if not m.__file__.endswith("__init__.py")])
"""
    found = python(code)
    assert len(found) <= 20
    rooms = {name.split(".")[1] for name in found}
    verbs = {"stats", "scores", "experiment", "checks", "plots", "tables", "card"}
    assert not rooms & {*verbs, "portfolio", "wording", "drawing", "scan"}
    of_frames = {name.split(".")[2] for name in found if ".frame." in name}
    assert of_frames == {"levels"}


def test_frames_and_what_can_be_drawn_of_them_need_no_matplotlib():
    code = """
import sys, braze_frames as bf
day = {"time": "2026-03-01", "messages": {"email": [{"sent": 1}]}}
df = bf.read_braze_series({"data": [day]})
print(repr(df.braze) and "rates" in dir(df.braze.plot), bool(repr(df.braze.plot)))
print("matplotlib" in sys.modules)
"""
    assert python(code) == ["True", "True", "False"]


def test_a_full_re_import_is_silent():
    code = """
import sys, pandas as pd, braze_frames
day = {"time": "2026-03-01", "messages": {"email": [{"sent": 1}]}}
pd.read_braze_series({"data": [day]}).braze.totals()
for name in [name for name in sys.modules if name.startswith("braze_frames")]:
    del sys.modules[name]
import braze_frames
new = pd.read_braze_series({"data": [day]})
print(isinstance(new.braze, braze_frames.BrazeAccessor))
"""
    assert python(code) == ["True"]


@pytest.mark.parametrize(
    "foreign",
    [
        "pd.api.extensions.register_dataframe_accessor('braze')(type('X', (), {}))",
        "pd.read_braze_series = lambda: None",
    ],
)
def test_a_foreign_name_gives_one_warning(foreign):
    code = f"""
import warnings, pandas as pd
{foreign}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import braze_frames
print(len(caught), pd.read_braze_series is braze_frames.read_braze_series)
"""
    assert python(code) == ["1", "True"]


def test_the_tour_runs_in_the_terminal():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "braze_frames"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for words in ("Basket Reminder", "df.braze", "jupyterlab", "BRAZE_API_KEY"):
        assert words in done.stdout
