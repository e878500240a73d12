"""Funnels: bars are the totals, the texts beside them the rates."""

import pytest

import braze_frames as bf
from braze_frames.schema.channels import CHANNEL_STATS
from braze_frames.schema.rates import FUNNEL

from .. import payloads
from ..pictures import (
    drawn,
    entries,
    panels,
    percent_in,
    ticks,
)
from ..trials import CONTROL


def bars_of(ax):
    """Return (step, variation's entry in the legend) → (size, what stands beside)."""
    places = dict(zip(ax.get_yticks(), ticks(ax.yaxis), strict=True))
    shown = {handle.get_facecolor(): text for text, handle in entries(ax)}
    found = {}
    for bar, text in zip(ax.patches, ax.texts, strict=True):
        middle = bar.get_y() + bar.get_height() / 2
        step = places[min(places, key=lambda place: abs(place - middle))]
        assert text.xy == (bar.get_width(), pytest.approx(middle))
        name = shown.get(bar.get_facecolor(), "")
        found[step, name] = (bar.get_width(), text.get_text())
    return found


def test_bars_are_the_totals_and_rates_stand_beside_them(growing):
    bars = bars_of(drawn(growing.braze.plot.funnel()))
    sums = growing.braze.totals("variation")
    rates = growing.braze.rates(by="variation")
    steps = {step.name: step for step in FUNNEL["email"]}
    for (step, name), (size, beside) in bars.items():
        assert size == sums.loc[name, steps[step].formula]
        if not steps[step].rate:
            assert beside == f"{size:,.0f}"
            continue
        count, share, base = percent_in(beside)
        assert count == size
        assert share == pytest.approx(rates.loc[name, steps[step].rate], abs=5.1e-4)
        assert base == steps[step].base
    assert ("converted", CONTROL) in bars
    assert ("sent", CONTROL) not in bars, "Braze counts no sends to a control"
    assert len(bars) == 5 + 5 + 1


def test_bars_look_as_the_legend_says_and_differ_in_more_than_colour(growing):
    ax = growing.braze.plot.funnel()
    shown = {handle.get_facecolor(): handle.get_hatch() for _, handle in entries(ax)}
    assert len({*shown.values()}) == len(growing.braze.variations)
    assert {bar.get_facecolor(): bar.get_hatch() for bar in ax.patches} == shown


def test_sums_and_differences_of_stats_are_steps(shop):
    push = shop.loc[["Summer Collection"]].xs(
        "ios_push", level="channel", drop_level=False
    )
    bars = bars_of(drawn(push.braze.plot.funnel(by="channel")))
    sums = push.braze.totals(by=[]).iloc[0]
    assert bars["delivered", "ios_push"][0] == sums["sent"] - sums["bounces"]


def test_each_channel_has_its_own_steps_as_far_as_braze_gave_them(shop):
    picture = drawn(shop.braze.plot.funnel())
    steps = {ax.get_title().split("\n")[1]: ticks(ax.yaxis) for ax in panels(picture)}
    assert steps["webhook"] == ["sent"]
    assert steps["whats_app"] == ["sent", "delivered", "read"]
    assert steps["sms"] == ["sent", "delivered", "clicked"]
    assert steps["email"] == ["sent", "delivered", "opened", "clicked"]
    assert steps["web_push"] == ["sent", "delivered", "opened", "clicked"]


def test_channels_that_nobody_knows_have_a_funnel():
    messages = {"hologram": [payloads.entry("A", sent=9, conversions=2)]}
    df = bf.read_braze_series(payloads.response(payloads.day(messages=messages)))
    bars = bars_of(drawn(df.braze.plot.funnel()))
    assert {step: size for (step, _), (size, _) in bars.items()} == {
        "sent": 9,
        "converted": 2,
    }


@pytest.mark.parametrize("channel", FUNNEL)
def test_steps_are_stats_of_their_channel_and_rates_of_the_glossary(channel):
    glossary = bf.glossary().reset_index()
    of = glossary[glossary["channel"] == channel].set_index("metric")
    counted = {step.name: step.formula for step in FUNNEL[channel]}
    counted["recipients"] = "unique_recipients"
    for step in FUNNEL[channel]:
        stats = set(step.formula.split(" - "))
        assert stats <= {*CHANNEL_STATS[channel], "conversions"}
        if step.rate and step.rate in of.index:
            rate = of.loc[step.rate]
            assert rate["numerator"] == step.formula
            assert rate["denominator"] == counted[step.base]
        assert not step.rate or step.rate in of.index


def test_the_title_has_the_days_and_the_axis_says_what_still_grows(growing):
    ax = growing.braze.plot.funnel()
    assert ax.get_title() == "Funnel, 2026-05-02 to 2026-06-30\nemail"
    assert ax.get_xlabel() == "count (days after 2026-05-30 still grow)"
    settled = growing.braze.settled().braze.plot.funnel()
    assert settled.get_xlabel() == "count"
