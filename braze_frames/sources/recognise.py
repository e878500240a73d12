"""What the reader was given → the campaigns to read, and where their answers come from.

A source is ids, names, files, responses, rows or tables; this module tells which, and
says for each campaign its label and its id (to ask the API), its name (to look it up)
or its answers.
"""

import os
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from itertools import starmap
from pathlib import Path
from typing import Any

import pandas as pd

from braze_frames.core.names import short_path, shown, shown_path
from braze_frames.errors import SourceError
from braze_frames.loaders.answers import Answer, is_response, is_row, other_export
from braze_frames.loaders.campaigns import load
from braze_frames.loaders.files import (
    SUFFIXES,
    Contents,
    check_file,
    contents_of,
    contents_of_file,
    contents_of_stream,
    exists,
    matches,
)
from braze_frames.loaders.plain import as_json, is_empty
from braze_frames.loaders.tables import rows_of_arrow, rows_of_frame
from braze_frames.schema.ids import check_campaign_id, is_campaign_id, is_dashboard_id
from braze_frames.sources.plan import Item, Request, only_ours
from braze_frames.sources.resolve import has_stars, items_of, told_apart

# Suffixes that no campaign's name is taken for.
_OF_FILES = (*SUFFIXES, ".xlsx", ".xls", ".zip", ".xz", ".tsv", ".txt")

# A folder's signs at the beginning, a drive, or an address such as s3://.
_PATH = re.compile(r"[/\\~.]|[A-Za-z]:[/\\]|\w+://")
# An object or a list; a campaign's name may begin with a bracket, as "[DE] Hello".
_JSON = re.compile(r"\s*(\{\s*[\"}]|\[\s*[\[{\"\]])")
READINGS = (
    "a source is a campaign's id (the UUID on its details page) or name, a path, glob "
    "or file-like of .json, .jsonl, .csv or .parquet, a response, a table, or a list "
    "or mapping of these"
)


def recognise(
    source: Any, zone: tzinfo | None = None, origin: str = "table"
) -> Request:
    """Tell what a source is.

    Parameters
    ----------
    source : object
        As for ``read_braze_series``.
    zone : tzinfo, optional
        The company's time zone, for times that carry one.
    origin : str
        What messages call an Arrow table, whose rows they count.

    Returns
    -------
    Request

    Raises
    ------
    SourceError
        It is none of the known kinds, is empty, or mixes ids with files.
    PayloadError
        What it holds is no campaign's series.
    """
    if isinstance(source, Mapping):
        return _mapping(source, zone)
    if isinstance(source, pd.Series):
        return _series(source, zone)
    if _is_table(source):
        return _table(source, zone, origin)
    if isinstance(source, str | bytes | uuid.UUID | os.PathLike) or _is_open(source):
        return _single(source, zone)
    if pd.api.types.is_list_like(source):
        return _list(list(source), zone)
    raise SourceError(f"{shown(source)} cannot be read; {READINGS}")


def _mapping(source: Mapping[Any, Any], zone: tzinfo | None) -> Request:
    # A campaign may be called as a key of an answer is: "Time", "data", "size".
    if _is_one_tree(source) and not all(starmap(_is_source, source.items())):
        return _opened(_contents_of_trees([source], "response", single=True), zone)
    return _campaigns(list(source.items()))


def _is_one_tree(source: Mapping[Any, Any]) -> bool:
    """Whether a mapping is an answer or a row, and no mapping of campaigns."""
    return is_response(source) or is_row(source) or other_export(source) is not None


def _is_source(name: Any, value: Any) -> bool:
    """Whether what stands under a name can only be what is read for a campaign."""
    several = value if isinstance(value, list | tuple) else [value]
    return bool(several) and all(
        _is_open(one)
        or _is_table(one)
        or isinstance(one, uuid.UUID | os.PathLike)
        or (isinstance(one, str) and is_campaign_id(one.strip()))
        or (isinstance(one, Mapping) and is_response(one))
        or (name != "data" and is_row(one))
        for one in several
    )


def _is_open(source: Any) -> bool:
    return hasattr(source, "read")


def _is_table(source: Any) -> bool:
    """Whether it is a frame, or an Arrow table or what hands one over (polars)."""
    return isinstance(source, pd.DataFrame) or hasattr(source, "__arrow_c_stream__")


def _single(source: Any, zone: tzinfo | None) -> Request:
    if isinstance(source, bytes) or (isinstance(source, str) and _JSON.match(source)):
        return _opened(contents_of(source, "the text"), zone)
    paths = (
        matches(os.fspath(source)) if isinstance(source, str | os.PathLike) else None
    )
    if paths:
        return _campaigns([(_stem(path), path) for path in paths], listed=True)
    if paths is not None and _is_path(str(source)):
        raise SourceError(
            f"no file matches {shown_path(source)}; look at the folder and the stars"
        )
    item = _item("", source)
    if item.contents:
        return _opened(item.contents(), zone)
    if item.name:
        named = item._replace(label=item.name)
        return Request([named], several=has_stars(item.name))
    return Request([item._replace(label=item.id or "")], several=False)


def _opened(contents: Contents, zone: tzinfo | None) -> Request:
    with only_ours(contents.origin):
        loaded = load(contents, zone)
    items = items_of(loaded.campaigns)
    if not loaded.several:
        items = [item._replace(label="") for item in items]
    return Request(items, loaded.several)


def _contents_of_trees(
    trees: Sequence[Any], origin: str, *, single: bool = False
) -> Contents:
    origin = short_path(origin)
    # One by one: a tree is copied where it holds other things than JSON has.
    answers = (
        Answer(
            f"{origin} {number}" if len(trees) > 1 else origin,
            tree if is_row(tree) else as_json(tree),
            check_each_value=True,
        )
        for number, tree in enumerate(trees, 1)
    )
    return Contents(origin, answers, single)


def _contents_of_table(table: Any, origin: str) -> Contents:
    read = rows_of_frame if isinstance(table, pd.DataFrame) else rows_of_arrow
    return Contents(
        origin, [Answer(origin, read(table, origin), check_each_value=True)], False
    )


def _table(table: Any, zone: tzinfo | None, origin: str) -> Request:
    """Read a table of rows, or the frame of ``client.campaigns()``, however indexed."""
    if not isinstance(table, pd.DataFrame):
        return _opened(_contents_of_table(table, origin), zone)
    whole = table.reset_index() if table.index.names != [None] else table
    names = {str(name).lower(): name for name in whole.columns}
    if "id" not in names or "time" in names:
        return _opened(_contents_of_table(table, "frame"), zone)
    if not len(table):
        raise SourceError(
            "the frame of campaigns is empty: there is nothing to read; names and tags "
            "are case-sensitive, and archived campaigns are only listed with "
            "archived=True"
        )
    ids = whole[names["id"]]
    labels = whole[names["name"]] if "name" in names else ids
    return _campaigns(list(zip(labels, ids, strict=True)))


def _series(source: pd.Series, zone: tzinfo | None) -> Request:
    """Read name → id; a plain index labels by id; a row of a frame is one campaign."""
    if "id" in source.index and isinstance(source["id"], str):
        return _single(source["id"], zone)
    if pd.api.types.is_integer_dtype(source.index) and source.index.name is None:
        return _list(list(source), zone)
    return _campaigns(list(source.items()))


def _list(values: list[Any], zone: tzinfo | None) -> Request:
    if not values:
        raise SourceError(f"the list is empty: there is nothing to read; {READINGS}")
    if all(isinstance(value, Mapping) for value in values):
        kinds = {"rows" if is_row(value) else "response" for value in values}
        if len(kinds) == 1:
            return _opened(_contents_of_trees(values, kinds.pop()), zone)
    if all(isinstance(value, str | uuid.UUID | os.PathLike) for value in values):
        return _campaigns([(_label(value), value) for value in values], listed=True)
    raise SourceError(
        f"a list that starts with {shown(values[0])} cannot be read; pass ids, names, "
        "paths, responses or day rows, all of one kind; for open files a mapping "
        "name → file"
    )


def _label(value: Any) -> str:
    text = str(value)
    is_file = isinstance(value, os.PathLike) or _is_path(text) or exists(Path(text))
    return _stem(Path(text)) if is_file and not is_campaign_id(text) else text


def _stem(path: Path) -> str:
    name = path.name
    while name.lower().endswith(SUFFIXES):
        name = name[: name.rindex(".")]
    return name or path.name


def _campaigns(pairs: Sequence[tuple[Any, Any]], *, listed: bool = False) -> Request:
    if not pairs:
        raise SourceError(f"there is no campaign in it: nothing to read; {READINGS}")
    for label, _ in pairs:
        if pd.api.types.is_scalar(label) and is_empty(label):
            raise SourceError(f"a campaign without a name ({label!r}); name it")
    items = [_item(str(label), value) for label, value in pairs]
    if len({item.contents is None for item in items}) > 1:
        raise SourceError(
            "ids and files are mixed in one source; read them apart and pd.concat"
        )
    items = [item._replace(pooled=listed) for item in items]
    return Request(told_apart(items), several=True)


def _item(label: str, value: Any) -> Item:
    if isinstance(value, uuid.UUID):
        return Item(label, str(value))
    if isinstance(value, str) and not _is_path(value) and not exists(Path(value)):
        return _asked(label, value)
    if isinstance(value, str | os.PathLike):
        path = _expanded(Path(value))
        check_file(path)
        opened = os.path.realpath(path)
        return Item(label, None, contents=lambda: contents_of_file(path), path=opened)
    if _is_open(value):
        return Item(label, None, contents=lambda: contents_of_stream(value, label))
    return Item(label, None, contents=_in_memory(label, value))


def _in_memory(label: str, value: Any) -> Callable[[], Contents]:
    if _is_table(value):
        return lambda: _contents_of_table(value, label)
    if isinstance(value, Mapping) and _is_one_tree(value):
        return lambda: _contents_of_trees([value], label or "response", single=True)
    several = isinstance(value, list | tuple) and len(value) > 0
    if several and all(isinstance(one, Mapping) and _is_one_tree(one) for one in value):
        return lambda: _contents_of_trees(value, label)
    raise SourceError(f"{shown(label)}: {shown(value)} cannot be read; {READINGS}")


def _asked(label: str, text: str) -> Item:
    """Return what the account is asked for: an id, or a name to look up."""
    if is_campaign_id(text.strip()) or is_dashboard_id(text):
        return Item(label, check_campaign_id(text))
    if not text.strip():
        raise SourceError(f"{text!r} is no campaign; {READINGS}")
    return Item(label, None, name=text)


def _is_path(text: str) -> bool:
    """Whether a text is a path and nothing else: the account is not asked for it."""
    return text.lower().endswith(_OF_FILES) or _PATH.match(text) is not None


def _expanded(path: Path) -> Path:
    """Expand ``~``, where there is no file of that very name."""
    try:
        return path if exists(path) else path.expanduser()
    except RuntimeError as error:
        raise SourceError(f"{shown(str(path))} is no path: {error}") from None
