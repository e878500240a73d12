"""Days and periods in words: what they are called, how whole they are, what grows."""

from typing import Any

import numpy as np
import pandas as pd

from braze_frames.frame.by import binned
from braze_frames.frame.levels import Level, days_of
from braze_frames.frame.provenance import as_day, provenance_of, settled_until

Freq = str | pd.offsets.BaseOffset
Dates = np.ndarray[Any, np.dtype[np.datetime64]]
_PERIODS = {"D": "day", "W": "week", "M": "month", "Q": "quarter", "Y": "year"}
_DAY = np.timedelta64(1, "D")


def span(first: Any, last: Any) -> str:
    """Return from when to when, in words.

    Examples
    --------
    >>> span("2026-03-02", "2026-05-31"), span("2025-12-30", "2026-01-02")
    ('2 Mar to 31 May 2026', '30 Dec 2025 to 2 Jan 2026')
    >>> span("2026-05-04", "2026-05-31")
    '4 to 31 May 2026'
    """
    first, last = pd.Timestamp(first), pd.Timestamp(last)
    if first == last:
        return day_of(last, year=True)
    month = (first.year, first.month) == (last.year, last.month)
    start = f"{first.day}" if month else day_of(first, year=first.year != last.year)
    return f"{start} to {day_of(last, year=True)}"


def day_of(day: Any, *, year: bool = False) -> str:
    """Return a day in words.

    Examples
    --------
    >>> day_of("2026-05-01"), day_of("2026-05-01", year=True)
    ('1 May', '1 May 2026')
    """
    stamp = pd.Timestamp(day)
    return f"{stamp.day} {stamp:%b}{f' {stamp.year}' if year else ''}"


def note_on_young(df: pd.DataFrame) -> list[str]:
    """Return what stands below a picture of sums over days that may still grow."""
    settled = settled_until(df)
    if not (days_of(df).to_numpy() > settled).any():
        return []
    return [f"Days after {day_of(settled)} are in it, and still grow."]


def period_of(freq: Freq) -> str:
    """Return the name of a period.

    Examples
    --------
    >>> period_of("W"), period_of("MS"), period_of("10D")
    ('week', 'month', '10D')
    """
    offset: Any = pd.tseries.frequencies.to_offset(freq)
    code = offset.rule_code.split("-")[0]
    name = _PERIODS.get(code if code in _PERIODS else code.rstrip("SE"))
    return name if name and offset.n == 1 else str(offset.freqstr)


class PeriodsShown:
    """The periods of a picture: their first days, how whole they are, what still grows.

    Parameters
    ----------
    df : DataFrame
        The frame that was asked.
    table : DataFrame
        What a verb says of it.
    freq : str or DateOffset
        The periods of the table.
    """

    def __init__(self, df: pd.DataFrame, table: pd.DataFrame, freq: Freq) -> None:
        self.freq, self.unit = freq, period_of(freq)
        self.daily = self.unit == "day"
        said, days = provenance_of(table), days_of(df)
        partial = said.get("partial")
        self.partial = sorted(map(str, partial)) if isinstance(partial, list) else []
        self._sizes = self._count(days) if len(days) and not self.daily else {}
        self.settled = settled_until(df)
        growing = as_day(said.get("growing_from"))
        self.growing = np.datetime64(growing or "NaT")
        if not growing and len(days) and days[-1] > pd.Timestamp(self.settled):
            self.growing = self.settled + _DAY

    def _count(self, days: pd.Index) -> dict[str, tuple[Any, int, int]]:
        """Return label → first day, days in the frame, days of the whole period."""
        first, last = days[0], days[-1]
        offset: Any = pd.tseries.frequencies.to_offset(self.freq)
        wide = pd.date_range(first - offset, last + offset, name="date")
        whole = binned(Level("date", wide, np.arange(len(wide))), self.freq)
        found = {}
        for code, label in enumerate(whole.labels):
            own = wide[whole.codes == code]
            inside = int(((own >= first) & (own <= last)).sum())
            found[f"{label:%Y-%m-%d}"] = (own[0], inside, len(own))
        return found

    def start(self, label: Any) -> pd.Timestamp:
        """Return the first day of the period under a label."""
        stamp = pd.Timestamp(label)
        return pd.Timestamp(self._sizes.get(f"{stamp:%Y-%m-%d}", (stamp,))[0])

    def is_partial(self, labels: Dates) -> Any:
        """Tell which periods the frame's first or last day cuts."""
        return np.isin(labels.astype("datetime64[D]").astype(str), self.partial)

    def is_young(self, labels: Dates) -> Any:
        """Tell which periods hold days that still grow."""
        return labels >= self.growing

    def notes(self, labels: Dates, young: str) -> list[str]:
        """Return what stands below a picture of these periods."""
        found = []
        if self.is_young(labels).any():
            what = "days" if self.daily else f"{self.unit}s with days"
            until = day_of(self.settled)
            found.append(f"{young}: {what} after {until}, whose numbers still grow.")
        cut = [label for label in self.partial if label in self._sizes]
        if cut:
            parts = [
                "the {} of {} holds {} of {} days".format(
                    self.unit, day_of(self._sizes[one][0]), *self._sizes[one][1:]
                )
                for one in cut
            ]
            found.append(f"Hollow: {', '.join(parts)}.")
        if self._sizes and self.unit == "week":
            found.append("Weeks are named by their first day.")
        return found
