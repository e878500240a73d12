"""Pictures of lift: points, intervals, stars and notes are what ``lift`` returns."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

import braze_frames as bf

from ..pictures import (
    METRIC,
    bands_by_color,
    bands_of,
    days_of,
    drawn,
    edges,
    entries,
    entry_texts,
    flat,
    line_of,
    number_of,
    panels,
    quiet,
    segments,
    sign,
    ticks,
    written,
    zero_line,
)
from ..trials import CONTROL, binomial, trial, trials

FIRST_SURE = "first day that excludes 0"
STAR, ARROW, POINT = "*", ">", "o"
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
    """Return the drawn forest of a test, and its rows from the top."""
    ax = drawn(quiet(df.braze.plot.lift, METRIC, **options))
    low, high = ax.get_ylim()
    names = ticks(ax.yaxis)
    places = dict(zip(ax.get_yticks(), names, strict=True))
    rows = [places[place] for place in sorted(places, reverse=bool(low < high))]
    return ax, rows, {name: place for place, name in places.items()}


def marked(ax, marker):
    """Return the markers of a kind in a panel: y → (x, whether it is filled)."""
    found = {}
    for line in ax.lines:
        if line.get_marker() == marker:
            filled = to_rgba(line.get_markerfacecolor())[3] > 0
            found |= {y: (x, filled) for x, y in line.get_xydata().tolist()}
    return found


def beside(ax):
    """Return what is written in or beside each row."""
    return {text.xy[1]: flat(text.get_text()) for text in ax.texts}


# --- the forest ---


@pytest.mark.parametrize("options", [{}, {"sequential": True}, {"conf_level": 0.8}])
def test_points_and_lines_are_the_lifts_and_their_limits(mixed, options):
    ax, _, places = forest_of(mixed, **options)
    table = table_of(mixed, **options)
    points = marked(ax, POINT)
    lines = {low[1]: (low[0], high[0]) for low, high in segments(ax)}
    for name, row in table.drop("Nobody").iterrows():
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
    table = table_of(mixed, **options)
    points, texts = marked(ax, POINT), beside(ax)
    for name, row in table.drop("Nobody").iterrows():
        assert points[places[name]][1] == row["significant"]
        assert texts[places[name]].endswith("*") == row["significant"]
    sure = table["significant"].fillna(value=False)
    said = [text for text in entry_texts(ax) if text.startswith("* significant")]
    assert bool(said) == sure.any()
    assert "not significant" in entry_texts(ax)


def test_the_legend_shows_filled_and_hollow_points(mixed):
    ax, _, _ = forest_of(mixed)
    shown = dict(entries(ax))
    significant = next(text for text in shown if text.startswith("* significant"))
    assert to_rgba(shown[significant].get_markerfacecolor())[3] == 1
    assert to_rgba(shown["not significant"].get_markerfacecolor())[3] == 0


def test_readings_are_signed_percents(mixed):
    ax, _, places = forest_of(mixed)
    texts = beside(ax)
    for name, row in table_of(mixed).drop("Nobody").iterrows():
        number, unit = texts[places[name]].split(" ")[:2]
        shown = float(number.replace("\N{MINUS SIGN}", "-"))
        assert shown == pytest.approx(100 * row["lift"], abs=0.051)
        assert number[0] == "+" or row["lift"] < 0
        assert unit == "%"


def test_a_row_without_lift_says_why(mixed):
    ax, _, places = forest_of(mixed)
    note = table_of(mixed).loc["Nobody", "note"]
    assert note
    assert beside(ax)[places["Nobody"]] == f"no lift: {note}"


@pytest.mark.parametrize("adjust", ["holm", "bonferroni", "fdr_bh", "none"])
def test_the_legend_names_level_and_adjustment(mixed, adjust):
    ax, _, _ = forest_of(mixed, adjust=adjust, conf_level=0.99)
    (said,) = [text for text in entry_texts(ax) if text.startswith("* significant")]
    assert "1 %" in said
    assert said.endswith(f", {adjust}") == (adjust != "none")
    assert "99 % interval" in entry_texts(ax)


def test_the_legend_says_that_intervals_are_always_valid(mixed):
    ax, _, _ = forest_of(mixed, sequential=True)
    assert "95 % interval, always valid" in entry_texts(ax)


def test_no_upper_limit_is_an_arrow_at_the_edge(endless):
    early = endless.loc[:"2026-03-04"]
    ax, _, places = forest_of(early)
    table = table_of(early)
    assert np.isinf(table["lift_high"]).all()
    arrows, edge = marked(ax, ARROW), ax.get_xlim()[1]
    lines = {low[1]: (low[0], high[0]) for low, high in segments(ax)}
    for name, row in table.iterrows():
        assert arrows[places[name]][0] == edge
        assert lines[places[name]] == (row["lift_low"], edge)
    assert sign(dict(entries(ax))["no upper limit"])[1] == ARROW


def test_arrows_are_only_where_there_is_no_limit(mixed):
    ax, _, _ = forest_of(mixed)
    assert not marked(ax, ARROW)
    assert "no upper limit" not in entry_texts(ax)


def test_what_is_sure_without_an_estimate_says_what_it_is_above(endless):
    early = endless.loc[:"2026-03-04"]
    ax, _, places = forest_of(early)
    texts = beside(ax)
    for name, row in table_of(early).iterrows():
        assert np.isnan(row["lift"])
        assert row["significant"]
        above, number, _, star = texts[places[name]].split(" ")
        assert (above, star) == (">", "*")
        shown = float(number.replace(",", ""))
        assert shown == pytest.approx(100 * row["lift_low"], abs=0.051)
    assert any(text.startswith("* significant") for text in entry_texts(ax))


def test_readings_do_not_touch_the_legend(endless):
    ax, _, _ = forest_of(endless.loc[:"2026-03-04"])
    right = max(text.get_window_extent().x1 for text in ax.texts)
    assert right <= ax.get_legend().get_window_extent().x0


def test_pairs_are_rows_with_both_names(mixed):
    ax, rows, _ = forest_of(mixed, pairs=True)
    table = quiet(mixed.braze.lift, METRIC, pairs=True).droplevel("channel")
    assert sorted(rows) == sorted(f"{one} vs {other}" for one, other in table.index)
    assert flat(ax.get_xlabel()) == "lift over the control of the pair"


def test_the_axis_says_over_whom(mixed):
    ax, _, _ = forest_of(mixed, control="Meh")
    assert ax.get_xlabel() == "lift over Meh"


def test_campaigns_with_controls_of_their_own_are_panels(rng):
    arms = {name: binomial(rng, 0.06, 900, 6) for name in ("A", "B", CONTROL)}
    df = trials({"x": arms, "y": arms})
    first, second = quiet(df.braze.plot.lift, METRIC)
    assert first.get_title() == "x\nemail"
    assert marked(first, POINT) == marked(second, POINT)
    assert len(first.figure.legends) == 1


def test_warnings_of_lift_are_given_once(frame):
    for picture in (frame.braze.plot.lift, frame.braze.plot.lift_over_time):
        with pytest.warns(bf.StatisticsWarning, match="same people") as caught:
            picture(METRIC)
        assert len(caught) == 1


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
        line = line_of(ax, name)
        np.testing.assert_array_equal(line.get_ydata(), rows["lift"])
        assert days_of(line).equals(rows.index.astype(days_of(line).dtype))
    assert "Nobody (no data)" in entry_texts(ax)
    assert zero_line(ax).get_ydata() == [0, 0]


@pytest.mark.parametrize("options", [{}, {"conf_level": 0.9, "deff": 1.5}])
def test_bands_are_both_intervals_and_the_wider_one_is_always_valid(month, options):
    ax, once, always = courses(month, **options)
    for name in ("A", "B"):
        bands = [edges(band) for band in bands_of(ax, name)]
        bands.sort(key=lambda band: (band["max"] - band["min"]).sum())
        for band, table in zip(bands, (once, always), strict=True):
            rows = table.xs(name, level="variation")
            np.testing.assert_allclose(band["min"], rows["lift_low"])
            np.testing.assert_allclose(band["max"], rows["lift_high"])
        inner, outer = bands
        assert (outer["min"] <= inner["min"]).all()
        assert (outer["max"] >= inner["max"]).all()


def test_the_legend_names_both_bands(month):
    ax, _, _ = courses(month, conf_level=0.9)
    assert {"90 % interval, always valid", "90 % interval of one look"} <= {
        *entry_texts(ax)
    }


def stars_of(ax):
    """Return the stars of a panel: colour → (day, height)."""
    return {
        sign(line)[0]: (line.get_xdata()[0], line.get_ydata()[0])
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


def test_a_star_marks_the_first_day_that_excludes_0(mixed):
    ax, _, always = courses(mixed)
    stars = stars_of(ax)
    assert len(stars) == 2
    for name in ("Good", "Bad"):
        day, row = first_sure(always, name)
        color = sign(line_of(ax, name))[0]
        assert pd.Timestamp(stars[color][0]) == day
        assert stars[color][1] == row["lift"]
        assert f"{day.day} {day:%b}" in written(ax)
    assert first_sure(always, "Meh") is None
    assert entry_texts(ax).count(FIRST_SURE) == 1
    assert len(written(ax)) == 2


def test_there_is_no_star_where_nothing_is_ever_sure():
    same = [(50, 1000)] * 9
    ax, _, always = courses(trial({"A": same, CONTROL: same}))
    assert first_sure(always, "A") is None
    assert not stars_of(ax)
    assert FIRST_SURE not in entry_texts(ax)
    assert not written(ax)


def test_a_star_without_a_lift_stands_at_the_limit_next_to_0(endless):
    ax, _, always = courses(endless)
    day, row = first_sure(always, "A")
    assert np.isnan(row["lift"])
    at, height = stars_of(ax)[sign(line_of(ax, "A"))[0]]
    assert (pd.Timestamp(at), height) == (day, row["lift_low"])


def test_stars_are_in_sight_also_on_the_first_days():
    fading = [(300, 1000)] * 2 + [(55, 1000)] * 28
    df = trial({"A": fading, CONTROL: [(50, 1000)] * 30})
    ax, _, always = courses(df)
    day, row = first_sure(always, "A")
    assert day <= pd.Timestamp("2026-03-03")
    assert row["lift"] > 4
    low, high = ax.get_ylim()
    ((_, height),) = stars_of(ax).values()
    assert low < height < high


@pytest.mark.parametrize("until", ["2026-03-04", "2026-03-10"])
def test_bands_without_upper_limit_leave_the_view_at_the_top(endless, until):
    ax, once, always = courses(endless.loc[:until])
    top = ax.get_ylim()[1] if until > "2026-03-04" else None
    found = 0
    for name in ("A", "B"):
        handle = next(h for text, h in entries(ax) if text.split(" ")[0] == name)
        bands = [edges(band) for band in bands_by_color(ax, sign(handle)[0])]
        for band, table in zip(bands, (always, once), strict=True):
            rows = table.xs(name, level="variation")
            endless_days = np.isinf(rows["lift_high"])
            found += endless_days.sum()
            np.testing.assert_allclose(band["min"], rows["lift_low"])
            highs = band["max"][endless_days.to_numpy()]
            assert (highs > rows["lift_low"].max()).all()
            assert top is None or (highs >= top).all()
    assert found


def test_unsettled_days_are_shaded(growing):
    ax = quiet(growing.braze.plot.lift_over_time, METRIC)
    (patch,) = ax.patches
    assert number_of("2026-05-30") < patch.get_x() < number_of("2026-05-31")
    assert "unsettled, still growing" in entry_texts(ax)


def test_pairs_have_a_line_each(mixed):
    ax = quiet(mixed.braze.plot.lift_over_time, METRIC, pairs=True)
    table = quiet(mixed.braze.lift, METRIC, pairs=True, cumulative=True)
    # A pair without the control has the lower rate second.
    rows = table.xs(("Good", "Meh"), level=("variation", "control"))
    line = line_of(ax, "Good · Meh")
    np.testing.assert_array_equal(line.get_ydata(), rows["lift"])


def test_channels_are_panels_with_one_scale(rng):
    arms = {name: binomial(rng, 0.06, 900, 6) for name in ("A", CONTROL)}
    parts = [trial(arms, channel=channel) for channel in ("email", "sms")]
    picture = quiet(pd.concat(parts).braze.plot.lift_over_time, METRIC)
    assert [ax.get_title() for ax in panels(picture)] == ["email", "sms"]
    assert len({ax.get_ylim() for ax in picture}) == 1


def test_no_line_is_marked_by_stars(rng):
    arms = {f"V{n}": binomial(rng, 0.06, 900, 4) for n in range(11)}
    df = trial({**arms, CONTROL: binomial(rng, 0.02, 900, 4)})
    ax, _, _ = courses(df)
    named = [handle for text, handle in entries(ax) if text in arms]
    assert len({handle.get_marker() for handle in named} - {STAR}) == len(arms)


def test_what_has_an_interval_but_no_estimate_has_data():
    df = trial({"A": [(9, 100)] * 5, CONTROL: [(0, 100)] * 5})
    ax = quiet(df.braze.plot.lift_over_time, METRIC)
    assert np.isnan(line_of(ax, "A").get_ydata()).all()
    assert "A" in entry_texts(ax)
