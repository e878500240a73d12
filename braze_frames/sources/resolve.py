"""Files opened, names looked up → campaigns, each with a label of its own."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import tzinfo
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from braze_frames.api.client import BrazeClient
from braze_frames.core.arguments import nearest
from braze_frames.core.names import disambiguate, short, shown
from braze_frames.errors import BrazeError, SourceError, listed
from braze_frames.loaders.campaigns import (
    LoadedCampaign,
    LoadedInput,
    Pieces,
    load,
    sort_out,
)
from braze_frames.loaders.ids import same_id
from braze_frames.schema.ids import is_campaign_id
from braze_frames.sources.plan import Item, Request, only_ours


class Opened(NamedTuple):
    """A campaign whose answers can be read, or why its file cannot be."""

    item: Item
    error: BrazeError | None = None


def open_items(items: Sequence[Item], zone: tzinfo | None) -> Iterator[Opened]:
    """Open the files of campaigns one by one, so that few are held at once.

    Rows of several files are put together by id.
    """
    pool: list[Pieces] = []
    labels = set()
    for item in items:
        if item.contents is None:
            yield Opened(item)
            continue
        try:
            with only_ours(short(item.label)):
                loaded = load(item.contents(), zone)
        except BrazeError as error:
            yield Opened(item, error)
            continue
        if item.pooled and _is_table(loaded):
            pool.append(loaded.found)
        else:
            labels.add(item.label)
            yield _alone(item, loaded.campaigns)
    if pool:
        yield from _pooled(pool, labels, zone)


def _is_table(loaded: LoadedInput) -> bool:
    """Whether a file is a part of a table: rows with ids, or several campaigns."""
    rows = any(part.is_row for part in loaded.found.pieces)
    several = rows or len(loaded.campaigns) > 1
    return loaded.campaigns[0].id is not None and several


def _alone(item: Item, loaded: Sequence[LoadedCampaign]) -> Opened:
    one = loaded[0]
    if one.id and is_campaign_id(item.label) and same_id(one.id) != same_id(item.label):
        return Opened(
            item,
            SourceError(
                f"{item.label} holds the campaign {short(one.id)}: one of the two ids "
                "is wrong; mend the key, or take the id out of the rows"
            ),
        )
    if len(loaded) == 1:
        return Opened(item._replace(answers=one.answers, known=one.id))
    ids = listed(str(one.id) for one in loaded)
    return Opened(
        item,
        SourceError(
            f"{short(item.label)} holds {len(loaded)} campaigns ({ids}); pass it "
            "alone, and each gets a label of its own"
        ),
    )


def _pooled(
    pool: Sequence[Pieces], taken: set[str], zone: tzinfo | None
) -> Iterator[Opened]:
    parts = list(chain.from_iterable(one.pieces for one in pool))
    names = {id_: name for one in pool for id_, name in one.names.items()}
    origin = pool[0].origin if len(pool) == 1 else f"{pool[0].origin} and others"
    try:
        loaded = sort_out(Pieces(origin, parts, names, single=False), zone)
    except BrazeError as error:
        yield Opened(Item(origin, None), error)
        return
    yield from map(Opened, items_of(loaded, taken))


def items_of(
    loaded: Sequence[LoadedCampaign], taken: Collection[str] = ()
) -> list[Item]:
    """Label the campaigns of a table: by name, else by id."""
    items = [
        Item(one.name or one.id or "", None, one.answers, known=one.id)
        for one in loaded
    ]
    return [
        item._replace(label=f"{item.label} [{item.known}]")
        if item.label in taken
        else item
        for item in told_apart(items)
    ]


def told_apart(items: Sequence[Item]) -> list[Item]:
    """Leave out what stands twice, and give labels that several share an ending."""
    groups: dict[str, dict[str, Item]] = {}
    for number, item in enumerate(items):
        key = item.id or item.name or item.known or item.path or str(number)
        groups.setdefault(item.label, {}).setdefault(key, item)
    return [
        item
        for label, group in groups.items()
        for item in _named(label, list(group.values()))
    ]


def _named(label: str, group: list[Item]) -> list[Item]:
    if len(group) == 1:
        return group
    if all(item.path for item in group):
        labels = [f"{label} [{Path(item.path).parent}]" for item in group]
    else:
        labels = disambiguate(label, [item.id or item.known for item in group])
    return [item._replace(label=new) for item, new in zip(group, labels, strict=True)]


def has_stars(name: str) -> bool:
    """Whether a name is a pattern of names.

    Brackets are none: names of campaigns begin with ``[DE]`` and the like.

    Examples
    --------
    >>> has_stars("Newsletter*"), has_stars("[DE] Newsletter")
    (True, False)
    """
    return "*" in name or "?" in name


def look_up(request: Request, client: BrazeClient) -> Request:
    """Find the campaigns that the request names, in the account's list.

    Raises
    ------
    SourceError
        No campaign has the name, or several have it.
    RequestError
        The list did not come.
    """
    if not any(item.name for item in request.items):
        return request
    table = client.campaigns()
    known = [
        (name, id_)
        for name, id_ in zip(table["name"], table["id"], strict=True)
        if isinstance(name, str)
    ]
    items = [one for item in request.items for one in _found(item, known)]
    ids = {item.id: item for item in reversed(items) if item.label == item.name}
    # What a list names and a pattern finds, too, is read once: under its own label.
    items = [one for one in items if one.label != one.name or ids[one.id] is one]
    return request._replace(items=told_apart(items))


def _found(item: Item, known: Sequence[tuple[str, str]]) -> list[Item]:
    name = item.name
    if not name:
        return [item]
    exact = [id_ for one, id_ in known if one == name]
    if len(exact) > 1:
        raise SourceError(
            f"{len(exact)} campaigns are called {shown(name)}: {listed(exact)}; pass "
            "their ids"
        )
    if exact:
        return [item._replace(id=exact[0])]
    pattern = _pattern(name)
    found = [(one, id_) for one, id_ in known if has_stars(name) and pattern(one)]
    if not found:
        raise SourceError(_not_found(name, [one for one, _ in known]))
    own = item.label == name
    return [
        item._replace(label=one if own else item.label, id=id_, name=one if own else "")
        for one, id_ in found
    ]


def _pattern(name: str) -> Callable[[str], object]:
    # Not fnmatch, for which brackets are a pattern.
    text = re.escape(name).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(text, re.DOTALL).fullmatch


def _not_found(name: str, known: Sequence[str]) -> str:
    alike = [one for one in known if one.lower() == name.lower()]
    hint = f"nearest: {alike[0]}" if alike else nearest(name, known)
    return (
        f"{shown(name)} is no campaign id (a UUID) and no file, and none of the "
        f"account's {len(known)} campaigns has this name; {hint}. Case matters; "
        "archived campaigns are read by id"
    )
