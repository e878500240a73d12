"""What comes of the made-up campaigns' sends, drawn once in blocks of days.

Each block has its own random numbers, made of seed, campaign and block: what comes of
a day's sends does not depend on who asks, when, and for which days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from braze_frames.core.arrays import Floats
from braze_frames.sandbox.campaign import PEOPLE, Arm, Event, ShopCampaign, ShopStep

Drawn = npt.NDArray[np.int64]
# Days that are drawn at once: any window of 100 days touches few blocks, and a block
# of a month is drawn in a millisecond.
BLOCK: Final = 32
# Days from a send to its last conversion: with reports two days late all is there
# before the 31 days after which numbers count as settled.
LONGEST: Final = 28
EVENTS: Final = ("conversions", "conversions1", "conversions2", "conversions3")
# Shape of the gamma that orders are drawn from: skewed as baskets are, with a tail
# that a day's sum still averages out.
ORDERS_SHAPE: Final = 2.0
# Standard deviation of the log of a day's volume: days differ by more than chance.
NOISE: Final = 0.1


@dataclass(frozen=True, slots=True)
class DrawBlock:
    """What comes of the sends of 32 days.

    ``counts`` by day of the event: 60 days by arms of a channel (channel ``""``: all
    arms of a test, else one). ``events``: 32 days by arms by days from send to event.
    """

    counts: dict[tuple[str, str], Drawn]
    events: dict[str, Drawn]


@lru_cache(maxsize=256)
def draw_block(campaign: ShopCampaign, number: int, seed: int) -> DrawBlock | None:
    """Draw the sends of one block of days; None where nothing is sent."""
    days = np.arange(number * BLOCK, (number + 1) * BLOCK)
    expected = expected_people(campaign, days)
    if not expected.any():
        return None
    rng = np.random.default_rng([seed, int(campaign.id.replace("-", ""), 16), number])
    noise = np.exp(rng.normal(-(NOISE**2) / 2, NOISE, BLOCK))
    people = rng.poisson(expected * noise)
    recipients = _recipients(campaign, days, people, rng)
    users = _users(campaign, people, recipients)
    counts = {("", PEOPLE): _by_event(users[:, :, None])}
    for channel in campaign.channels:
        counts |= _channel_counts(campaign, channel, recipients, rng)
    events = {
        name: _conversions(campaign, name, event, users, days, rng)
        for name, event in zip(EVENTS, campaign.events, strict=False)
    }
    lagged = {**events, "cents": _cents(campaign, events[EVENTS[0]], rng)}
    counts |= {("", name): _by_event(drawn) for name, drawn in lagged.items()}
    return DrawBlock(counts, events)


def expected_people(campaign: ShopCampaign, days: Drawn) -> Floats:
    """Return the mean number of recipients of each day."""
    last = campaign.last.toordinal() if campaign.last else np.inf
    live = (days >= campaign.launch.toordinal()) & (days <= last)
    weekday = (days + 6) % 7  # ordinal 1, the first of January of year 1, was a Monday
    return np.where(live, campaign.audience * np.array(campaign.week)[weekday], 0.0)


def _progress(campaign: ShopCampaign, days: Drawn) -> Floats:
    """Return how much of the campaign's life is over, from 0 to 1."""
    if campaign.last is None or campaign.last == campaign.launch:
        return np.zeros(len(days))
    life = (campaign.last - campaign.launch).days
    return np.clip((days - campaign.launch.toordinal()) / life, 0.0, 1.0)


def drift(campaign: ShopCampaign, days: Drawn) -> Floats:
    """Return what the conversion rates of each day are multiplied with."""
    begin, end = campaign.drift
    return begin + (end - begin) * _progress(campaign, days)


def _recipients(
    campaign: ShopCampaign, days: Drawn, people: Drawn, rng: np.random.Generator
) -> Drawn:
    """Return days by arms: who of the people gets which message."""
    begin = np.array([arm.share for arm in campaign.arms])
    end = np.array([_last_share(arm) for arm in campaign.arms])
    shares = begin + (end - begin) * _progress(campaign, days)[:, None]
    if campaign.regulars:
        return _regulars(campaign, days, begin / begin.sum(), rng)
    if not campaign.tested:
        return rng.binomial(people[:, None], shares)
    return rng.multinomial(people, shares / shares.sum(axis=1, keepdims=True))


def _regulars(
    campaign: ShopCampaign, days: Drawn, shares: Floats, rng: np.random.Generator
) -> Drawn:
    """Return days by arms: who of each arm's own pool is there."""
    pools = np.rint(campaign.audience / campaign.regulars * shares).astype(np.int64)
    present = campaign.regulars * expected_people(campaign, days) / campaign.audience
    return rng.binomial(pools, present[:, None])


def _last_share(arm: Arm) -> float:
    return arm.share if arm.last_share is None else arm.last_share


def _users(campaign: ShopCampaign, people: Drawn, recipients: Drawn) -> Drawn:
    """Return days by arms of a test; else days by 1, each person once."""
    if campaign.tested:
        return recipients
    reached: Drawn = np.minimum(people, recipients.sum(axis=1))
    return reached[:, None]


def _channel_counts(
    campaign: ShopCampaign, channel: str, recipients: Drawn, rng: np.random.Generator
) -> dict[tuple[str, str], Drawn]:
    places = [n for n, arm in enumerate(campaign.arms) if gets(arm, channel)]
    arms = [campaign.arms[n] for n in places]
    drawn = {PEOPLE: recipients[:, places, None]}
    for step in campaign.steps(channel):
        drawn[step.stat] = _draw(step, arms, drawn, rng)
    del drawn[PEOPLE]
    return {(channel, stat): _by_event(counts) for stat, counts in drawn.items()}


def gets(arm: Arm, channel: str) -> bool:
    """Whether an arm gets messages of a channel."""
    return arm.channel == channel and not arm.is_control


def _draw(
    step: ShopStep,
    arms: Sequence[Arm],
    drawn: dict[str, Drawn],
    rng: np.random.Generator,
) -> Drawn:
    """Draw one stat from its parent: days by arms by days from send to event."""
    if step.how == "rest":
        whole, part = step.parent.split(" - ")
        return drawn[whole] - drawn[part]
    parent = drawn[step.parent]
    value = np.array([step_value(step, arm) for arm in arms])[:, None]
    if step.how == "more":
        more: Drawn = parent + rng.poisson(parent * value)
        return more
    counts = rng.binomial(parent, value)
    # No draw where there is nothing to spread: other campaigns keep their numbers.
    if len(step.lags) == 1:
        return counts
    return rng.multinomial(counts[:, :, 0], step.lags)


def step_value(step: ShopStep, arm: Arm) -> float:
    """Return the value of a step for one arm."""
    return step.value * arm.effects.get(step.stat, 1.0)


def _conversions(
    campaign: ShopCampaign,
    name: str,
    event: Event,
    users: Drawn,
    days: Drawn,
    rng: np.random.Generator,
) -> Drawn:
    """Draw who converts, and how many days after the send."""
    arms = campaign.arms if campaign.tested else campaign.arms[:1]
    effects = np.array([arm.effects.get(name, 1.0) for arm in arms])
    rates = event.rate * effects * drift(campaign, days)[:, None]
    # No draw where there is no noise: other campaigns keep their numbers.
    if campaign.arm_noise:
        sd = campaign.arm_noise
        rates = rates * np.exp(rng.normal(-(sd**2) / 2, sd, rates.shape))
    # Most buy at once: within a third of the window interest falls to 1 / e.
    paces = np.array([[arm.pace] for arm in arms])
    length = min(event.window, LONGEST) + 1
    lags = np.exp(-np.arange(length) * 3.0 * paces / event.window)
    shares = lags / lags.sum(axis=1, keepdims=True)
    return rng.multinomial(rng.binomial(users, rates), shares)


def _cents(campaign: ShopCampaign, orders: Drawn, rng: np.random.Generator) -> Drawn:
    """Draw what the orders are worth."""
    arms = campaign.arms if campaign.tested else campaign.arms[:1]
    values = np.array([order_value(campaign, arm) for arm in arms])[:, None]
    spent = rng.gamma(ORDERS_SHAPE * orders) * values / ORDERS_SHAPE
    cents: Drawn = np.rint(spent * 100).astype(np.int64)
    return cents


def order_value(campaign: ShopCampaign, arm: Arm) -> float:
    """Return what an order of one arm's people is worth on average."""
    return campaign.order_value * arm.effects.get("revenue", 1.0)


def _by_event(drawn: Drawn) -> Drawn:
    """Turn send days by arms by lags into event days by arms."""
    total = np.zeros((BLOCK + LONGEST, drawn.shape[1]), dtype=np.int64)
    for lag in range(drawn.shape[2]):
        total[lag : lag + BLOCK] += drawn[:, :, lag]
    return total
