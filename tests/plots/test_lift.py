"""Pictures of lifts: points, intervals, columns and stars are what ``lift`` returns."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgba

import braze_frames as bf

from ..pictures import (
    METRIC,
    around,
    bands_of,
    drawn,
    edges,
    foot,
    line_of,
    named,
    panels,
    quiet,
    segments,
    ticks,
    title,
    touching,
    written,
    zero_line,
)
from ..trials import CONTROL, binomial, trial, trials

STAR, POINT = "*", "o"
MINUS = "\N{MINUS SIGN}"
ARMS = {
    "Bad": [(30, 1000)] * 9,
    "Good": [(90, 1000)] * 9,
    "Meh": [(52, 1000)] * 9,
    "Nobody": [(0, 0)] * 9,
    CONTROL: [(50, 1000)] * 9,
}


@pytest.fixture(scope="module")
def mixed():
    """Read a winner, a loser, one that is neither, and one that nobody got."""
    return trial(ARMS)


@pytest.fixture(scope="module")
def endless():
    """Read three days on which the control has no success, and six with some."""
    controls = [(0, 1000)] * 3 + [(20, 1000)] * 6
    return trial({"A": [(50, 1000)] * 9, "B": [(3, 1000)] * 9, CONTROL: controls})


def table_of(df, **options):
    """Return the lifts of a test by variation."""
    return quiet(df.braze.lift, METRIC, **options).droplevel("channel")


def forest_of(df, **options):
    """Return the drawn forest, its rows from the top, and where each stands."""
    ax = drawn(quiet(df.braze.plot.lift, METRIC, **options))
    names = [text.strip() for text in ticks(ax.yaxis)]
    return ax, names, {name: place for place, name in enumerate(names)}


def marked(ax, *markers):
    """Return the markers of some kinds in a panel: y → (x, whether it is filled)."""
    ground, found = to_hex(ax.get_facecolor()), {}
    for line in ax.lines:
        if line.get_marker() in markers:
            filled = to_hex(line.get_markerfacecolor()) != ground
            found |= {y: (x, filled) for x, y in np.asarray(line.get_xydata()).tolist()}
    return found


def beside(ax, place):
    """Return what is written in a row, from the left."""
    texts = [text for text in ax.texts if getattr(text, "xy", (0, None))[1] == place]
    texts.sort(key=lambda text: text.get_window_extent().x0)
    return [text.get_text() for text in texts]


# --- the forest ---


@pytest.mark.parametrize("options", [{}, {"sequential": True}, {"conf_level": 0.8}])
def test_points_and_lines_are_the_lifts_and_their_limits(mixed, options):
    ax, _, places = forest_of(mixed, **options)
    points = marked(ax, POINT)
    lines = {low[1]: (low[0], high[0]) for low, high in segments(ax)}
    for name, row in table_of(mixed, **options).drop("Nobody").iterrows():
        assert points[places[name]][0] == row["lift"]
        assert lines[places[name]] == (row["lift_low"], row["lift_high"])
    assert places["Nobody"] not in points
    assert zero_line(ax).get_xdata() == [0, 0]


def test_rows_are_sorted_best_first_and_those_without_lift_last(mixed):
    _, rows, _ = forest_of(mixed)
    known = table_of(mixed)["lift"].dropna().sort_values(ascending=False)
    assert rows == [*known.index, "Nobody"]


@pytest.mark.parametrize("options", [{}, {"deff": 40.0}, {"conf_level": 0.999}])
def test_points_are_filled_and_starred_exactly_where_significant(mixed, options):
    ax, _, places = forest_of(mixed, **options)
    points = marked(ax, POINT)
    for name, row in table_of(mixed, **options).drop("Nobody").iterrows():
        assert points[places[name]][1] == row["significant"]
        assert beside(ax, places[name])[-1].endswith("*") == row["significant"]


def test_columns_are_both_rates_the_lift_and_the_p_value(mixed):
    ax, _, places = forest_of(mixed)
    heads = beside(ax, -0.85)
    assert heads == ["rate", "control", "lift, 95 % interval", "p"]
    for name, row in table_of(mixed).drop("Nobody").iterrows():
        rate, control, lift, p_value = beside(ax, places[name])
        assert rate == f"{100 * row['rate']:.2f} %"
        assert control == f"{100 * row['control_rate']:.2f} %"
        number = lift.partition(" ")[0].replace(MINUS, "-")
        assert float(number) == pytest.approx(100 * row["lift"], abs=0.051)
        shown = "<.001" if row["p_adjusted"] < 0.001 else f"{row['p_adjusted']:.3f}"
        assert p_value.removesuffix(" *") == shown.removeprefix("0")


def test_amounts_are_no_percents(growing):
    ax = drawn(quiet(growing.braze.plot.lift, "revenue_per_recipient"))
    rate, *_ = beside(ax, 0)
    assert "%" not in rate


def test_a_row_without_lift_says_why(mixed):
    ax, _, _ = forest_of(mixed)
    note = table_of(mixed).loc["Nobody", "note"]
    assert note
    assert f"no lift: {note}" in written(ax)


@pytest.mark.parametrize(
    ("adjust", "said"),
    [("holm", "(Holm)"), ("fdr_bh", "(Benjamini-Hochberg)"), ("none", "below 1 %.")],
)
def test_the_foot_names_level_and_adjustment(mixed, adjust, said):
    ax, _, _ = forest_of(mixed, adjust=adjust, conf_level=0.99)
    assert said in foot(ax)
    assert "below 1 %" in foot(ax)
    assert "lift, 99 % interval" in beside(ax, -0.85)


def test_the_foot_says_that_intervals_are_always_valid(mixed):
    ax, _, _ = forest_of(mixed, sequential=True)
    assert "always valid" in foot(ax)


def test_no_upper_limit_is_an_arrow_at_the_edge(endless):
    early = endless.loc[:"2026-03-04"]
    ax, _, places = forest_of(early)
    table = table_of(early)
    assert np.isinf(table["lift_high"]).all()
    arrows, edge = marked(ax, ">"), ax.get_xlim()[1]
    for name in table.index:
        assert arrows[places[name]][0] == edge
    assert "goes on" in foot(ax)


def test_what_goes_on_far_beyond_the_others_ends_in_an_arrow(rng):
    arms = {f"V{n}": binomial(rng, 0.05, 20_000, 6) for n in range(6)}
    wild = {"Wild": [(3, 20)] * 6}
    df = trial({**arms, **wild, CONTROL: binomial(rng, 0.05, 20_000, 6)})
    ax, _, places = forest_of(df)
    assert ax.get_xlim()[1] < table_of(df).loc["Wild", "lift_high"]
    assert places["Wild"] in marked(ax, ">")


def test_arrows_are_only_where_there_is_no_limit(mixed):
    ax, _, _ = forest_of(mixed)
    assert not marked(ax, ">", "<")
    assert "goes on" not in foot(ax)


def test_what_is_sure_without_an_estimate_says_what_it_is_above(endless):
    early = endless.loc[:"2026-03-04"]
    ax, _, places = forest_of(early)
    for name, row in table_of(early).iterrows():
        assert np.isnan(row["lift"])
        (said,) = [text for text in beside(ax, places[name]) if text.startswith(">")]
        shown = float(said.split(" ")[1].replace(",", ""))
        assert shown == pytest.approx(100 * row["lift_low"], abs=0.051)


def test_nothing_in_a_forest_touches(mixed):
    ax, _, _ = forest_of(mixed)
    assert not touching([*ax.texts, *ax.get_yticklabels()])


def test_pairs_are_rows_with_both_names(mixed):
    ax, rows, _ = forest_of(mixed, pairs=True)
    table = quiet(mixed.braze.lift, METRIC, pairs=True).droplevel("channel")
    assert sorted(rows) == sorted(f"{one} vs {other}" for one, other in table.index)
    assert around(ax)[0].endswith("in pairs")


def test_the_head_says_over_whom(mixed):
    ax, _, _ = forest_of(mixed, control="Meh")
    assert around(ax)[0].endswith("against Meh")
    assert title(ax) == "Lift of conversion rate (by send time)"


def test_all_tests_stand_in_one_panel_under_their_names(rng):
    arms = {name: binomial(rng, 0.06, 900, 6) for name in ("A", "B", CONTROL)}
    df = trials({"x": arms, "y": arms})
    ax, rows, _ = forest_of(df)
    assert isinstance(ax, Axes)
    assert len(panels(ax)[0].figure.axes) == 1
    assert rows[0] == "x"
    assert rows[3] == "y"
    bold = [t.get_text() for t in ax.get_yticklabels() if t.get_fontweight() == "bold"]
    assert bold == ["x", "y"]


def test_more_rows_than_a_picture_holds_say_how_to_slice(rng):
    arms = {name: [(5, 100)] * 2 for name in ("A", "B", CONTROL)}
    df = trials({f"c{n:02}": arms for n in range(13)})
    with pytest.raises(ValueError, match="26 rows are too many, 24 fit") as caught:
        quiet(df.braze.plot.lift, METRIC)
    how = str(caught.value).partition("slice one out, as in ")[2]
    assert quiet(eval(how, {"df": df}).braze.plot.lift, METRIC)  # noqa: S307


def test_warnings_of_lift_are_given_once(growing):
    for picture in (growing.braze.plot.lift, growing.braze.plot.lift_over_time):
        with pytest.warns(bf.StatisticsWarning, match="grow") as caught:
            picture(METRIC)
        assert len([one for one in caught if "grow" in str(one.message)]) == 1


# --- how a lift settled ---


def courses(df, **options):
    """Return the drawn picture, and the table of each day with both intervals."""
    ax = drawn(quiet(df.braze.plot.lift_over_time, METRIC, **options))
    ask = {"cumulative": True, **options}
    once = quiet(df.braze.lift, METRIC, **ask).droplevel("channel")
    always = quiet(df.braze.lift, METRIC, sequential=True, **ask).droplevel("channel")
    return ax, once, always


def test_lines_are_the_cumulative_lifts(mixed):
    ax, once, _ = courses(mixed)
    for name in ("Bad", "Good", "Meh"):
        rows = once.xs(name, level="variation")
        np.testing.assert_array_equal(line_of(ax, name), rows["lift"])
    assert "No lift: Nobody" in foot(ax)
    assert zero_line(ax).get_ydata() == [0, 0]


@pytest.mark.parametrize("options", [{}, {"conf_level": 0.9, "deff": 1.5}])
def test_areas_are_always_valid_and_thin_lines_of_one_look(month, options):
    ax, once, always = courses(month, **options)
    for name in ("A", "B"):
        (band,) = bands_of(ax, name)
        rows = always.xs(name, level="variation")
        known = rows["lift_low"].notna().to_numpy()
        np.testing.assert_allclose(edges(band)["min"], rows["lift_low"][known])
        np.testing.assert_allclose(edges(band)["max"], rows["lift_high"][known])
        thin = [
            line.get_ydata()
            for line in ax.lines
            if line.get_linewidth() < 1 and to_hex(line.get_color()) == named(ax)[name]
        ]
        rows = once.xs(name, level="variation")
        np.testing.assert_array_equal(thin[0], rows["lift_low"])
        np.testing.assert_array_equal(thin[1], rows["lift_high"])


def test_the_foot_names_both_intervals(month):
    ax, _, _ = courses(month, conf_level=0.9)
    assert "Areas: 90 % intervals, always valid; thin lines: of one look" in foot(ax)


def stars_of(ax):
    """Return the stars of a panel: colour → (day, height)."""
    return {
        to_hex(line.get_color()): (line.get_xdata()[0], line.get_ydata()[0])
        for line in ax.lines
        if line.get_marker() == STAR
    }


def first_sure(table, name):
    """Return the first row whose interval excludes 0, or None."""
    rows = table.xs(name, level="variation")
    for day, row in rows.iterrows():
        if row["lift_low"] > 0 or row["lift_high"] < 0:
            return day, row
    return None


def test_a_star_marks_and_dates_the_first_day_that_excludes_0(mixed):
    ax, _, always = courses(mixed)
    stars = stars_of(ax)
    assert len(stars) == 2
    for name in ("Good", "Bad"):
        day, row = first_sure(always, name)
        at, height = stars[named(ax)[name]]
        assert (pd.Timestamp(at), height) == (day, row["lift"])
        assert f"{day.day} {day:%b}" in written(ax)
    assert first_sure(always, "Meh") is None
    assert "Stars:" in foot(ax)


def test_there_is_no_star_where_nothing_is_ever_sure():
    same = [(50, 1000)] * 9
    ax, _, always = courses(trial({"A": same, CONTROL: same}))
    assert first_sure(always, "A") is None
    assert not stars_of(ax)
    assert "Star" not in foot(ax)


def test_a_star_without_a_lift_stands_at_the_limit_next_to_0(endless):
    ax, _, always = courses(endless)
    day, row = first_sure(always, "A")
    assert np.isnan(row["lift"])
    at, height = stars_of(ax)[named(ax)["A"]]
    assert (pd.Timestamp(at), height) == (day, row["lift_low"])


def test_stars_are_in_sight_also_on_the_first_days():
    fading = [(300, 1000)] * 2 + [(55, 1000)] * 28
    df = trial({"A": fading, CONTROL: [(50, 1000)] * 30})
    ax, _, always = courses(df)
    assert first_sure(always, "A")[1]["lift"] > 4
    low, high = ax.get_ylim()
    ((_, height),) = stars_of(ax).values()
    assert low < height < high


def test_each_test_has_a_scale_of_its_own_that_its_first_days_do_not_set(rng):
    calm = {name: binomial(rng, 0.06, 9000, 20) for name in ("A", CONTROL)}
    wild = {
        "A": [(30, 100), *[(50, 1000)] * 19],
        CONTROL: [(1, 100), *[(50, 1000)] * 19],
    }
    first, second = panels(
        quiet(trials({"calm": calm, "wild": wild}).braze.plot.lift_over_time, METRIC)
    )
    assert np.ptp(first.get_ylim()) < np.ptp(second.get_ylim())
    assert first.get_title(loc="left") == "calm · Email"


def test_pairs_have_a_line_each(mixed):
    ax = quiet(mixed.braze.plot.lift_over_time, METRIC, pairs=True)
    table = quiet(mixed.braze.lift, METRIC, pairs=True, cumulative=True)
    pair = table.droplevel(["date", "channel"]).index.unique()[0]
    rows = table.xs(pair, level=("variation", "control"))
    np.testing.assert_array_equal(line_of(ax, " vs ".join(pair)), rows["lift"])


def test_lines_have_labels_with_their_lift(mixed):
    ax, once, _ = courses(mixed)
    last = once.xs("Good", level="variation")["lift"].iloc[-1]
    assert f"Good  +{100 * last:.1f} %" in written(ax)
    assert to_rgba(named(ax)["Good"])
