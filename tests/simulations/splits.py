"""The day method within days: splits that hold, move and switch, with noise or not."""

from itertools import product

import numpy as np
from rows import covers, mean, share

from braze_frames.stats.contrasts import DailyCounts, Options, day_contrast
from braze_frames.stats.jackknife import jackknife

LENGTHS = (7, 14, 40)
NOISES = (0.0, 0.15)
RATES = (0.06, 0.03)
DAILY = 4000


def shares_of(kind, days):
    """Return the variation's share of each day."""
    return {
        "fixed": np.full(days, 0.5),
        "moving": np.linspace(0.5, 0.85, days),
        "switched": np.where(np.arange(days) < days // 2, 0.5, 0.95),
    }[kind]


def draw(rng, runs, kind, days, noise=0.0, lift=0.0):
    """Draw days whose rate falls, each arm with noise of its own."""
    share1 = shares_of(kind, days)
    n1 = np.broadcast_to(np.round(DAILY * share1), (runs, days))
    swings = np.exp(rng.normal(-(noise**2) / 2, noise, (2, runs, days)))
    rates = np.linspace(*RATES, days) * swings
    x1 = rng.binomial(n1.astype(int), np.minimum(rates[0] * (1 + lift), 1))
    x0 = rng.binomial((DAILY - n1).astype(int), rates[1])
    parts = (x1, n1, x0, DAILY - n1)
    return DailyCounts(*(np.asarray(part, dtype=float) for part in parts))


def compared(days, *, by_day):
    """Compare as ``se="day"`` does: within the days, or pooled over them."""
    within = days.by_day(np.full(len(days.y1), by_day))
    return day_contrast(within, jackknife(*within), Options())


def simulate(rng, runs=4000, lengths=LENGTHS):
    """Return rows: coverage and bias within days, then what pooling does."""
    rows = []
    for kind, days, noise in product(("fixed", "moving", "switched"), lengths, NOISES):
        found = compared(draw(rng, runs, kind, days, noise, 0.1), by_day=True)
        hits = covers(found.lift_low, found.lift_high, 0.1)
        what = f"day, by day, {kind} split, {days} days, noise {noise:g}: coverage"
        rows.append(share(what, hits, 0.925, 0.975))
    found = compared(draw(rng, runs, "moving", 40), by_day=True)
    rows.append(mean("day, by day, moving split: bias", found.lift, -0.01, 0.01))
    return [*rows, pooled(rng, runs)]


def pooled(rng, runs):
    """Return how often the day method pooled over days holds no effect: the trap."""
    found = compared(draw(rng, runs, "moving", 40), by_day=False)
    hits = covers(found.lift_low, found.lift_high, 0.0)
    return share("day, pooled, moving split, no effect: coverage", hits, 0.0, 0.80)
