"""The notebooks as a reader sees them: in JupyterLab, in a real browser.

Screenshots of every notebook in the light and the dark theme go to the folder that the
variable ``LAB_SHOTS`` names, and else to pytest's temporary one.
"""

import os
import shutil
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from . import lab
from .stored import NOTEBOOKS, code_cells, is_meant_to_fail, seen

pytestmark = pytest.mark.skipif(bool(lab.missing()), reason=lab.missing())

KERNEL = {"name": "python3", "display_name": "Python 3"}
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

MARKUP = [
    "<script>window.pwned = 1</script>",
    '<img src=x onerror="window.pwned = 1">',
    "</td></table><b>bold</b>",
]
FORMULAS = [r"$\frac{1}{0$", "$a$ and $b$"]
ODD = ["_hidden", "x" * 400, "two\nlines,\ta tab,\x07 a bell", "\u202eturned", "שלום"]

READ = f"""
import warnings

import pandas as pd
from IPython.display import HTML, Math

import braze_frames as bf

warnings.simplefilter("ignore", bf.StatisticsWarning)  # its days are all the same
names = {MARKUP + FORMULAS + ODD}
entries = [
    {{"variation_name": name, "unique_recipients": 900, "sent": 1000, "delivered": 990,
      "unique_opens": 200 + place, "conversions": 40 + place,
      "conversions_by_send_time": 40 + place}}
    for place, name in enumerate(names)
]
entries[-1]["enrolled"] = 900
days = [
    {{"time": f"2026-03-{{day:02}}", "messages": {{"email": entries}}}}
    for day in range(1, 15)
]
df = pd.read_braze_series({{"data": days}})
several = pd.read_braze_series({{name: {{"data": days}} for name in names}})
"""
TABLES = [
    "df",
    "df.braze.lift('conversion_rate')",
    "several.braze.rates('conversion_rate')",
]
STYLED = [
    "bf.style(df)",
    "bf.style(several.braze.totals(by=['campaign', 'variation']))",
    "bf.style(df.braze.rates('conversion_rate', ci=0.95))",
    "bf.style(several.braze.lift('conversion_rate'))",
]
CARDS = ["df.braze", "several.braze"]
PICTURES = [
    "ax = df.braze.plot.rates('conversion_rate')",
    "ax = df.braze.plot.totals('sent', kind='stacked')",
    "ax = df.braze.plot.funnel()",
    "ax = several.loc[names[:2]].braze.plot.lift('conversion_rate')",
    "ax = df.braze.plot.lift_over_time('conversion_rate')",
]
ALARMS = ["HTML('<img src=x onerror=\"window.alarm = 1\">')", "Math('a')"]
HOSTILE = [READ, *TABLES, *STYLED, *CARDS, *PICTURES, *ALARMS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Make the folder that Lab opens: notebooks that have never been run."""
    root = tmp_path_factory.mktemp("notebooks")
    shutil.copytree(NOTEBOOKS[0].parent, root, dirs_exist_ok=True)
    for path in root.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in code_cells(notebook):
            cell.update(outputs=[], execution_count=None)
        nbformat.write(notebook, path)
    cells = [new_code_cell(source) for source in HOSTILE]
    made = new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(made, root / "hostile.ipynb")
    return root


@pytest.fixture(scope="module")
def address(folder, tmp_path_factory):
    """Start Lab."""
    with lab.serve_lab(folder, tmp_path_factory.mktemp("lab")) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    """Start the browser."""
    with lab.open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
    """Make the folder for screenshots."""
    shots = Path(os.environ.get("LAB_SHOTS") or tmp_path_factory.mktemp("shots"))
    shots.mkdir(parents=True, exist_ok=True)
    return shots


@pytest.fixture(scope="module")
def run(address, browser):
    """Return how to open a notebook and run its cells."""

    def run(name):
        notebook = lab.OpenNotebook(browser, address.format(name))
        notebook.run()
        return closing(notebook)

    return run


# The last takes a minute, and shows no other kind of output than these.
SHOWN = [path for path in NOTEBOOKS if not path.stem.startswith("07")]


@pytest.fixture(scope="module", params=SHOWN, ids=lambda path: path.stem)
def path(request):
    """Choose a notebook."""
    return request.param


@pytest.fixture(scope="module")
def notebook(path, run):
    """Run a notebook of ours."""
    with run(path.name) as notebook:
        yield notebook


@pytest.fixture(scope="module")
def hostile(run):
    """Show names that want to be more than names."""
    with run("hostile.ipynb") as notebook:
        yield notebook


@pytest.fixture(scope="module")
def quickstart(run):
    """Run the first notebook, to type into it."""
    with run(NOTEBOOKS[0].name) as notebook:
        yield notebook


def code(cells):
    """Return the cells with code."""
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_every_cell_runs_once_from_top_to_bottom(notebook):
    counts = [cell["execution_count"] for cell in code(notebook.cells)]
    assert counts == list(range(1, len(counts) + 1))


def test_nothing_fails_but_what_is_meant_to(notebook):
    for cell in code(notebook.cells):
        failed = any(output["output_type"] == "error" for output in cell["outputs"])
        assert failed == is_meant_to_fail(cell), cell["source"]


def test_nothing_is_said_on_stderr(notebook):
    outputs = [output for cell in code(notebook.cells) for output in cell["outputs"]]
    assert not [output for output in outputs if output.get("name") == "stderr"]


@pytest.mark.parametrize("theme", THEMES)
def test_all_stored_tables_and_images_are_there_again(notebook, path, theme, shots):
    notebook.change_theme(THEMES[theme])
    stored = nbformat.read(path, as_version=4)
    assert notebook.see() == [seen(cell) for cell in stored.cells]
    notebook.shoot(shots / f"{path.stem}.{theme}.png")
    assert notebook.page_errors == []


def test_tab_offers_the_verbs_the_labels_and_the_pictures(quickstart, frame):
    assert set(quickstart.complete("df.braze.")) == set(dir(frame.braze))
    offered = quickstart.complete("df.braze.plot.")
    assert set(offered) == set(dir(frame.braze.plot))


@pytest.mark.parametrize(
    ("call", "parameter", "words"),
    [
        ("df.braze.lift(", "metric", "Compare variations with their control"),
        ("df.braze.plot.rates(", "metric", "Draw a rate along days"),
        ("pd.read_braze_series(", "source", "Read daily campaign"),
    ],
)
def test_shift_tab_explains_a_call(quickstart, call, parameter, words):
    told = quickstart.explain(call)
    assert call in told
    assert f"{parameter}:" in told
    assert words in told


def test_names_that_are_scripts_do_not_run(hostile, shots):
    hostile.see()
    hostile.shoot(shots / "hostile.png")
    assert hostile.page.wait_for_function("window.alarm"), "a script would have run"
    assert hostile.page.evaluate("window.pwned") is None
    assert hostile.page_errors == []


@pytest.mark.parametrize("source", [*TABLES, *STYLED, *CARDS])
def test_names_that_are_markup_are_shown_as_text(hostile, source):
    place = HOSTILE.index(source)
    hostile.look_at(place)
    assert [name for name in MARKUP if name not in hostile.read(place)] == []
    assert hostile.count(place, "img, script, b") == 0


@pytest.mark.parametrize("source", [*STYLED, *CARDS])
def test_names_that_look_like_formulas_are_shown_as_text(hostile, source):
    place = HOSTILE.index(source)
    hostile.see()
    hostile.page.locator("mjx-container").last.wait_for()
    assert hostile.count(len(HOSTILE) - 1, "mjx-container") == 1
    assert hostile.count(place, "mjx-container") == 0
    assert [name for name in FORMULAS if name not in hostile.read(place)] == []


@pytest.mark.parametrize("source", PICTURES)
def test_names_of_any_kind_are_drawn(hostile, source):
    place = HOSTILE.index(source)
    assert hostile.look_at(place) == {"tables": 0, "images": 1}
    (output,) = hostile.cells[place]["outputs"]
    assert output["output_type"] == "display_data"
