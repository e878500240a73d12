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
    return adjust_families(p_values, np.zeros(len(p_values), dtype=np.int64), method)


def adjust_families(p_values: Floats, family: Any, method: Adjustment) -> Floats:
    """Adjust p-values, each within the family whose number stands beside it."""
    adjusted = np.array(p_values, dtype=float)
    tests = np.flatnonzero(~np.isnan(adjusted))
    order = tests[np.lexsort((adjusted[tests], family[tests]))]
    _, starts, sizes = np.unique(family[order], return_index=True, return_counts=True)
    for size in np.unique(sizes).tolist():
        rows = order[starts[sizes == size][:, None] + np.arange(size)]
        adjusted[rows] = _adjust_sorted(adjusted[rows], method)
    return adjusted


def _adjust_sorted(p: Floats, method: Adjustment) -> Floats:
    """Adjust families of the same size, each in a row and ascending."""
    size = p.shape[1]
    rank = np.arange(1, size + 1)
    if method == "holm":
        p = np.maximum.accumulate(p * (size + 1 - rank), axis=1)
    elif method == "bonferroni":
        p = p * size
    elif method == "fdr_bh":
        p = np.minimum.accumulate((p * size / rank)[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(p, 1)
