"""Funnels: bars are shares of the first step, and the totals stand beside them."""

import numpy as np
import pytest
from matplotlib.axes import Axes

import braze_frames as bf
from braze_frames.schema.channels import CHANNEL_STATS
from braze_frames.schema.rates import FUNNEL

from .. import payloads
from ..pictures import around, drawn, foot, panels, ticks, written
from ..trials import CONTROL

GAP = 1.18


def columns_of(ax):
    """Return heading → step → (share drawn, what is written)."""
    places = dict(zip(ax.get_yticks(), ticks(ax.yaxis), strict=True))
    heads = [text for text in ax.texts if text.get_fontweight() == "bold"]
    found = {text.get_text().replace("\n", " "): {} for text in heads}
    for text in ax.texts:
        x, y = text.get_position()
        if text in heads:
            continue
        left = int(x / GAP) * GAP
        drawn_bars = [
            bar.get_width()
            for bar in ax.patches
            if abs(bar.get_x() - left) < 1e-9 and abs(bar.get_y() + 0.36 - y) < 1e-9
        ]
        near = [h for h in heads if abs(h.get_position()[0] - left) < 1e-9]
        name = near[0].get_text().replace("\n", " ") if near else ""
        found.setdefault(name, {})
        share = drawn_bars[1] if len(drawn_bars) > 1 else None
        found[name][places[y]] = (share, text.get_text())
    return found


def test_bars_are_shares_of_the_first_step_and_sums_stand_beside_them(growing):
    ax = drawn(growing.braze.plot.funnel())
    assert isinstance(ax, Axes)
    columns, sums = columns_of(ax), growing.braze.totals("variation")
    assert {*columns} == {*growing.braze.variations}
    for name in ("Still Thinking?", "10% Off Your Basket"):
        for step in FUNNEL["email"]:
            share, text = columns[name][step.name]
            size = sums.loc[name, step.formula]
            assert text.startswith(f"{size:,}")
            assert share == pytest.approx(size / sums.loc[name, "sent"])


def test_a_control_is_a_share_of_its_recipients_and_says_so(growing):
    ax = drawn(growing.braze.plot.funnel())
    own = columns_of(ax)[CONTROL]
    sums = growing.braze.totals("variation").loc[CONTROL]
    assert own["sent"] == (None, "not measured")
    share, _ = own["converted"]
    assert share == pytest.approx(sums["conversions"] / sums["unique_recipients"])
    assert "share of the recipients" in foot(ax)


def test_channels_are_columns_of_one_panel_each_with_its_own_steps(shop):
    ax = drawn(shop.loc[["Summer Collection"]].braze.plot.funnel(by="channel"))
    assert isinstance(ax, Axes)
    columns = columns_of(ax)
    assert list(columns) == ["Android push", "Email", "iOS push", "SMS", "Web push"]
    assert columns["SMS"]["opened"] == (None, "not measured")
    sums = shop.loc[["Summer Collection"]].braze.totals(by="channel").loc["ios_push"]
    share, _ = columns["iOS push"]["delivered"]
    assert share == pytest.approx((sums["sent"] - sums["bounces"]) / sums["sent"])


def test_each_campaign_has_one_panel(shop):
    picture = shop.braze.plot.funnel()
    titles = [ax.get_title(loc="left") for ax in panels(picture)]
    assert titles == ["Order Updates", "Summer Collection"]


def test_many_variations_stand_in_rows_and_in_the_order_of_their_numbers():
    day = [payloads.entry(f"Variant {n}", sent=9) for n in range(1, 13)]
    df = bf.read_braze_series(payloads.response(payloads.day(messages={"email": day})))
    ax = drawn(df.braze.plot.funnel())
    heads = [text for text in ax.texts if text.get_fontweight() == "bold"]
    names = [text.get_text().replace("\n", " ") for text in heads]
    assert names == [f"Variant {n}" for n in range(1, 13)]
    assert len({text.get_position() for text in heads}) == 12


def test_channels_that_nobody_knows_have_a_funnel():
    messages = {"hologram": [payloads.entry("A", sent=9, conversions=2)]}
    df = bf.read_braze_series(payloads.response(payloads.day(messages=messages)))
    ax = drawn(df.braze.plot.funnel())
    assert written(ax) == ["9", "2  22.2 %"]


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


def test_the_head_has_the_days_and_the_foot_what_still_grows(growing):
    ax = growing.braze.plot.funnel()
    assert around(ax)[0].startswith("Email · 2 May to 30 Jun 2026")
    assert "Days after 30 May" in foot(ax)
    assert "grow" not in foot(growing.braze.settled().braze.plot.funnel())


def test_numbers_stay_inside_their_columns(growing):
    ax = drawn(growing.braze.plot.funnel())
    right = np.array(ax.transData.transform((3 * GAP - 0.18, 0)))[0]
    assert max(text.get_window_extent().x1 for text in ax.texts) <= right + 1
