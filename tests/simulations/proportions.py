"""Coverage of the score intervals of one rate and of two."""

from itertools import product

import numpy as np
from rows import covers, extremes, share

from braze_frames.stats.contrasts import DailyCounts, Options, score_contrast
from braze_frames.stats.scores import wilson

SIZES = ((1000, 1000), (10_000, 10_000), (9000, 1000), (90_000, 10_000))
RATES = (0.005, 0.02, 0.1, 0.3)
LIFTS = (0.0, 0.2)


def simulate(rng, runs=20_000, sizes=SIZES):
    """Return rows: two rates of each pair of sizes, then one rate."""
    rows = []
    for size in sizes:
        cells = [_two(rng, runs, size, *cell) for cell in product(RATES, LIFTS)]
        for number, name in enumerate(("difference", "lift")):
            cell = [pair[number] for pair in cells]
            what = f"score {name} {size[0]}/{size[1]}: coverage"
            rows += extremes(cell, what, 0.943, 0.960)
    units = sorted({units for size in sizes for units in size})
    cells = [_one(rng, runs, *cell) for cell in product(units, RATES)]
    return rows + extremes(cells, "Wilson: coverage", 0.935, 0.970)


def _two(rng, runs, size, rate, lift):
    n1, n0 = size
    x1, x0 = (
        rng.binomial(n, p, runs) for n, p in ((n1, rate * (1 + lift)), (n0, rate))
    )
    counts = np.broadcast_arrays(x1, n1, x0, n0)
    days = DailyCounts(*(part[:, None].astype(float) for part in counts))
    found = score_contrast(days, Options(), by_day=False)
    difference = covers(found.diff_low, found.diff_high, rate * lift)
    relative = covers(found.lift_low, found.lift_high, lift)
    return share("", difference, 0.943, 0.960), share("", relative, 0.943, 0.960)


def _one(rng, runs, units, rate):
    x = rng.binomial(units, rate, runs).astype(float)
    low, high = wilson(x, np.full_like(x, units), 0.95)
    return share("", covers(low, high, rate), 0.935, 0.970)
