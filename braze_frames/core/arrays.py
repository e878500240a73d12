"""The array types that all share, nullable columns, and exact sums."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.errors import PayloadError

Ints = np.ndarray[tuple[int], np.dtype[np.signedinteger[Any]]]
Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]
Values = np.ndarray[tuple[int], np.dtype[Any]]


class Column(NamedTuple):
    """Values and where they are missing; a missing value is 0."""

    values: Values
    missing: Bools

    def array(self) -> pd.api.extensions.ExtensionArray:
        """Return the column as a nullable pandas array."""
        if self.values.dtype == np.float64:
            return pd.arrays.FloatingArray(self.values, self.missing)
        return pd.arrays.IntegerArray(self.values, self.missing)


# Of any number of dimensions: tables of days by variations, too.
def is_ascending(numbers: Ints) -> bool:
    """Whether each number is greater than the one before it."""
    return bool((numbers[1:] > numbers[:-1]).all())


Flags = np.ndarray[Any, np.dtype[np.bool_]]


def sum_exactly(stat: str, counts: Sequence[int]) -> int:
    """Sum counts.

    Raises
    ------
    PayloadError
        The sum does not fit in 64 bits.
    """
    # Python's integers do not wrap around, as those of numpy do in silence.
    total = sum(counts)
    if abs(total) >= 2**63:
        raise PayloadError(
            f"{stat}: the sum is {total}, which does not fit in 64 bits; "
            "such counts are no counts: look at where they come from"
        )
    return total


Floats = np.ndarray[Any, np.dtype[np.float64]]
