"""Warnings: how often days and people are doubted without reason, and with."""

import numpy as np
from rows import share

from braze_frames.stats.chi_squared import same_people
from braze_frames.stats.contrasts import DailyCounts, dispersion_of
from braze_frames.stats.jackknife import jackknife

RARE = 0.01


def simulate(rng, runs=6000):
    """Return rows: dispersion, then the same people, false alarms before power."""
    return [
        share("dispersion, sound: alarms", noisy(rng, runs), 0.0, 0.03),
        share(
            "dispersion, lift +50 %, days swing: alarms",
            noisy(rng, runs, lift=0.5, shared=0.4),
            0.0,
            0.04,
        ),
        share("dispersion, noise .10: found", noisy(rng, runs, own=0.10), 0.55, 1.0),
        share("dispersion, noise .15: found", noisy(rng, runs, own=0.15), 0.95, 1.0),
        share("same people, all new: alarms", new_people(rng, runs), 0.0, 0.015),
        share(
            "same people, all new, weekly rhythm: alarms",
            new_people(rng, runs, weekly=True),
            0.0,
            0.015,
        ),
        share("same people, 80 % of 28 days: found", regulars(rng, runs), 0.85, 1.0),
    ]


def noisy(rng, runs, *, days=30, units=4000, lift=0.0, shared=0.0, own=0.0):
    """Tell which runs are said to differ from day to day by more than chance."""
    n = np.full((runs, days), float(units))
    base = 0.05 * np.exp(rng.normal(0, shared, (runs, days)))
    swings = np.exp(rng.normal(-(own**2) / 2, own, (2, runs, days)))
    rates = np.minimum(base * swings * np.reshape([1 + lift, 1.0], (2, 1, 1)), 1)
    x1, x0 = rng.binomial(units, rates).astype(float)
    counts = DailyCounts(x1, n, x0, n)
    within = counts.by_day(np.full(runs, True))
    return dispersion_of(counts, jackknife(*within)).p_value < RARE


def _week(days):
    return np.resize([1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.4], days)


def new_people(rng, runs, *, days=28, daily=2000, weekly=False):
    """Tell which runs of new people are taken for the same people."""
    sizes = rng.poisson(
        daily * (_week(days) if weekly else np.ones(days)), (runs, days)
    )
    first = rng.binomial(sizes, 0.5)
    return same_people(np.stack([first, sizes - first], axis=1)).p_value < RARE


def regulars(rng, runs, *, days=28, pool=1000, presence=0.8):
    """Tell which runs of a fixed pool, split once, are taken for what they are."""
    counts = rng.binomial(pool, presence, (runs, 2, days))
    return same_people(counts.astype(float)).p_value < RARE
