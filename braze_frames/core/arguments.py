"""What users pass: days, moments, shares and choices, checked; names that come near."""

import operator
import re
from collections.abc import Collection
from datetime import date, datetime, time, timedelta, tzinfo
from numbers import Number
from typing import Any, Literal, NamedTuple

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


# What is read where nothing else is said: the days that one request gives.
DEFAULT_DAYS = 100

# Only what cannot be misread: ISO 8601, the largest unit first.
_PERIOD = re.compile(r"\d{4}(-\d{2}){0,2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ].*")
_LENGTH = re.compile(r"(\d+)([DW])", re.IGNORECASE)
# Months and years differ in length, so they are no lengths.
_DAYS_IN = {"D": 1, "W": 7}


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
    first = None if start is None else first_day("start", start)
    last = None if end is None else last_day("end", end)
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
    day = _edge(value, "end")
    if day is not None:
        return datetime.combine(day, time.max, zone)
    stamp = _stamp("as_of", value)
    moment: datetime = stamp.floor("us").to_pydatetime()
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def first_day(name: str, value: Any) -> date:
    """Return the day that is meant as a start: of a month or year the first.

    Raises
    ------
    ValueError
        It is no day in ISO 8601, or a number.

    Examples
    --------
    >>> first_day("start", "2026-05").isoformat()
    '2026-05-01'
    """
    return _edge(value, "start") or _stamp(name, value).date()


def last_day(name: str, value: Any) -> date:
    """Return the day that is meant as an end: of a month or year the last.

    Raises
    ------
    ValueError
        It is no day in ISO 8601, or a number.

    Examples
    --------
    >>> last_day("end", "2026-02").isoformat(), last_day("until", "2026").isoformat()
    ('2026-02-28', '2026-12-31')
    """
    return _edge(value, "end") or _stamp(name, value).date()


def _edge(value: Any, how: Literal["start", "end"]) -> date | None:
    """Return the first or last day of a day, month or year; None for what is none."""
    if isinstance(value, np.datetime64):
        value = str(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _PERIOD.fullmatch(value.strip()):
        text = value.strip()
        try:
            if text.count("-") == 2:
                return date.fromisoformat(text)
            value = pd.Period(text, freq="YM"[text.count("-")])
        except ValueError:
            return None
    if not isinstance(value, pd.Period):
        return None
    day = value.asfreq("D", how=how)
    return date(day.year, day.month, day.day)


def _stamp(name: str, value: Any) -> pd.Timestamp:
    text = isinstance(value, str)
    # pandas takes a number for nanoseconds since 1970, which nobody means.
    if isinstance(value, Number) or (text and not _MOMENT.fullmatch(value.strip())):
        raise ValueError(
            f"{name}={value!r} is no day; write it as in 2026-05-31, 2026-05 or 2026, "
            "or pass a date"
        )
    try:
        stamp = pd.Timestamp(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}={value!r} is no day or moment: {error}") from None
    if pd.isna(stamp):
        raise ValueError(f"{name}={value!r} is no day; leave it out for the default")
    return stamp


def _length(value: Any) -> int:
    if isinstance(value, str):
        found = _LENGTH.fullmatch(value.strip())
        if not found:
            raise ValueError(
                f"length={value!r} is no length: write days as a number, or '12W' or "
                "'84D'; months and years differ, give start= for them"
            )
        length = int(found[1]) * _DAYS_IN[found[2].upper()]
    elif isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(
            f"length={value!r} is no whole number of days; write 30, '12W' or '84D'"
        )
    else:
        length = operator.index(value)
    if length < 1:
        raise ValueError(f"length={value!r} is no number of days; it starts at 1")
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
