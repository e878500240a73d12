"""A split that moves while the rate falls: by day against pooled."""

import numpy as np
from rows import covers, mean, share

from braze_frames.stats.contrasts import DailyCounts, Options, score_contrast

SHARES = (0.5, 0.85)
RATES = (0.06, 0.03)
DAILY = 2000


def draw(rng, runs, days, lift=0.0, daily=DAILY):
    """Draw days whose split goes to the variation while the rate falls."""
    share1 = np.linspace(*SHARES, days)
    rate = np.linspace(*RATES, days)
    n1 = np.broadcast_to(np.round(daily * share1), (runs, days))
    n0 = daily - n1
    x1 = rng.binomial(n1.astype(int), rate * (1 + lift))
    x0 = rng.binomial(n0.astype(int), rate)
    return DailyCounts(*(np.asarray(part, dtype=float) for part in (x1, n1, x0, n0)))


def simulate(rng, runs=10_000, days=28):
    """Return rows: no effect and a lift, by day and pooled; then very few events."""
    rows = []
    for lift in (0.0, 0.1):
        found = score_contrast(draw(rng, runs, days, lift), Options(), by_day=True)
        what = f"by day, split moves, lift {lift:+.0%}"
        hits = covers(found.lift_low, found.lift_high, lift)
        rows.append(mean(f"{what}: bias of lift", found.lift - lift, -0.01, 0.01))
        rows.append(share(f"{what}: coverage", hits, 0.935, 0.965))
        if not lift:
            alarms = found.p_value < 0.05
            rows.append(share(f"{what}: false alarms", alarms, 0.035, 0.065))
    return [*rows, pooled(rng, runs, days), *_sparse(rng, runs)]


def pooled(rng, runs, days=28):
    """Return the coverage of pooled totals: far from what they say."""
    found = score_contrast(draw(rng, runs, days), Options(), by_day=False)
    hits = covers(found.lift_low, found.lift_high, 0.0)
    return share("pooled, split moves: coverage", hits, 0.0, 0.80)


def _sparse(rng, runs, days=14, units=100, expected=2.0):
    """Return coverage with nine to one, and two events of the control in all."""
    rate = expected / (days * units)
    n0 = np.full((runs, days), float(units))
    rows = []
    for lift in (0.0, 0.5):
        x1 = rng.binomial(9 * units, rate * (1 + lift), (runs, days)).astype(float)
        x0 = rng.binomial(units, rate, (runs, days)).astype(float)
        found = score_contrast(DailyCounts(x1, 9 * n0, x0, n0), Options(), by_day=True)
        hits = covers(found.lift_low, found.lift_high, lift)
        what = f"by day, two control events, lift {lift:+.0%}: coverage"
        rows.append(share(what, hits, 0.93, 0.98))
    return rows
