"""Files, file-likes and their text → decoded answers and day rows."""

import glob
import gzip
import os
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from braze_frames.errors import PayloadError, SourceError
from braze_frames.payload.series import decode, has_booleans
from braze_frames.sources.plan import Answer

_LINES = (".jsonl", ".ndjson")
_RESPONSE_KEYS = frozenset({"data", "message", "errors"})
_NEXT_LINE = re.compile(rb"\s*[{\[]")
_BLANK = 1000
_GZIP = b"\x1f\x8b"


def matches(text: str) -> list[Path] | None:
    """Return the files that a glob matches, or None where the text is no glob."""
    if not glob.has_magic(text) or exists(Path(text)):
        return None
    found = sorted(glob.glob(os.path.expanduser(text), recursive=True))  # noqa: PTH111, PTH207
    if not found:
        raise SourceError(f"no file matches {text!r}; look at the folder and the stars")
    return [Path(path) for path in found]


def exists(path: Path) -> bool:
    """Tell whether there is such a file; what is no path is none."""
    try:
        return path.expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def check_file(path: Path) -> None:
    """Refuse a folder and a file that is not there."""
    if path.is_dir():
        raise SourceError(f"{str(path)!r} is a folder; pass {str(path / '*.json')!r}")
    if not path.exists():
        raise SourceError(f"there is no file {str(path)!r}; look at the path")


def from_file(path: Path) -> Iterator[Answer]:
    """Yield the answers in a file."""
    try:
        with path.open("rb") as stream:
            yield from _answers(stream, str(path), lines=_has_lines(path.name))
    except OSError as error:
        raise SourceError(
            f"{str(path)!r} cannot be read: {error.strerror}; look at the path and its "
            "permissions"
        ) from error


def from_stream(stream: Any, label: str) -> Iterator[Answer]:
    """Yield the answers in a file-like."""
    name = getattr(stream, "name", "")
    name = name if isinstance(name, str) else ""
    return _answers(stream, label or name or "file", lines=_has_lines(name))


def _has_lines(name: str) -> bool:
    name = name.lower().removesuffix(".gz")
    return name.endswith(_LINES)


def _answers(stream: Any, origin: str, *, lines: bool) -> Iterator[Answer]:
    rows: list[Any] = []
    for answer in _trees(stream, origin, lines=lines):
        found = answer.tree if isinstance(answer.tree, list) else [answer.tree]
        if not found:
            raise PayloadError(f"{answer.origin}: the list is empty: nothing to read")
        rows += filter(is_row, found)
        yield from (answer._replace(tree=tree) for tree in found if not is_row(tree))
    if rows:
        yield Answer(origin, rows, careful=True, rows=True)


def is_response(tree: Any) -> bool:
    """Tell whether a tree is an answer of the endpoint."""
    return isinstance(tree, Mapping) and bool(_RESPONSE_KEYS & tree.keys())


def is_row(tree: Any) -> bool:
    """Tell whether a tree is a day row, as loaders leave it."""
    return isinstance(tree, Mapping) and "time" in tree and not is_response(tree)


def _trees(stream: Any, origin: str, *, lines: bool) -> Iterator[Answer]:
    text = stream.read()
    body = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if body.startswith(_GZIP):
        body = _unzipped(body, origin)
    body = body.removeprefix(BOM_UTF8)
    if not body.strip() or not (lines or _is_lines(body)):
        yield Answer(origin, decode(body, origin), has_booleans(body))
        return
    for number, line in enumerate(_lines(body), 1):
        if len(line) > _BLANK or bytes(line).strip():
            place = f"{origin}, line {number}"
            yield Answer(place, decode(line, place), has_booleans(line))


def _lines(body: bytes) -> Iterator[memoryview]:
    """Yield the lines without copying them."""
    whole, start = memoryview(body), 0
    while start <= len(body):
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end
        yield whole[start:end]
        start = end + 1


def _is_lines(body: bytes) -> bool:
    """Whether a nameless text is JSON lines: the first of several lines is whole."""
    end = body.find(b"\n")
    return (
        end > 0
        and body[max(end - 2, 0) : end].rstrip()[-1:] in {b"}", b"]"}
        and bool(_NEXT_LINE.match(body, end))
    )


def _unzipped(body: bytes, origin: str) -> bytes:
    try:
        return gzip.decompress(body)
    except (OSError, EOFError) as error:
        reason = str(error)
    raise PayloadError(f"{origin}: is cut off or no gzip ({reason}); fetch it again")
