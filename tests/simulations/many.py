"""Many tests at once: false winners, the mean of lifts, and lifts that are shrunk."""

import numpy as np
from rows import mean, share

from braze_frames.portfolio.random_effects import random_effects
from braze_frames.stats.contrasts import (
    DailyCounts,
    Options,
    log_variance,
    score_contrast,
)
from braze_frames.stats.multiplicity import adjust

TESTS, UNITS, RATE, SPREAD = 50, 20_000, 0.05, 0.05


def simulate(rng, runs=1000):
    """Return rows: tests without effect, then tests whose true log lifts vary."""
    alone, together = (np.array(part) for part in zip(*nothing(rng, runs), strict=True))
    errors = [_fit(rng) for _ in range(runs)]
    covered, gain = (np.array(part) for part in zip(*errors, strict=True))
    return [
        share("50 tests, no effect, each alone: one significant", alone, 0.85, 1.0),
        share("50 tests, no effect, together: one significant", together, 0.0, 0.06),
        share("50 tests: mean lift, coverage", covered, 0.93, 0.97),
        mean("50 tests: squared error, shrunk over plain", gain, 0.0, 0.75),
    ]


def nothing(rng, runs):
    """Tell for each run whether any test is significant: alone, and adjusted."""
    for _ in range(runs):
        p_values = score_contrast(
            _draw(rng, np.zeros(TESTS)), Options(differences=False), by_day=False
        ).p_value
        yield (p_values < 0.05).any(), (adjust(p_values, "fdr_bh") < 0.05).any()


def _fit(rng):
    true = rng.normal(0.03, SPREAD, TESTS)
    days = _draw(rng, true)
    seen = np.log((days.y1 / days.n1) / (days.y0 / days.n0))[:, 0]
    found = random_effects(seen, log_variance(days), 0.95)
    covered = found.low <= 0.03 <= found.high
    gain = ((found.shrunk - true) ** 2).sum() / ((seen - true) ** 2).sum()
    return covered, gain


def _draw(rng, true):
    n = np.full((TESTS, 1), float(UNITS))
    x0 = rng.binomial(UNITS, RATE, (TESTS, 1)).astype(float)
    x1 = rng.binomial(UNITS, RATE * np.exp(true))[:, None].astype(float)
    return DailyCounts(x1, n, x0, n)
