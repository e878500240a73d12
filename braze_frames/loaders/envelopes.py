"""Messages around records, as Airbyte and Singer write them: read through."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from braze_frames.core.names import shown
from braze_frames.errors import PayloadError
from braze_frames.payload.series import decode

_RECORD = "RECORD"
# Types of the two protocols that carry no records (Airbyte protocol, Singer SPEC).
_MESSAGES = frozenset(
    {
        *("LOG", "STATE", "SCHEMA", "TRACE", "CATALOG", "SPEC", "CONTROL"),
        *("CONNECTION_STATUS", "ACTIVATE_VERSION", "BATCH", "DESTINATION_CATALOG"),
    }
)

_RAW = "_airbyte_data"


class Enveloped(NamedTuple):
    """A record, the stream that it belongs to, and what stood around it.

    ``was_text`` when it was JSON in a text, of which nobody looked for booleans.
    """

    tree: Any
    stream: str
    around: Mapping[str, Any]
    was_text: bool


def is_message(tree: Mapping[Any, Any]) -> bool:
    """Whether a tree is a protocol's message that carries no record."""
    return tree.get("type") in _MESSAGES


def unwrap(tree: Mapping[Any, Any], origin: str) -> Enveloped | None:
    """Return the record in an envelope; None where the tree is no envelope.

    Raises
    ------
    PayloadError
        The envelope holds something else than a record.

    Examples
    --------
    >>> unwrap({"stream": "campaigns", "data": {"id": "a"}, "emitted_at": 1}, "").tree
    {'id': 'a'}
    """
    record = tree.get("record")
    if tree.get("type") == _RECORD and isinstance(record, Mapping):
        inner = record.get("data")
        if isinstance(inner, Mapping | str) and "stream" in record:
            return _enveloped(record, "data", origin)
        return _enveloped(tree, "record", origin)
    if "stream" in tree and isinstance(tree.get("data"), Mapping | str):
        return _enveloped(tree, "data", origin)
    raw = _raw_key(tuple(tree))
    return None if raw is None else _enveloped(tree, raw, origin)


@lru_cache(maxsize=256)
def _raw_key(keys: tuple[Any, ...]) -> Any:
    return next((key for key in keys if str(key).lower() == _RAW), None)


def _enveloped(tree: Mapping[str, Any], key: str, origin: str) -> Enveloped:
    inner = tree[key]
    was_text = isinstance(inner, str | bytes)
    if isinstance(inner, str | bytes):
        body = inner.encode() if isinstance(inner, str) else inner
        inner = decode(body, f"{origin}, {key}")
    if not isinstance(inner, Mapping):
        raise PayloadError(f"{origin}: {key} holds {shown(inner)}, no record")
    around = {name: value for name, value in tree.items() if name != key}
    return Enveloped(inner, str(tree.get("stream") or ""), around, was_text)
