"""Styled tables of 1,000 rows against pandas' own Styler with the same formats.

Run ``python tests/benchmarks/tables.py``. CPU over CPU in one process, from the frame
to its HTML, the median of pairs.
"""

import statistics
import time
import warnings

import numpy as np
import pandas as pd

import braze_frames as bf

PAIRS = 5
METRIC = "conversion_rate_by_send_time"
FORMATS = {
    "numerator": "{:,.0f}",
    "denominator": "{:,.0f}",
    "diff": lambda value: f"{100 * value:+.2f} pp",
    "lift": lambda value: f"{100 * value:+.1f} %",
    "lift_low": lambda value: f"{100 * value:+.1f} %",
    "lift_high": lambda value: f"{100 * value:+.1f} %",
    "p_adjusted": "{:.3f}",
    "significant": lambda value: "yes" if value else "no",
}


def cpu(work):
    """Return the CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def frame(campaigns, days):
    """Return tests of two variations and a control."""
    names = ["campaign", "date", "channel", "variation"]
    labels = [
        [f"campaign {n:04}" for n in range(campaigns)],
        pd.date_range("2025-01-01", periods=days).as_unit("us"),
        ["email"],
        ["A", "B", "Control Group"],
    ]
    index = pd.MultiIndex.from_product(labels, names=names)
    rng = np.random.default_rng(0)
    units = rng.integers(800, 1200, len(index))
    columns = {
        "sent": units,
        "delivered": units - rng.integers(0, 9, len(index)),
        "unique_opens": rng.binomial(units, 0.3),
        "unique_recipients": units,
        METRIC.replace("_rate", "s"): rng.binomial(units, 0.05),
    }
    return pd.DataFrame(columns, index=index).astype("Int64")


def percent(value):
    """Write a share."""
    return f"{100 * value:.2f} %"


def plain(table, shown):
    """Style the plain way: format, escape, hide the columns that ours hides."""
    shares = dict.fromkeys(table.select_dtypes("float64"), percent)
    formats = {name: one for name, one in (shares | FORMATS).items() if name in shown}
    styler = table.style.format(formats, na_rep="-", escape="html")
    for axis in (0, 1):
        styler.format_index(escape="html", axis=axis)
    hidden = [name for name in table if name not in shown]
    return styler.hide(subset=hidden, axis="columns").to_html()


def show(what, table):
    """Print a line."""
    styler = bf.style(table)
    shown = [
        name for n, name in enumerate(table) if n not in set(styler.hidden_columns)
    ]
    pairs = [
        (cpu(lambda: bf.style(table).to_html()), cpu(lambda: plain(table, shown)))
        for _ in range(PAIRS + 1)
    ][1:]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    size = f"{table.shape[0]:,} rows, {len(shown)} of {table.shape[1]} columns"
    print(f"{what}: {size:<30}{1e3 * ours:8.0f} ms{1e3 * theirs:8.0f} ms{ratio:6.2f}")


def main():
    """Print all of it."""
    warnings.simplefilter("ignore", bf.BrazeWarning)
    df = frame(campaigns=334, days=8)
    print("ours, pandas' Styler, ours / pandas', goal <= 2")
    show("rates ", df.braze.rates(ci=0.95).head(1000))
    lifts = df.braze.lift([METRIC, "unique_open_rate"])
    show("totals", df.braze.totals().head(1000))
    show("lifts ", lifts.head(1000))


if __name__ == "__main__":
    main()
