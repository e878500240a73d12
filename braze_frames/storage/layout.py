"""How a cache lies on disk: folders, schemas, and what a read needs of them.

The docstring of the folder says what the files hold.
"""

from collections.abc import Collection, Iterable
from functools import cache
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from braze_frames.frame.levels import Grain
from braze_frames.schema.channels import (
    DAY_TOTALS,
    ELEMENT_STAT,
    STAT,
    VARIATION_ID,
    VARIATION_NAME,
)

VERSION = 2
FILE = "data.parquet"
StoredGrain = Literal["variation", "campaign", "element", "extra", "revision"]
ALWAYS: tuple[StoredGrain, ...] = ("variation", "campaign")
"""The grains that every campaign has."""

EVERYTHING: tuple[StoredGrain, ...] = (*ALWAYS, "extra", "element")
POSITION = "entry_position"
IDENTITY = ("channel", "variation", VARIATION_ID, VARIATION_NAME)
_TEXTS = {
    "variation": IDENTITY,
    "campaign": (),
    "element": (*IDENTITY, "element", "title"),
    "extra": (*IDENTITY, "stat"),
    "revision": (*IDENTITY, "stat", "old_name", "new_name"),
}


def _schema(texts: tuple[str, ...], **others: pa.DataType) -> pa.Schema:
    given = {"date": pa.timestamp("us"), **dict.fromkeys(texts, pa.string())}
    if texts:
        given[POSITION] = pa.int32()
    return pa.schema([*given.items(), *others.items()])


def _types(stats: tuple[str, ...]) -> dict[str, pa.DataType]:
    kinds = {"Int64": pa.int64(), "Float64": pa.float64()}
    return {stat: kinds[STAT[stat].dtype] for stat in stats}


_NUMBER, _WHOLE = pa.float64(), pa.int64()
SCHEMAS: dict[StoredGrain, pa.Schema] = {
    "variation": _schema(_TEXTS["variation"], **_types(tuple(STAT))),
    "campaign": _schema((), **_types(DAY_TOTALS)),
    "element": _schema(
        _TEXTS["element"], position=pa.int32(), **{ELEMENT_STAT: _WHOLE}
    ),
    "extra": _schema(_TEXTS["extra"], value=_NUMBER, whole=_WHOLE),
    "revision": _schema(
        _TEXTS["revision"],
        old=_NUMBER,
        old_whole=_WHOLE,
        new=_NUMBER,
        new_whole=_WHOLE,
        seen_at=pa.timestamp("us", "UTC"),
    ),
}
"""Grain → the columns of each of its files."""


_FILES: dict[Grain, tuple[StoredGrain, ...]] = {
    "variation": ("variation", "campaign", "extra"),
    "campaign": ("campaign", "extra"),
    "element": ("variation", "element"),
}
"""What a grain is made of: day totals may fill variations, labels come from them."""


class Part(NamedTuple):
    """Which files and stats a read needs; stats of None are all.

    ``fill`` when day totals are only read to fill a campaign's one variation.
    """

    files: tuple[StoredGrain, ...]
    stats: frozenset[str] | None
    fill: bool


def part_of(grains: Iterable[Grain], columns: Iterable[str] | None) -> Part:
    """Return what must be read for some grains and columns.

    Examples
    --------
    >>> part_of(["campaign"], ["revenue"])
    Part(files=('campaign',), stats=frozenset({'revenue'}), fill=False)
    """
    grains = list(grains)
    files = dict.fromkeys(name for grain in grains for name in _FILES[grain])
    stats = None if columns is None else frozenset(map(str, columns))
    if grains == ["element"]:
        stats = frozenset()
    if stats is not None and stats <= {*STAT, VARIATION_ID}:
        files.pop("extra", None)
    return Part(tuple(files), stats, fill="campaign" not in grains)


def encodings(grain: StoredGrain) -> dict[str, Any]:
    """Return how ``pyarrow.parquet.write_table`` packs a grain."""
    packed = "DELTA_BINARY_PACKED"
    whole = [field.name for field in SCHEMAS[grain] if _is_whole(field.type)]
    return {
        "compression": "zstd",
        "use_dictionary": list(_TEXTS[grain]),
        "column_encoding": dict.fromkeys(whole, packed),
    }


def _is_whole(type_: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_timestamp(type_))


def stored_stats(grain: StoredGrain) -> Collection[str]:
    """Return the columns of a grain that are null where the API gave no number."""
    return STAT if grain in ALWAYS else ()


@cache
def names_of(grain: StoredGrain) -> frozenset[str]:
    """Return all columns of a grain."""
    return frozenset(SCHEMAS[grain].names)


@cache
def identity_of(grain: StoredGrain) -> frozenset[str]:
    """Return the columns of a grain that are no stats and not made of others."""
    return names_of(grain) - {"variation", *stored_stats(grain)}


def texts_of(grain: StoredGrain) -> tuple[str, ...]:
    """Return the columns of a grain that hold few different texts."""
    return _TEXTS[grain]


def folder_of(address: str) -> str:
    """Return an endpoint's folder: its host, with a port or path in safe letters.

    Examples
    --------
    >>> folder_of("rest.iad-05.braze.com"), folder_of("127.0.0.1:8765")
    ('rest.iad-05.braze.com', '127.0.0.1_3A8765')
    """
    return quote(address, safe="").replace("_", "_5F").replace("%", "_")


def days_column(days: "np.ndarray[Any, Any]") -> pa.Array:
    """Return days since 1970-01-01 as dates."""
    return pa.array(days.astype("datetime64[D]").astype("datetime64[us]"))
