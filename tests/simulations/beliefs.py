"""What Beta-Binomial beliefs say where nothing differs, and with many units."""

import numpy as np
from rows import Row, mean
from scipy.special import ndtr

from braze_frames.stats.bayes import beta_binomial

JEFFREYS, UNIFORM = (0.5, 0.5), (1.0, 1.0)


def simulate(rng, runs=4000):
    """Return rows: calibration with a small control, accuracy with many units."""
    return [calibration(rng, runs, 0.005, JEFFREYS), _accuracy(10**8)]


def calibration(rng, runs, rate, prior):
    """Return the mean of ``prob_to_beat`` without any effect, 9 to 1."""
    n1, n0 = np.full(runs, 9000.0), np.full(runs, 1000.0)
    x1, x0 = (rng.binomial(n.astype(int), rate).astype(float) for n in (n1, n0))
    found = beta_binomial(x1, n1, x0, n0, prior)
    what = f"prior {prior}, no effect, rate {rate:g}: mean prob_to_beat"
    return mean(what, found.prob_to_beat, 0.47, 0.53)


def _accuracy(units):
    """Compare with the normal limit: at a half the error is of the order 1 / units."""
    step = np.sqrt(units / 2) * np.array([-2.0, -0.5, 0.0, 0.1, 1.0, 3.0])
    x1, x0 = np.round(units / 2 + step), np.full_like(step, units / 2)
    n = np.full_like(step, float(units))
    found = beta_binomial(x1, n, x0, n, JEFFREYS).prob_to_beat
    limit = ndtr((x1 - x0) / np.sqrt(units / 2))
    worst = float(np.abs(found - limit).max())
    return Row(f"{units:,} units: error of prob_to_beat", worst, 0.0, 1e-5)
