"""A slow, obvious reading of responses, written from the rules of the frame alone.

The package is compared with it cell by cell; it shares no code with the parser and
takes nothing from the package but the order and type of the known stats.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from braze_frames.schema.channels import STAT, STAT_RANK

ALIASES = {
    "apple_push": "ios_push",
    "content_card": "content_cards",
    "whatsapp": "whats_app",
    "in-app_message": "in_app_message",
}
TOTAL = re.compile(r"unique_recipients|revenue|conversions[0-9]*(_by_\w+_time)?")
ELEMENT = re.compile(r"(carousel_slide|notif_button)_([0-9]{1,9})_((?s:.*))_click")
DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


class WrongError(Exception):
    """What the package must refuse with a ``PayloadError``."""


@dataclass
class Table:
    """One grain: levels, dtypes of the columns, and the rows by their index."""

    levels: list[str]
    columns: dict[str, str]
    rows: dict[tuple[Any, ...], dict[str, Any]]


@dataclass
class Reference:
    """The three grains, and the stats left out for values that are no numbers."""

    variation: Table
    campaign: Table
    element: Table
    left_out: set[str]


@dataclass
class Entry:
    """One stat object."""

    channel: str
    variation: tuple[str, str]
    name: str
    cells: dict[str, Any]
    clicks: dict[tuple[str, int, str], int]


@dataclass
class Day:
    """What is known of one day of a campaign."""

    totals: dict[str, Any]
    entries: list[Entry] = field(default_factory=list)


def flatten(
    campaigns: Mapping[str | None, Iterable[Mapping[str, Any]]],
    start: dt.date | None = None,
    end: dt.date | None = None,
) -> Reference:
    """Read campaign label → responses; the label None makes no level."""
    read = {
        label: read_days(responses, start, end)
        for label, responses in campaigns.items()
    }
    variations: dict[tuple[Any, ...], dict[str, list[Any]]] = {}
    totals: dict[tuple[Any, ...], dict[str, list[Any]]] = {}
    elements: dict[tuple[Any, ...], dict[str, list[Any]]] = {}
    for label, days in read.items():
        front = () if label is None else (label,)
        labels = variation_labels(days)
        for date, day in days.items():
            totals[(*front, date)] = {stat: [v] for stat, v in day.totals.items()}
            for entry in day.entries:
                variation = labels[entry.channel, entry.variation]
                place = (*front, date, entry.channel, variation)
                row = variations.setdefault(place, {})
                row["variation_api_id"] = [entry_id(entry)]
                for stat, value in entry.cells.items():
                    row.setdefault(stat, []).append(value)
                for element, count in entry.clicks.items():
                    cell = elements.setdefault((*place, *element), {"clicks": []})
                    cell["clicks"].append(count)
        if len(labels) == 1:
            fill(variations, totals, front)
    levels = [] if None in campaigns else ["campaign"]
    index = [*levels, "date", "channel", "variation"]
    inner, out = table(index, variations, {"variation_api_id": "string"})
    outer, out_of_days = table([*levels, "date"], totals, {})
    index = [*index, "element", "position", "title"]
    clicks, _ = table(index, elements, {"clicks": "Int64"})
    return Reference(inner, outer, clicks, out | out_of_days)


def read_days(
    responses: Iterable[Mapping[str, Any]], start: dt.date | None, end: dt.date | None
) -> dict[dt.date, Day]:
    """Join the windows of one campaign by day; equal days only."""
    days: dict[dt.date, Day] = {}
    for response in responses:
        for raw in response["data"]:
            date = read_date(raw["time"])
            if (start and date < start) or (end and date > end):
                continue
            day = read_day(raw)
            if date in days and numbers(days[date]) != numbers(day):
                raise WrongError(date)
            days[date] = day
    return dict(sorted(days.items()))


def read_date(time: Any) -> dt.date:
    """Take the first ten characters of ``time``."""
    match = DAY.fullmatch(time[:10]) if isinstance(time, str) else None
    if match is None:
        raise WrongError(time)
    try:
        return dt.date(*map(int, match.groups()))
    except ValueError as error:
        raise WrongError(time) from error


def numbers(day: Day) -> Any:
    """All of a day but its names."""
    entries = [(e.channel, e.variation, e.cells, e.clicks) for e in day.entries]
    return day.totals, entries


def read_day(raw: Mapping[str, Any]) -> Day:
    """Take one day apart."""
    totals = {
        stat: checked(stat, value)
        for stat, value in raw.items()
        if stat not in ("time", "messages") and value is not None
    }
    entries = [
        read_entry(channel, number, entry)
        # Of two names on a day the one under the channel's own spelling is its last.
        for channel, found in sorted(
            (raw.get("messages") or {}).items(), key=lambda one: one[0] not in ALIASES
        )
        for number, entry in enumerate(found or [], start=1)
    ]
    return Day(totals, entries)


def read_entry(channel: str, number: int, raw: Mapping[str, Any]) -> Entry:
    """Take one stat object apart; a missing id or name is an empty text."""
    name = raw.get("variation_name") or ""
    api_id = raw.get("variation_api_id") or ""
    variation = ("id", api_id) if api_id else ("name", name or f"<unnamed-{number}>")
    cells: dict[str, Any] = {}
    clicks: dict[tuple[str, int, str], int] = {}
    for key, value in raw.items():
        if key in ("variation_name", "variation_api_id") or value is None:
            continue
        match = ELEMENT.fullmatch(key)
        if match:
            element = (match[1], int(match[2]), match[3])
            clicks[element] = clicks.get(element, 0) + whole(value)
        else:
            cells[key] = checked(key, value)
    return Entry(ALIASES.get(channel, channel), variation, name, cells, clicks)


def checked(stat: str, value: Any) -> Any:
    """Refuse what a known stat cannot be; unknown stats are judged later."""
    if stat not in STAT:
        return value
    if STAT[stat].dtype == "Int64":
        return whole(value)
    if not is_number(value):
        raise WrongError(stat, value)
    return float(value)


def whole(value: Any) -> int:
    """Return a count as an integer; 3.0 is 3."""
    if not is_number(value) or value != int(value) or abs(value) >= 2**63:
        raise WrongError(value)
    return int(value)


def is_number(value: Any) -> bool:
    """Whether a decoded value is a JSON number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def entry_id(entry: Entry) -> str | None:
    """Return the id of an entry's variation."""
    kind, key = entry.variation
    return key if kind == "id" else None


def variation_labels(
    days: Mapping[dt.date, Day],
) -> dict[tuple[str, tuple[str, str]], str]:
    """(channel, variation) → label: the newest name, else the id, told apart."""
    labels: dict[tuple[str, tuple[str, str]], str] = {}
    for day in days.values():
        for entry in day.entries:
            key = (entry.channel, entry.variation)
            labels[key] = entry.name or labels.get(key, entry.variation[1])
    return {key: told_apart(key, labels) for key in labels}


def told_apart(
    key: tuple[str, tuple[str, str]], labels: Mapping[tuple[str, tuple[str, str]], str]
) -> str:
    """Add the start of the id where another variation has the same label."""
    channel, (kind, api_id) = key
    twins = [
        other
        for (where, other), label in labels.items()
        if where == channel and label == labels[key] and other != key[1]
    ]
    if not twins:
        return labels[key]
    if kind == "name":
        return f"{labels[key]} [no id]"
    others = [other_id for other_kind, other_id in twins if other_kind == "id"]
    length = 8
    while any(other[:length] == api_id[:length] for other in others):
        length += 1
    return f"{labels[key]} [{api_id[:length]}]"


def fill(
    variations: dict[tuple[Any, ...], dict[str, list[Any]]],
    totals: Mapping[tuple[Any, ...], Mapping[str, list[Any]]],
    front: tuple[Any, ...],
) -> None:
    """Give the only variation of the only channel what the day totals know."""
    for place, row in variations.items():
        if place[: len(front)] == front:
            for stat, value in totals[place[: len(front) + 1]].items():
                if TOTAL.fullmatch(stat):
                    row.setdefault(stat, value)


def table(
    levels: list[str],
    cells: Mapping[tuple[Any, ...], Mapping[str, list[Any]]],
    fixed: dict[str, str],
) -> tuple[Table, set[str]]:
    """Sum the cells; returns the table and the stats that had to be left out."""
    given: dict[str, list[Any]] = {}
    for row in cells.values():
        for stat, values in row.items():
            given.setdefault(stat, []).extend(values)
    dtypes = {stat: dtype_of(stat, given[stat]) for stat in given if stat not in fixed}
    order = sorted(dtypes, key=lambda stat: (STAT_RANK.get(stat, len(STAT)), stat))
    columns = dict(fixed)
    columns |= {stat: dtype for stat in order if (dtype := dtypes[stat]) is not None}
    rows = {
        place: {
            s: total(columns[s], v) for s, v in cells[place].items() if s in columns
        }
        for place in sorted(cells)
    }
    return Table(levels, columns, rows), set(order) - set(columns)


def dtype_of(stat: str, values: list[Any]) -> str | None:
    """Known stats have their dtype, unknown ones that of their numbers."""
    if stat in STAT:
        return STAT[stat].dtype
    if not all(map(is_number, values)):
        return None
    exact = all(isinstance(v, int) and -(2**63) <= v < 2**63 for v in values)
    return "Int64" if exact else "Float64"


def total(dtype: str, values: list[Any]) -> Any:
    """Add up the entries of one cell."""
    if dtype == "string":
        return values[-1]
    if dtype == "Float64":
        return sum(map(float, values))
    if not -(2**63) <= sum(values) < 2**63:
        raise WrongError(values)
    return sum(values)
