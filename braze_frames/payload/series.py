"""One answer of the API → a typed batch: columns of stats, and codes for the labels.

Labels cost nothing a row in the common case: each pair of id and name is looked at
once, and most days list the same pairs. A long answer is read some days at a time, as
if they came one after the other.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import chain, compress
from operator import itemgetter
from typing import Any, NamedTuple, NoReturn, cast

import numpy as np
import orjson

from braze_frames.core.arrays import Ints
from braze_frames.core.days import day_number
from braze_frames.core.json_text import has_booleans, is_apart, is_text, taken_apart
from braze_frames.core.names import short_path
from braze_frames.errors import PayloadError
from braze_frames.payload.batch import EVERY_DAY, Batch, EntryKey, Span
from braze_frames.payload.columns import Filling
from braze_frames.payload.packing import Clicks, column_of, count_stats
from braze_frames.payload.rows import RowPacker
from braze_frames.schema.channels import ALIASES, VARIATION_ID, VARIATION_NAME
from braze_frames.schema.exports import CAMPAIGN_SERIES

# So much of a channel's or a key's name stands in a message.
_LONG = 80
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TEXT_OR_NONE = {str, type(None)}
_OBJECTS = {dict, type(None)}
_LISTS = {list, type(None)}


def decode(body: bytes | memoryview, origin: str) -> Any:
    """Parse JSON.

    Raises
    ------
    PayloadError
        The text is no JSON; says where it breaks.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        reason = _why_not_json(bytes(body), error)
    raise PayloadError(f"{origin}: {reason}")


def _why_not_json(body: bytes, error: orjson.JSONDecodeError) -> str:
    text = body.strip()
    if not text:
        return f"is empty; expected the JSON of {CAMPAIGN_SERIES.path}"
    if text[:1] == b"<":
        return (
            "is HTML or XML, not JSON; a proxy's or a login page? "
            f"Save the body of {CAMPAIGN_SERIES.path} itself"
        )
    place = f"line {error.lineno}, column {error.colno}"
    if error.pos >= len(error.doc.rstrip()) - 1:
        return f"is cut off: the JSON ends at {place}; fetch or copy it again"
    return f"is not JSON at {place} ({error.msg}); fetch or copy it again"


def parse_answer(
    answer: Any, origin: str, span: Span = EVERY_DAY, *, check_each_value: bool = True
) -> Batch:
    """Read one decoded answer of ``/campaigns/data_series``.

    Parameters
    ----------
    answer : dict
        The decoded answer.
    origin : str
        The file or campaign, for messages.
    span : Span
        The days to read; others are not looked at.
    check_each_value : bool
        Check each value by itself. False is for trees straight from the JSON parser
        that hold no booleans.

    Raises
    ------
    PayloadError
        The answer has no ``data``, or a day, channel, entry, label or count in it
        cannot be trusted; names which.
    """
    parser = _AnswerParser(origin, span, check_each_value=check_each_value)
    parser.take(_data(answer, origin))
    return parser.batch(answer)


def parse_body(body: bytes, origin: str, span: Span = EVERY_DAY) -> Batch:
    """Read an answer as it came; see ``parse_answer``."""
    batch = parse_text(body, origin, span) if is_apart(body, "data") else None
    if batch is not None:
        return batch
    check = has_booleans(body)
    return parse_answer(decode(body, origin), origin, span, check_each_value=check)


def parse_text(
    body: bytes,
    origin: str,
    span: Span = EVERY_DAY,
    accept: Callable[[dict[str, Any]], bool] = lambda _: True,
) -> Batch | None:
    """Read the text of a long answer some days at a time.

    The tree of all days is no longer in the processor's cache when its numbers are
    packed and when it is let go of, which then take twice as long; and it is ten times
    as large as the text.

    Parameters
    ----------
    body : bytes
        The text.
    origin, span
        As for ``parse_answer``.
    accept : callable
        Whether some days, in what stands around them, are to be read.

    Returns
    -------
    Batch or None
        As ``parse_answer`` reads the tree. None where there is anything that asks for a
        second look: it is then to be decoded as a whole.
    """
    if has_booleans(body):
        return None
    found = taken_apart(body, "data")
    if found is None:
        return None
    parser = _AnswerParser(origin, span, check_each_value=False)
    try:
        for days in found.pieces:
            if not accept({**found.around, "data": days}):
                return None
            parser.take(days)
            del days  # before the next are decoded
        return parser.batch(found.around)
    except (orjson.JSONDecodeError, PayloadError):
        return None


def _told(errors: Any) -> list[str]:
    """Return what a server says went wrong: a list as its parts, all else whole."""
    parts = errors if isinstance(errors, list | tuple) else [errors] if errors else []
    return [part if isinstance(part, str) else _shown(part) for part in parts]


def _data(answer: Any, origin: str) -> list[Any]:
    if not isinstance(answer, dict):
        raise PayloadError(
            f"{origin}: expected an object with `data`, got {_shown(answer)}; "
            f"pass a response of {CAMPAIGN_SERIES.path}"
        )
    data = answer.get("data")
    if isinstance(data, list):
        return data
    told = [answer[key] for key in ("message", "errors") if answer.get(key)]
    said = " and ".join(map(_shown, told)) or "nothing"
    raise PayloadError(
        f"{origin}: the answer has no list `data`; it says {said}. "
        "Nothing was exported: ask again, or check the campaign's id"
    )


def _day_numbers(days: list[Any], origin: str) -> list[int]:
    try:
        numbers = [*map(_day_number, map(itemgetter("time"), days))]
    except (KeyError, TypeError):
        numbers = [None]
    if None in numbers:
        _refuse_day(days, origin)
    return cast("list[int]", numbers)


def _refuse_day(days: list[Any], origin: str) -> None:
    for day in days:
        time = day.get("time") if isinstance(day, dict) else None
        if not isinstance(time, str) or _day_number(time) is None:
            raise PayloadError(
                f"{origin}: {_shown(time or day)} is no day; expected objects whose "
                "`time` starts with YYYY-MM-DD; mend or leave out that day, read again"
            )


@lru_cache(maxsize=8192)
def _day_number(text: str) -> int | None:
    found = _DAY.match(text)
    try:
        return found and day_number(date.fromisoformat(found[0]))
    except ValueError:
        return None


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        # thousands of lists in each other; an integer of more digits than Python prints
        return f"a value of type {type(value).__name__} that is too large to show"
    return text if len(text) <= 60 else text[:57] + "..."


class _Segment(NamedTuple):
    """Rows that follow each other: the entries of a channel on some days."""

    start: int
    channel: str
    days: Ints


class _Places:
    """Where the days and entries of an answer stand, for errors."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.times: list[str] = []
        self.segments: list[_Segment] = []

    def fail_total(self, row: int, key: str, value: Any, expected: str) -> NoReturn:
        """Refuse a value of a day."""
        self.fail(row, (key,), value, expected)

    def fail_entry(self, row: int, key: str, value: Any, expected: str) -> NoReturn:
        """Refuse a value of an entry."""
        starts = [segment.start for segment in self.segments]
        start, channel, days = self.segments[bisect_right(starts, row) - 1]
        self.fail(int(days[row - start]), (channel, key), value, expected)

    def fail(
        self, day: int, place: Sequence[str], value: Any, expected: str
    ) -> NoReturn:
        """Raise the error that names the origin, day, channel and key."""
        named = map(_printable, filter(None, place))
        where = [short_path(self.origin), str(self.times[day])[:10], *named]
        raise PayloadError(
            f"{', '.join(where)}: expected {expected}, got "
            f"{_shown(value)}; mend or leave out that day and read again"
        )


class _Channel:
    """The entries of one channel, and how many each day has."""

    def __init__(self, name: str, packer: RowPacker) -> None:
        self.name, self.packer = name, packer
        self.ids: list[Any] = []
        self.names: list[Any] = []
        self.sizes: list[int] = []
        self.rows: list[Ints] = []

    def add(
        self, ids: list[Any], names: list[Any], sizes: list[int], start: int
    ) -> None:
        """Add entries, which are the rows from ``start`` on.

        Mostly they are those of the first days again: then the tree's own texts, a
        third of what is kept of it, are let go of.
        """
        known_ids, known_names = self.ids[: len(ids)], self.names[: len(ids)]
        self.ids += known_ids if ids == known_ids else ids
        self.names += known_names if names == known_names else names
        self.sizes += sizes
        self.rows.append(np.arange(start, start + len(ids)))

    @property
    def places(self) -> Ints:
        """The rows of all its entries."""
        return _follow(self.rows)


class _AnswerParser:
    """Reads the days of one answer, as many at a time as come.

    What touches the tree is done at once, so that it can be let go of; the rest, which
    takes as long for few days as for many, is done once for all.
    """

    def __init__(self, origin: str, span: Span, *, check_each_value: bool) -> None:
        self.origin, self.span, self.places = origin, span, _Places(origin)
        self.check_each_value = check_each_value
        self.answered: list[Ints] = []
        self.days: list[Ints] = []
        self.totals, self.entries, self.clicks = Filling(0), Filling(0), Clicks()
        keys, fail = ("time", "messages"), self.places.fail_total
        self.packer = RowPacker(self.totals, None, keys, fail, check_each_value)
        self.channels: dict[str, _Channel] = {}
        self.keys: list[EntryKey] = []

    def take(self, days: list[Any]) -> None:
        """Read some days."""
        numbers = np.array(_day_numbers(days, self.origin), dtype=np.int64)
        inside = (numbers >= self.span.first) & (numbers <= self.span.last)
        self.answered.append(numbers)
        self.days.append(numbers[inside])
        read = list(compress(days, inside))
        if {*map(type, read)} - {dict}:
            read = [*map(dict, read)]
        start = len(self.places.times)
        self.places.times += map(itemgetter("time"), read)
        messages, has_messages = column_of(read, "messages")
        self.packer.take(read, start, count_stats(read, [], has_messages))
        self._take_channels(start, messages)

    def _take_channels(self, day: int, listed: list[Any]) -> None:
        """Read the messages of days, of which this is the first."""
        if not {*map(type, listed)} <= _OBJECTS:
            for n, messages in enumerate(listed, day):
                if messages is not None and not isinstance(messages, dict):
                    self.places.fail(n, ["messages"], messages, "an object of channels")
            listed = [dict(messages or {}) for messages in listed]
        found = dict.fromkeys(chain.from_iterable(filter(None, listed)))
        # Other spellings first: of two names on a day the last one labels, and that is
        # the name under the channel's own.
        for name in sorted(found, key=_is_own):
            of_days, _ = column_of([messages or {} for messages in listed], name)
            self._check_channel(name, day, listed, of_days)
            rows = list(chain.from_iterable(filter(None, of_days)))
            if rows:
                sizes = [len(one) if one else 0 for one in of_days]
                days = np.arange(day, day + len(sizes)).repeat(sizes)
                self._take_entries(name, rows, days, list(filter(None, sizes)))

    def _check_channel(
        self, name: Any, day: int, listed: list[Any], of_days: list[Any]
    ) -> None:
        if not (isinstance(name, str) and is_text(name)):
            first = next(n for n, one in enumerate(listed, day) if one and name in one)
            self.places.fail(
                first, (), name, "a channel that is text, of no lone surrogates"
            )
        if not {*map(type, of_days)} <= _LISTS:
            for n, rows in enumerate(of_days, day):
                if rows is not None and not isinstance(rows, list):
                    self.places.fail(n, (name,), rows, "a list of objects")

    def _take_entries(
        self, name: str, rows: list[Any], days: Ints, sizes: list[int]
    ) -> None:
        """Read the entries of a channel, so many a day."""
        start = self.entries.size
        self.entries.size += len(rows)
        self.places.segments.append(_Segment(start, name, days))
        for kind in set(map(type, rows)):
            if not issubclass(kind, dict):
                row = next(n for n, row in enumerate(rows) if type(row) is kind)
                self.places.fail_entry(start + row, "", rows[row], "an object of stats")
            if kind is not dict:
                rows = list(map(dict, rows))  # a defaultdict grows when it is asked
        channel = self.channels.get(name) or self._channel(name)
        ids, has_id = column_of(rows, VARIATION_ID)
        names, has_name = column_of(rows, VARIATION_NAME)
        channel.add(ids, names, sizes, start)
        channel.packer.take(rows, start, count_stats(rows, has_id, has_name))

    def _channel(self, name: str) -> _Channel:
        keys, fail = (VARIATION_ID, VARIATION_NAME), self.places.fail_entry
        packer = RowPacker(self.entries, self.clicks, keys, fail, self.check_each_value)
        return self.channels.setdefault(name, _Channel(name, packer))

    def batch(self, answer: Mapping[str, Any]) -> Batch:
        """Return what was read of an answer."""
        self.packer.finish()
        codes = np.zeros(self.entries.size, dtype=np.int64)
        for name in sorted(self.channels, key=_is_own):
            channel = self.channels[name]
            channel.packer.finish()
            codes[channel.places] = self._key_codes(channel)
        days = _follow(self.days)
        self.totals.size = len(days)
        return Batch(
            origin=self.origin,
            answered=_follow(self.answered),
            days=days,
            totals=self.totals,
            entries=self.entries,
            entry_day=_follow(one.days for one in self.places.segments),
            entry_key=codes,
            keys=self.keys,
            elements=self.clicks.elements(),
            messages=[f"{self.origin}: {text}" for text in _told(answer.get("errors"))],
        )

    def _key_codes(self, channel: _Channel) -> Ints:
        """Return the codes of the keys of a channel's entries."""
        ids, names, size = channel.ids, channel.names, channel.sizes[0]
        if not (ids[size:] == ids[:-size] and names[size:] == names[:-size]):
            size = len(ids)  # the days do not all list the same variations
        self._check_labels(channel, VARIATION_ID, ids[:size])
        self._check_labels(channel, VARIATION_NAME, names[:size])
        pairs = list(zip(ids[:size], names[:size], strict=True))
        place = {pair: code for code, pair in enumerate(dict.fromkeys(pairs))}
        of_pairs = np.array([place[pair] for pair in pairs]) + len(self.keys)
        codes = np.tile(of_pairs, -(-len(ids) // size))[: len(ids)]
        label = ALIASES.get(channel.name, channel.name)
        self.keys += [
            EntryKey(label, id_ or None, name or None, 0) for id_, name in place
        ]
        return self._by_position(codes, channel)

    def _by_position(self, codes: Ints, channel: _Channel) -> Ints:
        """Tell entries without id and name apart by their position in the list."""
        nameless = [n for n, key in enumerate(self.keys) if key[1:] == (None, None, 0)]
        if not nameless:
            return codes
        is_nameless = np.isin(codes, nameless)
        if not is_nameless.any():
            return codes
        positions = _follow(np.arange(1, size + 1) for size in channel.sizes)
        numbers, found = np.unique(positions[is_nameless], return_inverse=True)
        label = self.keys[codes[is_nameless][0]].channel
        codes[is_nameless] = found + len(self.keys)
        self.keys += [
            EntryKey(label, None, None, number) for number in numbers.tolist()
        ]
        return codes

    def _check_labels(self, channel: _Channel, key: str, values: list[Any]) -> None:
        if set(map(type, values)) <= _TEXT_OR_NONE and all(
            value is None or is_text(value) for value in set(values)
        ):
            return
        for row, value in zip(channel.places.tolist(), values, strict=False):
            if value is not None and not isinstance(value, str):
                self.places.fail_entry(row, key, value, "text")
            if value is not None and not is_text(value):
                self.places.fail_entry(row, key, value, "text without lone surrogates")


def _is_own(channel: str) -> bool:
    """Whether a channel's name is its own, and no other spelling."""
    return channel not in ALIASES


def _follow(parts: Iterable[Ints]) -> Ints:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _printable(text: str) -> str:
    text = text if len(text) <= _LONG else text[: _LONG - 3] + "..."
    return text if text.isprintable() else repr(text)[1:-1]
