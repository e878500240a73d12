"""What pictures share: panels, looks, words where there is nothing to see."""

import inspect

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import ConciseDateFormatter
from matplotlib.ticker import PercentFormatter

import braze_frames as bf

from .. import payloads
from ..pictures import (
    METRIC,
    STAT,
    WAYS,
    contrast,
    drawn,
    entry_texts,
    every_text,
    flat,
    segments,
    shows,
    sign,
    ticks,
    written,
    zero_line,
)
from ..trials import CONTROL, binomial, counts, response, trial

BOUGHT = "conversion_rate"
PLOTS = ["funnel", "lift", "lift_over_time", "rates", "totals"]
ways = pytest.mark.parametrize("way", WAYS)


def read(arms, channel="email"):
    """Read a test with sends: variation → (conversions, people) for each day."""
    entries = {
        name: counts(days, sent=950, conversions=70) for name, days in arms.items()
    }
    return bf.read_braze_series(response(entries, channel=channel))


@pytest.fixture
def grid(rng):
    """Read two campaigns of two channels, with two variations each."""
    found = {}
    for campaign in "xy":
        arms = {name: binomial(rng, 0.06, 900, 6) for name in ("A", CONTROL)}
        parts = [read(arms, channel) for channel in ("email", "sms")]
        found[campaign] = pd.concat(parts).sort_index()
    return pd.concat(found, names=["campaign"])


# --- panels, and an Axes of one's own ---


@ways
def test_campaigns_and_channels_are_panels_with_titles(grid, way):
    picture = WAYS[way](grid)
    assert isinstance(picture, np.ndarray)
    assert picture.dtype == object
    assert picture.shape == (4,)
    titles = [ax.get_title() for ax in picture]
    assert titles == ["x\nemail", "x\nsms", "y\nemail", "y\nsms"]
    assert picture[0].figure.get_suptitle()
    assert len(picture[0].figure.axes) == 4


@ways
def test_campaigns_of_other_days_and_sizes_have_common_axes_too(rng, way):
    parts = {}
    for name, rate, days in (("x", 0.06, 4), ("y", 0.3, 9)):
        arms = {arm: binomial(rng, rate, 900, days) for arm in ("A", CONTROL)}
        parts[name] = read(arms)
    first, second = WAYS[way](pd.concat(parts, names=["campaign"]))
    assert first.get_xlim() == second.get_xlim()
    if way not in ("funnel", "lift"):
        assert first.get_ylim() == second.get_ylim()


@ways
def test_panels_show_the_numbers_of_their_campaign_and_channel(grid, way):
    picture = WAYS[way](grid)
    for key, ax in zip(grid.index.droplevel([1, 3]).unique(), picture, strict=True):
        part = grid.loc[[key[0]]].xs(key[1], level="channel", drop_level=False)
        alone = WAYS[way](part)
        for mine, other in zip(ax.lines, alone.lines, strict=True):
            np.testing.assert_array_equal(mine.get_xydata(), other.get_xydata())
        widths = [bar.get_width() for bar in alone.patches]
        assert [bar.get_width() for bar in ax.patches] == widths


@ways
def test_one_panel_is_drawn_where_one_asks(frame, way):
    figure, (left, right) = plt.subplots(1, 2)
    assert WAYS[way](frame, ax=right) is right
    assert right.get_title()
    assert shows(right)
    assert not left.has_data()
    assert plt.get_fignums() == [figure.number]


@ways
@pytest.mark.parametrize("shape", ["index", "columns"])
def test_several_panels_and_one_ax_are_an_error_that_says_how_to_slice(
    grid, way, shape
):
    df = grid if shape == "index" else grid.reset_index()
    _, ax = plt.subplots()
    for _ in range(2):
        with pytest.raises(ValueError, match="do not fit on one ax=") as caught:
            WAYS[way](df, ax=ax)
        how = str(caught.value).partition("slice one out, as in ")[2]
        expression = how.removesuffix(", or leave ax= out")
        df = eval(expression, {"df": df})  # noqa: S307
    assert not ax.has_data()
    assert WAYS[way](df, ax=ax) is ax
    assert ax.get_title().endswith("x · email")


def test_more_panels_than_a_picture_holds_are_an_error_that_says_how_to_slice():
    one = payloads.email(payloads.entry("A", sent=9))
    df = bf.read_braze_series({f"c{n:03}": one for n in range(201)})
    with pytest.raises(ValueError, match="201 panels are too many") as caught:
        df.braze.plot.totals("sent")
    how = str(caught.value).partition("slice one out, as in ")[2]
    assert eval(how, {"df": df}).braze.plot.totals("sent").lines  # noqa: S307
    assert plt.get_fignums() == [1]


# --- where there is little or nothing to draw ---


@ways
def test_an_empty_frame_says_so(frame, way):
    ax = drawn(WAYS[way](frame.iloc[:0]))
    assert written(ax) == ["the frame has no rows"]
    assert ax.get_title()


@ways
def test_one_day_is_enough(frame, way):
    ax = drawn(WAYS[way](frame.loc["2026-04-27":"2026-04-27"]))
    assert shows(ax)
    low, high = ax.get_xlim()
    assert low < high


def test_a_single_day_is_a_point_with_a_bar(frame):
    day = frame.loc["2026-04-27":"2026-04-27"]
    ax = day.braze.plot.rates(METRIC)
    table = day.braze.rates(METRIC, "variation", ci=0.95)
    found = {(low[1], high[1]) for low, high in segments(ax)}
    limits = table[[f"{METRIC}_low", f"{METRIC}_high"]].to_numpy()
    assert found == {tuple(pair) for pair in limits.tolist()}
    assert all(line.get_markevery() == [0] for line in ax.lines)


@ways
def test_one_variation_is_enough_or_the_picture_says_that_it_is_not(frame, way):
    df = frame.xs("Still Thinking?", level="variation", drop_level=False)
    ax = drawn(WAYS[way](df))
    if way.startswith("lift"):
        assert written(ax) == ["one variation only, and nothing to compare it with"]
    else:
        assert shows(ax)


@pytest.mark.parametrize(
    ("way", "why"),
    [
        ("rates", f"no value of {METRIC} here"),
        ("lift", "no lift: nobody was counted"),
        ("lift_over_time", f"no lift of {METRIC} on any day"),
    ],
)
def test_a_metric_without_any_value_says_so(way, why):
    df = trial({"A": [(0, 0)] * 3, CONTROL: [(0, 0)] * 3})
    ax = drawn(WAYS[way](df))
    (text,) = written(ax)
    assert why in flat(text)
    if way != "lift":
        assert "A (no data)" in entry_texts(ax)


@ways
def test_three_years_are_drawn_with_few_dates(rng, way):
    arms = {name: binomial(rng, 0.06, 900, 1096) for name in ("A", CONTROL)}
    options = {"stratify": None} if way == "lift_over_time" else {}
    ax = drawn(WAYS[way](read(arms), **options))
    assert shows(ax)
    assert 2 <= len(ticks(ax.xaxis)) <= 12


def test_what_does_not_exist_is_our_error(frame):
    plot = frame.braze.plot
    for picture in (plot.rates, plot.lift, plot.lift_over_time, plot.totals):
        with pytest.raises(bf.FrameError, match="open_rat"):
            picture("open_rat")
    for picture in (plot.lift, plot.lift_over_time):
        with pytest.raises(bf.FrameError, match="Nobody"):
            picture(METRIC, control="Nobody")


def test_a_picture_shows_one_metric(frame):
    plot = frame.braze.plot
    for picture in (plot.lift, plot.lift_over_time):
        with pytest.raises(TypeError, match="one metric"):
            picture([METRIC, BOUGHT])
    own = {"a": ("sent", "sent"), "b": ("sent", "sent")}
    for asked in (own, {}, [METRIC, BOUGHT]):
        with pytest.raises(ValueError, match="one metric"):
            plot.rates(asked)
    with pytest.raises(ValueError, match="draws nothing"):
        plot.totals([])
    with pytest.raises(ValueError, match="'lines', 'stacked'"):
        plot.totals(STAT, kind="pie")


# --- titles, units, looks ---


@ways
def test_pictures_have_a_title_and_labelled_axes(growing, way):
    ax = drawn(WAYS[way](growing))
    title, channel = ax.get_title().split("\n")
    assert title
    assert channel == "email"
    assert ax.get_xlabel()
    assert ax.get_ylabel() or ticks(ax.yaxis)


@pytest.mark.parametrize("way", ["rates", "lift", "lift_over_time"])
def test_shares_are_percents(growing, way):
    ax = drawn(WAYS[way](growing))
    axis = ax.xaxis if way == "lift" else ax.yaxis
    assert isinstance(axis.get_major_formatter(), PercentFormatter)
    assert all(text.endswith(" %") for text in ticks(axis))


def test_amounts_are_no_percents(growing):
    ax = drawn(growing.braze.plot.rates("revenue_per_recipient"))
    assert not any("%" in text for text in ticks(ax.yaxis))


@pytest.mark.parametrize("way", ["rates", "totals", "stacked", "lift_over_time"])
def test_dates_are_concise(growing, way):
    ax = drawn(WAYS[way](growing))
    assert isinstance(ax.xaxis.get_major_formatter(), ConciseDateFormatter)
    assert len(ticks(ax.xaxis)) <= 9
    few = drawn(WAYS[way](growing.loc["2026-05-02":"2026-05-04"]))
    assert not any(":" in text for text in ticks(few.xaxis))


@pytest.mark.parametrize("count", [3, 6, 10])
def test_lines_differ_in_more_than_colour(count):
    df = trial({f"V{n}": [(n, 100)] * 3 for n in range(count)})
    ax = df.braze.plot.totals(STAT)
    assert len({line.get_marker() for line in ax.lines}) == count
    assert len({sign(line)[0] for line in ax.lines}) == count


@pytest.mark.parametrize("count", [12, 25])
def test_many_lines_look_different_each(count):
    df = trial({f"V{n}": [(n, 100)] * 3 for n in range(count)})
    lines = df.braze.plot.totals(STAT)
    assert len({sign(line) for line in lines.lines}) == count
    areas = df.braze.plot.totals(STAT, kind="stacked")
    looks = {(tuple(a.get_facecolor()[0]), a.get_hatch()) for a in areas.collections}
    assert len(looks) == count
    bars = df.braze.plot.funnel()
    looks = {(bar.get_facecolor(), bar.get_hatch()) for bar in bars.patches}
    assert not looks, "nothing of this was sent"


def test_a_name_looks_the_same_in_all_panels(grid):
    for way in ("rates", "totals", "lift_over_time"):
        looks = [[sign(line) for line in ax.lines] for ax in WAYS[way](grid)]
        assert all(look == looks[0] for look in looks)


@pytest.mark.parametrize("way", ["rates", "totals", "stacked", "funnel"])
def test_many_names_stand_beside_the_panels_that_they_are_of(way):
    days = [(9, 100)] * 3
    df = pd.concat(
        {name: read({f"{name}{n}": days for n in range(7)}) for name in "xy"},
        names=["campaign"],
    )
    picture = WAYS[way](df)
    for ax, name in zip(picture, "xy", strict=True):
        texts = [text.get_text() for text in ax.get_legend().get_texts()]
        assert texts == [f"{name}{n}" for n in range(7)]
    drawn(picture)
    first, second = (ax.get_window_extent() for ax in picture)
    beside = picture[0].get_legend().get_window_extent()
    assert first.x1 <= beside.x0 < beside.x1 <= second.x0
    assert beside.y0 >= first.y0 - 1


# --- nothing but the figure ---


@ways
def test_nothing_global_is_touched(frame, way):
    before, backend = mpl.rcParams.copy(), mpl.get_backend()
    drawn(WAYS[way](frame))
    drawn(WAYS[way](frame.iloc[:0]))
    assert mpl.rcParams == before
    assert mpl.get_backend() == backend


@ways
def test_all_can_be_read_on_a_dark_background(frame, way):
    with plt.style.context("dark_background"):
        picture = drawn(WAYS[way](frame))
    figure = picture.figure
    texts = every_text(picture)
    assert texts
    ground = figure.get_facecolor()
    assert min(contrast(text.get_color(), ground) for text in texts) > 0.5
    for line in picture.lines:
        assert contrast(line.get_color(), ground) > 0.3
    if way.startswith("lift"):
        assert contrast(zero_line(picture).get_color(), ground) > 0.9


@ways
def test_settings_of_a_block_are_kept(frame, way):
    with mpl.rc_context({"text.color": "#123456", "font.size": 7.0}):
        picture = drawn(WAYS[way](frame))
        assert mpl.rcParams["font.size"] == 7.0
    assert picture.title.get_color() == "#123456"
    assert mpl.rcParams["text.color"] != "#123456"


def test_the_frame_stays_as_it_is(growing):
    before = growing.copy(deep=True)
    for way in WAYS.values():
        way(growing)
    pd.testing.assert_frame_equal(growing, before)
    assert growing.attrs == before.attrs


# --- what can be drawn ---


def test_plot_lists_its_pictures(frame):
    assert dir(frame.braze.plot) == PLOTS
    assert repr(frame.braze.plot) == f"df.braze.plot: {', '.join(PLOTS)}"
    assert all(inspect.getdoc(getattr(frame.braze.plot, name)) for name in PLOTS)


@pytest.mark.parametrize(
    ("name", "verb", "own"),
    [
        ("rates", "rates", {"ax", "metric", "by", "ci"}),
        ("totals", "totals", {"ax", "stats", "by", "kind"}),
        ("lift", "lift", {"ax"}),
        ("lift_over_time", "lift", {"ax"}),
    ],
)
def test_pictures_take_the_keywords_of_their_verb(frame, name, verb, own):
    drawn_by = inspect.signature(getattr(frame.braze.plot, name)).parameters
    asked_by = inspect.signature(getattr(frame.braze, verb)).parameters
    for key in set(drawn_by) - own:
        assert drawn_by[key].default == asked_by[key].default
        assert drawn_by[key].kind == asked_by[key].kind
    missing = {
        "lift": {"cumulative"},
        "lift_over_time": {"cumulative", "sequential", "adjust", "prior"},
    }
    if verb == "lift":
        assert set(asked_by) - set(drawn_by) == missing[name]
