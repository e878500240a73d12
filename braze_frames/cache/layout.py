"""How a cache lies on disk: folders, schemas, and what the metadata of a file says.

::

    <cache>/<endpoint>/<grain>/campaign_id=<id>/data.parquet

``variation`` has a row for each day and variation as the API gave it, ``campaign`` one
for each day, ``element`` one for each slide or button clicked, ``extra`` one for each
number of a stat that has no column (``channel`` is null where it is the day's), and
``revision`` one for each number that a later fetch changed. A file of ``element``,
``extra`` or ``revision`` is there only if it has had rows. Any engine can read a
grain's folder as it lies: locks, unfinished and damaged files lie apart, in ``.locks``,
``.writing`` and ``.aside`` of the endpoint's folder.

The columns of a variation's row are ``date``, ``channel``, ``variation`` (its name that
day, else its id, else ``<unnamed-N>``), ``variation_api_id``, ``variation_name`` and
``entry_position`` (of an entry with neither), then all stats. ``element`` adds
``element``, ``position``, ``title`` and ``clicks``, ``extra`` adds ``stat`` and
``value`` (null: it was no number), ``revision`` adds ``stat``, ``old``, ``new``,
``old_name``, ``new_name`` and ``seen_at``; a revised ``variation_name`` is a new name,
a revised ``variation_api_id`` an entry that came (1) or went. Beside floats, ``whole``,
``old_whole`` and ``new_whole`` hold counts exactly.

Files carry one JSON under the key ``braze_frames``: ``version`` of this layout,
``written`` (the same in all files of one write), ``grains`` that belong to the
campaign, how many ``variations`` and ``revisions`` it has had, ``name``, ``names`` of
variations from campaign details, ``tz``, and ``coverage``: runs of stored days as
``[first day, days, first seen, last fetched]``, in days and microseconds since
1970-01-01 in UTC.
"""

from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import numpy as np
import orjson
import pyarrow as pa

from braze_frames.cache.coverage import Coverage, from_runs, runs_of
from braze_frames.errors import CacheError
from braze_frames.schema.channels import (
    DAY_TOTALS,
    ELEMENT_STAT,
    STAT,
    VARIATION_ID,
    VARIATION_NAME,
)

VERSION = 1
FILE = "data.parquet"
StoredGrain = Literal["variation", "campaign", "element", "extra", "revision"]
Given = Literal["variation", "campaign", "element", "extra"]
ALWAYS: tuple[Given, ...] = ("variation", "campaign")
"""The grains that every campaign has."""

OPTIONAL: tuple[Given, ...] = ("extra", "element")
POSITION = "entry_position"
IDENTITY = ("channel", "variation", VARIATION_ID, VARIATION_NAME)
_KEY = b"braze_frames"
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


class About(NamedTuple):
    """What the metadata of a file says."""

    written: str
    grains: tuple[Given, ...]
    variations: int
    revisions: int
    name: str | None
    names: dict[str, str] | None
    tz: str
    coverage: Coverage


class UnreadableFile(Exception):  # noqa: N818
    """A Parquet file that this package has not written."""


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


def identity_of(grain: StoredGrain) -> list[str]:
    """Return the columns of a grain that are no stats and not made of others."""
    made = {"variation", *stored_stats(grain)}
    return [name for name in SCHEMAS[grain].names if name not in made]


def texts_of(grain: StoredGrain) -> tuple[str, ...]:
    """Return the columns of a grain that hold few different texts."""
    return _TEXTS[grain]


def as_metadata(about: About) -> dict[bytes, bytes]:
    """Return what goes into a file's metadata."""
    told = about._asdict() | {"version": VERSION, "coverage": runs_of(about.coverage)}
    return {_KEY: orjson.dumps(told)}


def from_metadata(metadata: Mapping[bytes, bytes] | None, path: str) -> About:
    """Read a file's metadata.

    Raises
    ------
    Foreign
        It is not there, or says something else.
    CacheError
        A newer version of this package has written it.
    """
    try:
        told = orjson.loads((metadata or {})[_KEY])
        version = int(told.pop("version"))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableFile(f"metadata {error}") from None
    if version > VERSION:
        raise CacheError(
            f"{path!r} has layout {version}, written by a newer braze_frames; this one "
            f"knows {VERSION} and leaves it alone. Update, or use another folder"
        )
    try:
        told["coverage"] = from_runs(told["coverage"])
        return About(**{**told, "grains": tuple(told["grains"])})
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableFile(f"metadata {error}") from None


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
