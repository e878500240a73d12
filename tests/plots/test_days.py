"""Pictures along days: lines, bands and bars are what the verbs return."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

import braze_frames as bf

from .. import payloads
from ..pictures import (
    METRIC,
    STAT,
    WAYS,
    around,
    bands_of,
    drawn,
    edges,
    foot,
    line_of,
    named,
    panels,
    parts_of,
    title,
    touching,
    written,
)

OPENED = "unique_open_rate"
BOUGHT = "conversion_rate"
GROWING = "still growing →"
SOLID = "-"


@pytest.fixture
def both():
    """Read two days with two stats, one of which is missing on the second."""
    first = [
        payloads.entry(name, sent=n, clicks=n + 5) for name, n in [("A", 9), ("B", 7)]
    ]
    second = [payloads.entry("A", sent=4), payloads.entry("B", sent=6, clicks=1)]
    return bf.read_braze_series(payloads.two_days(first, second))


def heights(ax):
    """Return the bars of each name: name → heights."""
    found = {}
    for bars in ax.containers:
        found[bars.get_label()] = [bar.get_height() for bar in bars]
    return found


# --- rates along days ---


def test_lines_hold_the_rates_and_bands_their_intervals(growing):
    ax = growing.braze.plot.rates(METRIC, ci=0.9)
    table = growing.braze.rates(METRIC, ["variation"], "D", ci=0.9)
    for name in growing.braze.variations:
        rows = table.xs(name, level="variation")
        line, (band,) = line_of(ax, name), bands_of(ax, name)
        assert list(line.index) == list(rows.index)
        np.testing.assert_array_equal(line, rows[METRIC])
        np.testing.assert_allclose(edges(band)["min"], rows[f"{METRIC}_low"])
        np.testing.assert_allclose(edges(band)["max"], rows[f"{METRIC}_high"])
    assert "90 % intervals" in foot(ax)


def test_without_ci_there_are_no_bands(growing):
    ax = growing.braze.plot.rates(METRIC, ci=None)
    assert not ax.collections
    assert "interval" not in foot(ax)


def test_more_than_three_lines_have_no_bands(rng):
    day = [payloads.entry(f"V{n}", sent=100, delivered=90 - n) for n in range(4)]
    ax = bf.read_braze_series(payloads.two_days(day, day)).braze.plot.rates(
        "delivery_rate"
    )
    assert len(named(ax)) == 4
    assert not ax.collections


def test_periods_are_those_of_freq_and_the_title_names_them(growing):
    ax = growing.braze.plot.rates(OPENED, freq="W")
    rows = growing.braze.rates(OPENED, "variation", "W").xs("Still Thinking?", level=1)
    np.testing.assert_array_equal(line_of(ax, "Still Thinking?"), rows)
    assert title(ax) == "Unique open rate by week"
    assert around(ax)[0] == "Email · 2 May to 30 Jun 2026 · unique opens / delivered"


def test_weeks_are_named_by_their_first_day(growing):
    ax = drawn(growing.braze.plot.rates(OPENED, freq="W"))
    shown = [text.get_text() for text in ax.get_xticklabels()]
    assert shown[-1] == "29 Jun", "the week whose Sunday is 5 July"
    assert "first day" in foot(ax)


def test_own_rates_say_what_is_divided_by_what(growing):
    own = {"kept": ("delivered - unsubscribes", "sent")}
    ax = growing.braze.plot.rates(own, by=[])
    wanted = growing.braze.rates(own, by=[], freq="D")["kept"]
    shown = np.concatenate([ax.lines[0].get_ydata(), ax.lines[1].get_ydata()[1:]])
    np.testing.assert_array_equal(shown, wanted)
    assert around(ax)[0].endswith("unsubscribes) / sent")


def test_channels_that_are_no_panels_are_lines(shop):
    ax = shop.loc["Summer Collection"].braze.plot.rates("delivery_rate", by="channel")
    table = shop.loc["Summer Collection"].braze.rates("delivery_rate", "channel", "D")
    assert isinstance(ax, Axes)
    assert {*named(ax)} == {"Android push", "Email", "iOS push", "SMS", "Web push"}
    rows = table.xs("ios_push", level="channel")
    np.testing.assert_array_equal(line_of(ax, "iOS push"), rows)


def test_campaigns_of_unlike_channels_have_a_panel_and_a_scale_each(shop):
    picture = shop.braze.plot.rates("total_click_rate", by="campaign")
    titles = [ax.get_title(loc="left") for ax in panels(picture)]
    assert titles == ["Email · SMS", "SMS"]
    table = shop.braze.rates("total_click_rate", "campaign", "D")
    for ax, name in zip(picture, ["Summer Collection", "Order Updates"], strict=True):
        np.testing.assert_array_equal(line_of(ax, name), table.loc[name])
    assert picture[0].get_ylim() != picture[1].get_ylim()


def test_channels_without_such_a_rate_are_left_out(shop):
    picture = shop.braze.plot.rates("total_click_rate")
    titles = [ax.get_title(loc="left") for ax in panels(picture)]
    assert titles == [
        *("Order Updates · SMS", "Summer Collection · Email"),
        "Summer Collection · SMS",
    ]


def test_day_totals_have_one_line(client, sandbox):
    df = bf.read_braze_series(
        sandbox.campaigns["Welcome Email"],
        grain="campaign",
        length=5,
        client=client,
        end="2026-06-20",
    )
    ax = df.braze.plot.rates(BOUGHT)
    wanted = df.braze.rates(BOUGHT, freq="D")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), wanted)
    with pytest.raises(bf.FrameError, match="grain='variation'"):
        df.braze.plot.funnel()


def test_lines_carry_their_name_and_last_value_at_their_end(growing):
    ax = drawn(growing.braze.plot.rates(OPENED, freq="W"))
    rows = growing.braze.rates(OPENED, "variation", "W").xs("Still Thinking?", level=1)
    (label,) = [text for text in written(ax) if text.startswith("Still Thinking?")]
    assert label == f"Still Thinking?  {100 * rows.iloc[-1]:.1f} %"
    assert not touching([text for text in ax.texts if text.get_text() != GROWING])


def test_the_largest_lines_have_names_and_the_others_are_grey():
    day = [
        payloads.entry(f"V{n}", sent=100 * n, delivered=90 * n) for n in range(1, 11)
    ]
    df = bf.read_braze_series(payloads.two_days(day, day))
    ax = df.braze.plot.rates("delivery_rate", top=2)
    labels = [text.partition("  ")[0] for text in written(ax)]
    assert sorted(labels) == ["V10", "V9"]
    assert "8 more" in foot(ax)
    colors = {to_hex(line.get_color()) for line in ax.lines}
    assert len(colors) == 3


@pytest.mark.parametrize("top", [0, -1, 99, True, "6", None, 2.5])
def test_top_is_a_number_of_colours(frame, top):
    with pytest.raises(ValueError, match="top="):
        frame.braze.plot.rates(METRIC, top=top)


# --- sums ---


def test_lines_hold_the_totals(growing):
    ax = growing.braze.plot.totals("revenue")
    table = growing.braze.totals("variation", "D")["revenue"]
    for name in growing.braze.variations:
        np.testing.assert_array_equal(
            line_of(ax, name), table.xs(name, level="variation")
        )
    assert around(ax)[0].endswith("USD")


def test_several_stats_make_a_line_each_and_what_is_missing_a_gap(both):
    ax = both.braze.plot.totals(["sent", "clicks"])
    assert {*named(ax)} == {"Sent · A", "Sent · B", "Clicks · A", "Clicks · B"}
    assert line_of(ax, "Sent · A").tolist() == [9, 4]
    np.testing.assert_array_equal(line_of(ax, "Clicks · A"), [14, np.nan])


def test_bars_stand_on_each_other_the_largest_at_the_bottom(both):
    ax = both.braze.plot.totals("clicks", kind="stacked")
    lower, upper = ax.containers
    assert [bar.get_height() for bar in lower] == [14, 0]
    assert [bar.get_height() for bar in upper] == [12, 1]
    assert [bar.get_y() for bar in upper] == [14, 0]


def test_periods_are_bars_and_hold_the_totals(growing):
    ax = growing.braze.plot.totals(STAT, freq="W")
    table = growing.braze.totals("variation", "W")[STAT]
    shown = heights(ax)
    assert {*shown} == {*growing.braze.variations}
    for name, found in shown.items():
        assert found == table.xs(name, level="variation").tolist()


def test_one_total_is_one_picture(shop):
    ax = shop.braze.plot.totals("sent", by=[], freq="W")
    assert isinstance(ax, Axes)
    (bars,) = ax.containers
    wanted = shop.braze.totals(by=[], freq="W")["sent"].tolist()
    assert [bar.get_height() for bar in bars] == wanted


@pytest.mark.parametrize("freq", ["D", "W", "MS"])
def test_a_single_period_is_a_bar_that_can_be_seen(frame, freq):
    df = frame.loc["2026-05-04":"2026-05-04"]
    ax = df.braze.plot.totals("sent", freq=freq, kind="stacked")
    bars = [bar for bars in ax.containers for bar in bars]
    assert sum(bar.get_height() for bar in bars) == df["sent"].sum()
    assert all(bar.get_width() > 0.1 for bar in bars)


def test_lines_of_periods_can_be_asked_for(growing):
    ax = growing.braze.plot.totals(STAT, freq="W", kind="lines")
    assert not ax.containers
    assert len(named(ax)) == 3


def test_stats_that_were_never_given_say_so(both):
    df = both.loc[["2026-03-02"]].xs("A", level="variation", drop_level=False)
    for kind in ("lines", "stacked"):
        ax = drawn(df.braze.plot.totals("clicks", kind=kind))
        assert written(ax) == ["no value of clicks here"]


# --- days that still grow, and periods that are cut ---


@pytest.mark.parametrize("way", ["rates", "totals", "lift_over_time"])
def test_days_that_still_grow_are_dashed(growing, way):
    ax = WAYS[way](growing)
    solid, dashed = parts_of(ax, "Still Thinking?")
    assert solid.get_linestyle() == SOLID
    assert dashed.get_linestyle() != SOLID
    assert solid.get_xdata()[-1] == np.datetime64("2026-05-30")
    assert dashed.get_xdata()[0] == np.datetime64("2026-05-30")
    assert GROWING in written(ax)
    assert "Dashed: days after 30 May" in foot(ax)
    assert not ax.patches, "no block over the picture"


@pytest.mark.parametrize(
    ("freq", "late"),
    [("W", "2026-05-31"), ("MS", "2026-05-01"), ("ME", "2026-05-31")],
)
def test_periods_are_dashed_that_hold_such_days(growing, freq, late):
    ax = growing.braze.plot.rates(METRIC, freq=freq)
    *_, dashed = parts_of(ax, "Still Thinking?")
    days = dashed.get_xdata()
    first = days[0] if len(parts_of(ax, "Still Thinking?")) == 1 else days[1]
    assert first == np.datetime64(late)


def test_settled_frames_are_solid(growing, month):
    for df in (growing.braze.settled(), month):
        for way in ("rates", "totals", "stacked"):
            ax = WAYS[way](df)
            assert GROWING not in written(ax)
            assert {line.get_linestyle() for line in ax.lines} <= {SOLID}


def test_periods_that_the_frame_cuts_are_hollow_and_counted(growing):
    ax = growing.braze.plot.rates(OPENED, freq="W")
    ground = to_hex(ax.get_facecolor())
    hollow = [
        line
        for line in ax.lines
        if line.get_linestyle() == "None"
        and to_hex(line.get_markerfacecolor()) == ground
    ]
    days = {str(day)[:10] for line in hollow for day in line.get_xdata()}
    assert days == {"2026-05-03", "2026-07-05"}
    assert "27 Apr holds 2 of 7 days" in foot(ax)
    assert "29 Jun holds 2 of 7 days" in foot(ax)


def test_bars_of_weekdays_stand_in_their_order(growing):
    ax = growing.braze.plot.totals("sent", by="weekday")
    (bars,) = ax.containers
    wanted = growing.braze.totals(by="weekday")["sent"].tolist()
    assert [bar.get_height() for bar in bars] == wanted
    assert [text.get_text() for text in ax.get_xticklabels()][:2] == ["Mon", "Tue"]
    ax = growing.braze.plot.rates(OPENED, by="weekday")
    (bars,) = ax.containers
    wanted = growing.braze.rates(OPENED, by="weekday")
    np.testing.assert_array_equal([bar.get_height() for bar in bars], wanted)


def test_all_panels_say_what_grows(growing):
    two = pd.concat({"x": growing, "y": growing}, names=["campaign"])
    two.attrs = growing.attrs
    assert all(GROWING in written(ax) for ax in two.braze.plot.rates(METRIC))


# --- what a picture is asked for is what the verb takes ---


@pytest.mark.parametrize("words", [("Mon AM", "Mon PM"), ("work", "end"), ("Mon", "x")])
def test_a_column_of_ones_own_named_weekday_makes_groups_as_any_other(growing, words):
    early = growing.index.get_level_values("date").day < 15
    own = pd.Series(np.where(early, *words), growing.index, name="weekday")
    for df, by in ((growing.assign(weekday=own), "weekday"), (growing, own)):
        table = df.braze.totals(by, "W")["sent"]
        shown = heights(df.braze.plot.totals("sent", by=by, freq="W"))
        assert {*shown} == {*words}
        for word, found in shown.items():
            assert sum(found) == table.xs(word, level="weekday").sum()
        assert {*named(df.braze.plot.rates(OPENED, by=by))} == {*words}


def test_pictures_refuse_what_the_verbs_refuse(growing):
    plot = growing.braze.plot
    for asked in ({"by": "weekday", "freq": "W"}, {"whole": True}):
        for picture, what in ((plot.rates, OPENED), (plot.totals, "sent")):
            with pytest.raises(ValueError, match="freq='W'"):
                picture(what, **asked)


def test_stats_are_not_added_up_and_units_share_no_axis(both):
    plot = both.assign(revenue=pd.array([1.5] * len(both), "Float64")).braze.plot
    with pytest.raises(ValueError, match="one stat at a time"):
        plot.totals(["sent", "clicks"], kind="stacked")
    with pytest.raises(ValueError, match="different units"):
        plot.totals(["sent", "revenue"], freq="W")
    assert not plot.totals(["sent", "clicks"], by=[], freq="W").containers


def test_without_a_whole_period_the_picture_says_so(growing):
    plot = growing.loc["2026-06-02":"2026-06-04"].braze.plot
    for picture, what in ((plot.rates, OPENED), (plot.totals, "sent")):
        (text,) = written(picture(what, freq="W", whole=True))
        assert text.startswith("no whole period")
