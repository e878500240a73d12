"""How numbers, texts and days are written: a row for each unit, then by dtype."""

import math
from collections.abc import Callable, Iterable
from datetime import date
from numbers import Integral
from typing import Any, Literal

import pandas as pd

from braze_frames.core.names import LABEL_WIDTH, short_names
from braze_frames.core.numbers import amount, count, day, number, p_value, share
from braze_frames.schema.units import Unit

NAME_WIDTH, TEXT_WIDTH = LABEL_WIDTH, 500
Show = Callable[[Any], str]
ValueKind = Literal["number", "flag", "day", "text"]


def _lift(value: float) -> str:
    text = number(100 * value, 1, signed=True)
    return text if math.isinf(value) else f"{text} %"


def _points(value: float) -> str:
    return f"{number(100 * value, 2, signed=True)} pp"


def _more(value: float) -> str:
    return number(value, 0, signed=True)


def _more_dollars(value: float) -> str:
    return f"{number(value, 2, signed=True)} USD"


def dollars(value: float) -> str:
    """Write an amount with its unit, where shares stand in the same column."""
    return f"{amount(value)} USD"


def _number(value: float) -> str:
    return number(value, 2)


def _days(value: float) -> str:
    return number(value, 1)


def unitless(value: float) -> str:
    """Write a number of which no unit is known."""
    if isinstance(value, Integral):
        return count(value)
    return number(value, 4 if abs(value) < 1 else 2)


def flag(value: bool) -> str:
    """Write yes or no."""
    return "yes ✔" if value else "no"


WRITTEN: dict[Unit, Show] = {
    "share": share,
    "USD": amount,
    "count": count,
    "lift": _lift,
    "points": _points,
    "more": _more,
    "more USD": _more_dollars,
    "p": p_value,
    "number": _number,
    "days": _days,
}


def kind_of(column: "pd.Series[Any]") -> ValueKind:
    """Tell what kind of values a column holds.

    Examples
    --------
    >>> kind_of(pd.Series([1, 2.5], dtype=object)), kind_of(pd.Series(["1"]))
    ('number', 'text')
    """
    dtype = column.dtype
    if pd.api.types.is_object_dtype(dtype):
        inferred = pd.api.types.infer_dtype(column, skipna=True)
        return "number" if inferred in _NUMBERS else "text"
    if pd.api.types.is_bool_dtype(dtype):
        return "flag"
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "day"
    numbers = pd.api.types.is_numeric_dtype(dtype) and dtype.kind != "c"
    return "number" if numbers else "text"


_NUMBERS = frozenset(("integer", "floating", "mixed-integer-float"))


def texts(values: Iterable[Any], width: int) -> dict[str, str]:
    """Return each text → what is written for it: short and distinct.

    Examples
    --------
    >>> texts(["<b>", ""], 60)
    {'<b>': '<b>', '': ''}
    """
    shown = short_names(map(text_of, values), width)
    return {text: one if text else "" for text, one in shown.items()}


def text_of(value: Any) -> str:
    """Return a label or a cell as a text; a list joined by commas.

    Examples
    --------
    >>> text_of(["new", "sale"]), text_of(pd.Timestamp("2026-03-01")), text_of(7)
    ('new, sale', '2026-03-01', '7')
    """
    if isinstance(value, date):
        return day(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
