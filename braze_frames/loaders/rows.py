"""Day rows of tables and loaders → the API's days, each once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, tzinfo
from functools import lru_cache
from itertools import compress
from typing import Any, NamedTuple

import pandas as pd

from braze_frames.core.names import shown
from braze_frames.errors import PayloadError
from braze_frames.loaders.answers import Answer
from braze_frames.loaders.ids import tells_whose
from braze_frames.loaders.plain import as_json, is_empty
from braze_frames.payload.series import decode
from braze_frames.schema.channels import STAT

# When a loader got the row: the column that it adds, the better one first.
_EXTRACTED = (
    *("_airbyte_extracted_at", "_airbyte_emitted_at", "emitted_at"),  # Airbyte
    *("_sdc_extracted_at", "_sdc_batched_at", "time_extracted"),  # Singer
    *("_dlt_load_id", "_fivetran_synced"),
)

_LOADERS = frozenset(_EXTRACTED)
_KNOWN = {"time", "messages", *STAT, *_EXTRACTED}
# What is neither empty nor to be brought into JSON's form.
_AS_THEY_ARE = frozenset((str, int, bool))
_DAY = len("2026-05-01")


class DayRow(NamedTuple):
    """One day of a campaign, where it stood and when it was extracted.

    ``is_checked`` when it is straight from the JSON parser and holds no booleans.
    """

    place: str
    day: dict[str, Any]
    extracted: float | None
    is_checked: bool


class Days(NamedTuple):
    """Days in the company's zone; ``assumed`` is a time whose zone is a guess."""

    days: list[dict[str, Any]]
    assumed: str


def with_known_names(row: Mapping[Any, Any], place: str) -> dict[Any, Any]:
    """Return a row whose known columns have the API's spelling, in small letters.

    Raises
    ------
    PayloadError
        Two columns are the same one.
    """
    keys = tuple(row)
    names = _known_names(keys)
    if names == keys and isinstance(row, dict):
        return row
    named = dict(zip(names, row.values(), strict=True))
    if len(named) < len(names):
        twice = next(name for n, name in enumerate(names) if name in names[:n])
        raise PayloadError(f"{place}: {twice!r} stands twice; rename one of them")
    return named


@lru_cache(maxsize=256)
def _known_names(keys: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        key.lower()
        if isinstance(key, str) and (key.isupper() or key.lower() in _KNOWN)
        else key
        for key in keys
    )


def row_of(answer: Answer, around: Mapping[str, Any]) -> DayRow:
    """Return a loader's row as the API's day: without gaps and bookkeeping.

    Raises
    ------
    PayloadError
        Its ``messages`` are text, and no JSON.
    """
    row: dict[Any, Any] = answer.tree
    day = {
        key: value
        if value.__class__ in _AS_THEY_ARE or key == "messages"
        else as_json(value)
        for key, value in compress(row.items(), _are_of_day(tuple(row)))
        if value.__class__ in _AS_THEY_ARE or not is_empty(value)
    }
    messages = day.get("messages")
    is_checked = not answer.check_each_value and isinstance(messages, dict)
    if messages is not None and not is_checked:
        day["messages"] = _messages(messages, answer.origin)
    return DayRow(answer.origin, day, _extracted(row, around), is_checked)


@lru_cache(maxsize=256)
def _are_of_day(keys: tuple[Any, ...]) -> list[bool]:
    """Whether columns are the day's own: neither a loader's nor the campaign's."""
    return [
        key not in _LOADERS
        and not (isinstance(key, str) and (key[:1] == "_" or tells_whose(key)))
        for key in keys
    ]


def _messages(value: Any, place: str) -> Any:
    """Return the channels of JSON text or of an Arrow map, a list of pairs."""
    if isinstance(value, str | bytes):
        body = value.encode() if isinstance(value, str) else value
        if body.lstrip()[:2] == b"{'":
            raise PayloadError(
                f"{place}: messages are a Python dictionary as text, "
                f"{shown(value, 40)}; write them with json.dumps"
            )
        return decode(body, f"{place}, messages")
    if isinstance(value, list) and value and all(isinstance(v, tuple) for v in value):
        return as_json(dict(value))
    return as_json(value)


def is_extract(tree: Mapping[Any, Any], around: Mapping[str, Any]) -> bool:
    """Whether a loader says when it got a row or an answer."""
    return _extracted(tree, around) is not None


def _extracted(row: Mapping[Any, Any], around: Mapping[str, Any]) -> float | None:
    places = [place for place in (row, around) if not _LOADERS.isdisjoint(place)]
    for column in _EXTRACTED if places else ():
        for place in places:
            value = place.get(column)
            if not is_empty(value):
                return _moment(value)
    return None


def _moment(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    try:
        stamp = pd.Timestamp(value)
        return (stamp.tz_localize("UTC") if stamp.tz is None else stamp).timestamp()
    except (TypeError, ValueError):
        return None


def each_day_once(rows: Sequence[DayRow], zone: tzinfo | None, whose: str) -> Days:
    """Return a campaign's days; of several extracts of a day the newest.

    Raises
    ------
    PayloadError
        A day stands twice, and no column says which is newer; or it is an hourly
        series.
    """
    settled = _in_zone([row.day for row in rows], zone, whose)
    found: dict[Any, DayRow] = {}
    for row, day in zip(rows, settled.days, strict=True):
        moved = row if day is row.day else row._replace(day=day)
        key = _day_of(day, row.place)
        found[key] = _newer(found[key], moved, key, whose) if key in found else moved
    return Days([row.day for row in found.values()], settled.assumed)


def _day_of(day: Mapping[str, Any], place: str) -> str:
    """Return the day; what is none stays apart, for the parser to refuse."""
    text = day.get("time")
    return text[:_DAY] if isinstance(text, str) else place


def _newer(one: DayRow, other: DayRow, day: str, whose: str) -> DayRow:
    first, second = one.extracted, other.extracted
    if first is not None and second is not None and first != second:
        return one if first > second else other
    if one.day == other.day:
        return one
    raise PayloadError(
        f"{whose}: {day} stands twice with other numbers ({one.place} and "
        f"{other.place}), and no column of a loader says which was extracted last. If "
        "these are several campaigns, give each row its campaign_id; else keep one: "
        'rows.drop_duplicates(["campaign_id", "time"], keep="last")'
    )


def check_daily(days: Iterable[Any], whose: str) -> None:
    """Refuse an hourly series: a day with several times of day.

    Raises
    ------
    PayloadError
        Names the day.
    """
    clocks: dict[str, str] = {}
    times = [day.get("time") for day in days if isinstance(day, dict)]
    texts = [text for text in times if isinstance(text, str)]
    if {*map(len, texts)} == {_DAY}:
        return  # days without times, as the API gives them
    for text in texts:
        inside, clock, _ = _settle(text, None)
        _check_clock(clocks, inside[:_DAY], clock, whose)


def _in_zone(days: Iterable[Any], zone: tzinfo | None, whose: str) -> Days:
    """Return days whose times are days of the company's zone.

    A moment that carries a zone and a time of day other than midnight is a day only in
    the company's zone; where nobody told that zone, it stays the day that is written.
    """
    settled: list[Any] = []
    clocks: dict[str, str] = {}
    assumed = ""
    for day in days:
        text = day.get("time")
        if not isinstance(text, str):
            settled.append(day)
            continue
        inside, clock, guessed = _settle(text, zone)
        assumed = assumed or guessed
        _check_clock(clocks, inside[:_DAY], clock, whose)
        settled.append(day if inside == text else {**day, "time": inside})
    return Days(settled, assumed)


def _settle(text: str, zone: tzinfo | None) -> tuple[str, str, str]:
    """Return a time's day, its time of day, and the time itself where it is a guess."""
    if len(text) == _DAY:
        return text, "", ""
    moment = _parsed(text)
    if moment is None:
        return text, text[_DAY:], ""
    if moment.time() == time():
        return text[:_DAY], "", ""
    if moment.tzinfo is None or zone is not None:
        return _moved(moment, zone), text[_DAY:], ""
    return text[:_DAY], text[_DAY:], text


def _check_clock(clocks: dict[str, str], day: str, clock: str, whose: str) -> None:
    if clocks.setdefault(day, clock) != clock:
        raise PayloadError(
            f"{whose}: {day} has several times of day ({clocks[day] or 'midnight'}, "
            f"{shown(clock or 'midnight', 40)}): this is an hourly series; ask for "
            "days (unit=day)"
        )


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    except ValueError:
        return None


def _moved(moment: datetime, zone: tzinfo | None) -> str:
    if moment.tzinfo is None:
        return moment.date().isoformat()
    try:
        return moment.astimezone(zone).date().isoformat()
    except OverflowError:
        return moment.date().isoformat()
