"""Which requests are needed: days → windows of at most 100 days, and when each ends."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from braze_frames.schema.exports import CAMPAIGN_SERIES

# Days that one request gives at most.
MOST_DAYS = CAMPAIGN_SERIES.most_days

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


def plan_days(
    first: date, missing: Sequence[bool], settled: Sequence[bool]
) -> list[Window]:
    """Choose the fewest windows that hold all missing days.

    A window costs the same however many days it has: it is widened, as far as 100 days
    reach, over days that are not settled. It never begins or ends with a settled day.

    Parameters
    ----------
    first : date
        The first day asked.
    missing, settled : sequence of bool
        For each asked day, from ``first`` on. A missing day is not settled.

    Returns
    -------
    list of Window
        Ascending, apart from each other.

    Examples
    --------
    >>> missing = [True] + 6 * [False] + [True]
    >>> settled = [False] + 4 * [True] + [False] + 2 * [False]
    >>> windows = plan_days(date(2026, 1, 1), missing, settled)
    >>> [(window.first.day, window.last.day) for window in windows]
    [(1, 8)]
    """
    wanted = [day for day, is_missing in enumerate(missing) if is_missing]
    open_days = [day for day, is_settled in enumerate(settled) if not is_settled]
    windows: list[Window] = []
    end = len(missing)
    while wanted:
        low = next(day for day in wanted if day > wanted[-1] - MOST_DAYS)
        high = max(day for day in open_days if day < min(end, low + MOST_DAYS))
        low = next(day for day in open_days if day > high - MOST_DAYS)
        windows.append(Window(first + timedelta(low), first + timedelta(high)))
        wanted = [day for day in wanted if day < low]
        end = low
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
