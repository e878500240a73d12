"""Pictures along days: lines, bands, areas and shades are what the verbs return."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

import braze_frames as bf

from .. import payloads
from ..pictures import (
    METRIC,
    STAT,
    WAYS,
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
    span_of,
    written,
)

OPENED = "unique_open_rate"
BOUGHT = "conversion_rate"
UNSETTLED = "unsettled, still growing"
lines_and_areas = pytest.mark.parametrize("way", ["rates", "totals", "stacked"])


@pytest.fixture
def both():
    """Read two days with two stats, one of which is missing on the second."""
    first = [
        payloads.entry(name, sent=n, clicks=n + 5) for name, n in [("A", 9), ("B", 7)]
    ]
    second = [payloads.entry("A", sent=4), payloads.entry("B", sent=6, clicks=1)]
    return bf.read_braze_series(payloads.two_days(first, second))


# --- rates along days ---


def test_lines_hold_the_rates_and_bands_their_intervals(growing):
    ax = growing.braze.plot.rates(METRIC, ci=0.9)
    table = growing.braze.rates(METRIC, ["variation"], "D", ci=0.9)
    assert len(ax.lines) == len(growing.braze.variations)
    for name in growing.braze.variations:
        rows = table.xs(name, level="variation")
        line, (band,) = line_of(ax, name), bands_of(ax, name)
        assert days_of(line).equals(rows.index.astype(days_of(line).dtype))
        np.testing.assert_array_equal(line.get_ydata(), rows[METRIC])
        np.testing.assert_allclose(edges(band)["min"], rows[f"{METRIC}_low"])
        np.testing.assert_allclose(edges(band)["max"], rows[f"{METRIC}_high"])
    assert "90 % interval" in entry_texts(ax)


def test_without_ci_there_are_no_bands(growing):
    ax = growing.braze.plot.rates(METRIC, ci=None)
    assert not ax.collections
    assert not [text for text in entry_texts(ax) if "interval" in text]


def test_periods_are_those_of_freq_and_the_title_names_them(growing):
    ax = growing.braze.plot.rates(OPENED, freq="W")
    rows = growing.braze.rates(OPENED, "variation", "W").xs("Still Thinking?", level=1)
    line = line_of(ax, "Still Thinking?")
    np.testing.assert_array_equal(line.get_ydata(), rows)
    assert days_of(line).equals(rows.index.astype(days_of(line).dtype))
    assert ax.get_title().startswith("Unique open rate, by week")


def test_own_rates_say_what_is_divided_by_what(growing):
    own = {"kept": ("delivered - unsubscribes", "sent")}
    ax = growing.braze.plot.rates(own, by=[])
    (line,) = ax.lines
    wanted = growing.braze.rates(own, by=[], freq="D")["kept"]
    np.testing.assert_array_equal(line.get_ydata(), wanted)
    assert flat(ax.get_ylabel()) == "delivered - unsubscribes / sent"


def test_channels_that_are_no_panels_are_lines(shop):
    email_and_sms = shop.loc["Summer Collection"]
    ax = email_and_sms.braze.plot.rates("delivery_rate", by="channel")
    table = email_and_sms.braze.rates("delivery_rate", "channel", "D")
    assert isinstance(ax, Axes)
    for name in email_and_sms.braze.channels:
        rows = table.xs(name, level="channel")
        np.testing.assert_array_equal(line_of(ax, name).get_ydata(), rows)


def test_channels_without_such_a_rate_are_left_out(shop):
    picture = shop.braze.plot.rates("total_click_rate")
    titles = [ax.get_title() for ax in panels(picture)]
    assert titles == [
        *("Order Updates\nsms", "Summer Collection\nemail", "Summer Collection\nsms")
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
    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_ydata(), df.braze.rates(BOUGHT, freq="D"))
    with pytest.raises(bf.FrameError, match="grain='variation'"):
        df.braze.plot.funnel()


# --- sums along days ---


def test_lines_hold_the_totals(growing):
    ax = growing.braze.plot.totals("revenue", freq="MS")
    table = growing.braze.totals("variation", "MS")["revenue"]
    for name in growing.braze.variations:
        rows = table.xs(name, level="variation")
        np.testing.assert_array_equal(line_of(ax, name).get_ydata(), rows)
    assert ax.get_ylabel() == "USD"


def test_several_stats_make_a_line_each_and_what_is_missing_a_gap(both):
    ax = both.braze.plot.totals(["sent", "clicks"])
    assert len(ax.lines) == 4
    assert line_of(ax, "sent · A").get_ydata().tolist() == [9, 4]
    assert line_of(ax, "clicks · B").get_ydata().tolist() == [12, 1]
    np.testing.assert_array_equal(line_of(ax, "clicks · A").get_ydata(), [14, np.nan])


def test_areas_stand_on_each_other_and_what_is_missing_adds_nothing(both):
    ax = both.braze.plot.totals("clicks", kind="stacked")
    lower, upper = map(edges, ax.collections)
    assert lower["min"].tolist() == [0, 0]
    assert lower["max"].tolist() == upper["min"].tolist() == [14, 0]
    assert upper["max"].tolist() == [26, 1]


def test_areas_hold_the_totals_and_look_as_the_legend_says(growing):
    ax = growing.braze.plot.totals(STAT, "variation", "W", kind="stacked")
    table = growing.braze.totals("variation", "W")[STAT]
    shown = dict(entries(ax))
    below = 0.0
    for name, area in zip(growing.braze.variations, ax.collections, strict=True):
        rows = table.xs(name, level="variation").to_numpy(dtype=float)
        np.testing.assert_allclose(edges(area)["min"], below)
        below = below + rows
        np.testing.assert_allclose(edges(area)["max"], below)
        assert tuple(area.get_facecolor()[0]) == shown[name].get_facecolor()
        assert area.get_hatch() == shown[name].get_hatch()


def test_stats_that_were_never_given_say_so(both):
    df = both.loc[["2026-03-02"]].xs("A", level="variation", drop_level=False)
    for kind in ("lines", "stacked"):
        ax = drawn(df.braze.plot.totals("clicks", kind=kind))
        assert written(ax) == ["no value of clicks here"]


# --- days that still grow ---


@lines_and_areas
def test_days_that_still_grow_are_shaded(growing, way):
    ax = WAYS[way](growing)
    left, right = span_of(ax)
    assert number_of("2026-05-30") < left < number_of("2026-05-31")
    assert right >= number_of("2026-06-30")
    assert UNSETTLED in entry_texts(ax)


@lines_and_areas
@pytest.mark.parametrize(
    ("freq", "settled", "late"),
    [
        ("W", "2026-05-24", "2026-05-31"),
        ("MS", "2026-04-01", "2026-05-01"),
        ("ME", None, "2026-05-31"),
    ],
)
def test_periods_are_shaded_that_hold_such_days(growing, way, freq, settled, late):
    since = growing.loc["2026-05-01":] if settled is None else growing
    left, right = span_of(WAYS[way](since, freq=freq))
    assert left < number_of(late)
    assert settled is None or left > number_of(settled)
    assert right > number_of(since.braze.totals(freq=freq).index[-1][0])


@lines_and_areas
def test_settled_frames_have_no_shade(growing, month, way):
    for df in (growing.braze.settled(), month):
        ax = WAYS[way](df)
        assert not ax.patches
        assert UNSETTLED not in entry_texts(ax)


def test_all_panels_are_shaded(growing):
    two = pd.concat({"x": growing, "y": growing}, names=["campaign"])
    two.attrs = growing.attrs
    picture = two.braze.plot.rates(METRIC)
    assert len({span_of(ax) for ax in panels(picture)}) == 1
    assert entry_texts(picture).count(UNSETTLED) == 1
