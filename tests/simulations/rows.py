"""A row of the table: what was simulated, what was seen, and its bounds."""

from typing import NamedTuple

import numpy as np


class Row(NamedTuple):
    """``error`` is the standard error that the number of runs leaves in ``seen``."""

    what: str
    seen: float
    low: float
    high: float
    error: float = 0.0

    def ok(self, errors=0.0):
        """Tell whether the bounds hold, or hold within some standard errors."""
        slack = errors * self.error
        return self.low - slack <= self.seen <= self.high + slack


def share(what, hits, low, high):
    """Return the share of runs that hit; its error is binomial, at the bound if out."""
    seen = float(np.mean(hits))
    at = min(max(seen, low), high)
    return Row(what, seen, low, high, np.sqrt(at * (1 - at) / np.size(hits)))


def mean(what, values, low, high):
    """Return the mean over the runs."""
    error = np.std(values) / np.sqrt(np.size(values))
    return Row(what, float(np.mean(values)), low, high, float(error))


def extremes(rows, what, low, high):
    """Return the lowest and the highest of many rows, as two."""
    ends = (("lowest", min), ("highest", max))
    found = [(name, pick(rows, key=lambda row: row.seen)) for name, pick in ends]
    return [
        Row(f"{what}, {name} of {len(rows)}", row.seen, low, high, row.error)
        for name, row in found
    ]


def covers(low, high, truth):
    """Tell where an interval holds the truth; an unknown one rules nothing out."""
    return ~((low > truth) | (high < truth))
