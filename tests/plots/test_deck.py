"""What kept pictures out of a deck: ten kinds of faults, and none of them is back.

The kinds are those of a reader who made ten pictures and could show one. Where more
cases of a kind are tried elsewhere, its test here is the shortest.
"""

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.dates import num2date
from matplotlib.font_manager import fontManager

import braze_frames as bf

from .. import payloads
from ..pictures import (
    METRIC,
    STAT,
    WAYS,
    drawn,
    every_text,
    figure_of,
    flat,
    foot,
    named,
    outside,
    panels,
    quiet,
    seen_texts,
    ticks,
    title,
    touching,
    unescaped,
    written,
)
from ..trials import CONTROL, counts, response, trials

LONG = [f"2026-Q2 | DE | Newsletter | Subject {n} | {'x' * 30}" for n in (1, 2, 3)]
WIDE = ["W" * 400, "WINTER SALE FOR WOMEN " * 18, "$\\frac{1}{0$ " * 30]
ways = pytest.mark.parametrize("way", WAYS)
many = trials(
    {
        f"c{n:02}": {"A": [(5 + n % 3, 90)] * 3, CONTROL: [(5, 90)] * 3}
        for n in range(20)
    }
)


def read(names, days=3):
    """Read a test with a control."""
    arms = {
        name: counts([(50 + n, 1000)] * days, sent=1000, conversions=60)
        for n, name in enumerate([*names, CONTROL])
    }
    return bf.read_braze_series(response(arms))


# --- 1: one label, one variation ---


def test_a_label_means_the_same_in_all_pictures_of_a_frame_and_of_its_slices():
    df = read(LONG)
    two = df[df.index.get_level_values("variation").isin([LONG[1], CONTROL])]
    for way, ask in WAYS.items():
        for frame in (df, two):
            texts = every_text(drawn(ask(frame)))
            shown = " ".join(flat(text.get_text()) for text in texts)
            assert "… Subject 2 …" in shown, way
            assert ("Subject 1" in shown) == (frame is df), way


# --- 2 and 5: bars that can be seen, of one plain colour ---


def test_bars_of_one_period_have_a_width_and_no_hatch():
    for freq in ("D", "W", "MS"):
        picture = read(["A", "B"], 1).braze.plot.totals(STAT, freq=freq, kind="stacked")
        bars = [bar for bars in picture.containers for bar in bars]
        assert all(bar.get_width() >= 0.5 for bar in bars)
        assert not any(bar.get_hatch() for bar in bars)


@ways
def test_nothing_but_words_is_drawn_left_of_the_axis(way):
    picture = drawn(WAYS[way](read(["A", "B"])))
    for ax in panels(picture):
        left = ax.get_window_extent().x0 - 1
        bars = [bar for bars in ax.containers for bar in bars]
        assert all(bar.get_window_extent().x0 >= left for bar in bars)
        assert ax.get_legend() is None


# --- 3: periods that the frame cuts ---


def test_cut_periods_are_hollow_named_in_the_foot_and_never_in_the_future(growing):
    plot = growing.braze.plot
    for ask, what in ((plot.rates, METRIC), (plot.totals, STAT)):
        picture = drawn(ask(what, freq="W"))
        assert "holds 2 of 7 days" in foot(picture)
        last = num2date(picture.get_xticks()[-1]).date()
        assert ticks(picture.xaxis)[-1] == "29 Jun"
        assert last <= pd.Timestamp("2026-07-05").date()
    first, second, *_ = picture.containers[0]
    assert first.get_facecolor() == picture.get_facecolor()
    assert second.get_facecolor() != picture.get_facecolor()


# --- 4: days that still grow ---


def test_days_that_still_grow_are_dashed_under_two_words_and_no_block(growing):
    ax = drawn(growing.braze.plot.rates(METRIC))
    assert written(ax).count("still growing →") == 1
    assert not ax.patches
    assert any(line.get_linestyle() not in ("-", "None") for line in ax.lines)


# --- 6: titles and words ---


@ways
@pytest.mark.parametrize("size", [(10, 5.6), (5, 4)])
def test_a_title_is_never_cut(way, size):
    said = " ".join(f"word{n}" for n in range(40))
    picture = drawn(WAYS[way](read(["A"]), title=said, figsize=size))
    assert title(picture) == said
    assert not outside(picture)


@ways
def test_words_are_peoples_and_not_those_of_the_code(growing, way):
    picture = drawn(WAYS[way](growing))
    for text in every_text(picture):
        assert "_" not in text.get_text()
        assert "holm" not in text.get_text()
    assert "_" not in figure_of(picture).get_label()


# --- 7: many tests ---


def test_many_tests_are_one_panel_that_fits_a_page():
    picture = quiet(many.braze.plot.lift, METRIC)
    assert isinstance(picture, Axes)
    width, height = figure_of(picture).get_size_inches()
    assert width <= 10
    assert height <= 18
    for ask in (WAYS["totals"], WAYS["funnel"]):  # with a panel for each
        assert figure_of(ask(many)).get_size_inches()[1] <= 18


# --- 8: all campaigns together ---


def test_all_together_is_one_line_or_one_row_of_bars():
    for freq in ("D", "W"):
        ax = many.braze.plot.totals(STAT, by=[], freq=freq)
        wanted = many.braze.totals(by=[], freq=freq)[STAT].tolist()
        bars = [[bar.get_height() for bar in one] for one in ax.containers]
        shown = bars[0] if bars else ax.lines[0].get_ydata().tolist()
        assert shown == wanted
    rate = many.braze.plot.rates(METRIC, by=[])
    assert (
        rate.lines[0].get_ydata().tolist()
        == many.braze.rates(METRIC, by=[], freq="D").tolist()
    )


# --- 9: many lines ---


def test_of_many_lines_the_largest_have_colours_of_their_own():
    day = [payloads.entry(f"Variant {n}", sent=100 + n) for n in range(12)]
    df = bf.read_braze_series(payloads.two_days(day, day))
    ax = df.braze.plot.totals("sent")
    grey = {line.get_color() for line in ax.lines if line.get_linewidth() <= 1}
    colors = [line.get_color() for line in ax.lines if line.get_linewidth() > 1]
    assert len({*colors}) == len(colors) == 6
    assert len(grey) == 1
    listed = foot(ax).partition("smaller ones (")[2]
    assert listed.startswith("Variant 0, Variant 1, Variant 2, Variant 3")


def test_labels_of_bars_stand_in_the_order_of_the_bars():
    day = [payloads.entry(f"V{n}", sent=10 * n) for n in (2, 9, 4)]
    ax = drawn(
        bf.read_braze_series(payloads.two_days(day, day)).braze.plot.totals(
            "sent", kind="stacked"
        )
    )
    places = sorted((text.xyann[1], text.get_text()[:2]) for text in ax.texts)
    assert [name for _, name in places] == ["V9", "V4", "V2"] == [*named(ax)]


@ways
def test_campaigns_stand_in_the_order_of_their_numbers(way):
    names = [f"Campaign {n}" for n in (1, 2, 10)]
    df = pd.concat(dict.fromkeys(names, read(["A"])), names=["campaign"])
    picture = drawn(WAYS[way](df))
    heads = [ax.get_title(loc="left").partition(" ·")[0] for ax in panels(picture)]
    if way == "lift":
        heads = [text for text in ticks(picture.yaxis) if text.startswith("Camp")]
    assert heads == names


# --- 10: what the user says ---


@ways
@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"title": 3}, TypeError, "title=3 is no text"),
        ({"labels": ["A"]}, TypeError, "pass a mapping"),
        ({"labels": {"A": "x", "B": "x"}}, ValueError, "'x' for several of variation"),
        ({"labels": {"A": "B"}}, ValueError, "A, B; each needs a label of its own"),
        ({"figsize": "large"}, ValueError, r"pass \(width, height\)"),
        ({"figsize": (float("nan"), 3)}, ValueError, r"pass \(width, height\)"),
    ],
)
def test_wrong_words_are_our_errors(way, options, error, match):
    before = plt.get_fignums()
    with pytest.raises(error, match=match):
        WAYS[way](read(["A", "B"]), **options)
    assert plt.get_fignums() == before, "no figure is left behind"


# --- what is drawn, measured ---


@ways
@pytest.mark.parametrize("campaigns", [1, 2])
def test_nothing_is_outside_and_no_words_touch_whatever_the_names_are(way, campaigns):
    df = pd.concat(
        {f"{n}{WIDE[n]}": read(WIDE, 20) for n in range(campaigns)}, names=["campaign"]
    )
    picture = drawn(WAYS[way](df))
    figure = figure_of(picture)
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(box.x0, box.y0, width - box.x1, height - box.y1) > -0.02
    assert not outside(picture)
    assert not touching(seen_texts(picture))


@ways
def test_an_alternative_text_says_what_is_shown_also_in_an_axes_of_ones_own(way):
    df = read(["Red & Co", "B"])
    _, ax = plt.subplots()
    for label in (
        figure_of(WAYS[way](df, title="Mine")).get_label(),
        WAYS[way](df, ax=ax, title="Mine").get_label(),
    ):
        assert label.startswith("Mine. ")
        assert label.endswith(".")
        assert "Email" in label
        assert "2026" in label


LAST = "Last Resort High-Efficiency"


@pytest.mark.skipif(
    LAST not in {font.name for font in fontManager.ttflist},
    reason="this matplotlib has no font of boxes; a newer one brings it",
)
@ways
def test_signs_that_no_font_has_are_boxes_and_no_noise(way):
    with plt.rc_context({"font.family": ["DejaVu Serif"]}):
        picture = WAYS[way](read(["二〇二六年", "🎉 sale", "ไทย"]))
        figure_of(picture).canvas.draw()  # where any warning is an error
    texts = [t for t in every_text(picture) if "二" in unescaped(t.get_text())]
    assert texts
    assert all(text.get_fontfamily()[0] == "DejaVu Serif" for text in texts)


@pytest.mark.parametrize("theme", ["dark_background", "ggplot", "tuples"])
def test_colours_of_the_users_theme_are_taken_however_they_are_written(growing, theme):
    cycle = plt.cycler(color=[(0.3, 0.4, 0.7), (0.9, 0.5, 0.3)])  # as seaborn does
    own = {"axes.prop_cycle": cycle} if theme == "tuples" else theme
    with plt.style.context(own):
        first = to_hex(plt.rcParams["axes.prop_cycle"].by_key()["color"][0])
        for way, ask in WAYS.items():
            if way in ("rates", "totals", "stacked"):
                colors = named(panels(drawn(ask(growing)))[0]).values()
                assert first in colors
