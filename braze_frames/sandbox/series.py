"""Numbers of the made-up campaigns: the days of a series, and the rates behind them.

A series counts what had arrived by ``today`` of what was drawn for the sends: a count
of a day can only grow, until all has arrived.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import repeat
from typing import Any, Final

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Floats
from braze_frames.sandbox.campaign import PEOPLE, Arm, ShopCampaign, ShopStep
from braze_frames.sandbox.draws import (
    BLOCK,
    EVENTS,
    LONGEST,
    Drawn,
    draw_block,
    drift,
    expected_people,
    gets,
    order_value,
    step_value,
)
from braze_frames.schema.channels import (
    CHANNELS,
    CONTROL_STAT,
    VARIATION_ID,
    VARIATION_NAME,
)
from braze_frames.schema.rates import RATES

BY_SEND: Final = "_by_send_time"
SHOP_STATS: Final = {channel.name: channel.stats for channel in CHANNELS}


# Shares that have arrived by noon of days -1 (nothing), 0, 1, 2, 3 and later: devices
# report up to two days late. With the longest lag all is there after 31 days.
SENDS: Final = np.array([0.0, 0.5, 1.0, 1.0, 1.0])
RESPONSES: Final = np.array([0.0, 0.5, 0.96, 0.99, 1.0])


def series(
    campaign: ShopCampaign, first: date, last: date, today: date, seed: int = 0
) -> list[dict[str, Any]]:
    """Return the ``data`` of a campaign's series: one dict a day, ascending.

    Parameters
    ----------
    campaign : Campaign
        One of ``CAMPAIGNS``, or any other.
    first, last : date
        The days asked for, both included. Days before the launch, after the end and
        after ``today`` are zero.
    today : date
        The day on which is asked, at noon.
    seed : int
        Another seed, another draw of the same campaign.

    Returns
    -------
    list of dict
        As the endpoint gives them.

    Examples
    --------
    >>> from braze_frames.sandbox.shop import CAMPAIGNS
    >>> day = date(2026, 6, 19)
    >>> blast = CAMPAIGNS[-1]
    >>> [row] = series(blast, day, day, today=day)
    >>> row["time"], list(row["messages"])
    ('2026-06-19', ['email'])
    >>> [later] = series(blast, day, day, today=date(2026, 7, 31))
    >>> row["conversions"] < later["conversions"]
    True
    """
    days = (last - first).days + 1
    window = _Window(campaign, first.toordinal(), days, today.toordinal(), seed)
    users = window.users()
    columns: dict[str, Iterable[Any]] = {
        "time": [(first + timedelta(n)).isoformat() for n in range(days)],
        "messages": _messages(window, users),
        **_totals(users),
    }
    return _rows(columns)


def truth(campaign: ShopCampaign) -> pd.DataFrame:
    """Return the true value of each rate, by channel and variation.

    Parameters
    ----------
    campaign : Campaign
        One of ``CAMPAIGNS``, or any other.

    Returns
    -------
    DataFrame
        Index ``channel, variation`` (the name where the series gives one, else the
        id), a column per rate; NaN where a variation has no such stats. Where rates
        drift, all variations are averaged over the same days with the same weights, so
        the truths differ only by the effect of the message.
    """
    rows = {}
    for arm in campaign.arms:
        label = arm.name if campaign.tested else campaign.variation_id(arm)
        rows[arm.channel, label] = _true_rates(campaign, arm)
    frame = pd.DataFrame.from_dict(rows, orient="index", dtype="float64")
    frame.index = pd.MultiIndex.from_tuples(rows, names=["channel", "variation"])
    order = dict.fromkeys(rate.metric for rate in RATES)
    return frame[[name for name in order if name in frame]].dropna(axis=1, how="all")


def last_send(campaign: ShopCampaign, today: date) -> date | None:
    """Return the newest day up to ``today`` on which the campaign was sent.

    Examples
    --------
    >>> from braze_frames.sandbox.shop import CAMPAIGNS
    >>> last_send(CAMPAIGNS[-1], date(2026, 6, 30))
    datetime.date(2026, 6, 19)
    """
    end = min(today, campaign.last or today)
    for day in (end - timedelta(n) for n in range(7)):
        if day >= campaign.launch and campaign.week[day.weekday()]:
            return day
    return None


# --- what has arrived by a day ---
class _Window:
    """The days asked for, as they are seen on the day of the question."""

    def __init__(
        self, campaign: ShopCampaign, first: int, days: int, today: int, seed: int
    ) -> None:
        self.campaign = campaign
        self.first = first
        self.days = days
        self.ages = today - np.arange(first, first + days)
        numbers = range((first - LONGEST) // BLOCK, (first + days - 1) // BLOCK + 1)
        drawn = (
            (number * BLOCK, draw_block(campaign, number, seed)) for number in numbers
        )
        self.blocks = [(start, block) for start, block in drawn if block]

    def channel(self, channel: str) -> dict[str, Drawn]:
        """Return stat → days by arms that get messages of the channel."""
        arms = sum(gets(arm, channel) for arm in self.campaign.arms)
        late = _late_stats(self.campaign.steps(channel))
        counts: dict[str, Drawn] = {}
        for step in self.campaign.steps(channel):
            if step.how == "rest":
                whole, part = step.parent.split(" - ")
                counts[step.stat] = counts[whole] - counts[part]
            else:
                arrival = RESPONSES if step.stat in late else SENDS
                counts[step.stat] = self._events((channel, step.stat), arms, arrival)
        return counts

    def users(self) -> dict[str, Drawn]:
        """Return conversions, recipients and cents: stat → days by arms of the test."""
        arms = len(self.campaign.arms) if self.campaign.tested else 1
        counts: dict[str, Drawn] = {}
        for name in EVENTS:
            counts[name] = self._events(("", name), arms, RESPONSES)
            counts[name + BY_SEND] = self._sends(name, arms)
        counts[PEOPLE] = self._events(("", PEOPLE), arms, SENDS)
        counts["cents"] = self._events(("", "cents"), arms, RESPONSES)
        return counts

    def _events(self, key: tuple[str, str], arms: int, arrival: Floats) -> Drawn:
        """Return what happened on each day, as far as it has arrived."""
        total = np.zeros((self.days, arms), dtype=np.int64)
        for start, block in self.blocks:
            here, there = self._overlap(start, BLOCK + LONGEST)
            if key in block.counts:
                total[here] += block.counts[key][there]
        # Rounded down: what has arrived of a day never shrinks as today moves on.
        return np.floor(total * _arrived(self.ages, arrival)[:, None]).astype(np.int64)

    def _sends(self, name: str, arms: int) -> Drawn:
        """Return what came of each day's sends, as far as it has arrived."""
        total = np.zeros((self.days, arms), dtype=np.int64)
        for start, block in self.blocks:
            here, there = self._overlap(start, BLOCK)
            if name in block.events:
                drawn = block.events[name][there]
                ages = self.ages[here, None] - np.arange(drawn.shape[2])
                seen = drawn * _arrived(ages, RESPONSES)[:, None, :]
                total[here] = np.floor(seen).sum(axis=2)
        return total

    def _overlap(self, start: int, length: int) -> tuple[slice, slice]:
        """Return where a block's days lie among ours, and ours among the block's."""
        begin = max(start, self.first)
        end = max(begin, min(start + length, self.first + self.days))
        return (
            slice(begin - self.first, end - self.first),
            slice(begin - start, end - start),
        )


def _arrived(ages: Drawn, arrival: Floats) -> Floats:
    return arrival[np.clip(ages + 1, 0, len(arrival) - 1)]


def _late_stats(steps: Sequence[ShopStep]) -> set[str]:
    """Return the stats that come after the send, some of them days later."""
    late: set[str] = set()
    for step in steps:
        if len(step.lags) > 1 or step.parent in late:
            late.add(step.stat)
    return late


# --- the shape of an answer ---
def _rows(columns: dict[str, Iterable[Any]]) -> list[dict[str, Any]]:
    keys = tuple(columns)
    values = zip(*columns.values(), strict=False)
    return [dict(zip(keys, row, strict=True)) for row in values]


def _messages(window: _Window, users: dict[str, Drawn]) -> list[dict[str, Any]]:
    """Return each day's ``messages``: channel → one stat object per arm."""
    channels: dict[str, Iterable[Any]] = {}
    for channel in window.campaign.channels:
        entries = _entries(window, channel, users)
        channels[channel] = map(list, zip(*entries, strict=True))
    for channel in window.campaign.empty_channels:
        channels[channel] = ([] for _ in range(window.days))
    return _rows(channels)


def _entries(
    window: _Window, channel: str, users: dict[str, Drawn]
) -> list[list[dict[str, Any]]]:
    """Return, for each arm of a channel, its stat objects day by day."""
    campaign = window.campaign
    counts = window.channel(channel)
    own = tuple(step.stat for step in campaign.more_steps)
    place = 0
    entries = []
    for number, arm in enumerate(campaign.arms):
        if arm.channel != channel:
            continue
        columns = _names(campaign, arm)
        if arm.is_control:
            columns[CONTROL_STAT] = users[PEOPLE][:, number].tolist()
        else:
            for stat in (*SHOP_STATS[channel], *own):
                columns[stat] = counts[stat][:, place].tolist()
            place += 1
        if campaign.tested:
            columns |= _totals({stat: n[:, [number]] for stat, n in users.items()})
        entries.append(_rows(columns))
    return entries


def _names(campaign: ShopCampaign, arm: Arm) -> dict[str, Iterable[Any]]:
    """Return what names an arm: only the variations of a test have a name."""
    identity = {VARIATION_ID: repeat(campaign.variation_id(arm))}
    if not campaign.tested:
        return {**identity}
    return {VARIATION_NAME: repeat(arm.name), **identity}


def _totals(users: dict[str, Drawn]) -> dict[str, list[Any]]:
    """Return conversions, recipients and revenue, summed over the arms."""
    sums = {stat: drawn.sum(axis=1) for stat, drawn in users.items()}
    cents = sums.pop("cents")
    totals: dict[str, list[Any]] = {
        stat: total.tolist() for stat, total in sums.items()
    }
    # Summed as whole cents before the division, so that no sum is off by a rounding.
    return {**totals, "revenue": (cents / 100).tolist()}


# --- the rates behind ---
def _true_rates(campaign: ShopCampaign, arm: Arm) -> dict[str, float]:
    means = _means(campaign, arm)
    rates = {}
    for rate in RATES:
        if rate.channel == arm.channel:
            numerator = _evaluate(rate.numerator, means)
            denominator = _evaluate(rate.denominator, means)
            rates[rate.metric] = numerator / denominator if denominator else np.nan
    return rates


def _evaluate(expression: str, means: dict[str, float]) -> float:
    """Return the mean of a stat or of a difference; NaN where one is not given."""
    whole, *parts = (means.get(stat, np.nan) for stat in expression.split(" - "))
    return whole - sum(parts)


def _means(campaign: ShopCampaign, arm: Arm) -> dict[str, float]:
    """Return the mean of each stat the arm gives, for one recipient."""
    means = {PEOPLE: 1.0}
    for step in () if arm.is_control else campaign.steps(arm.channel):
        if step.how == "rest":
            means[step.stat] = _evaluate(step.parent, means)
        else:
            value = step_value(step, arm)
            factor = value if step.how == "share" else 1 + value
            means[step.stat] = means[step.parent] * factor
    return {**means, **_user_means(campaign, arm)}


def _user_means(campaign: ShopCampaign, arm: Arm) -> dict[str, float]:
    """Return the means that one arm alone and the arms of a test have."""
    if len(campaign.arms) > 1 and not campaign.tested:
        return {PEOPLE: np.nan}
    factor = _mean_drift(campaign)
    means = dict.fromkeys((name + by for name in EVENTS for by in ("", BY_SEND)), 0.0)
    for name, event in zip(EVENTS, campaign.events, strict=False):
        rate = event.rate * arm.effects.get(name, 1.0) * factor
        means[name] = means[name + BY_SEND] = rate
    means["revenue"] = means[EVENTS[0]] * order_value(campaign, arm)
    return means


def _mean_drift(campaign: ShopCampaign) -> float:
    last = campaign.last or campaign.launch + timedelta(365)
    days = np.arange(campaign.launch.toordinal(), last.toordinal() + 1)
    return float(
        np.average(drift(campaign, days), weights=expected_people(campaign, days))
    )
