"""Coverage of a change between two periods whose days are paired by weekday."""

from itertools import product

import numpy as np
from rows import covers, share

from braze_frames.stats.contrasts import DailyCounts
from braze_frames.stats.jackknife import FEWEST_DAYS, paired_ratio

CHANGE, RATE, DAILY = 0.1, 0.05, 4000
NOISE = 0.1
WEEKDAYS, VOLUMES = (0.0, 0.3), (0.0, 0.4)
LENGTHS = (7, 14, 28, 84)
BOUNDS = (0.935, 0.965)


def simulate(rng, runs=6000):
    """Return rows: each length, with and without a pattern of weekdays and volumes."""
    rows = []
    for length, weekdays, volumes in product(LENGTHS, WEEKDAYS, VOLUMES):
        drawn = draw(rng, runs, length, weekdays, volumes)
        what = f"change, {length} days, weekdays {weekdays}, volumes {volumes}"
        rows.append(coverage(what, drawn))
    return rows


def draw(rng, runs, length, weekdays, volumes):
    """Draw both periods: the same pattern of weekdays, noise of each day's own."""
    place = np.arange(length) % 7
    pattern = rng.normal(0, weekdays, (runs, 7))[:, place]
    noise = rng.normal(0, NOISE, (2, runs, length))
    units = np.ceil(DAILY * np.exp(rng.normal(0, volumes, (2, runs, length))))
    level = np.reshape([1 + CHANGE, 1.0], (2, 1, 1))
    y1, y0 = rng.poisson(units * RATE * level * np.exp(pattern + noise))
    parts = (y1, units[0], y0, units[1])
    return DailyCounts(*(np.asarray(part, dtype=float) for part in parts))


def coverage(what, drawn, bounds=BOUNDS):
    """Return the coverage of the change, where the days hold enough replication."""
    found = paired_ratio(*drawn, 0.95)
    enough = found.eff_days >= FEWEST_DAYS
    hits = covers(found.low - 1, found.high - 1, CHANGE)
    return share(f"{what}: coverage", hits[enough], *bounds)


def unpaired(drawn):
    """Return whether two jackknives, one of each period, hold the change.

    The swing between weekdays counts as noise for both: limits far too wide.
    """
    ends = []
    for y, n in (drawn[:2], drawn[2:]):
        left = (y.sum(1, keepdims=True) - y) / (n.sum(1, keepdims=True) - n)
        logs = np.log(left)
        days = y.shape[1]
        spread = (days - 1) / days * ((logs - logs.mean(1, keepdims=True)) ** 2).sum(1)
        ends.append((np.log(y.sum(1) / n.sum(1)), spread))
    (log1, var1), (log0, var0) = ends
    reach = 1.96 * np.sqrt(var1 + var0)
    return covers(log1 - log0 - reach, log1 - log0 + reach, np.log(1 + CHANGE))


def by_counts(drawn):
    """Return whether limits of the counts alone hold the change; days swing more."""
    y1, n1, y0, n0 = (part.sum(axis=1) for part in drawn)
    log = np.log(y1 / n1) - np.log(y0 / n0)
    reach = 1.96 * np.sqrt(1 / y1 - 1 / n1 + 1 / y0 - 1 / n0)
    return covers(log - reach, log + reach, np.log(1 + CHANGE))
