"""Pictures with names that are markup, formulas, invisible or too long."""

from itertools import pairwise

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.cbook import is_math_text

import braze_frames as bf

from ..pictures import (
    STAT,
    WAYS,
    drawn,
    entry_texts,
    every_text,
    flat,
    panels,
    ticks,
    written,
)
from ..trials import CONTROL, counts, response

NASTY = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "$\\frac{1}{0$",
    "$a$ and $b$",
    "a\\$b$",
    "_hidden",
    "a" * 400,
    "a" * 399 + "b",
    "a" * 200 + "c" + "a" * 199,
    "🎉 emoji",
    "你好",
    "שלום",
    "\u202eturned",
    "two\nlines",
    "tab\tstop",
    "bell\x07 and nul\x00",
    "nul\x00",
    " ",
    "  ",
    "%s {0} {{x}}",
]
SPLIT = "a" + "$" * 200 + "\\frac{1}{0" + "$" * 189
names = st.sampled_from([*NASTY, SPLIT]) | st.text(min_size=1, max_size=80)
# pandas 2 takes names for equal that are alike up to a NUL
several = st.lists(names, min_size=1, max_size=3, unique_by=lambda n: n.split("\0")[0])
few = settings(max_examples=15, deadline=None)
ways = pytest.mark.parametrize("way", WAYS)


def read(variations):
    """Read three days of a test with a control."""
    arms = {
        name: counts([(50 + n, 1000)] * 3, sent=1000, conversions=60)
        for n, name in enumerate([*variations, CONTROL])
    }
    return bf.read_braze_series(response(arms))


def unescaped(text):
    """Return a text as matplotlib draws it, where it is no formula."""
    assert not is_math_text(text), text
    return text.replace("\\$", "$")


def check_texts(picture):
    """Check that all texts are drawn to the letter, short and of seen signs."""
    for text in every_text(picture):
        shown = unescaped(text.get_text())
        assert shown.strip()
        for line in shown.split("\n"):
            assert line.isprintable()
            assert len(line) <= 80


def check_entries(picture, count):
    """Check that each line has an entry of its own in the legend."""
    texts = entry_texts(picture)
    assert len(set(texts)) == len(texts)
    named = [text for text in texts if not text.endswith(("interval", "look", "valid"))]
    assert len(named) == count


def drawn_names(way, picture):
    """Return what is written for variations: in legends, or beside a forest."""
    return ticks(picture.yaxis) if way == "lift" else entry_texts(picture)


@ways
def test_variations_of_any_name_are_drawn_and_told_apart(way):
    df = read(NASTY)
    picture = drawn(WAYS[way](df))
    check_texts(picture)
    found = drawn_names(way, picture)
    assert len({unescaped(text) for text in found}) == len(found)
    assert len(found) >= len(df.braze.variations) - 1
    shown = [unescaped(text) for text in found]
    for name in ("$\\frac{1}{0$", "_hidden", "a\\$b$", "two lines", "(no name)", "nul"):
        assert name in shown
    assert not any("\n" in text or "\x00" in text for text in found)


@ways
def test_campaigns_of_any_name_have_a_title_each(way):
    some = NASTY[2:10]
    df = pd.concat(dict.fromkeys(some, read(["A"])), names=["campaign"])
    titles = [ax.get_title() for ax in panels(WAYS[way](df))]
    assert len({unescaped(title) for title in titles}) == len(some)
    assert all(title.isprintable() for title in map(flat, titles))
    first = drawn(WAYS[way](df.loc[some[:2]]))
    check_texts(first)


@pytest.mark.parametrize("way", ["rates", "totals", "stacked", "funnel", "lift"])
def test_a_channel_of_any_name_stands_in_the_title(way):
    for name in ("$\\frac{1}{0$", "a" * 400, "x\n\x00y"):
        arms = {"A": counts([(5, 100)], sent=100), CONTROL: counts([(4, 100)])}
        df = bf.read_braze_series(response(arms, channel=name))
        if way in ("rates", "lift"):
            with pytest.raises(bf.FrameError, match="has no"):
                WAYS[way](df)
        else:
            check_texts(drawn(WAYS[way](df)))


@ways
def test_names_that_are_alike_up_to_a_nul_break_nothing(way):
    picture = drawn(WAYS[way](read(["nul", "nul\x00"])))
    check_texts(picture)
    if way == "lift":
        assert len(ticks(picture.yaxis)) == 2


@pytest.mark.parametrize("name", [*NASTY, SPLIT])
def test_stats_and_rates_may_have_any_name(name):
    df = read(["A"]).assign(**{name: 2.0})
    check_texts(drawn(df.braze.plot.rates({name: (name, name)})))
    picture = df.braze.plot.totals([name, STAT])
    assert len(set(entry_texts(picture))) == len(picture.lines) == 4


def test_what_is_missing_is_named_to_the_letter():
    df = read(["A"]).assign(**{SPLIT: float("nan")})
    ax = drawn(df.braze.plot.totals(SPLIT))
    (text,) = written(ax)
    assert unescaped(text).replace("\n", "") == f"no value of {SPLIT} here"


def test_a_long_formula_is_cut_and_stands_beside_its_panel():
    df = read(["A"]).assign(**{"a" * 400: 2.0})
    ax = drawn(df.braze.plot.rates({"own": ("a" * 400, "sent")}))
    label = ax.yaxis.label.get_window_extent()
    assert label.height <= ax.figure.bbox.height


@pytest.mark.parametrize("way", ["rates", "totals", "lift_over_time"])
def test_labels_of_rows_of_panels_do_not_touch(way):
    df = pd.concat(dict.fromkeys("wxyz", read(["A"])), names=["campaign"])
    picture = drawn(WAYS[way](df))
    boxes = [
        ax.yaxis.label.get_window_extent()
        for ax in picture
        if ax.yaxis.label.get_text()
    ]
    ends = sorted((box.y0, box.y1) for box in boxes)
    assert all(one[1] <= other[0] for one, other in pairwise(ends))


@few
@given(
    st.sampled_from(sorted(WAYS)),
    several,
    names,
    names,
)
def test_no_name_breaks_a_picture(way, variations, campaign, stat):
    plt.close("all")
    df = read([name for name in variations if name != CONTROL])
    count = len(df.braze.variations)
    df = pd.concat({campaign: df}, names=["campaign"]).assign(**{stat: 2.0})
    for picture in (WAYS[way](df), df.braze.plot.rates({stat: (stat, "sent")})):
        check_texts(drawn(picture))
    picture = WAYS[way](df)
    lifts = {"lift": 1, "lift_over_time": count - 1}
    check_entries(picture, lifts.get(way, count))
