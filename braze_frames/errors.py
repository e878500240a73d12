"""Errors and warnings: each says what happened, with which value, and what to do.

::

    BrazeError
    ├── ConfigError      endpoint, key or time zone (also a ValueError)
    ├── SourceError      no campaign, file or response (also a ValueError)
    ├── PayloadError     an answer or a file that is not a data series
    ├── FrameError       a frame that cannot answer (also AttributeError, ValueError)
    ├── CacheError       the folder of stored frames
    ├── RequestError     an answer with an error status, or none at all
    │   ├── AuthError        401 and 403: key, instance, permission
    │   └── RateLimitError   the limit opens again later than we wait
    └── PullError        some of many campaigns failed

    BrazeWarning
    ├── NonAdditiveWarning   unique counts that cannot be added up
    ├── PayloadWarning       parts of an answer that were left out
    ├── WindowWarning        the company's time zone is not the one given
    ├── CacheWarning         a stored file was set aside
    └── StatisticsWarning    a comparison to take with care
"""

import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

_PACKAGE = __name__.partition(".")[0]
# More names are a list to scroll; the count says how many there are.
_NAMED = 5


class BrazeError(Exception):
    """Base of all errors of this package; what it tells is printable."""

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message))


class ConfigError(BrazeError, ValueError):
    """The endpoint, the key or the time zone cannot be used."""


class SourceError(BrazeError, ValueError):
    """The source is no campaign, file, response or list of them."""


class PayloadError(BrazeError):
    """An answer or a file does not hold a data series that can be trusted."""


class FrameError(BrazeError, AttributeError, ValueError):
    """The frame lacks the levels, columns or variations that the question needs.

    It is an ``AttributeError`` so that ``hasattr(df, "braze")`` is False there, and a
    ``ValueError`` as a question that a frame cannot answer is a wrong argument, too.
    """


class CacheError(BrazeError):
    """The folder of stored frames cannot be used."""


class RequestError(BrazeError):
    """A request failed.

    Attributes
    ----------
    status : int or None
        The HTTP status of the answer; None where there was no answer.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class AuthError(RequestError):
    """The key is refused (401) or lacks the permission (403)."""


class RateLimitError(RequestError):
    """The rate limit opens again later than the client waits."""


class PullError(BrazeError):
    """Some of many campaigns could not be read.

    Attributes
    ----------
    failed : dict
        Label of each campaign that failed → its error.
    frame : DataFrame or NamedTuple of DataFrames
        What came of the others; None where nothing came.
    """

    def __init__(
        self, message: str, *, failed: Mapping[str, Exception], frame: Any
    ) -> None:
        super().__init__(message)
        self.failed = dict(failed)
        self.frame = frame

    def __reduce__(self) -> Any:
        whole = partial(type(self), failed=self.failed, frame=self.frame)
        return whole, self.args


class BrazeWarning(UserWarning):
    """Base of all warnings of this package."""


class NonAdditiveWarning(BrazeWarning):
    """A unique count was not added up where the sum would have no meaning."""


class PayloadWarning(BrazeWarning):
    """Something in an answer was left out or reported by the server."""


class WindowWarning(BrazeWarning):
    """The answers were shifted by a day: the given time zone is not the company's."""


class CacheWarning(BrazeWarning):
    """A stored file could not be read and was set aside."""


class StatisticsWarning(BrazeWarning):
    """A comparison rests on assumptions that the data put in doubt."""


def listed(texts: Iterable[str], separator: str = ", ") -> str:
    """Join the first five texts, and say how many more there are.

    Examples
    --------
    >>> listed("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    found = list(texts)
    more = len(found) - _NAMED
    return separator.join(found[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def printable(text: object) -> str:
    r"""Return a text whose signs all show, the others as ``repr`` writes them.

    Names come from whoever set up a campaign: they may hold what moves a terminal's
    cursor, colours it, or turns the writing direction.

    Examples
    --------
    >>> printable("\x1b[31mSale\n")
    '\\x1b[31mSale\\n'
    """
    given = str(text)
    if given.isprintable():
        return given
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in given)


_GATHERED: ContextVar[list[tuple[str, str]] | None] = ContextVar("gathered")


@contextmanager
def gathered() -> Iterator[list[tuple[str, str]]]:
    """Gather warnings (category and text) of this thread, to be said elsewhere.

    Examples
    --------
    >>> with gathered() as said:
    ...     warn("a file is damaged", CacheWarning)
    >>> said
    [('CacheWarning', 'a file is damaged')]
    """
    said: list[tuple[str, str]] = []
    token = _GATHERED.set(said)
    try:
        yield said
    finally:
        _GATHERED.reset(token)


def warn(message: str, category: type[BrazeWarning]) -> None:
    """Warn at the user's line: the first frame outside of this package."""
    said = _GATHERED.get(None)
    if said is not None:
        said.append((category.__name__, message))
        return
    level, frame = 1, sys._getframe()
    while frame.f_back and _is_ours(frame.f_globals):
        level, frame = level + 1, frame.f_back
    warnings.warn(printable(message), category, stacklevel=level)


def _is_ours(module: Mapping[str, Any]) -> bool:
    # Code that is run from a text may have no name.
    return str(module.get("__name__", "")).partition(".")[0] == _PACKAGE
