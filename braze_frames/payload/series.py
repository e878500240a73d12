"""One answer of the API → a typed batch: columns of stats, and codes for the labels.

Labels cost nothing a row in the common case: each pair of id and name is looked at
once, and most days list the same pairs.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from itertools import accumulate, chain, compress
from operator import itemgetter
from typing import Any, NamedTuple, NoReturn, cast

import numpy as np
import orjson

from braze_frames.core.arrays import Ints
from braze_frames.core.days import day_number
from braze_frames.core.names import short_path
from braze_frames.errors import PayloadError
from braze_frames.payload.batch import EVERY_DAY, Batch, EntryKey, Span
from braze_frames.payload.columns import Filling
from braze_frames.payload.packing import Day, column_of
from braze_frames.payload.rows import Clicks, RowPacker, is_text
from braze_frames.schema.channels import ALIASES, VARIATION_ID, VARIATION_NAME
from braze_frames.schema.exports import CAMPAIGN_SERIES

# So much of a channel's or a key's name stands in a message.
_LONG = 80
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TEXT_OR_NONE = {str, type(None)}
_OBJECTS = {dict, type(None)}
_LISTS = {list, type(None)}
# Four letters of each, and two of them that are rare elsewhere: "tr" stands in
# "Control", "fa" in every tenth id.
_BOOLEANS = ((b"true", b"ru"), (b"fals", b"ls"))
# So much of a text is looked through at once, and the rest of a word that ends beyond:
# what is compared stays in the processor's cache. A text of 30 MB as a whole takes
# three times as long, and as much memory again.
_PART, _REST = 2**20, 4


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


def has_booleans(body: bytes | memoryview) -> bool:
    """Whether the text may hold booleans, which need a look at each value."""
    whole = memoryview(body)
    return any(
        _holds(whole[start : start + _PART + _REST], word, rare)
        for start in range(0, len(whole), _PART)
        for word, rare in _BOOLEANS
    )


def _holds(body: memoryview, word: bytes, rare: bytes) -> bool:
    """Whether a text holds a word of four letters; ``rare`` are two of them.

    To read two letters as one number takes .05 of what the JSON parser takes, two
    ``in`` take .2 to .3, a regular expression 1.7.
    """
    pair, first, second = np.frombuffer(rare + word, np.uint16)
    pairs = [
        np.frombuffer(body, np.uint16, (len(body) - start) // 2, offset=start)
        for start in range(min(len(body) - 1, 2))
    ]
    return any((found == pair).any() for found in pairs) and any(
        ((found[:-1] == first) & (found[1:] == second)).any() for found in pairs
    )


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
    days = _data(answer, origin)
    numbers = np.array(_day_numbers(days, origin), dtype=np.int64)
    inside = (numbers >= span.first) & (numbers <= span.last)
    read = list(compress(days, inside))
    if {*map(type, read)} - {dict}:
        read = [*map(dict, read)]
    parser = _AnswerParser(origin, read, check_each_value=check_each_value)
    return Batch(
        origin=origin,
        answered=numbers,
        days=numbers[inside],
        totals=parser.totals,
        entries=parser.entries,
        entry_day=parser.entry_day,
        entry_key=parser.entry_key,
        keys=parser.keys,
        elements=parser.clicks.elements(),
        messages=[f"{origin}: {text}" for text in _told(answer.get("errors"))],
    )


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


class _Channel(NamedTuple):
    """The entries of one channel: the days that have some, and a list for each."""

    name: str
    days: list[int]
    lists: list[list[Any]]


class _AnswerParser:
    """Reads the days of one answer: their totals, then channel after channel."""

    def __init__(self, origin: str, days: list[Day], *, check_each_value: bool) -> None:
        self.origin, self.days = origin, days
        messages, has_messages = column_of(days, "messages")
        self.channels = self._channels(messages)
        sizes = [list(map(len, channel.lists)) for channel in self.channels]
        self.starts = [0, *accumulate(map(sum, sizes))]
        self.entry_day = _follow(
            np.repeat(channel.days, size)
            for channel, size in zip(self.channels, sizes, strict=True)
        )
        self.check_each_value = check_each_value
        self.totals, self.entries = Filling(len(days)), Filling(self.starts[-1])
        self.clicks = Clicks()
        keys, counts = ("time", "messages"), _count_stats(days, [], has_messages)
        packer = RowPacker(self.totals, None, keys, self._fail_total, check_each_value)
        packer.pack(days, 0, counts)
        self.keys: list[EntryKey] = []
        self.entry_key = _follow([*map(self._entries, self.channels, self.starts)])

    def _channels(self, listed: list[Any]) -> list[_Channel]:
        """Return the channels that have entries."""
        if not {*map(type, listed)} <= _OBJECTS:
            for n, messages in enumerate(listed):
                if messages is not None and not isinstance(messages, dict):
                    self._fail(n, ("messages",), messages, "an object of channels")
            listed = [dict(messages or {}) for messages in listed]
        found = dict.fromkeys(chain.from_iterable(filter(None, listed)))
        # Other spellings first: of two names on a day the last one labels, and that is
        # the name under the channel's own.
        names = sorted(found, key=lambda name: name not in ALIASES)
        channels = [self._channel(name, listed) for name in names]
        return [channel for channel in channels if channel.days]

    def _channel(self, name: Any, listed: list[Any]) -> _Channel:
        of_days, _ = column_of([messages or {} for messages in listed], name)
        if not (isinstance(name, str) and is_text(name)):
            day = next(n for n, one in enumerate(listed) if one and name in one)
            self._fail(day, (), name, "a channel that is text, of no lone surrogates")
        if not {*map(type, of_days)} <= _LISTS:
            for n, rows in enumerate(of_days):
                if rows is not None and not isinstance(rows, list):
                    self._fail(n, (name,), rows, "a list of objects")
        days = [n for n, rows in enumerate(of_days) if rows]
        return _Channel(name, days, [*filter(None, of_days)])

    def _entries(self, channel: _Channel, start: int) -> Ints:
        """Pack the entries of a channel and return the codes of their keys."""
        rows: list[Any] = list(chain.from_iterable(channel.lists))
        for kind in set(map(type, rows)):
            if not issubclass(kind, dict):
                row = next(n for n, row in enumerate(rows) if type(row) is kind)
                self._fail_entry(start + row, "", rows[row], "an object of stats")
            if kind is not dict:
                rows = list(map(dict, rows))  # a defaultdict grows when it is asked
        ids, has_id = column_of(rows, VARIATION_ID)
        names, has_name = column_of(rows, VARIATION_NAME)
        packer = RowPacker(
            *(self.entries, self.clicks, (VARIATION_ID, VARIATION_NAME)),
            *(self._fail_entry, self.check_each_value),
        )
        packer.pack(rows, start, _count_stats(rows, has_id, has_name))
        size = len(channel.lists[0])
        if not (ids[size:] == ids[:-size] and names[size:] == names[:-size]):
            size = len(rows)  # the days do not all list the same variations
        self._check_labels(start, VARIATION_ID, ids[:size])
        self._check_labels(start, VARIATION_NAME, names[:size])
        pairs = list(zip(ids[:size], names[:size], strict=True))
        place = {pair: code for code, pair in enumerate(dict.fromkeys(pairs))}
        of_pairs = np.array([place[pair] for pair in pairs]) + len(self.keys)
        codes = np.tile(of_pairs, -(-len(rows) // size))[: len(rows)]
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
        positions = _follow(np.arange(1, len(of_day) + 1) for of_day in channel.lists)
        numbers, found = np.unique(positions[is_nameless], return_inverse=True)
        label = self.keys[codes[is_nameless][0]].channel
        codes[is_nameless] = found + len(self.keys)
        self.keys += [
            EntryKey(label, None, None, number) for number in numbers.tolist()
        ]
        return codes

    def _check_labels(self, start: int, key: str, values: list[Any]) -> None:
        if set(map(type, values)) <= _TEXT_OR_NONE and all(
            value is None or is_text(value) for value in set(values)
        ):
            return
        for row, value in enumerate(values, start):
            if value is not None and not isinstance(value, str):
                self._fail_entry(row, key, value, "text")
            if value is not None and not is_text(value):
                self._fail_entry(row, key, value, "text without lone surrogates")

    def _fail_total(self, row: int, key: str, value: Any, expected: str) -> NoReturn:
        self._fail(row, (key,), value, expected)

    def _fail_entry(self, row: int, key: str, value: Any, expected: str) -> NoReturn:
        channel = self.channels[bisect_right(self.starts, row) - 1]
        self._fail(int(self.entry_day[row]), (channel.name, key), value, expected)

    def _fail(
        self, day: int, place: Sequence[str], value: Any, expected: str
    ) -> NoReturn:
        """Raise the error that names the origin, day, channel and key."""
        named = map(_printable, filter(None, place))
        where = [short_path(self.origin), str(self.days[day]["time"])[:10], *named]
        raise PayloadError(
            f"{', '.join(where)}: expected {expected}, got "
            f"{_shown(value)}; mend or leave out that day and read again"
        )


def _count_stats(rows: list[Day], *have: list[bool]) -> Ints:
    """Return how many stats each object has: its keys but two that it may have."""
    counts = np.fromiter(map(len, rows), np.int64, len(rows))
    for has in have:
        counts -= np.array(has, dtype=np.int64) if has else 1
    return counts


def _follow(parts: Iterable[Ints]) -> Ints:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _printable(text: str) -> str:
    text = text if len(text) <= _LONG else text[: _LONG - 3] + "..."
    return text if text.isprintable() else repr(text)[1:-1]
