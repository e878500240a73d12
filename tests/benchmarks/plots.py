"""Pictures against their work alone.

Rates: against the verb and the same artists drawn by hand, both to a PNG; goal 1.5.
Lifts over time: against the two tables of ``lift`` that they show.

Run ``python tests/benchmarks/plots.py``. CPU over CPU in one process, the median of
pairs.
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

PAIRS = 7
METRIC = "unique_open_rate"
BOUGHT, OPTIONS = "conversion_rate_by_send_time", {"control": "Subject 0", "deff": 1.1}


def frame(days, variations):
    """Return days of variations."""
    rng = np.random.default_rng(9)
    dates = pd.date_range("2023-06-01", periods=days).as_unit("us")
    names = [f"Subject {n}" for n in range(variations)]
    index = pd.MultiIndex.from_product(
        [dates, ["email"], names], names=["date", "channel", "variation"]
    )
    units = rng.integers(800, 1200, len(index))
    counts = {
        "delivered": units,
        "unique_recipients": units,
        "unique_opens": rng.binomial(units, 0.3),
        "conversions_by_send_time": rng.binomial(units, 0.05),
    }
    columns = {name: pd.array(values, "Int64") for name, values in counts.items()}
    return pd.DataFrame(columns, index=index)


def rates(df):
    """Draw with one call."""
    return save(df.braze.plot.rates(METRIC).figure)


def rates_by_hand(df):
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


def lift_over_time(df):
    """Draw with one call."""
    return save(df.braze.plot.lift_over_time(BOUGHT, **OPTIONS).figure)


def lift_tables(df):
    """Ask for what is drawn: for one look, and for a look a day."""
    df.braze.lift(BOUGHT, **OPTIONS, cumulative=True)
    df.braze.lift(BOUGHT, **OPTIONS, cumulative=True, sequential=True)


def save(figure):
    """Draw a figure to the end."""
    figure.savefig(io.BytesIO(), format="png")
    plt.close(figure)


def cpu(work, df):
    """Return the CPU seconds of one call."""
    start = time.process_time()
    work(df)
    return time.process_time() - start


def compare(work, other, days, variations):
    """Print both times and their ratio."""
    df = frame(days, variations)
    pairs = [(cpu(work, df), cpu(other, df)) for _ in range(PAIRS + 1)][1:]
    ratios = sorted(one / base for one, base in pairs)
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"{work.__name__} over {other.__name__}, {days} days x {variations} variations"
    )
    print(f"  {1000 * ours:.0f} ms over {1000 * theirs:.0f} ms")
    print(
        f"  ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


if __name__ == "__main__":
    compare(rates, rates_by_hand, 3 * 365, 9)
    compare(lift_over_time, lift_tables, 365, 3)
