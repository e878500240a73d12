"""Days that still grow, where a message makes people convert sooner."""

import numpy as np
from looks import ever
from rows import covers, mean, share

from braze_frames.stats.contrasts import DailyCounts, Options, score_contrast

DAYS, WINDOW, UNITS, RATE = 60, 30, 4000, 0.03


def arrived(ages, speed):
    """Return the share of conversions that has come in; with speed 0 evenly."""
    days = np.arange(WINDOW)
    weights = np.exp(-speed * days)
    part = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    return part[np.clip(ages + 1, 0, WINDOW)]


def draw(rng, runs, lift, *, until=DAYS, last=DAYS):
    """Draw the first days up to ``last``, as they are read on day ``until``."""
    ages = until - 1 - np.arange(last)
    n = np.full((runs, last), float(UNITS))
    # What the message adds comes at once, what comes anyway comes evenly.
    rate0 = RATE * arrived(ages, 0.0)
    rate1 = rate0 + RATE * lift * arrived(ages, 0.5)
    x1, x0 = (rng.binomial(UNITS, rate, (runs, last)) for rate in (rate1, rate0))
    return DailyCounts(x1.astype(float), n, x0.astype(float), n)


def simulate(rng, runs=4000, lift=0.1):
    """Return rows: coverage of settled days, and of days as they stand."""
    return [
        *settled(rng, runs, lift),
        *as_they_stand(rng, runs, lift),
        looked_at(rng, max(runs // 4, 50)),
    ]


def settled(rng, runs, lift):
    """Return coverage and bias where all has come in."""
    found = score_contrast(
        draw(rng, runs, lift, last=DAYS - WINDOW), Options(), by_day=True
    )
    hits = covers(found.lift_low, found.lift_high, lift)
    return [
        share("arms of different speed, settled: coverage", hits, 0.935, 0.965),
        mean("arms of different speed, settled: bias", found.lift - lift, -0.01, 0.01),
    ]


def as_they_stand(rng, runs, lift):
    """Return what young days do to it: the check can fail."""
    days = draw(rng, runs, lift, until=WINDOW, last=WINDOW)
    found = score_contrast(days, Options(), by_day=True)
    hits = covers(found.lift_low, found.lift_high, lift)
    return [
        share("arms of different speed, young days: coverage", hits, 0.0, 0.85),
        mean("arms of different speed, young: bias", found.lift - lift, 0.05, 0.15),
    ]


def looked_at(rng, runs):
    """Return the false alarms of daily looks at young days, without any effect in all.

    The message only hurries: the same people buy, sooner.
    """
    n = np.full((runs, DAYS), float(UNITS))
    ages = np.zeros(DAYS, dtype=int)
    rates = [RATE * arrived(ages, speed) for speed in (0.5, 0.0)]
    x1, x0 = (rng.binomial(UNITS, rate, (runs, DAYS)).astype(float) for rate in rates)
    hits = ever(DailyCounts(x1, n, x0, n), Options(sequential=True), by_day=True)
    return share("looks at days of age 0, arms hurry: false alarms", hits, 0.5, 1.0)
