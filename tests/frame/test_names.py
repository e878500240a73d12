"""What long names are cut to: the same in a frame, its slices and its results."""

import json

import pandas as pd
import pytest

import braze_frames as bf

from ..pictures import quiet
from ..trials import CONTROL, counts, response

LONG = [f"2026-Q2 | DE | Newsletter | Subject {n} | {'x' * 30}" for n in range(3)]
SHORT = [f"… Subject {n} …" for n in range(3)]
METRIC = "conversion_rate_by_send_time"
VERBS = {
    "totals": lambda df: df.braze.totals(),
    "rates": lambda df: df.braze.rates(METRIC, freq="W"),
    "lift": lambda df: quiet(df.braze.lift, METRIC),
    "winner": lambda df: quiet(df.braze.winner, METRIC),
    "tests": lambda df: quiet(df.braze.tests, METRIC, settled=False),
    "check": lambda df: df.braze.check(),
    "srm": lambda df: df.braze.srm(),
}


@pytest.fixture
def df():
    """Read a test whose variations have long names that differ in the middle."""
    arms = {name: counts([(50 + n, 1000)] * 5) for n, name in enumerate(LONG)}
    return bf.read_braze_series(response(arms | {CONTROL: counts([(40, 1000)] * 5)}))


def labels(frame):
    """Return what a frame says of its long names."""
    return frame.attrs["braze"]["labels"]


@pytest.mark.parametrize("verb", VERBS)
def test_results_say_what_the_names_of_the_frame_are_cut_to(df, verb):
    assert labels(VERBS[verb](df)) == {"": dict(zip(LONG, SHORT, strict=True))}


@pytest.mark.parametrize("verb", VERBS)
def test_a_slice_keeps_the_names_of_its_frame(df, verb):
    two = df[df.index.get_level_values("variation").isin([LONG[1], CONTROL])]
    assert labels(VERBS[verb](two))[""][LONG[1]] == SHORT[1]


def test_without_attrs_names_are_those_of_what_is_there(df):
    df.attrs.clear()
    two = df[df.index.get_level_values("variation") != LONG[2]]
    assert labels(two.braze.totals())[""] == dict(zip(LONG[:2], SHORT, strict=False))


def test_names_that_attrs_do_not_know_are_cut_with_the_others(df):
    other = {name: name.replace("Subject", "Other") for name in LONG}
    both = pd.concat([df, df.loc[(slice(None), slice(None), LONG), :].rename(other)])
    both.attrs = df.attrs
    found = labels(both.sort_index().braze.totals())[""]
    assert len({*found.values()}) == 6
    assert any("Other 1" in label for label in found.values())


def test_each_campaign_has_labels_of_its_own(df):
    several = pd.concat({"x": df, "y" * 50: df}, names=["campaign"])
    found = labels(several.reset_index().braze.totals())
    assert found["x"] == found["y" * 50] == dict(zip(LONG, SHORT, strict=True))
    assert found[""] == {"y" * 50: "y" * 39 + "…"}


def test_attrs_stay_small_and_are_json(df):
    assert json.loads(json.dumps(df.attrs)) == df.attrs
    many = {f"{n:04} {'z' * 50}": counts([(5, 100)]) for n in range(501)}
    wide = bf.read_braze_series(response(many))
    assert "labels" not in wide.attrs["braze"]
    assert "labels" not in wide.braze.totals().attrs["braze"]


def test_short_names_need_no_words():
    short = bf.read_braze_series(response({"A": counts([(5, 100)])}))
    assert "labels" not in short.attrs["braze"]
    assert "labels" not in short.braze.totals().attrs["braze"]
