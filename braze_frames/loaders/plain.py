"""Values of tables (numpy, Arrow, decimals, moments) → those that JSON has."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

SCALARS = frozenset((str, bool, int, float, type(None)))
_NEVER_EMPTY = frozenset((str, bool, int, dict, list))
# A day is 4 deep; what is deeper is none, and the parser says so.
_DEEPEST = 20

# Digits of a decimal that is taken whole: more than a count can have.
_MOST_DIGITS = 40


def is_empty(value: Any) -> bool:
    """Whether a cell of a table is empty.

    Examples
    --------
    >>> [is_empty(value) for value in (None, pd.NA, float("nan"), "", 0)]
    [True, True, True, False, False]
    """
    if value.__class__ in _NEVER_EMPTY:
        return False
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def as_json(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON would have it; what has no such form stays as it is.

    Examples
    --------
    >>> as_json({"sent": Decimal("3"), "days": np.array([1, 2])})
    {'sent': 3, 'days': [1, 2]}
    >>> as_json(np.datetime64("2026-05-01")), as_json(date(2026, 5, 1))
    ('2026-05-01T00:00:00', '2026-05-01')
    """
    if value.__class__ in SCALARS or depth > _DEEPEST or _is_flat(value):
        return value
    # To tell that a value is a mapping takes ten times what its class takes.
    if value.__class__ is dict or isinstance(value, Mapping):
        return {key: as_json(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [as_json(one, depth + 1) for one in value]
    if value is pd.NA or value is pd.NaT:
        return None
    return next((to(value) for kind, to in _FORMS if isinstance(value, kind)), value)


def _is_flat(value: Any) -> bool:
    """Whether it is a flat object as JSON has it, or a list of such: of entries."""
    found = [value] if value.__class__ is dict else value
    if found.__class__ is not list or {*map(type, found)} != {dict}:
        return False
    return SCALARS.issuperset(map(type, chain.from_iterable(map(dict.values, found))))


def _number(value: Decimal) -> int | float:
    whole = value.is_finite() and abs(value.adjusted()) < _MOST_DIGITS
    return int(value) if whole and value == value.to_integral_value() else float(value)


# A numpy date before other numpy values, whose ``item`` would lose its nanoseconds.
_FORMS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (Decimal, _number),
    (np.datetime64, lambda value: as_json(pd.Timestamp(value))),
    (date, lambda value: value.isoformat()),
    (np.generic, lambda value: value.item()),
)
