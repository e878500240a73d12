"""The campaigns of an account as a frame: what the list says, and their details."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC
from typing import Any

import pandas as pd

from braze_frames.api.details import details_cells, texts_in
from braze_frames.errors import PayloadError

_Row = Mapping[str, Any]

_TEXT = pd.Index(["text"]).dtype
_MOMENT = "datetime64[us, UTC]"
_LISTED = {
    "id": _TEXT,
    "name": _TEXT,
    "tags": "object",
    "last_edited": _MOMENT,
    "is_api_campaign": "bool",
}
_DETAILED = {
    "channels": "object",
    "first_sent": _MOMENT,
    "last_sent": _MOMENT,
    "window_days": "Int64",
    "variations": "object",
}


def edited_after(value: Any) -> str:
    """Return a moment as ``/campaigns/list`` takes it, in UTC.

    Raises
    ------
    ValueError
        It is no moment.
    """
    moment: Any = None
    if not isinstance(value, int | float):  # pandas takes these for nanoseconds
        with suppress(TypeError, ValueError):
            moment = pd.Timestamp(value)
    if pd.isna(moment):
        raise ValueError(
            f"edited_since={value!r} is no moment; write 2026-06-30, or a Timestamp"
        )
    # It is written without its zone, which has to be the list's own, UTC.
    moment = moment.tz_convert(UTC) if moment.tz else moment
    return str(moment.strftime("%Y-%m-%dT%H:%M:%S"))


def listed_rows(ask: Callable[[int], list[Any]]) -> Iterator[_Row]:
    """Yield each campaign once; ``ask`` gives the page of a number.

    A campaign moves to another page while pages are read, and a proxy may ignore the
    page: so a page that brings nothing new ends the list, as an empty one does.

    Raises
    ------
    PayloadError
        An entry is no campaign.
    """
    seen: set[str] = set()
    page = 0
    while True:
        fresh = [row for row in ask(page) if _id_of(row) not in seen]
        if not fresh:
            return
        seen |= {*map(_id_of, fresh)}
        yield from fresh
        page += 1


def _id_of(row: Any) -> str:
    if isinstance(row, dict) and isinstance(row.get("id"), str):
        return str(row["id"])
    raise PayloadError(
        f"/campaigns/list holds an entry without an id, {str(row)[:80]!r}; check the "
        "endpoint"
    )


def is_wanted(row: _Row, name: str | None, tag: str | None) -> bool:
    """Whether a listed campaign's name contains ``name`` and it has the tag."""
    return (name is None or name.lower() in str(row.get("name") or "").lower()) and (
        tag is None or tag in texts_in(row.get("tags"))
    )


def campaign_table(
    rows: Iterable[_Row], details: Mapping[str, _Row] | None
) -> pd.DataFrame:
    """Return listed campaigns as a frame; what details did not come is missing."""
    dtypes = _LISTED if details is None else _LISTED | _DETAILED
    cells = [
        _listed(row) | details_cells((details or {}).get(str(row["id"])))
        for row in rows
    ]
    columns = {
        name: _column([cell[name] for cell in cells], dtype)
        for name, dtype in dtypes.items()
    }
    return pd.DataFrame(columns)


def _column(values: list[Any], dtype: Any) -> Any:
    if dtype != _MOMENT:
        return pd.Series(values, dtype=dtype)
    texts = pd.Series(values, dtype="object")
    moments = pd.to_datetime(texts, utc=True, format="ISO8601", errors="coerce")
    return pd.Series(moments, dtype=dtype)


def _listed(row: _Row) -> dict[str, Any]:
    name, edited = row.get("name"), row.get("last_edited")
    return {
        "id": row["id"],
        "name": name if isinstance(name, str) else None,
        "tags": texts_in(row.get("tags")),
        "last_edited": edited if isinstance(edited, str) else None,
        "is_api_campaign": row.get("is_api_campaign") is True,
    }
