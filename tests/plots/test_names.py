"""Pictures with names that are markup, formulas, invisible or too long."""

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
    every_text,
    figure_of,
    flat,
    outside,
    panels,
    ticks,
    unescaped,
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
LONG = [f"2026-Q2 | DE | Newsletter | Subject {n} | {'x' * 30}" for n in range(3)]
names = st.sampled_from([*NASTY, SPLIT]) | st.text(min_size=1, max_size=80)
# pandas 2 takes names for equal that are alike up to a NUL
several = st.lists(names, min_size=1, max_size=3, unique_by=lambda n: n.split("\0")[0])
few = settings(max_examples=10, deadline=None)
ways = pytest.mark.parametrize("way", WAYS)


def read(variations):
    """Read three days of a test with a control."""
    arms = {
        name: counts([(50 + n, 1000)] * 3, sent=1000, conversions=60)
        for n, name in enumerate([*variations, CONTROL])
    }
    return bf.read_braze_series(response(arms))


def check_texts(picture):
    """Check that all texts are drawn to the letter, of seen signs, and not cut."""
    for text in every_text(picture):
        shown = text.get_text()
        assert not is_math_text(shown), shown
        assert shown.strip()
        assert all(line.isprintable() for line in shown.split("\n"))
    assert not outside(picture)


def names_in(way, picture):
    """Return what is written for variations: left of a forest, else in the panel."""
    if way == "lift":
        return [unescaped(text).strip() for text in ticks(picture.yaxis)]
    if way == "funnel":
        bold = [text for text in picture.texts if text.get_fontweight() == "bold"]
        return [flat(unescaped(text.get_text())) for text in bold]
    texts = [flat(text) for text in written(picture)]
    return [text.rpartition(" ")[0].rpartition(" ")[0] or text for text in texts]


@ways
def test_variations_of_any_name_are_drawn_to_the_letter(way):
    check_texts(drawn(WAYS[way](read(NASTY))))


@pytest.mark.parametrize("way", ["funnel", "lift"])
def test_variations_of_any_name_are_told_apart(way):
    df = read(NASTY)
    found = names_in(way, drawn(WAYS[way](df)))
    assert len({*found}) == len(found) >= len(df.braze.variations) - 1
    for name in ("_hidden", "two lines", "(no name)", "nul"):
        assert name in found


@ways
def test_a_long_name_has_the_same_label_in_every_picture(way):
    picture = drawn(WAYS[way](read(LONG)))
    shown = " ".join(flat(text.get_text()) for text in every_text(picture))
    for n in range(3):
        assert f"… Subject {n} …" in shown
    assert "(2)" not in shown


def test_labels_are_of_all_variations_that_the_frame_has():
    df = read([*LONG, LONG[0].replace("Subject", "Other")])
    alone = drawn(df.braze.plot.totals(STAT, labels={LONG[1]: "Mine"}))
    texts = [text.partition("  ")[0] for text in written(alone)]
    assert "Mine" in texts
    assert any("Other 0" in text for text in texts)


@ways
def test_campaigns_of_any_name_stand_in_the_picture(way):
    some = NASTY[2:8]
    df = pd.concat(dict.fromkeys(some, read(["A"])), names=["campaign"])
    picture = drawn(WAYS[way](df))
    check_texts(picture)
    if way == "lift":
        heads = [t for t in picture.get_yticklabels() if t.get_fontweight() == "bold"]
    else:
        heads = [ax.title for ax in panels(picture)]
        heads = [ax.get_title(loc="left") for ax in panels(picture)]
    assert len({str(head) for head in heads}) == len(some)


@pytest.mark.parametrize("way", ["rates", "totals", "stacked", "funnel", "lift"])
def test_a_channel_of_any_name_stands_in_the_head(way):
    for name in ("$\\frac{1}{0$", "a" * 400, "x\n\x00y"):
        arms = {"A": counts([(5, 100)], sent=100), CONTROL: counts([(4, 100)])}
        df = bf.read_braze_series(response(arms, channel=name))
        check_texts(drawn(WAYS[way](df)))


@ways
def test_names_that_are_alike_up_to_a_nul_break_nothing(way):
    check_texts(drawn(WAYS[way](read(["nul", "nul\x00"]))))


@pytest.mark.parametrize("name", [NASTY[2], NASTY[6], NASTY[13], NASTY[17], SPLIT])
def test_stats_and_rates_may_have_any_name(name):
    df = read(["A"])
    df[name] = pd.array([2] * len(df), "Int64")  # as counts that nobody knows are
    check_texts(drawn(df.braze.plot.rates({name: (name, name)})))
    check_texts(drawn(df.braze.plot.totals([name, STAT])))


def test_what_is_missing_is_named_to_the_letter():
    df = read(["A"])
    df[SPLIT] = pd.array([pd.NA] * len(df), "Int64")
    ax = drawn(df.braze.plot.totals(SPLIT))
    (text,) = written(ax)
    assert text.replace("\n", "") == f"no value of {SPLIT} here"


@few
@given(st.sampled_from(sorted(WAYS)), several, names, names)
def test_no_name_breaks_a_picture(way, variations, campaign, stat):
    plt.close("all")
    df = read([name for name in variations if name != CONTROL])
    df = pd.concat({campaign: df}, names=["campaign"]).assign(**{stat: 2.0})
    for picture in (WAYS[way](df), df.braze.plot.rates({stat: (stat, "sent")})):
        check_texts(drawn(picture))
        assert figure_of(picture).get_label().isprintable()
