"""``df.braze``: where it works, what it says of itself, what it refuses."""

import ast
import importlib
import inspect
import pydoc
import subprocess
import sys
import warnings

import pandas as pd
import pytest

import braze_frames as bf

WHOLE = pd.IndexSlice


def test_it_lists_what_is_in_the_frame(frame):
    assert frame.braze.channels == ["email"]
    assert frame.braze.variations == [
        "10% Off Your Basket",
        "Control Group",
        "Still Thinking?",
    ]
    assert frame.braze.campaigns == []
    assert frame.braze.control == "Control Group"


def test_filtered_frames_list_only_what_is_left(frame):
    left = frame[frame["sent"].notna()]
    assert left.braze.control is None
    assert "Control Group" not in left.braze.variations


def test_several_campaigns_have_a_control_each(frame):
    plain = frame.drop("Control Group", level="variation")
    joined = pd.concat({"x": frame, "y": plain}, names=["campaign"])
    assert joined.braze.control == {"x": "Control Group", "y": None}
    assert joined.braze.campaigns == ["x", "y"]


def test_the_control_is_known_by_who_is_enrolled_whatever_its_name():
    entries = [
        {"variation_name": "Kontrollgruppe", "enrolled": 5},
        {"variation_name": "Control Group", "sent": 5},
    ]
    day = {"time": "2026-03-01", "messages": {"email": entries}}
    frame = bf.read_braze_series({"data": [day]})
    assert frame.braze.control == "Kontrollgruppe"


@pytest.mark.parametrize(
    "change",
    [
        lambda df: df.iloc[5:20],
        lambda df: df[df["sent"].notna()],
        lambda df: df.reset_index(),
        lambda df: df.reset_index("channel"),
        lambda df: df.reorder_levels(["variation", "date", "channel"]),
        lambda df: df.xs("email", level="channel", drop_level=False),
        lambda df: df.loc["2026-05-01":"2026-05-07"],
        lambda df: df.iloc[:0],
        lambda df: pd.concat({"a": df}, names=["campaign"]),
    ],
)
def test_it_works_on_whatever_keeps_the_levels(frame, change):
    changed = change(frame)
    assert hasattr(changed, "braze")
    assert changed.braze.totals(by=[])["sent"].sum() == changed["sent"].sum()
    assert repr(changed.braze).startswith("df.braze")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda df: df.xs("email", level="channel"), "lacks channel"),
        (lambda df: df.droplevel("date"), "lacks date"),
        (lambda df: pd.DataFrame({"a": [1]}), "no named index levels"),
    ],
)
def test_elsewhere_it_says_which_levels_it_found_and_how_to_mend_it(
    frame, change, words
):
    changed = change(frame)
    assert not hasattr(changed, "braze")
    with pytest.raises(bf.FrameError, match=words) as caught:
        changed.braze  # noqa: B018
    assert "drop_level=False" in str(caught.value)
    assert isinstance(caught.value, AttributeError)


def test_the_element_grain_is_told_apart(sandbox, client):
    id_ = sandbox.campaigns["Weekend Deals: Push Story"]
    elements = bf.read_braze_series(id_, grain="element", client=client)
    with pytest.raises(bf.FrameError, match='grain="variation"'):
        elements.braze  # noqa: B018


def test_day_totals_have_the_accessor_without_variations(sandbox, client):
    id_ = sandbox.campaigns["Order Updates"]
    days = bf.read_braze_series(id_, grain="campaign", length=9, client=client)
    assert days.braze.variations == []
    assert days.braze.control is None
    assert "control" not in repr(days.braze)
    assert days.reset_index().braze.totals()["conversions"].notna().all()


def test_the_card_says_days_labels_control_and_verbs(frame):
    card = repr(frame.braze)
    for words in ("2026-04-27 … 2026-05-24 (28)", "Control Group", "2026-05-30"):
        assert words in card
    assert "totals" in card


def test_the_card_says_so_where_nothing_is_known_of_settling(frame):
    copy = frame.copy()
    copy.attrs.clear()
    assert "not known" in repr(copy.braze)


def test_rows_that_stand_twice_have_neither_card_nor_control(frame):
    twice = pd.concat([frame, frame])
    for ask in (repr, lambda found: found.control):
        with pytest.raises(bf.FrameError, match=r"(?s)stands twice.*pd\.concat"):
            ask(twice.braze)


def test_the_card_escapes_names():
    nasty = "<script>alert(1)</script>$x$"
    entry = {"variation_name": nasty, "sent": 1}
    day = {"time": "2026-03-01", "messages": {"<b>": [entry]}}
    frame = bf.read_braze_series({"data": [day]})
    html = frame.braze._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert "tex2jax_ignore" in html


def test_completion_offers_the_verbs_and_nothing_private(frame):
    offered = dir(frame.braze)
    assert {"totals", "control", "campaigns", "channels", "variations"} <= set(offered)
    assert {"rates", "lift", "winner", "srm", "check", "settled"} <= set(offered)
    assert not [name for name in offered if name.startswith("_")]


def test_methods_show_the_signature_and_docstring_of_their_function():
    assert list(inspect.signature(bf.BrazeAccessor.totals).parameters)[1:] == [
        "by",
        "freq",
        "whole",
    ]
    assert "Sum stats over days" in bf.BrazeAccessor.totals.__doc__


def test_help_shows_what_the_functions_themselves_say(frame):
    text = pydoc.render_doc(bf.BrazeAccessor, renderer=pydoc.plaintext)
    assert "Sum stats over days" in text
    assert "lift = " not in text, "a method, no attribute that happens to be callable"
    assert list(inspect.signature(frame.braze.lift).parameters)[:2] == [
        "metric",
        "control",
    ]
    assert "forest" in inspect.getdoc(frame.braze.plot.lift).lower()


def test_a_verb_is_imported_when_it_is_first_looked_at():
    code = """
import sys, inspect, braze_frames as bf
print("braze_frames.experiment.lift" in sys.modules)
print(inspect.signature(bf.BrazeAccessor.lift).parameters["metric"].name)
print("braze_frames.experiment.lift" in sys.modules, bf.BrazeAccessor.lift.__module__)
"""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    found = ["False", "metric", "True", "braze_frames.experiment.lift"]
    assert done.stdout.split() == found


def test_types_and_run_time_take_a_verb_from_the_same_place():
    tree = ast.parse(inspect.getsource(sys.modules["braze_frames.accessor"]))
    guard = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        alias.asname or alias.name: f"{node.module}:{alias.name}"
        for node in guard.body
        for alias in node.names
    }
    lazy = {
        node.targets[0].id: f"braze_frames.{node.value.args[0].value}"
        for node in guard.orelse
    }
    assert lazy == typed


def test_the_card_names_each_verb_in_one_group(frame):
    lines = repr(frame.braze).partition("verbs")[2].splitlines()
    groups = [line.strip().partition(": ")[0] for line in lines]
    assert groups[-1] == "plot"
    named = [name for line in lines for name in line.partition(": ")[2].split(", ")]
    places = {"campaigns", "channels", "variations", "control"}
    assert sorted(filter(None, [*named, "plot"])) == sorted(
        {*dir(frame.braze)} - places
    )


def test_pandas_has_the_same_function_and_class(frame):
    assert pd.read_braze_series is bf.read_braze_series
    assert isinstance(frame.braze, bf.BrazeAccessor)


def test_reloading_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        importlib.reload(sys.modules["braze_frames.registration"]).register()
        importlib.reload(bf)
    assert pd.read_braze_series is bf.read_braze_series
