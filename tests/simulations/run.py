"""All simulations, one table: what was seen against its bounds.

Run ``python tests/simulations/run.py``. It ends with 1 where a bound is broken.
"""

import sys
import time

import alarms
import beliefs
import change
import days
import looks
import many
import moving
import numpy as np
import proportions
import sandbox_draws
import splits
import young

SEED = 20260525
DRAWN = (proportions, days, moving, looks, beliefs, change)
DRAWN += (splits, young, alarms, many)


def topics():
    """Name each topic, and how it is simulated."""
    for number, topic in enumerate(DRAWN):
        rng = np.random.default_rng([SEED, number])
        yield topic.__name__, lambda topic=topic, rng=rng: topic.simulate(rng)
    yield sandbox_draws.__name__, sandbox_draws.simulate


def main():
    """Print the table; return whether all bounds hold."""
    print(f"{'what':<60} {'seen':>8} {'low':>6} {'high':>6}")
    fine = True
    for name, simulate in topics():
        start = time.perf_counter()
        for row in simulate():
            verdict = "ok" if row.ok() else "OUT"
            seen = f"{row.seen:8.4f} {row.low:6.3g} {row.high:6.3g}"
            print(f"{row.what:<60} {seen}  {verdict}")
            fine &= row.ok()
        print(f"-- {name}: {time.perf_counter() - start:.0f} s", flush=True)
    return fine


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
