"""What the reader was given → the campaigns to read, and where their answers come from.

A source is ids, files, responses or rows; this module tells which, opens files, and
says for each campaign its label and either its id (to ask the API) or its answers.
"""

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from braze_frames.core.names import disambiguate
from braze_frames.errors import SourceError
from braze_frames.payload.series import decode
from braze_frames.schema.ids import check_campaign_id, is_campaign_id
from braze_frames.sources.files import (
    check_file,
    exists,
    from_file,
    from_stream,
    is_response,
    is_row,
    matches,
)
from braze_frames.sources.plan import Answer, Item, Request

_FORMATS = (".json", ".jsonl", ".ndjson", ".gz")
READINGS = (
    "a source is a campaign's id (the UUID on its details page), a path, glob or "
    "file-like of .json or .jsonl (also .gz), a response, or a list or mapping of these"
)


def recognise(source: Any) -> Request:
    """Tell what a source is.

    Parameters
    ----------
    source : object
        As for ``read_braze_series``.

    Returns
    -------
    Request

    Raises
    ------
    SourceError
        It is none of the known kinds, is empty, or mixes ids with files.
    PayloadError
        The first part of a single file is no JSON.
    """
    if isinstance(source, Mapping):
        if is_response(source):
            return _responses([source])
        return _campaigns(list(source.items()))
    if isinstance(source, pd.DataFrame):
        return _table(source)
    if isinstance(source, pd.Series):
        return _campaigns(list(source.items()))
    if _is_single(source):
        return _single(source)
    if pd.api.types.is_list_like(source):
        return _list(list(source))
    raise SourceError(f"{_shown(source)} cannot be read; {READINGS}")


def answers_of(item: Item) -> Iterator[Answer]:
    """Yield one campaign's answers, opening its file.

    Raises
    ------
    SourceError
        The file cannot be opened, or holds rows of several campaigns.
    PayloadError
        The file is no JSON.
    """
    for answer in item.answers():
        if not answer.rows:
            yield answer
            continue
        request = _rows(answer.tree, answer.origin)
        if request.several:
            raise SourceError(
                f"{answer.origin} holds rows with a campaign_id, which make campaigns "
                "of their own; read that file alone"
            )
        yield from request.items[0].answers()


def _is_single(source: Any) -> bool:
    return isinstance(source, str | uuid.UUID | os.PathLike) or hasattr(source, "read")


def _single(source: Any) -> Request:
    if isinstance(source, str | os.PathLike):
        paths = matches(os.fspath(source))
        if paths is not None:
            return _campaigns([(_stem(path), path) for path in paths])
    item = _item("", source)
    if item.id:
        return Request([item._replace(label=item.id)], several=False)
    return _file(item)


def _file(item: Item) -> Request:
    trees = iter(item.answers())
    first = next(trees, None)
    if first is not None and first.rows:
        return _rows(first.tree, first.origin)
    whole = chain(filter(None, [first]), trees)
    return Request([item._replace(answers=lambda: whole)], several=False)


def _table(table: pd.DataFrame) -> Request:
    if {"id", "name"} <= set(table.columns):
        return _campaigns(list(zip(table["name"], table["id"], strict=True)))
    raise SourceError(
        f"a frame with the columns {', '.join(map(str, table.columns))} is no source; "
        "pass the frame of client.campaigns(), or rows with `time` and `messages` as "
        'frame.to_dict("records")'
    )


def _list(values: list[Any]) -> Request:
    if not values:
        raise SourceError(f"the list is empty: there is nothing to read; {READINGS}")
    if all(isinstance(value, Mapping) for value in values):
        kinds = {(is_response(value), is_row(value)) for value in values}
        if kinds == {(True, False)}:
            return _responses(values)
        if kinds == {(False, True)}:
            return _rows(values, "rows")
    if all(isinstance(value, str | uuid.UUID | os.PathLike) for value in values):
        return _campaigns([(_label(value), value) for value in values])
    raise SourceError(
        f"a list that starts with {_shown(values[0])} cannot be read; pass ids, paths, "
        "responses or day rows, all of one kind; for open files a mapping name → file"
    )


def _label(value: Any) -> str:
    text = str(value)
    return text if is_campaign_id(text.strip()) else _stem(Path(text))


def _stem(path: Path) -> str:
    name = path.name
    while name.lower().endswith(_FORMATS):
        name = name[: name.rindex(".")]
    return name or path.name


def _campaigns(pairs: Sequence[tuple[Any, Any]]) -> Request:
    if not pairs:
        raise SourceError(f"there is no campaign in it: nothing to read; {READINGS}")
    for label, _ in pairs:
        if pd.api.types.is_scalar(label) and pd.isna(label):
            raise SourceError(f"a campaign without a name ({label!r}); name it")
    items = [_item(str(label), value) for label, value in pairs]
    if len({item.id is None for item in items}) > 1:
        raise SourceError(
            "ids and files are mixed in one source; read them apart and pd.concat"
        )
    return Request(_told_apart(items, [value for _, value in pairs]), several=True)


def _told_apart(items: list[Item], values: Sequence[Any]) -> list[Item]:
    groups: dict[str, dict[str, Item]] = {}
    folders: dict[str, list[str]] = {}
    for number, (item, value) in enumerate(zip(items, values, strict=True)):
        group = groups.setdefault(item.label, {})
        path = Path(value).expanduser() if _is_path(value) else Path(str(number))
        key = item.id or os.path.realpath(path)
        if key not in group:
            group[key] = item
            folders.setdefault(item.label, []).append(str(path.parent))
    return [
        one
        for label, group in groups.items()
        for one in _named(label, list(group.values()), folders[label])
    ]


def _named(label: str, group: list[Item], folders: list[str]) -> list[Item]:
    if len(group) == 1:
        return group
    if all(item.id for item in group):
        labels = disambiguate(label, [item.id for item in group])
    else:
        labels = [f"{label} [{folder}]" for folder in folders]
    return [item._replace(label=new) for item, new in zip(group, labels, strict=True)]


def _is_path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def _item(label: str, value: Any) -> Item:
    if isinstance(value, uuid.UUID):
        return Item(label, str(value), tuple)
    if isinstance(value, str) and not exists(Path(value)):
        return Item(label, _id(value), tuple)
    if isinstance(value, str | os.PathLike):
        path = Path(value).expanduser()
        check_file(path)
        return Item(label, None, lambda: from_file(path))
    if hasattr(value, "read"):
        return Item(label, None, lambda: from_stream(value, label))
    if is_response(value):
        return Item(label, None, lambda: _from_trees([value], label or "response"))
    raise SourceError(f"{label}: {_shown(value)} cannot be read; {READINGS}")


def _id(value: str) -> str:
    try:
        return check_campaign_id(value)
    except SourceError as error:
        raise SourceError(f"{error}, and there is no such file; {READINGS}") from None


def _responses(trees: Sequence[Any]) -> Request:
    answers = _from_trees(trees, "response")
    return Request([Item("", None, lambda: answers)], several=False)


def _from_trees(trees: Sequence[Any], origin: str) -> list[Answer]:
    if len(trees) == 1:
        return [Answer(origin, trees[0], careful=True)]
    return [
        Answer(f"{origin} {number}", tree, careful=True)
        for number, tree in enumerate(trees, 1)
    ]


def _rows(rows: Sequence[Mapping[str, Any]], origin: str) -> Request:
    """Day rows as loaders leave them: one campaign, or one a ``campaign_id``."""
    days = [_day(row, f"{origin}, row {n}") for n, row in enumerate(rows, 1)]
    if not any("campaign_id" in row for row in rows):
        return Request([_days_item("", origin, days)], several=False)
    ids = [row.get("campaign_id") for row in rows]
    for lost, id_ in enumerate(ids, 1):
        if not (_is_missing(id_) or id_ == ""):
            continue
        raise SourceError(
            f"{origin}: row {lost} has no campaign_id ({id_!r}); give each row one, or "
            "leave the key out of all of them"
        )
    groups: dict[str, list[dict[str, Any]]] = {}
    for id_, day in zip(ids, days, strict=True):
        groups.setdefault(str(id_), []).append(day)
    items = [_days_item(label, f"campaign {label}", of) for label, of in groups.items()]
    return Request(items, several=True)


def _days_item(label: str, origin: str, days: list[dict[str, Any]]) -> Item:
    answer = Answer(origin, {"data": days}, careful=True)
    return Item(label, None, lambda: [answer])


def _day(row: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Return a loader's row as the API's day: without gaps and bookkeeping."""
    day = {
        key: value
        for key, value in row.items()
        if key != "campaign_id" and key[:1] != "_" and not _is_missing(value)
    }
    if isinstance(day.get("time"), date):
        day["time"] = day["time"].isoformat()
    if isinstance(day.get("messages"), str | bytes):
        text = day["messages"]
        body = text.encode() if isinstance(text, str) else text
        day["messages"] = decode(body, f"{origin}, messages")
    return day


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or value != value  # noqa: PLR0124


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
