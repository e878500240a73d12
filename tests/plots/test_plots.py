"""What pictures share: panels, looks, head and foot, words where there is nothing."""

import inspect
import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.ticker import PercentFormatter

import braze_frames as bf

from .. import payloads
from ..pictures import (
    METRIC,
    STAT,
    WAYS,
    around,
    contrast,
    drawn,
    every_text,
    figure_of,
    flat,
    foot,
    named,
    outside,
    panels,
    quiet,
    segments,
    shows,
    ticks,
    title,
    touching,
    written,
    zero_line,
)
from ..trials import CONTROL, binomial, counts, response, trial

BOUGHT = "conversion_rate"
OPENED = "unique_open_rate"
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
PLOTS = ["change", "funnel", "lift", "lift_over_time", "rates", "totals"]
ways = pytest.mark.parametrize("way", WAYS)
paneled = pytest.mark.parametrize("way", [way for way in WAYS if way != "lift"])


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


@paneled
def test_campaigns_and_channels_are_panels_with_titles(grid, way):
    picture = WAYS[way](grid)
    assert isinstance(picture, np.ndarray)
    assert picture.dtype == object
    titles = [ax.get_title(loc="left") for ax in picture]
    both = ["x · Email", "x · SMS", "y · Email", "y · SMS"]
    assert titles == (["x", "y"] if way == "funnel" else both)
    assert title(picture)
    assert len(figure_of(picture).axes) == len(titles)


@pytest.mark.parametrize("way", ["rates", "totals", "lift_over_time"])
def test_panels_have_common_days_and_values_of_their_own(rng, way):
    parts = {}
    for name, rate, days in (("x", 0.06, 4), ("y", 0.3, 9)):
        arms = {arm: binomial(rng, rate, 900, days) for arm in ("A", CONTROL)}
        parts[name] = read(arms)
    first, second = WAYS[way](pd.concat(parts, names=["campaign"]))
    assert first.get_xlim() == second.get_xlim()
    assert first.get_ylim() != second.get_ylim()


@paneled
def test_panels_show_the_numbers_of_their_campaign_and_channel(grid, way):
    picture = WAYS[way](grid)
    keys = [("x", None), ("y", None)]
    if way != "funnel":
        keys = [(c, channel) for c in "xy" for channel in ("email", "sms")]
    for (campaign, channel), ax in zip(keys, picture, strict=True):
        part = grid.loc[[campaign]]
        if channel:
            part = part.xs(channel, level="channel", drop_level=False)
        alone = WAYS[way](part)
        for mine, other in zip(ax.lines, alone.lines, strict=True):
            np.testing.assert_array_equal(mine.get_xydata(), other.get_xydata())
        heights = [(bar.get_width(), bar.get_height()) for bar in alone.patches]
        found = [(bar.get_width(), bar.get_height()) for bar in ax.patches]
        np.testing.assert_allclose(found, heights)


@ways
def test_one_panel_is_drawn_where_one_asks_without_head_and_foot(growing, way):
    figure, (left, right) = plt.subplots(1, 2)
    assert WAYS[way](growing, ax=right) is right
    assert right.get_title(loc="left")
    assert shows(right)
    assert not left.has_data()
    assert not figure.texts
    assert plt.get_fignums() == [figure.number]


@ways
def test_what_is_drawn_in_an_axes_of_a_grid_stays_in_its_quarter(growing, way):
    figure, cells = plt.subplots(2, 2, figsize=(14, 9))
    ax = drawn(WAYS[way](growing, ax=cells[0, 1]))
    box = cells[0, 1].get_window_extent()
    for text in [*ax.texts, ax.title]:
        if text.get_text():
            assert text.get_window_extent().x1 <= box.x1 + 12
    assert not touching([text for text in ax.texts if "growing" not in text.get_text()])
    plt.close(figure)


@paneled
@pytest.mark.parametrize("shape", ["index", "columns"])
def test_several_panels_and_one_ax_are_an_error_that_says_how_to_slice(
    grid, way, shape
):
    df = grid if shape == "index" else grid.reset_index()
    _, ax = plt.subplots()
    for _ in range(1 if way == "funnel" else 2):
        with pytest.raises(ValueError, match="do not fit on one ax=") as caught:
            WAYS[way](df, ax=ax)
        how = str(caught.value).partition("slice one out, as in ")[2]
        expression = how.removesuffix(", or leave ax= out")
        df = eval(expression, {"df": df})  # noqa: S307
    assert not ax.has_data()
    assert WAYS[way](df, ax=ax) is ax


def test_more_panels_than_a_picture_holds_are_an_error_that_says_how_to_slice():
    one = payloads.email(payloads.entry("A", sent=9))
    df = bf.read_braze_series({f"c{n:03}": one for n in range(37)})
    with pytest.raises(ValueError, match="37 panels are too many") as caught:
        df.braze.plot.totals("sent")
    how = str(caught.value).partition("slice one out, as in ")[2]
    assert eval(how, {"df": df}).braze.plot.totals("sent").lines  # noqa: S307


# --- where there is little or nothing to draw ---


@ways
def test_an_empty_frame_says_so(frame, way):
    ax = drawn(WAYS[way](frame.iloc[:0]))
    assert written(ax) == ["the frame has no rows"]
    assert title(ax)


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
        ("rates", "no value of conversion rate (by send time) here"),
        ("lift", "no lift: nobody was counted"),
        ("lift_over_time", "no lift of conversion rate (by send time) on any day"),
    ],
)
def test_a_metric_without_any_value_says_so(way, why):
    df = trial({"A": [(0, 0)] * 3, CONTROL: [(0, 0)] * 3})
    ax = drawn(WAYS[way](df))
    assert any(why in flat(text) for text in written(ax))


@ways
def test_three_years_are_drawn_with_few_dates(rng, way):
    arms = {name: binomial(rng, 0.06, 900, 1096) for name in ("A", CONTROL)}
    options = {"stratify": None} if way == "lift_over_time" else {}
    ax = drawn(WAYS[way](read(arms), **options))
    assert shows(ax)
    if way not in ("funnel", "lift"):
        assert 2 <= len(ticks(ax.xaxis)) <= 9
        assert "\n2027" in "".join(ticks(ax.xaxis)), "a year where it changes"


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
    for picture in (plot.lift, plot.lift_over_time, plot.change):
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


# --- head, foot, and what the user says ---


@ways
def test_pictures_have_a_head_at_the_left_a_foot_and_a_text_instead(growing, way):
    picture = drawn(WAYS[way](growing))
    figure = figure_of(picture)
    head = next(text for text in figure.texts if text.get_text() == title(picture))
    assert head.get_fontweight() == "bold"
    assert head.get_window_extent().x0 < 0.03 * figure.bbox.width
    assert around(picture)[0].startswith("Email · 2 May to 30 Jun 2026")
    assert "30 May" in foot(picture)
    said = figure.get_label()
    assert said.startswith(title(picture))
    assert "Email" in said
    assert not outside(picture)


@ways
def test_title_labels_and_size_are_the_users(growing, way):
    own = {"Still Thinking?": "Question", "email": "Mail"}
    picture = WAYS[way](growing, title="Mine: $ 5", labels=own, figsize=(7, 4))
    drawn(picture)
    assert title(picture) == "Mine: $ 5"
    assert figure_of(picture).get_size_inches().tolist() == [7, 4]
    shown = " ".join(text.get_text() for text in every_text(picture))
    assert "Question" in shown
    assert "Still Thinking?" not in shown
    assert around(picture)[0].startswith("Mail")


@ways
@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"labels": {"Stil Thinking?": "x"}}, "nearest: Still Thinking"),
        ({"figsize": (0, 3)}, "figsize="),
        ({"figsize": (3,)}, "figsize="),
        ({"figsize": ("a", 3)}, "figsize="),
    ],
)
def test_wrong_words_of_the_user_are_named(frame, way, options, match):
    with pytest.raises(ValueError, match=match):
        WAYS[way](frame, **options)


@ways
def test_a_figure_of_ones_own_has_its_size(frame, way):
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match="figsize= is of a new figure"):
        WAYS[way](frame, ax=ax, figsize=(3, 3))


# --- looks ---


@pytest.mark.parametrize("way", ["rates", "lift_over_time"])
def test_shares_are_percents(growing, way):
    ax = drawn(WAYS[way](growing))
    assert isinstance(ax.yaxis.get_major_formatter(), PercentFormatter)
    assert all(text.endswith(" %") for text in ticks(ax.yaxis))


def test_amounts_are_no_percents(growing):
    ax = drawn(growing.braze.plot.rates("revenue_per_recipient"))
    assert not any("%" in text for text in ticks(ax.yaxis))


@pytest.mark.parametrize("way", ["rates", "totals", "stacked", "lift_over_time"])
def test_dates_are_days_and_months(growing, way):
    ax = drawn(WAYS[way](growing))
    assert {"1 Jun"} <= {*ticks(ax.xaxis)}
    few = drawn(WAYS[way](growing.loc["2026-05-02":"2026-05-04"]))
    assert ticks(few.xaxis) == ["2 May", "3 May", "4 May"]


def test_six_lines_differ_in_lightness_and_in_the_dark_too():
    df = trial({f"V{n}": [(n, 100)] * 3 for n in range(1, 7)})
    for style in ("default", "dark_background"):
        with plt.style.context(style):
            colors = [*named(df.braze.plot.totals(STAT)).values()]
        luma = sorted(np.dot(to_rgb(color), (0.299, 0.587, 0.114)) for color in colors)
        assert len({*colors}) == 6
        if style == "default":
            assert np.diff(luma).min() > 0.02


def test_colours_follow_the_numbers_in_names():
    df = trial({f"Variant {n}": [(n, 100)] * 3 for n in (1, 2, 10)})
    colors = named(df.braze.plot.totals(STAT))
    two = trial({"Variant 1": [(1, 9)], "Variant 2": [(2, 9)]})
    assert colors["Variant 2"] == named(two.braze.plot.totals(STAT))["Variant 2"]


def test_a_name_has_one_colour_in_all_panels(grid):
    for way in ("rates", "totals", "lift_over_time"):
        colors = [named(ax) for ax in WAYS[way](grid)]
        assert all(found == colors[0] for found in colors)


@ways
def test_nothing_global_is_touched(frame, way):
    before, backend = mpl.rcParams.copy(), mpl.get_backend()
    drawn(WAYS[way](frame))
    drawn(WAYS[way](frame.iloc[:0]))
    assert mpl.rcParams == before
    assert mpl.get_backend() == backend


@ways
@pytest.mark.parametrize("style", ["dark_background", "ggplot", "default"])
def test_all_can_be_read_in_the_users_style(frame, way, style):
    with plt.style.context(style):
        picture = drawn(WAYS[way](frame))
    ground = figure_of(picture).get_facecolor()
    for text in every_text(picture):
        inside = way == "funnel" and text in picture.texts
        assert inside or contrast(text.get_color(), ground) > 0.35, text.get_text()
    if way.startswith("lift"):
        assert contrast(zero_line(picture).get_color(), ground) > 0.7


@ways
def test_settings_of_a_block_are_kept(frame, way):
    with mpl.rc_context({"text.color": "#123456", "font.size": 9.0}):
        picture = drawn(WAYS[way](frame))
        assert mpl.rcParams["font.size"] == 9.0
    head = figure_of(picture).texts[0]
    assert to_hex(head.get_color()) == "#123456"
    assert mpl.rcParams["text.color"] != "#123456"


@ways
def test_nothing_is_written_below_8_points(growing, way):
    picture = drawn(WAYS[way](growing))
    assert min(text.get_fontsize() for text in every_text(picture)) >= 8


def test_the_frame_stays_as_it_is(growing):
    before = growing.copy(deep=True)
    for way in WAYS.values():
        way(growing)
    pd.testing.assert_frame_equal(growing, before)
    assert growing.attrs == before.attrs


# --- what can be drawn ---


def test_plot_lists_its_pictures(frame):
    assert dir(frame.braze.plot) == PLOTS
    assert all(f"{name}(" in repr(frame.braze.plot) for name in PLOTS)
    assert repr(frame.braze.plot()) == repr(frame.braze.plot)
    assert all(inspect.getdoc(getattr(frame.braze.plot, name)) for name in PLOTS)


OF_PICTURES = {"ax", "title", "labels", "figsize"}


@pytest.mark.parametrize(
    ("name", "verb", "own", "without"),
    [
        ("rates", "rates", {"metric", "by", "ci", "top"}, {"metrics"}),
        ("totals", "totals", {"stats", "by", "kind", "top"}, set()),
        ("lift", "lift", set(), {"cumulative"}),
        (
            "lift_over_time",
            "lift",
            {"top"},
            {"cumulative", "sequential", "adjust", "prior", "margin"},
        ),
        ("change", "change", set(), set()),
    ],
)
def test_pictures_take_the_keywords_of_their_verb(frame, name, verb, own, without):
    drawn_by = inspect.signature(getattr(frame.braze.plot, name)).parameters
    asked_by = inspect.signature(getattr(frame.braze, verb)).parameters
    assert set(drawn_by) >= OF_PICTURES
    for key in set(drawn_by) - own - OF_PICTURES:
        assert drawn_by[key].default == asked_by[key].default
        assert drawn_by[key].kind == asked_by[key].kind
    assert set(asked_by) - set(drawn_by) <= without


def test_changes_are_rows_of_a_forest(growing):
    options = {"last": 14, "by": "variation"}
    table = growing.braze.change("unique_open_rate", **options)
    ax = drawn(growing.braze.plot.change("unique_open_rate", **options))
    points = {
        y: x
        for line in ax.lines
        if line.get_marker() == "o"
        for x, y in np.asarray(line.get_xydata()).tolist()
    }
    known = table["change"].dropna().sort_values(ascending=False)
    assert list(points.values()) == known.tolist()
    assert len(panels(ax)) == 1
    assert "14" in around(ax)[0] or "Jun" in around(ax)[0]


# --- what the user passes ---


def test_several_axes_and_a_call_by_text_say_what_to_pass(growing):
    plot = growing.braze.plot
    _, axes = plt.subplots(2, 2)
    for ax, one in ((axes, r"axes\[0, 0\]"), (list(axes[0]), r"axes\[0\]"), (3, "no")):
        for picture, what in ((plot.rates, METRIC), (plot.change, OPENED)):
            with pytest.raises(TypeError, match=one):
                picture(what, ax=ax)
    with pytest.raises(TypeError, match=r"df\.braze\.plot\.totals"):
        plot("totals")


@ways
def test_the_size_of_figures_that_the_user_has_set_stands(growing, way):
    with mpl.rc_context({"figure.figsize": (7.0, 6.5)}):
        assert figure_of(WAYS[way](growing)).get_size_inches().tolist() == [7.0, 6.5]


def test_weekdays_of_a_forest_run_from_monday(growing):
    ax = growing.braze.plot.change(OPENED, by="weekday", last=14)
    assert [text.strip() for text in ticks(ax.yaxis)] == WEEKDAYS


def test_a_small_rate_beside_a_large_one_keeps_its_digits():
    day = [
        payloads.entry("A", delivered=10000, unique_opens=46),
        payloads.entry("B", delivered=10000, unique_opens=9000),
    ]
    df = bf.read_braze_series(payloads.two_days(day, day))
    (small, large) = sorted(written(df.braze.plot.rates(OPENED, ci=None)))
    assert small.endswith("0.46 %")
    assert large.endswith("90 %")


def test_rows_of_a_forest_are_as_high_as_large_letters_ask_for(grid):
    with mpl.rc_context({"font.size": 16}):
        ax = drawn(quiet(grid.braze.plot.lift, BOUGHT))
        boxes = [text.get_window_extent() for text in ax.get_yticklabels()]
    boxes.sort(key=lambda box: -box.y0)
    for upper, lower in itertools.pairwise(boxes):
        assert upper.y0 >= lower.y1


def test_the_head_names_only_whose_numbers_are_drawn():
    sent = {"variation_name": "A", "sent": 1000, "delivered": 900}
    of = {"x": {"sms": [sent]}, "y": {"email": [sent | {"unique_opens": 90}]}}
    parts = {
        name: bf.read_braze_series({"data": [{"time": "2026-03-01", "messages": one}]})
        for name, one in of.items()
    }
    df = pd.concat(parts, names=["campaign"])
    for by in ([], "campaign"):
        opened = df.braze.plot.rates(OPENED, by=by)
        mailed = df.braze.plot.totals("unique_opens", by=by)
        for ax in (opened, mailed):
            assert around(ax)[0].startswith("y · Email · ")
