"""How the cells of styled tables are written: a row for each column known by name."""

import math
from collections.abc import Callable, Collection, Iterable
from datetime import date
from numbers import Integral
from typing import Any, Literal, NamedTuple

import pandas as pd

from braze_frames.core.names import LABEL_WIDTH, as_html, short_names
from braze_frames.core.numbers import amount, count, day, number, p_value, share
from braze_frames.schema.channels import STATS, VARIATION_ID
from braze_frames.schema.rates import AMOUNTS, RATES

NAME_WIDTH, TEXT_WIDTH = LABEL_WIDTH, 500
Show = Callable[[Any], str]
ValueKind = Literal["number", "flag", "day", "text"]
Rest = Literal["rates", "stats", ""]
Reason = Literal["", "stat", "rate", "limit", "lift"]


class Format(NamedTuple):
    """How a column is written.

    ``reason``: why its cells may be missing. ``usd``: how it is written in the rows
    whose metric is an amount. ``unit`` stands below the table, not in the cells.
    """

    show: Show
    values: ValueKind = "number"
    reason: Reason = ""
    usd: Show | None = None
    unit: str = ""


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


def _more(value: float) -> str:
    return number(value, 0, signed=True)


def _decimals(decimals: int) -> Show:
    return lambda value: number(value, decimals)


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
    **dict.fromkeys(("lift", "shrunk"), Format(_lifted)),
    **dict.fromkeys(
        ("incremental", "incremental_low", "incremental_high"),
        Format(_more, usd=_more_dollars),
    ),
    "statistic": Format(_decimals(2)),
    **dict.fromkeys(
        ("revenue_incremental", "revenue_incremental_low", "revenue_incremental_high"),
        Format(_more_dollars, unit="USD"),
    ),
    **dict.fromkeys(
        ("p_value", "p_adjusted", "p_margin", "p_portfolio"), Format(p_value)
    ),
    "confidence": Format(share),
    **dict.fromkeys(("significant", "non_inferior"), Format(_flag, "flag")),
    "eff_days": Format(_decimals(1)),
    "dispersion": Format(_decimals(2)),
    "mde": Format(share),
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
_BY_VALUES: dict[ValueKind, Format] = {
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


def values_of(column: pd.Series) -> ValueKind:
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
    shown = short_names(map(text_of, values), width)
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
