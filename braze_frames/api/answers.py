"""What answers say of themselves: decoded, refused with advice, quoted in short."""

import re
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Any

import orjson

from braze_frames.errors import (
    AuthError,
    PayloadError,
    PayloadWarning,
    RequestError,
    warn,
)

if TYPE_CHECKING:
    from braze_frames.transport.get import HttpAnswer

# A reason is a sentence or two; a proxy's whole page would bury it.
_MOST_QUOTED = 200
_NO_REASON = "the server gave no reason"
_ID_ADVICE = "check the campaign's id: the API identifier (a UUID), not the dashboard's"
_ADVICE = {
    401: (
        "check that the key is right, that it belongs to this instance, and that it "
        "stands in no quotes"
    ),
    404: "check the endpoint: it is the REST host, not the dashboard's",
}
# A 403 has three causes, told apart by what it says: an address that is not allowed,
# a permission that the key lacks, and, where it says nothing, a proxy in between.
_OF_ADDRESSES = re.compile(r"\bips?\b|white-?list|allow-?list|server.?side", re.I)
_OF_ACCESS = re.compile(r"access|permission|forbidden|denied|scope|authori[sz]", re.I)
_OF_CAMPAIGNS = re.compile(r"campaign|\bid\b", re.I)


def decoded(body: bytes, path: str, part: str, kind: type) -> dict[str, Any]:
    """Return a good answer, whose ``part`` must be of a kind; warn of its errors.

    Raises
    ------
    PayloadError
        It is another answer, or none.
    """
    answer = _json(body)
    given = answer if isinstance(answer, dict) else {}
    if part not in given or not isinstance(given[part], kind):
        shown = quoted(body[:_MOST_QUOTED].decode("utf-8", "replace"), 80)
        raise PayloadError(
            f"{path} answered without {part!r}: {shown}; ask again, and check the "
            "endpoint"
        )
    if given.get("errors"):
        warn(f"{path} reports errors: {_told(given['errors'])}", PayloadWarning)
    return given


def error_of(path: str, answer: "HttpAnswer") -> RequestError:
    """Return the error that an answer other than 200 is: its reason and what to do."""
    said = _said(answer.body)
    advice = _advice(answer.status, path, said)
    kind = AuthError if answer.status in {401, 403} else RequestError
    return kind(f"{answer.status} for {path}: {said}; {advice}", status=answer.status)


def quoted(text: str, most: int = _MOST_QUOTED) -> str:
    """Return a foreign text as it is quoted: in short.

    Examples
    --------
    >>> quoted("a" * 300, 5)
    "'aaaa…'"
    """
    return repr(text if len(text) <= most else text[: most - 1] + "…")


def _advice(status: int, path: str, said: str) -> str:
    if status == 400 and (said == _NO_REASON or _OF_CAMPAIGNS.search(said)):
        return _ID_ADVICE
    if status == 403:
        return _advice_on_403(path, said)
    if 200 <= status < 300:
        return "nothing was exported (maintenance?); ask again later"
    if status == 400:
        return "check what was asked for"
    return _ADVICE.get(status, "ask again later")


def _advice_on_403(path: str, said: str) -> str:
    if _OF_ACCESS.search(said) and not _OF_ADDRESSES.search(said):
        permission = path.strip("/").replace("/", ".")
        return f"the key needs the permission {permission}; make one that has it"
    return (
        "check the account's IP allow-list, any proxy between here and Braze, and "
        "that this key may be used here (server-side only)"
    )


def _said(body: bytes) -> str:
    """Return the reason that an answer gives: its message, error and errors."""
    answer = _json(body)
    if not isinstance(answer, dict):
        return _NO_REASON
    parts = [_told(answer.get(name)) for name in ("message", "error", "errors")]
    return _short("; ".join(dict.fromkeys(filter(None, parts)))) or _NO_REASON


def _told(value: Any) -> str:
    """Return a message of any type as text: a server may send whatever it likes."""
    if isinstance(value, list):
        return _short("; ".join(filter(None, map(_told, value[:_MOST_QUOTED]))))
    if isinstance(value, dict):
        return _short(orjson.dumps(value, default=str).decode("utf-8", "replace"))
    return "" if value in {None, ""} else _short(str(value))


def _short(text: str) -> str:
    return text if len(text) <= _MOST_QUOTED else text[: _MOST_QUOTED - 1] + "…"


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body.removeprefix(BOM_UTF8))
    except orjson.JSONDecodeError:
        return None
