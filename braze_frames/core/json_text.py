"""JSON as text: what it may hold, and where a long one can be taken apart."""

import re
from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np
import orjson

# Two letters of each that are rare elsewhere ("tr" stands in "Control", "fa" in every
# tenth id), and four of them; two letters are one number.
_BOOLEANS = np.frombuffer(b"rutruelsfals", np.uint16).reshape(-1, 3)
# So much of a text is looked through at once, and the rest of a word that ends beyond:
# what is compared stays in the processor's cache. A text of 30 MB as a whole takes
# three times as long, and as much memory again.
_PART, _REST = 2**20, 4
# The tree of so long a text, about a megabyte, stays in the processor's cache until it
# is read: twice as much takes a tenth longer, half as much spends it on more steps.
PIECE = 2**17


class Apart(NamedTuple):
    """A text that is read a piece at a time.

    ``around`` is what stands around the list, which is empty there. ``pieces`` are
    lists that follow each other in it, decoded when they are asked for.
    """

    around: dict[str, Any]
    pieces: Iterator[list[Any]]


def has_booleans(body: bytes | memoryview) -> bool:
    """Whether the text may hold booleans, which need a look at each value."""
    whole = memoryview(body)
    return any(
        _holds_boolean(whole[start : start + _PART + _REST])
        for start in range(0, len(whole), _PART)
    )


def _holds_boolean(body: memoryview) -> bool:
    """Whether a text holds the letters of a boolean.

    To read two letters as one number takes .05 to .1 of what the JSON parser takes, two
    ``in`` take .2 to .4, a regular expression 1.7. Letters at odd places are copied:
    numpy would copy them at each look, a few at a time.
    """
    texts: list[memoryview | bytes] = [body, bytes(body[1:])]
    pairs = [
        np.frombuffer(text, np.uint16, len(text) // 2)
        for text in texts
        if len(text) > 1
    ]
    return any(
        any((found == rare).any() for found in pairs)
        and any(((found[:-1] == first) & (found[1:] == last)).any() for found in pairs)
        for rare, first, last in _BOOLEANS
    )


def taken_apart(body: bytes, key: str, size: int = PIECE) -> Apart | None:
    """Take the list of objects under a key apart, before it is decoded.

    An object is found by its first key: the bytes ``{"time"`` stand in no string, where
    a quote has a backslash before it. That a piece holds whole objects shows when it is
    decoded: what was cut elsewhere is no JSON.

    Parameters
    ----------
    body : bytes
        The text.
    key : str
        A key of the outermost object, before which only texts stand.
    size : int
        So long is each piece at least, but for the last.

    Returns
    -------
    Apart or None
        None where the text is another one. ``pieces`` raise ``orjson.JSONDecodeError``
        where it was cut elsewhere, or is no JSON.

    Examples
    --------
    >>> found = taken_apart(b'{"data":[{"a":1},{"a":2}],"b":3}', "data")
    >>> found.around, [*found.pieces]
    ({'data': [], 'b': 3}, [[{'a': 1}, {'a': 2}]])
    """
    first = _first_object(body, key)
    if first is None:
        return None
    starts, end = [first.start(1)], body.rfind(b"]")
    while 0 < (start := body.find(first[1], starts[-1] + size)) < end:
        starts.append(start)
    try:
        around = orjson.loads(body[: starts[0]] + body[end:])
    except orjson.JSONDecodeError:
        return None
    if end < starts[0] or not isinstance(around, dict) or around.get(key) != []:
        return None
    parts = (_list(body[a:b]) for a, b in pairwise(starts))
    return Apart(around, chain(parts, _last_list(body[starts[-1] : end])))


def _list(text: bytes) -> list[Any]:
    """Decode what ends in a comma, behind which another value has to follow."""
    found: list[Any] = orjson.loads(b"[%bnull]" % text)
    found.pop()
    return found


def _last_list(text: bytes) -> Iterator[list[Any]]:
    yield orjson.loads(b"[%b]" % text)


def is_apart(body: bytes | memoryview, key: str) -> bool:
    """Whether a text is long, and begins so that it may be taken apart."""
    return len(body) >= 3 * PIECE and _first_object(body, key) is not None


def _first_object(body: bytes | memoryview, key: str) -> re.Match[bytes] | None:
    texts = rb'(?:"[^"\\]*"\s*:\s*"[^"\\]*"\s*,\s*)*'
    found = rb'"%b"\s*:\s*\[\s*(\{\s*"[^"\\]+")' % re.escape(key.encode())
    return re.match(rb"\s*\{\s*" + texts + found, body)


def is_text(text: str) -> bool:
    r"""Tell whether a text is Unicode throughout: no half of a surrogate pair.

    Examples
    --------
    >>> is_text("Größe"), is_text("\ud800")
    (True, False)
    """
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)
