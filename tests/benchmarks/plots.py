"""A picture against its work alone: the rates, and the same artists drawn by hand.

Run ``python tests/benchmarks/plots.py``. CPU over CPU in one process, the median of
pairs; both sides are drawn to a PNG. Goal: 1.5.
"""

import io
import statistics
import time

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import PercentFormatter

import braze_frames  # noqa: F401  registers df.braze

DAYS, VARIATIONS, PAIRS = 3 * 365, 9, 7
METRIC = "unique_open_rate"


def frame():
    """Return three years of nine variations."""
    rng = np.random.default_rng(9)
    dates = pd.date_range("2023-06-01", periods=DAYS).as_unit("us")
    names = [f"Subject {n}" for n in range(VARIATIONS)]
    index = pd.MultiIndex.from_product(
        [dates, ["email"], names], names=["date", "channel", "variation"]
    )
    delivered = pd.array(rng.integers(800, 1200, len(index)), dtype="Int64")
    opens = pd.array(rng.binomial(800, 0.3, len(index)), dtype="Int64")
    return pd.DataFrame({"delivered": delivered, "unique_opens": opens}, index=index)


def ours(df):
    """Draw with one call."""
    return save(df.braze.plot.rates(METRIC).figure)


def by_hand(df):
    """Ask for the rates, and draw the same artists."""
    table = df.braze.rates([METRIC], "variation", "D", ci=0.95)
    figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
    for n, (name, rows) in enumerate(table.groupby(level="variation")):
        days = rows.index.get_level_values("date").to_numpy()
        rate, low, high = (rows[column].to_numpy() for column in table)
        color, marker = f"C{n}", "os^DvPX*<"[n]
        ax.plot(days, rate, color=color, marker=marker, markevery=73, label=name)
        ax.fill_between(days, low, high, color=color, alpha=0.18, linewidth=0)
    locator = AutoDateLocator()
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.set(title=METRIC, xlabel="date", ylabel="unique opens / delivered")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)
    return save(figure)


def save(figure):
    """Draw a figure to the end."""
    figure.savefig(io.BytesIO(), format="png")
    plt.close(figure)


def cpu(work, df):
    """Return the CPU seconds of one call."""
    start = time.process_time()
    work(df)
    return time.process_time() - start


def main():
    """Print both times and their ratio."""
    df = frame()
    pairs = [(cpu(ours, df), cpu(by_hand, df)) for _ in range(PAIRS + 1)][1:]
    ratios = sorted(one / other for one, other in pairs)
    one, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"plot.rates, {DAYS} days x {VARIATIONS} variations, goal 1.5")
    print(f"  ours {1000 * one:.0f} ms, by hand {1000 * other:.0f} ms")
    print(
        f"  ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


if __name__ == "__main__":
    main()
