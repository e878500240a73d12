"""Which requests are needed: days → windows of at most 100 days, and when each ends."""

from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

MOST_DAYS = 100
"""Days that one request gives at most (Braze docs, get_campaign_analytics.md)."""

_END_OF_DAY = time(23, 59, 59)


class Window(NamedTuple):
    """The days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def length(self) -> int:
        """How many days these are."""
        return (self.last - self.first).days + 1


def plan_windows(first: date, last: date) -> list[Window]:
    """Cut days into the fewest windows of at most 100 days.

    Parameters
    ----------
    first, last : date
        Both included; ``last`` is not before ``first``.

    Returns
    -------
    list of Window
        Ascending; each day in one of them.

    Examples
    --------
    >>> [window.length for window in plan_windows(date(2026, 1, 1), date(2026, 7, 31))]
    [12, 100, 100]
    """
    windows = []
    while last >= first:
        start = max(first, last - timedelta(days=MOST_DAYS - 1))
        windows.append(Window(start, last))
        last = start - timedelta(days=1)
    return windows[::-1]


def ending_at(day: date, zone: ZoneInfo) -> str:
    """Return the end of a day, with the offset that holds at that moment.

    Where clocks are set back at midnight the day's last second comes twice; the second
    one is meant.

    Examples
    --------
    >>> ending_at(date(2026, 3, 29), ZoneInfo("Europe/Berlin"))
    '2026-03-29T23:59:59+02:00'
    """
    return datetime.combine(day, _END_OF_DAY, zone).replace(fold=1).isoformat()
