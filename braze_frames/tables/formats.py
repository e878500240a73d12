"""How the cells of styled tables are written: a row for each column known by name."""

import math
from collections.abc import Callable, Collection, Iterable
from datetime import date
from numbers import Integral
from typing import Any, Literal, NamedTuple

import pandas as pd

from .legible import as_html, shorten
from .metrics import RATES, STATS, VARIATION_ID

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
NAME_WIDTH, TEXT_WIDTH = 60, 500

Show = Callable[[Any], str]
Values = Literal["number", "flag", "day", "text"]
Rest = Literal["rates", "stats", ""]
Reason = Literal["", "stat", "rate", "limit", "lift"]


class Format(NamedTuple):
    """How a column is written.

    ``reason``: why its cells may be missing. ``usd``: how it is written in the rows
    whose metric is an amount. ``unit`` stands below the table, not in the cells.
    """

    show: Show
    values: Values = "number"
    reason: Reason = ""
    usd: Show | None = None
    unit: str = ""


def number(value: float, decimals: int, *, signed: bool = False) -> str:
    """Write a number with thousands, a true minus, and no sign before a zero.

    Examples
    --------
    >>> number(1234.56, 1), number(0.2, 1, signed=True), number(-0.01, 1)
    ('1,234.6', '+0.2', '0.0')
    >>> number(-0.2, 1) == MINUS + "0.2"
    True
    """
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    size = f"{abs(value):,.{decimals}f}"
    if not size.strip("0."):
        return size
    return (MINUS if value < 0 else "+" if signed else "") + size


def count(value: float) -> str:
    """Write a count; a part of one only where there is.

    Examples
    --------
    >>> count(9007199254740993), count(12345.0), count(2.5)
    ('9,007,199,254,740,993', '12,345', '2.50')
    """
    if isinstance(value, Integral):
        return f"{int(value):,}".replace("-", MINUS)
    return number(value, 2 if value % 1 else 0)


def share(value: float) -> str:
    """Write a share in percent; what is not zero never looks like it.

    Examples
    --------
    >>> share(0.04372), share(0.0), share(0.00001), share(0.999999)
    ('4.37 %', '0.00 %', '&lt;0.01 %', '&gt;99.99 %')
    """
    text = number(100 * value, 2)
    if value > 0 and text == "0.00":
        return "&lt;0.01 %"
    if value < 1 and text == "100.00":
        return "&gt;99.99 %"
    return f"{text} %"


def percent(level: float) -> str:
    """Write a level that somebody chose, as of confidence, in percent.

    Examples
    --------
    >>> percent(0.95), percent(1 - 0.999)
    ('95 %', '0.1 %')
    """
    return f"{100 * level:.6g} %"


def amount(value: float) -> str:
    """Write an amount to the cent; what is not zero never looks like it.

    Examples
    --------
    >>> amount(12345.678), amount(0.001)
    ('12,345.68', '&lt;0.01')
    """
    text = number(value, 2)
    return "&lt;0.01" if value > 0 and text == "0.00" else text


def p_value(value: float) -> str:
    """Write a p-value.

    Examples
    --------
    >>> p_value(0.0444), p_value(1e-9)
    ('0.044', '&lt;0.001')
    """
    return "&lt;0.001" if value < 0.001 else f"{value:.3f}"


def _plain(value: float) -> str:
    if isinstance(value, Integral):
        return count(value)
    return number(value, 4 if abs(value) < 1 else 2)


def _flag(value: bool) -> str:
    return "yes ✔" if value else "no"


def _lifted(value: float) -> str:
    text = number(100 * value, 1, signed=True)
    return text if math.isinf(value) else f"{text} %"


def _points(value: float) -> str:
    return f"{number(100 * value, 2, signed=True)} pp"


def _dollars(value: float) -> str:
    return f"{amount(value)} USD"


def _more_dollars(value: float) -> str:
    return f"{number(value, 2, signed=True)} USD"


def _decimals(decimals: int) -> Show:
    return lambda value: number(value, decimals)


def day(value: Any) -> str:
    """Write a day, with the time where there is one.

    Examples
    --------
    >>> day(pd.Timestamp("2026-03-01")), day(pd.Timestamp("2026-03-01 12:30"))
    ('2026-03-01', '2026-03-01 12:30')
    """
    moment = pd.Timestamp(value)
    midnight = moment == moment.normalize()
    return str(moment.date()) if midnight else f"{moment:%Y-%m-%d %H:%M}"


AMOUNTS = frozenset(rate.metric for rate in RATES if rate.kind == "mean")
NAMES = frozenset(
    ("campaign", "channel", "variation", VARIATION_ID, "control", "metric", "best")
)
PLACES = frozenset(("campaign", "date", "channel", "variation"))

_USD, _SHARE = Format(amount, reason="rate", unit="USD"), Format(share, reason="rate")
_OF_LIFT = {
    **dict.fromkeys(("numerator", "control_numerator"), Format(count)),
    **dict.fromkeys(("denominator", "control_denominator"), Format(count)),
    **dict.fromkeys(("rate", "control_rate"), Format(share, usd=_dollars)),
    "diff": Format(_points, usd=_more_dollars),
    "lift": Format(_lifted),
    "statistic": Format(_decimals(2)),
    **dict.fromkeys(("p_value", "p_adjusted"), Format(p_value)),
    "confidence": Format(share),
    "significant": Format(_flag, "flag"),
    "eff_days": Format(_decimals(1)),
    "dispersion": Format(_decimals(2)),
    "prob_to_beat": Format(share),
    "expected_loss": Format(share, usd=_dollars),
}
LIFT = {name: one._replace(reason="lift") for name, one in _OF_LIFT.items()}
FORMATS: dict[str, Format] = {
    **{
        stat.name: Format(count, reason="stat")
        if stat.dtype == "Int64"
        else Format(amount, reason="stat", unit=stat.unit)
        for stat in STATS
    },
    **{rate.metric: _USD if rate.metric in AMOUNTS else _SHARE for rate in RATES},
    **LIFT,
    "chi2": Format(_decimals(2)),
    "min_expected": Format(_decimals(1)),
    **dict.fromkeys(("df", "total", "variations"), Format(count)),
}
_BY_VALUES: dict[Values, Format] = {
    "number": Format(_plain),
    "flag": Format(_flag, "flag"),
    "day": Format(str, "day"),
    "text": Format(str, "text"),
}


def base(label: str) -> str:
    """Return the name of a column without the ending of its limits.

    Examples
    --------
    >>> base("lift_low"), base("lift")
    ('lift', 'lift')
    """
    return label.removesuffix("_low").removesuffix("_high")


def values_of(column: pd.Series) -> Values:
    """Tell what kind of values a column holds."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return "flag"
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "day"
    numbers = pd.api.types.is_numeric_dtype(column.dtype)
    return "number" if numbers and column.dtype.kind != "c" else "text"


def format_of(
    labels: Iterable[str], column: pd.Series, amounts: Collection[str], rest: Rest
) -> Format:
    """Return how a column is written: by its name, else by what it holds.

    Parameters
    ----------
    labels : iterable of str
        Its label, or one for each level.
    column : Series
        Its values.
    amounts : collection of str
        Names of own rates that are amounts.
    rest : {"rates", "stats", ""}
        What numbers under other names are.
    """
    values, names = values_of(column), [base(label) for label in labels]
    found = [FORMATS[name] for name in names if name in FORMATS]
    if values == "number" and amounts and not set(names).isdisjoint(amounts):
        found = [_USD]
    elif values == "number" and rest == "rates":
        found += [_SHARE]
    elif values == "number" and rest == "stats":
        found += [_BY_VALUES["number"]._replace(reason="stat")]
    fitting = [one for one in found if one.values == values]
    chosen = fitting[0] if fitting else _BY_VALUES[values]
    limit = chosen.reason == "rate" and not set(names) & set(labels)
    return chosen._replace(reason="limit") if limit else chosen


def texts(values: Iterable[Any], width: int) -> dict[str, str]:
    """Return each text → what is written for it: short, distinct, escaped.

    Examples
    --------
    >>> texts(["<b>", ""], 60)
    {'<b>': '&lt;b&gt;', '': ''}
    """
    shown = shorten(map(text_of, values), width)
    return {text: as_html(one) if text else "" for text, one in shown.items()}


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
