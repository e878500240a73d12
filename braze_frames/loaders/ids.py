"""Whose a row or an answer is: where a campaign's id stands, under which name."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from braze_frames.core.names import shown
from braze_frames.errors import SourceError
from braze_frames.loaders.plain import SCALARS, is_empty
from braze_frames.schema.exports import CAMPAIGN_SERIES
from braze_frames.schema.ids import is_campaign_id

# Names of the column, in small letters and digits: ``campaign_id`` (loaders),
# ``campaignId``, ``api_campaign_id``, ``CAMPAIGN_ID`` (Snowflake), ``_campaigns_id``
# (dlt, which puts the parent resource in front).
_NAMED_ID = re.compile(r"\w*campaigns?(api|list)?(id|uuid|identifier)")

# Names that mean the campaign where no better one stands beside them.
_MAY_BE_ID = frozenset({"id", "campaign"})

_LABEL = "campaignname"
_MAY_BE_LABEL = frozenset({"campaign", "name"})
# No id or name is so long a number; Python prints none of thousands of digits.
_BITS = 256
# How deep an answer's notes on its request are searched: ``metadata.params``.
_DEPTH = 4

_PAYLOAD = frozenset({"data", "messages", "record"})
_IN_ADDRESS = re.compile(rf"{CAMPAIGN_SERIES.id_key}=([0-9a-fA-F-]{{36}})")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")


class Owned(NamedTuple):
    """What a row or an answer says of its campaign, by where it stands."""

    ids: dict[str, str]
    maybe: dict[str, str]
    names: dict[str, str]


@lru_cache(maxsize=4096)
def _folded(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())


@lru_cache(maxsize=4096)
def is_id_column(key: str) -> bool:
    """Whether a column's name says that it holds a campaign's id.

    Examples
    --------
    >>> [is_id_column(key) for key in ("campaignId", "_CAMPAIGNS_ID", "canvas_id")]
    [True, True, False]
    """
    return _NAMED_ID.fullmatch(_folded(key)) is not None


@lru_cache(maxsize=4096)
def tells_whose(key: str) -> bool:
    """Whether a column belongs to the campaign and not to the numbers.

    Examples
    --------
    >>> [tells_whose(key) for key in ("id", "Campaign Name", "sent")]
    [True, True, False]
    """
    return (
        is_id_column(key)
        or _folded(key) == _LABEL
        or _folded(key) in _MAY_BE_ID | _MAY_BE_LABEL
    )


def owned(tree: Mapping[Any, Any], around: Mapping[Any, Any]) -> Owned:
    """Look for ids and names in a row or an answer, and around it."""
    found = Owned({}, {}, {})
    for place in (tree, around):
        for key, value in place.items():
            # Of most columns neither the name nor the value says anything.
            if isinstance(key, str) and (isinstance(value, str) or tells_whose(key)):
                _note(key, value, found)
    for path, key, value in (*_nested(tree), *_nested(around)):
        if is_id_column(key):
            found.ids.setdefault(f"{path}.{key}", _text(value))
        else:
            _note_address(f"{path}.{key}", value, found)
    return found


def _note(key: str, value: Any, found: Owned) -> None:
    if value.__class__ not in SCALARS and isinstance(value, Mapping | list):
        return
    if is_id_column(key):
        found.ids.setdefault(key, _text(value))
    elif not tells_whose(key):
        _note_address(key, value, found)
    elif _folded(key) == _LABEL:
        found.names.setdefault(key, _text(value))
    elif not isinstance(value, int | float):
        found.maybe.setdefault(key, _text(value))


def _note_address(key: str, value: Any, found: Owned) -> None:
    address = _IN_ADDRESS.search(value) if isinstance(value, str) else None
    if address:
        found.ids.setdefault(key, address[1])


def _nested(
    tree: Mapping[Any, Any], path: str = "", depth: int = 1
) -> Iterable[tuple[str, str, Any]]:
    for key, value in tree.items():
        if value.__class__ in SCALARS or key in _PAYLOAD or depth > _DEPTH:
            continue  # so most are told, and faster than by what they are
        if not isinstance(value, Mapping):
            continue
        inside = f"{path}.{key}" if path else str(key)
        for name, one in value.items():
            if isinstance(name, str) and not isinstance(one, Mapping | list):
                yield inside, name, one
        yield from _nested(value, inside, depth + 1)


def _text(value: Any) -> str:
    if is_empty(value):
        return ""
    if isinstance(value, int) and value.bit_length() > _BITS:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    return text.lower() if isinstance(value, uuid.UUID) else text


@lru_cache(maxsize=4096)
def same_id(id_: str) -> str:
    """Return what two spellings of one id share: a UUID's case says nothing."""
    return id_.lower() if is_campaign_id(id_) else id_


def campaigns_of(found: Sequence[Owned], places: Sequence[str]) -> list[str | None]:
    """Return each row's or answer's campaign; None where none of them has one.

    Raises
    ------
    SourceError
        Two columns disagree, or some have an id and some have none.
    """
    named = any(one.ids for one in found)
    picked = [one.ids if named else _only_ids(one.maybe) for one in found]
    if not any(map(_given, picked)) and not named:
        return [None] * len(found)
    ids: list[str | None] = []
    for one, of, place in zip(found, picked, places, strict=True):
        maybe = _only_ids(one.maybe)
        given = _given(of) | {k: v for k, v in maybe.items() if is_campaign_id(v)}
        if not given:
            columns = next((name for other in picked for name in other), "campaign_id")
            raise SourceError(
                f"{place} has no {columns}, which others have; give each a "
                "campaign_id, or leave it out of all"
            )
        _check_alike(given, place)
        ids.append(next(iter(given.values())))
    return ids


def _only_ids(maybe: Mapping[str, str]) -> dict[str, str]:
    return {key: text for key, text in maybe.items() if _folded(key) in _MAY_BE_ID}


def _given(found: Mapping[str, str]) -> dict[str, str]:
    return {key: text for key, text in found.items() if text}


def _check_alike(given: Mapping[str, str], place: str) -> None:
    if len(given) < 2 or len({same_id(text) for text in given.values()}) < 2:
        return
    both = " and ".join(f"{k}={shown(v, 40)}" for k, v in [*given.items()][:2])
    last = [*given][-1]
    raise SourceError(
        f"{place}: {both} could both be the campaign's id; rename the one that is not "
        f"(as {last!r} to 'other_{last.strip('_')}')"
    )


def label_of(found: Sequence[Owned]) -> str | None:
    """Return what a campaign is called, by its rows or answers in their order.

    ``campaign_name`` may change, and the last one holds; others must stay the same.
    """
    names = [name for one in found for name in one.names.values() if name]
    if names:
        return names[-1]
    for column in ("campaign", "name"):
        told = {
            text
            for one in found
            for key, text in one.maybe.items()
            if _folded(key) == column
        }
        if len(told) == 1 and (one := told.pop()) and not is_campaign_id(one):
            return one
    return None


def check_text(trees: Sequence[Mapping[Any, Any]], whose: str, *, known: bool) -> None:
    """Refuse text that would be left out although it differs within a campaign.

    It may be what tells several campaigns apart, and so may a number named after the
    campaign where no id is ``known``. Moments, which differ by nature, and a loader's
    own columns, which begin with an underscore, are none.

    Raises
    ------
    SourceError
        Names the column to rename.
    """
    seen: dict[str, str] = {}
    for tree in trees:
        for key, value in tree.items():
            text = isinstance(value, str) or (not known and _is_number_of(key, value))
            if not text or not _could_tell(key, known=known):
                continue
            said = str(value)
            if seen.setdefault(key, said) != said and not _MOMENT.fullmatch(said):
                raise SourceError(
                    f"{whose}: {shown(key, 40)} holds text that differs "
                    f"({shown(seen[key], 40)}, {shown(said, 40)}). Rename it to "
                    "campaign_id if it tells campaigns apart, else leave it out"
                )


def _is_number_of(key: Any, value: Any) -> bool:
    return isinstance(value, int) and _sounds_like_id(key)


@lru_cache(maxsize=4096)
def _sounds_like_id(key: Any) -> bool:
    return isinstance(key, str) and ("campaign" in key.lower() or key.lower() == "id")


@lru_cache(maxsize=4096)
def _could_tell(key: Any, *, known: bool) -> bool:
    return (
        isinstance(key, str)
        and key[:1] != "_"
        and not is_id_column(key)
        and not (known and _folded(key) == _LABEL)
        and key.lower() not in {"time", "messages", "message", "stream", "type"}
    )
