"""p-values of several comparisons that share their error; no pandas."""

from typing import Any, Literal

import numpy as np

from braze_frames.core.arrays import Floats

Adjustment = Literal["holm", "bonferroni", "fdr_bh", "none"]


def adjust(p_values: Floats, method: Adjustment) -> Floats:
    """Adjust the p-values of one family; a missing one is no test.

    Parameters
    ----------
    p_values : ndarray
        NaN where missing.
    method : {"holm", "bonferroni", "fdr_bh", "none"}
        Holm 1979, Scandinavian Journal of Statistics 6:65; Benjamini & Hochberg 1995,
        Journal of the Royal Statistical Society B 57:289.

    Examples
    --------
    >>> [round(float(p), 2) for p in adjust(np.array([0.01, 0.04, 0.03]), "holm")]
    [0.03, 0.06, 0.06]
    """
    adjusted = np.array(p_values, dtype=float)
    tests = np.flatnonzero(~np.isnan(adjusted))
    p = np.sort(adjusted[tests])
    order = tests[np.argsort(adjusted[tests], kind="stable")]
    rank = np.arange(1, len(p) + 1)
    if method == "holm":
        p = np.maximum.accumulate(p * (len(p) + 1 - rank))
    elif method == "bonferroni":
        p = p * len(p)
    elif method == "fdr_bh":
        p = np.minimum.accumulate((p * len(p) / rank)[::-1])[::-1]
    adjusted[order] = np.minimum(p, 1)
    return adjusted


def adjust_families(p_values: Floats, family: Any, method: Adjustment) -> Floats:
    """Adjust p-values, each within the family whose number stands beside it."""
    adjusted = np.array(p_values, dtype=float)
    order = np.argsort(family, kind="stable")
    starts = np.flatnonzero(np.diff(family[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        adjusted[rows] = adjust(adjusted[rows], method)
    return adjusted
