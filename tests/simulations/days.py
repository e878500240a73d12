"""Coverage of the jackknife over days: ratios of events, and revenue."""

from itertools import product

import numpy as np
from rows import covers, share

from braze_frames.stats.contrasts import DailyCounts, Options, day_contrast
from braze_frames.stats.jackknife import FEWEST_DAYS, jackknife

SHARED, OWN = 0.4, 0.15
LIFT = 0.1
RATE, BUYERS = 0.3, 0.02
SPLITS = ((2000, 2000), (3600, 400))
LENGTHS = (7, 14, 28)
UNEVEN_LENGTHS = (7, 14, 28, 60)


def simulate(rng, runs=6000):
    """Return rows: noisy days, days of uneven volume, revenue."""
    rows = []
    for days, split in product(LENGTHS, SPLITS):
        rows.append(_events(rng, runs, days, split))
    for days, split in product(UNEVEN_LENGTHS, SPLITS):
        rows.append(_events(rng, runs, days, split, uneven=1.0))
    for days, split in product(LENGTHS, SPLITS):
        rows.append(_revenue(rng, runs, days, split))
    return [*rows, heavy_tails(rng, runs)]


def heavy_tails(rng, runs):
    """Return revenue of extreme orders and a small control: short of what it says.

    Only sums of days are known, so that nothing can be winsorised: one in twelve
    intervals misses.
    """
    row = _revenue(rng, runs, 28, SPLITS[1], spread=1.8)
    return row._replace(what=f"heavy-tailed {row.what}", low=0.90, high=0.94)


def _events(rng, runs, days, split, uneven=0.0):
    """Draw events: swings of the days that both arms share, and own ones."""
    units = _units(rng, runs, days, split, uneven)
    noise = _swings(rng, runs, days) + rng.normal(0, OWN, (2, runs, days))
    y1, y0 = rng.poisson(units * RATE * _effects() * np.exp(noise))
    kind = "uneven days" if uneven else "noisy days"
    bounds = (0.925, 0.975) if uneven else (0.925, 0.965)
    return _coverage(f"{kind}, {days} of {_name(split)}", (y1, units, y0), bounds)


def _revenue(rng, runs, days, split, spread=1.0):
    """Draw orders, and for each one a lognormal value."""
    units = _units(rng, runs, days, split, 0.0)
    orders = rng.poisson(units * BUYERS * np.exp(_swings(rng, runs, days)))
    values = rng.lognormal(0, spread, orders.sum())
    cell = np.repeat(np.arange(orders.size), orders.ravel())
    sums = np.bincount(cell, values, orders.size).reshape(orders.shape)
    y1, y0 = sums * _effects()
    what = f"revenue, {days} days of {_name(split)}"
    return _coverage(what, (y1, units, y0), (0.930, 0.965))


def _units(rng, runs, days, split, uneven):
    volume = np.exp(rng.normal(0, uneven, (runs, days)))
    return np.ceil(volume * np.reshape(split, (2, 1, 1)))


def _swings(rng, runs, days):
    return rng.normal(0, SHARED, (runs, days))


def _effects():
    return np.reshape([1 + LIFT, 1.0], (2, 1, 1))


def _name(split):
    return f"{split[0]}/{split[1]}"


def _coverage(what, drawn, bounds):
    """Return the coverage of the lift, of runs whose days hold enough replication."""
    y1, (n1, n0), y0 = drawn
    days = DailyCounts(*(np.asarray(part, dtype=float) for part in (y1, n1, y0, n0)))
    swings = jackknife(*days)
    found = day_contrast(days, swings, Options())
    enough = swings.eff_days >= FEWEST_DAYS
    hits = covers(found.lift_low, found.lift_high, LIFT)[enough]
    return share(f"{what}: coverage", hits, *bounds)
