"""What users pass: days, moments, shares and choices, checked; names that come near."""

import operator
import re
from collections.abc import Collection
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

import numpy as np
import pandas as pd


def check_share(name: str, value: float | None) -> None:
    """Refuse what is no share between 0 and 1.

    Raises
    ------
    ValueError
        The value is no number, or not between 0 and 1.
    """
    if value is None:
        return
    number = not isinstance(value, bool) and isinstance(value, int | float | np.number)
    if not number or not 0 < value < 1:
        raise ValueError(f"{name}={value!r} is no share between 0 and 1, as 0.95 is")


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Refuse what is none of the choices.

    Raises
    ------
    ValueError
        The value is none of them.
    """
    if value not in choices:
        raise ValueError(f"{name}={value!r} is none of {', '.join(map(repr, choices))}")


DEFAULT_DAYS = 100
"""What is read where nothing else is said: the days that one request gives."""

_DAY = re.compile(r"\s*\d{4}-\d{2}-\d{2}\s*")


class DayRange(NamedTuple):
    """The days asked for; None is no limit, ``length`` counts back from the newest."""

    first: date | None
    last: date | None
    length: int | None


def parse_days(start: Any, end: Any, length: Any) -> DayRange:
    """Return the days that a read asks for.

    Raises
    ------
    ValueError
        They make no sense.
    """
    first, last = _day("start", start), _day("end", end)
    if first is not None and length is not None:
        raise ValueError(
            f"both start={start!r} and length={length!r}; give one of them"
        )
    if first is not None and last is not None and first > last:
        raise ValueError(f"start={first} is after end={last}; swap them")
    if length is not None:
        length = _length(length)
    return DayRange(first, last, length)


def asked_days(days: DayRange, today: date) -> tuple[date, date]:
    """Return the first and last day to ask for; none lies after today.

    Raises
    ------
    ValueError
        The first day is after today.
    """
    if days.first is not None and days.first > today:
        raise ValueError(f"start={days.first} is after today, {today}")
    last = today if days.last is None else min(days.last, today)
    if days.first is not None:
        return days.first, last
    return last - timedelta(days=(days.length or DEFAULT_DAYS) - 1), last


def moment_in(value: Any, zone: tzinfo) -> datetime:
    """Return the moment that is meant: of a day its end, in a zone if it says none.

    Raises
    ------
    ValueError
        It is no moment.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> moment_in("2026-06-01", ZoneInfo("Europe/Berlin")).isoformat()
    '2026-06-01T23:59:59.999999+02:00'
    >>> moment_in("2026-06-01 09:00Z", ZoneInfo("Europe/Berlin")).isoformat()
    '2026-06-01T09:00:00+00:00'
    """
    if _is_day(value):
        day = _day("as_of", value)
        return datetime.combine(day or date.max, time.max, zone)
    try:
        stamp = pd.Timestamp(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"as_of={value!r} is no moment: {error}") from None
    if pd.isna(stamp):
        raise ValueError(f"as_of={value!r} is no moment; leave it out for now")
    moment: datetime = stamp.floor("us").to_pydatetime()
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _is_day(value: Any) -> bool:
    if isinstance(value, str):
        return _DAY.fullmatch(value) is not None
    return isinstance(value, date) and not isinstance(value, datetime)


def _day(name: str, value: Any) -> date | None:
    if value is None:
        return None
    try:
        stamp = pd.Timestamp(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}={value!r} is no day: {error}") from None
    if pd.isna(stamp):
        raise ValueError(f"{name}={value!r} is no day; leave it out for the default")
    return stamp.date()


def _length(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError(f"length={value!r} is no number of days")
    length = operator.index(value)
    if length < 1:
        raise ValueError(f"length={length} is no number of days; it starts at 1")
    return length


def nearest(name: str, known: Collection[str]) -> str:
    """Say which known names come nearest.

    Examples
    --------
    >>> nearest("unique_open", ["unique_open_rate", "help_rate"])
    'nearest: unique_open_rate'
    """
    import difflib

    near = difflib.get_close_matches(str(name), sorted(known), n=3)
    return f"nearest: {', '.join(near)}" if near else "nothing is near"
