"""Numbers as people read them: counts, shares, percents, amounts, p-values, days."""

import math
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

# Of a hundred and more nobody reads the parts of one.
_LARGE = 100
DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


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
    """Write a count; a part of one only of a small mean.

    Examples
    --------
    >>> count(9007199254740993), count(12345.6), count(2.5)
    ('9,007,199,254,740,993', '12,346', '2.50')
    """
    if isinstance(value, Integral):
        return f"{int(value):,}".replace("-", MINUS)
    return number(value, 2 if value % 1 and abs(value) < _LARGE else 0)


def share(value: float) -> str:
    """Write a share in percent; what is not zero never looks like it.

    Examples
    --------
    >>> share(0.04372), share(0.0), share(0.00001), share(0.999999)
    ('4.37 %', '0.00 %', '<0.01 %', '>99.99 %')
    """
    # A rounded 0 or 100 % would say "none" or "all" of what is neither.
    text = number(100 * value, 2)
    if value > 0 and text == "0.00":
        return "<0.01 %"
    if value < 1 and text == "100.00":
        return ">99.99 %"
    return f"{text} %"


def percent(level: float) -> str:
    """Write a level that somebody chose, as of confidence, in percent.

    Examples
    --------
    >>> percent(0.95), percent(1 - 0.999)
    ('95 %', '0.1 %')
    """
    return f"{100 * level:.6g} %"


def share_text(value: float, reach: float, *, signed: bool = False) -> str:
    """Return a share in percent, with as many digits as the range of values needs.

    Examples
    --------
    >>> share_text(0.3042, 0.05), share_text(0.3042, 0.5, signed=True)
    ('30.4 %', '+30 %')
    """
    return f"{number(100 * value, decimals(100 * reach), signed=signed)} %"


def decimals(reach: float) -> int:
    """Return how many decimals tell values apart that differ by so much at most."""
    if not np.isfinite(reach) or reach <= 0:
        return 1
    # Two digits of the range tell its ends apart; more than four are noise.
    return int(np.clip(1 - np.floor(np.log10(reach)), 0, 4))


def amount(value: float) -> str:
    """Write an amount to the cent; what is not zero never looks like it.

    Examples
    --------
    >>> amount(12345.678), amount(0.001)
    ('12,345.68', '<0.01')
    """
    text = number(value, 2)
    return "<0.01" if value > 0 and text == "0.00" else text


def p_value(value: float) -> str:
    """Write a p-value.

    Examples
    --------
    >>> p_value(0.0444), p_value(1e-9)
    ('0.044', '<0.001')
    """
    return "<0.001" if value < 0.001 else f"{value:.3f}"


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
