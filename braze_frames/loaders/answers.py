"""Decoded trees: what is an answer, what a day row, and what is something else."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from braze_frames.core.names import shown
from braze_frames.errors import PayloadError
from braze_frames.loaders.ids import tells_whose
from braze_frames.schema.channels import is_day_total
from braze_frames.schema.exports import (
    ANSWER_EXPORTS,
    CAMPAIGN_SERIES,
    CANVAS_EXPORTS,
    DAY_EXPORTS,
    Export,
    export_of,
    tells_of_campaign,
)

_RESPONSE_KEYS = frozenset({"data", "message", "errors"})
_BARE_KEYS = frozenset({"data", "message"})
_DAY_KEYS = frozenset({"time", "messages"})
# Any other message may hold the request's address, and so an id.
_SUCCESS = "success"


class Answer(NamedTuple):
    """One decoded tree and where it stands.

    ``check_each_value`` when booleans may hide among its numbers. ``assumed`` is a time
    of it whose day depends on the company's time zone, which nobody told.
    """

    origin: str
    tree: Any
    check_each_value: bool
    assumed: str = ""


def is_response(tree: Any) -> bool:
    """Tell whether a tree is an answer of an endpoint."""
    is_object = tree.__class__ is dict or isinstance(tree, Mapping)
    return is_object and not _RESPONSE_KEYS.isdisjoint(tree)


def is_bare(tree: Any) -> bool:
    """Tell whether a tree is an answer as the API gives it, and nothing beside.

    Its days then carry no ids, and belong to the campaign that was asked for.

    Examples
    --------
    >>> day = {"time": "2026-05-01", "messages": {}, "revenue": 0.0}
    >>> is_bare({"message": "success", "data": [day]})
    True
    >>> is_bare({"data": [day | {"campaign_id": "a"}]})
    False
    """
    if not isinstance(tree, dict) or not tree.keys() <= _BARE_KEYS:
        return False
    days = tree.get("data")
    if not isinstance(days, list) or tree.get("message", _SUCCESS) != _SUCCESS:
        return False
    if not set(map(type, days)) <= {dict}:
        return False
    keys = {*chain.from_iterable(days)}
    known = all(
        isinstance(key, str) and (key in _DAY_KEYS or is_day_total(key)) for key in keys
    )
    return known and (not keys or "messages" in keys)


def is_row(tree: Any) -> bool:
    """Tell whether a tree is a day row, as loaders leave it; keys in any case."""
    return (
        (tree.__class__ is dict or isinstance(tree, Mapping))
        and not is_response(tree)
        and ("time" in tree or any(str(key).lower() == "time" for key in tree))
    )


def other_export(tree: Mapping[Any, Any]) -> Export | None:
    """Return which other endpoint gave an answer or a day row; None: a campaign's.

    Examples
    --------
    >>> other_export({"data": [{"time": "2026-05-01", "dau": 100}]}).path
    '/kpi/dau/data_series'
    >>> other_export({"time": "2026-05-01", "messages": {}}) is None
    True
    """
    data = tree.get("data")
    if isinstance(data, Mapping):
        return export_of(data, CANVAS_EXPORTS)
    if isinstance(data, list):
        days = [day for day in data if isinstance(day, Mapping)]
        return _export_of_days({*chain.from_iterable(days)})
    if is_row(tree):
        return _export_of_row(tuple(tree))
    return export_of(tree, ANSWER_EXPORTS)


@lru_cache(maxsize=256)
def _export_of_row(keys: tuple[Any, ...]) -> Export | None:
    return _export_of_days({str(key).lower() for key in keys})


def _export_of_days(keys: set[Any]) -> Export | None:
    canvas = export_of(keys, CANVAS_EXPORTS[1:])
    if canvas is not None or tells_of_campaign(keys):
        return canvas
    return export_of(keys, DAY_EXPORTS)


def check_campaign_series(tree: Any, origin: str) -> None:
    """Refuse what is no campaign's series, and say what it is.

    Raises
    ------
    PayloadError
        It is another endpoint's answer, or its days have neither messages nor totals.
    """
    if not isinstance(tree, Mapping):
        return
    other = other_export(tree)
    if other is not None:
        named = ", ".join(f"`{key}`" for key in other.keys)
        raise PayloadError(
            f"{origin}: {named} is what {other.path} answers, not a campaign's series; "
            f"ask {CAMPAIGN_SERIES.path}, or pass the campaign's id"
        )
    keys = _counted_keys(tree.get("data"))
    if keys and not tells_of_campaign(keys):
        named = ", ".join(sorted(shown(key, 40) for key in keys)[:5])
        raise PayloadError(
            f"{origin}: the days have no `messages` and no day totals, only {named}: "
            f"this is no campaign's series; ask {CAMPAIGN_SERIES.path}"
        )


def _counted_keys(data: Any) -> set[Any]:
    """Return the keys of days that may be stats: no times, no ids, no bookkeeping."""
    listed = data if isinstance(data, list) else []
    days = [day for day in listed if isinstance(day, dict)]
    return {
        key
        for key in {*chain.from_iterable(days)} - {"time"}
        if not isinstance(key, str) or not (key[:1] == "_" or tells_whose(key))
    }
