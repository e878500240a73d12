"""What pictures say: names as people say them, days, and the notes below."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from braze_frames.core.arguments import nearest
from braze_frames.core.names import legible, short_names
from braze_frames.core.numbers import number
from braze_frames.errors import listed
from braze_frames.frame.groups import binned
from braze_frames.frame.levels import Level, days_of, labels, level_names
from braze_frames.frame.provenance import (
    as_day,
    provenance_of,
    settled_until,
    short_names_of,
)
from braze_frames.plots.figure import JOINT, PanelKey
from braze_frames.schema.formulas import Definition
from braze_frames.schema.words import channel_name, metric_name

Freq = str | pd.offsets.BaseOffset
Dates = np.ndarray[Any, np.dtype[np.datetime64]]
_NAMED = 3
_PERIODS = {"D": "day", "W": "week", "M": "month", "Q": "quarter", "Y": "year"}
_DAY = np.timedelta64(1, "D")


class Labels:
    """What is written for the names in a frame: the user's word first.

    Parameters
    ----------
    df : DataFrame
        The frame that was asked.
    own : mapping, optional
        Name → label, as the user wants it.
    known : collection of str
        Further names that the picture shows.

    Raises
    ------
    ValueError
        ``own`` holds a name that is not there.
    """

    def __init__(
        self, df: pd.DataFrame, own: Mapping[str, str] | None, known: Collection[str]
    ) -> None:
        self._own = dict(own or {})
        self._short = short_names_of(df)
        here = {str(name) for name in known}
        for level in ("campaign", "channel", "variation"):
            here |= set(labels(df, level)) if self._own else set()
        for name in self._own:
            if name not in here:
                raise ValueError(
                    f"labels={{{name!r}: …}}: there is no such name here "
                    f"({nearest(name, here)})"
                )

    def word(self, name: str) -> str:
        """Return what is said for a stat or a rate."""
        return self._own.get(name) or _cut(metric_name(name))

    def of(self, level: str, name: str, campaign: str = "") -> str:
        """Return what is written for a label of a level, of a campaign where known."""
        if level == "stat":
            return self.word(name)
        if name in self._own:
            return legible(self._own[name])
        if level == "channel":
            return _cut(channel_name(name))
        parents = [campaign, "", *self._short] if level == "variation" else [""]
        for parent in parents:
            if name in self._short.get(parent, {}):
                return self._short[parent][name]
        return _cut(name)

    def join(self, levels: Sequence[str], key: PanelKey, joint: str = JOINT) -> str:
        """Return what is written for a combination of labels."""
        pairs = list(zip(levels, key, strict=True))
        campaign = dict(pairs).get("campaign", "")
        return joint.join(self.of(level, name, campaign) for level, name in pairs)


def _cut(name: str) -> str:
    return short_names([name])[str(name)]


def about(
    df: pd.DataFrame,
    names: Labels,
    *more: str,
    campaigns: Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
) -> str:
    """Return the line below the title: whose numbers, of when, and what they are.

    ``campaigns`` and ``channels`` are those drawn; None: all of the frame.
    """
    owners = _campaigns(df) if campaigns is None else campaigns
    shown = [names.of("campaign", name) for name in owners]
    here = labels(df, "channel") if channels is None else channels
    said = [names.of("channel", name) for name in here]
    parts = [_few(shown, "campaigns"), _few(said, "channels"), span_of(df), *more]
    return JOINT.join(filter(None, parts))


def _few(names: Sequence[str], what: str) -> str:
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} {what}"


def _campaigns(df: pd.DataFrame) -> list[str]:
    """Return the frame's campaigns; of a frame of one its name, where it is known."""
    ids = provenance_of(df).get("campaigns")
    if "campaign" not in level_names(df) and isinstance(ids, Mapping) and len(ids) == 1:
        return [str(name) for name, id_ in ids.items() if name != id_]
    return labels(df, "campaign")


def span_of(df: pd.DataFrame) -> str:
    """Return from when to when a frame is."""
    days = days_of(df)
    return span(days[0], days[-1]) if len(days) else ""


def span(first: Any, last: Any) -> str:
    """Return from when to when, in words.

    Examples
    --------
    >>> span("2026-03-02", "2026-05-31"), span("2025-12-30", "2026-01-02")
    ('2 Mar to 31 May 2026', '30 Dec 2025 to 2 Jan 2026')
    """
    first, last = pd.Timestamp(first), pd.Timestamp(last)
    if first == last:
        return day_of(last, year=True)
    return f"{day_of(first, year=first.year != last.year)} to {day_of(last, year=True)}"


def day_of(day: Any, *, year: bool = False) -> str:
    """Return a day in words.

    Examples
    --------
    >>> day_of("2026-05-01"), day_of("2026-05-01", year=True)
    ('1 May', '1 May 2026')
    """
    stamp = pd.Timestamp(day)
    return f"{stamp.day} {stamp:%b}{f' {stamp.year}' if year else ''}"


def formula_words(defined: Mapping[str, Definition]) -> str:
    """Return what is divided by what, where it is the same in all channels."""
    texts = {
        " / ".join(_side(side) for side in (one.numerator, one.denominator))
        for one in defined.values()
    }
    return legible(texts.pop()) if len(texts) == 1 else ""


def _side(formula: Any) -> str:
    text = str(formula).replace("_", " ")
    text = text.replace(" - ", " \N{MINUS SIGN} ")
    return f"({text})" if " " in str(formula) else text


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


class Periods:
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


def and_more(names: Iterable[str], count: int) -> str:
    """Return a note on what is drawn in grey."""
    return f"In grey: {count} more, smaller ones ({listed(list(names))})."


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
    return int(np.clip(1 - np.floor(np.log10(reach)), 0, 4))
