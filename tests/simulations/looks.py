"""Looking every day for 60 days: how often nothing is found to be something."""

import numpy as np
from moving import draw
from rows import share

from braze_frames.stats.contrasts import FIRST_LOOK, DailyCounts, Options, day_contrast
from braze_frames.stats.distributions import always_valid, two_sided
from braze_frames.stats.jackknife import jackknife
from braze_frames.stats.scores import Tables, null_test

DAYS = 60
ALPHA = 0.05
CHUNK = 200


def simulate(rng, runs=4000):
    """Return rows: a split that holds, one that moves, and a true lift."""
    still = steady(rng, runs)
    moved = draw(rng, runs, DAYS)
    better = draw(rng, runs // 2, DAYS, lift=0.1, daily=4000)
    return [
        alarms("by day, split holds", still, by_day=True),
        alarms("pooled, split holds", still, by_day=False),
        alarms("by day, split moves", moved, by_day=True),
        over_days(rng, runs // 2),
        *failures(still, moved),
        share(
            "looks by day, split moves, lift +10%: found",
            ever(better, Options(sequential=True), by_day=True),
            0.9,
            1.0,
        ),
    ]


def failures(still, moved):
    """Return the tests that daily looks deceive: the check can fail."""
    fixed = ever(still, Options(), by_day=False)
    pooled = ever(moved, Options(sequential=True), by_day=False)
    return [
        share("looks pooled, fixed test: false alarms", fixed, 0.25, 1.0),
        share("looks pooled, split moves: false alarms", pooled, 0.4, 1.0),
    ]


def steady(rng, runs, units=1000, rate=0.02):
    """Draw days of two equal arms without any effect."""
    n = np.full((runs, DAYS), float(units))
    x1, x0 = rng.binomial(units, rate, (2, runs, DAYS)).astype(float)
    return DailyCounts(x1, n, x0, n)


def alarms(what, days, *, by_day):
    """Return how often the always-valid test is ever significant."""
    hits = ever(days, Options(sequential=True), by_day=by_day)
    return share(f"looks {what}: false alarms", hits, 0.0, ALPHA)


def over_days(rng, runs, units=1000, rate=0.02, own=0.15):
    """Return the false alarms of the day method where days have noise of their own."""
    n = np.full((runs, DAYS), float(units))
    noise = np.exp(rng.normal(0, own, (2, runs, DAYS)))
    y1, y0 = rng.poisson(units * rate * noise).astype(float)
    hits = np.zeros(runs, dtype=bool)
    for look in range(FIRST_LOOK, DAYS + 1):
        days = DailyCounts(*(part[:, :look] for part in (y1, n, y0, n)))
        found = day_contrast(days, jackknife(*days), Options(sequential=True))
        hits |= found.p_value < ALPHA
    return share("looks over days, noisy: false alarms", hits, 0.0, ALPHA)


def ever(days, options, *, by_day):
    """Tell which runs are called significant on any day."""
    runs = len(days.y1)
    return np.concatenate(
        [
            (p_values(days.rows(rows), options, by_day=by_day) < ALPHA).any(axis=1)
            for rows in np.array_split(np.arange(runs), max(1, runs // CHUNK))
        ]
    )


def p_values(days, options, *, by_day):
    """Return the p-value of each run (row) on each day (column).

    They are those of ``score_contrast`` without its intervals, whose search would take
    most of the time.
    """
    length = days.y1.shape[1]
    if by_day:
        so_far = np.tri(length)
        parts = ((part[:, None] * so_far).reshape(-1, length) for part in days)
    else:
        parts = (part.cumsum(axis=1).reshape(-1, 1) for part in days)
    test = null_test(Tables(*parts, stratified=by_day))
    found = two_sided(test.z)
    if options.sequential:
        variance = np.where(test.variance > 0, test.variance, np.inf)
        information = (options.tau * test.events) ** 2 / variance
        found = always_valid(test.z, information, options.conf_level).p_value
    return found.reshape(-1, length)
