"""One answer of the API → a typed batch: packed numbers, and codes for the labels.

The common case never touches a value in Python: the stat objects of a channel that
share their keys are packed by one ``struct`` call each, straight from the parser's
dictionaries. A stat object that does not fit (a hole, a null, a fraction) is taken
apart cell by cell, with every check; so is a whole answer that arrives decoded, or
that holds booleans, which ``struct`` would take for numbers.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from itertools import chain, compress
from typing import Any, NamedTuple, NoReturn, cast

import numpy as np
import orjson

from braze_frames.core.arrays import Ints
from braze_frames.core.days import day_number
from braze_frames.errors import PayloadError
from braze_frames.payload.batch import EVERY_DAY, Batch, Element, EntryKey, Span
from braze_frames.payload.packing import (
    BOUND,
    MISSING,
    Block,
    Day,
    Packed,
    Shape,
    amount_of,
    column_of,
    count_of,
    matrix,
    pack,
    pad,
    shape_of,
)
from braze_frames.schema.channels import (
    ALIASES,
    ELEMENT_KEY,
    STAT,
    VARIATION_ID,
    VARIATION_NAME,
)

_FEW = 4
_RARE = 16
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


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
        return "is empty; expected the JSON of /campaigns/data_series"
    if text[:1] == b"<":
        return (
            "is HTML or XML, not JSON; a proxy's or a login page? "
            "Save the body of /campaigns/data_series itself"
        )
    place = f"line {error.lineno}, column {error.colno}"
    if error.pos >= len(error.doc.rstrip()) - 1:
        return f"is cut off: the JSON ends at {place}; fetch or copy it again"
    return f"is not JSON at {place} ({error.msg}); fetch or copy it again"


def has_booleans(body: bytes | memoryview) -> bool:
    """Whether the text may hold booleans, which need the careful way."""
    letters = np.frombuffer(body, dtype=np.uint8)
    first, second = letters[:-1], letters[1:]
    return bool(
        (((first == ord("r")) & (second == ord("u"))).any() and b"true" in bytes(body))
        or (
            ((first == ord("l")) & (second == ord("s"))).any()
            and b"false" in bytes(body)
        )
    )


def parse_answer(
    answer: Any, origin: str, span: Span = EVERY_DAY, *, careful: bool = True
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
    careful : bool
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
    reader = _AnswerParser(origin, list(compress(days, inside)), careful)
    reader.read()
    return Batch(
        origin=origin,
        answered=numbers,
        days=numbers[inside],
        totals=reader.totals,
        entries=reader.entries,
        entry_day=_joined(reader.entry_day),
        entry_key=_joined(reader.entry_key),
        keys=reader.keys,
        elements=reader.elements,
        messages=[str(text) for text in answer.get("errors") or ()],
    )


def _numbered(
    ids: list[Any], names: list[Any], size: int, seen: dict[tuple[Any, Any], int]
) -> Ints:
    """Give pairs of id and name a number; most days list them in the same order."""
    again = ids[size:] == ids[:-size] and names[size:] == names[:-size]
    count = size if again else len(ids)
    pairs = zip(ids[:count], names[:count], strict=True)
    numbers = np.fromiter(map(seen.__getitem__, pairs), np.int32, count)
    return np.resize(numbers, len(ids))


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _data(answer: Any, origin: str) -> list[Any]:
    if not isinstance(answer, dict):
        raise PayloadError(
            f"{origin}: expected an object with `data`, got {_shown(answer)}; "
            "pass a response of /campaigns/data_series"
        )
    data = answer.get("data")
    if isinstance(data, list):
        return data
    said = answer.get("message", answer.get("errors", "nothing"))
    raise PayloadError(
        f"{origin}: the answer has no list `data`; it says {_shown(said)}. "
        "Nothing was exported: ask again, or check the campaign's id"
    )


def _day_numbers(days: list[Any], origin: str) -> list[int]:
    try:
        numbers = [_day_number(day["time"][:10]) for day in days]
    except (KeyError, TypeError):
        numbers = [None]
    if None in numbers:
        _refuse_day(days, origin)
    return cast("list[int]", numbers)


def _refuse_day(days: list[Any], origin: str) -> None:
    for day in days:
        time = day.get("time") if isinstance(day, dict) else None
        if not isinstance(time, str) or _day_number(time[:10]) is None:
            raise PayloadError(
                f"{origin}: {_shown(time or day)} is no day; expected objects whose "
                "`time` starts with YYYY-MM-DD; mend or leave out that day, read again"
            )


@lru_cache(maxsize=8192)
def _day_number(text: str) -> int | None:
    if not _DAY.fullmatch(text):
        return None
    try:
        return day_number(date.fromisoformat(text))
    except ValueError:
        return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


class _AnswerParser:
    """Collects one answer's rows, channel after channel."""

    def __init__(self, origin: str, days: list[Day], careful: bool) -> None:
        self.origin, self.days, self.careful = origin, days, careful
        self.totals, self.entries = Packed(), Packed()
        self.entry_day: list[Ints] = []
        self.entry_key: list[Ints] = []
        self.keys: list[EntryKey] = []
        self.elements: list[Element] = []
        self.count = 0

    def read(self) -> None:
        times = column_of(self.days, "time")
        messages = column_of(self.days, "messages")
        lists = self._channels(messages)
        taker = _RowPacker(self, self.totals, ("time", "messages"), self._day_place)
        taker.take(self.days, 0, times, messages)
        for channel, (days, rows) in lists.items():
            self._entries(channel, days, rows)

    def _channels(
        self, listed: list[Any]
    ) -> dict[str, tuple[list[int], list[list[Any]]]]:
        lists: dict[str, tuple[list[int], list[list[Any]]]] = {}
        for n, messages in enumerate(listed):
            if messages.__class__ is not dict:
                if messages is not None:
                    self.fail(n, "", "messages", messages, "an object of channels")
                continue
            for channel, rows in messages.items():
                if rows.__class__ is not list:
                    if rows is not None:
                        self.fail(n, channel, "", rows, "a list of objects")
                elif rows:
                    found = lists.get(channel) or lists.setdefault(channel, ([], []))
                    found[0].append(n)
                    found[1].append(rows)
        return lists

    def _entries(self, channel: str, days: list[int], lists: list[list[Any]]) -> None:
        sizes = list(map(len, lists))
        rows = list(chain.from_iterable(lists))
        entry_day = np.repeat(np.array(days, dtype=np.int32), sizes)

        def place(row: int) -> tuple[int, str]:
            return int(entry_day[row - start]), channel

        start = self.count
        if set(map(type, rows)) != {dict}:
            row = next(i for i, row in enumerate(rows) if not isinstance(row, dict))
            self.fail(*place(start + row), "", rows[row], "an object of stats")
        ids, names = column_of(rows, VARIATION_ID), column_of(rows, VARIATION_NAME)
        taker = _RowPacker(self, self.entries, (VARIATION_ID, VARIATION_NAME), place)
        taker.take(rows, start, ids, names)
        self.entry_key.append(self._key_codes(channel, ids, names, sizes, place))
        self.entry_day.append(entry_day)
        self.count += len(rows)

    def _key_codes(
        self,
        channel: str,
        ids: list[Any],
        names: list[Any],
        sizes: list[int],
        place: Callable[[int], tuple[int, str]],
    ) -> Ints:
        seen: defaultdict[tuple[Any, Any], int] = defaultdict()
        seen.default_factory = seen.__len__
        try:
            codes = _numbered(ids, names, sizes[0], seen)
        except TypeError:
            seen.clear()
        self._check_labels(ids, names, seen, place)
        first = len(self.keys)
        label = self.text(ALIASES.get(channel, channel), *place(self.count)) or ""
        self.keys += [
            EntryKey(label, self.text(i), self.text(name), 0) for i, name in seen
        ]
        codes += first
        for code in range(first, len(self.keys)):
            if not (self.keys[code].id or self.keys[code].name):
                self._by_position(codes, code, sizes)
        return codes

    def _by_position(self, codes: Ints, code: int, sizes: list[int]) -> None:
        ends = np.cumsum(sizes)
        positions = np.arange(ends[-1]) - np.repeat(ends - sizes, sizes) + 1
        nameless = codes == code
        numbers, codes[nameless] = np.unique(positions[nameless], return_inverse=True)
        codes[nameless] += len(self.keys)
        self.keys += [self.keys[code]._replace(position=int(n)) for n in numbers]

    def _check_labels(
        self,
        ids: list[Any],
        names: list[Any],
        seen: dict[tuple[Any, Any], int],
        place: Callable[[int], tuple[int, str]],
    ) -> None:
        if seen and all(
            value is None or isinstance(value, str) for pair in seen for value in pair
        ):
            return
        for key, values in ((VARIATION_ID, ids), (VARIATION_NAME, names)):
            for row, value in enumerate(values):
                if value is not None and not isinstance(value, str):
                    self.fail(*place(self.count + row), key, value, "text")

    def text(self, text: str | None, day: int = 0, channel: str = "") -> Any:
        """Return the text, or None for an empty one; refuse what is no Unicode."""
        if text is not None and not isinstance(text, str):
            self.fail(day, channel, "", text, "a key that is text")
        if text:
            try:
                text.encode()
            except UnicodeEncodeError:
                self.fail(day, channel, "", text, "text without lone surrogates")
        return text or None

    def _day_place(self, row: int) -> tuple[int, str]:
        return row, ""

    def fail(
        self, day: int, channel: str, key: str, value: Any, expected: str
    ) -> NoReturn:
        """Raise the error that names the origin, day, channel and key."""
        where = [self.origin, str(self.days[day]["time"])[:10]]
        where += [part for part in (channel, key) if part]
        raise PayloadError(
            f"{', '.join(map(_printable, where))}: expected {expected}, got "
            f"{_shown(value)}; mend or leave out that day and read again"
        )


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


class _RowPacker(NamedTuple):
    """Takes a list of stat objects into blocks and cells."""

    reader: _AnswerParser
    into: Packed
    skip: tuple[str, str]
    place: Callable[[int], tuple[int, str]]

    def take(
        self, rows: list[Day], start: int, first: list[Any], second: list[Any]
    ) -> None:
        """Take ``rows``, whose values of the skipped keys are ``first``, ``second``."""
        kinds = 4 * np.fromiter(map(len, rows), np.int64, len(rows))
        for weight, values in ((1, first), (2, second)):
            if None in values:
                kinds += [weight * (value is None) for value in values]
        shapes: list[Shape] = []
        odd: list[int] = []
        counts = np.bincount(kinds)
        for kind in np.flatnonzero(counts):
            members = np.flatnonzero(kinds == kind)
            if counts[kind] * _RARE < len(rows):
                odd += members.tolist()
            else:
                odd += self._group(rows, members, start, shapes)
        self._odd(rows, odd, start, shapes)

    def _group(
        self, rows: list[Day], members: Ints, start: int, shapes: list[Shape]
    ) -> list[int]:
        """Pack the rows that share their keys; the numbers of those that do not fit."""
        numbers = members.tolist()
        some = rows if len(members) == len(rows) else [rows[i] for i in numbers]
        shape = None if self.reader.careful else self._shape(some[:_FEW])
        if shape is None:
            return numbers
        shapes.append(shape)
        packed, odd = pack(shape, some)
        good = np.delete(members, odd) if odd else members
        block = Block(shape, good + start, b"".join(packed), whole=True)
        if len(good) and matrix(block).min() == MISSING:
            return numbers
        self.into.blocks.append(block)
        return [numbers[i] for i in odd]

    def _odd(
        self, rows: list[Day], odd: list[int], start: int, shapes: list[Shape]
    ) -> None:
        """Pack rows with holes into a shape with all their keys, or take them apart."""
        padded: dict[Shape, tuple[list[int], list[bytes]]] = {}
        for i in odd:
            for shape in shapes:
                packed = pad(shape, rows[i])
                if packed:
                    found = padded.setdefault(shape, ([], []))
                    found[0].append(start + i)
                    found[1].append(packed)
                    break
            else:
                self._apart(rows[i], start + i)
        for shape, (numbers, parts) in padded.items():
            block = Block(shape, np.array(numbers), b"".join(parts), whole=False)
            self.into.blocks.append(block)

    def _shape(self, rows: list[Day]) -> Shape | None:
        shapes = (
            shape_of(tuple(row), tuple(map(type, row.values())), self.skip)
            for row in rows
        )
        return next(filter(None, shapes), None)

    def _apart(self, row: Day, number: int) -> None:
        into = self.into
        for key, value in row.items():
            if value is None or key in self.skip:
                continue
            checked = self._number(key, value, number)
            if checked is not None:
                into.rows.append(number)
                into.stats.append(key)
                into.values.append(checked)

    def _number(self, key: str, value: Any, row: int) -> int | float | None:
        if not isinstance(key, str):
            self.reader.fail(*self.place(row), "", key, "a key that is text")
        stat = STAT.get(key)
        if stat is None:
            return self._unknown(key, value, row)
        if stat.dtype == "Int64":
            number: int | float | None = count_of(value)
            expected = "a whole number below 2^63"
        else:
            number, expected = amount_of(value), "a number"
        if number is None:
            self.reader.fail(*self.place(row), key, value, expected)
        return number

    def _unknown(self, key: str, value: Any, row: int) -> int | float | None:
        element = ELEMENT_KEY.fullmatch(key)
        if element and self.into is self.reader.entries:
            self._element(element, key, value, row)
            return None
        whole = None if isinstance(value, float) else count_of(value, -BOUND)
        number = amount_of(value) if whole is None else whole
        if number is None:
            self.into.left_out.setdefault(key, []).append(row)
        else:
            self.reader.text(key, *self.place(row))
        return number

    def _element(self, element: re.Match[str], key: str, value: Any, row: int) -> None:
        clicks = count_of(value)
        if clicks is None:
            expected = "a whole number below 2^63"
            self.reader.fail(*self.place(row), key, value, expected)
        title = self.reader.text(element[3], *self.place(row)) or ""
        found = Element(row, element[1], int(element[2]), title, clicks)
        self.reader.elements.append(found)
