"""``scan_braze_series``: more campaigns than memory holds, as a dask frame."""

import operator
import os
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from braze_frames.cache.cache import Cache
from braze_frames.core.arguments import parse_days
from braze_frames.core.names import shown
from braze_frames.errors import ConfigError, SourceError
from braze_frames.frame.provenance import MOST_NAMES
from braze_frames.scan.parts import (
    CachePart,
    PartReader,
    Portion,
    cut,
    short_campaigns,
)
from braze_frames.scan.rows import RowsPart, rows_of
from braze_frames.sources.offline import shelf_of
from braze_frames.sources.plan import Attrs, ReadPlan
from braze_frames.storage.layout import part_of

if TYPE_CHECKING:
    import dask.dataframe as dd


def scan_braze_series(
    source: Any,
    *,
    start: Any = None,
    end: Any = None,
    columns: Iterable[str] | None = None,
    part_size: int = 250,
) -> "dd.DataFrame":
    """Cut stored campaigns into parts that dask reads and answers, one by one.

    Nothing is read yet but what the campaigns are called. ``ddf.braze`` has the verbs
    ``totals, rates, tests, lift, winner, srm, check`` with the signatures of
    ``df.braze``: each gives a ``dask.delayed`` whose ``.compute()`` gives what pandas
    gives of the one frame, and warns where it is called. ``settled`` gives a dask frame
    of the rows of settled days. For the other verbs and for pictures filter, then
    ``compute()`` the frame, whose ``attrs`` are then those of one read. An
    answer that is kept, ``answer.persist()``, warns when it is computed.
    ``dask.compute(a, b)`` and ``client.compute(a)`` give the same, and warn where dask
    finishes them: of a cluster that is a worker's log. Parts run on threads,
    or where an active ``distributed.Client`` runs them; workers must have this package.

    Parameters
    ----------
    source : Cache, str or path
        A cache: what is stored is read, and nobody is asked. Or a Parquet file, or a
        folder of them, of day rows as loaders leave them, sorted by campaign.
    start, end : date-like, optional
        First and last day, both included.
    columns : iterable of str, optional
        The stats to keep. A part holds all columns at once: naming those that you need
        saves most of its memory.
    part_size : int
        How many campaigns a part has.

    Returns
    -------
    dask.dataframe.DataFrame
        A partition for each part, of whole campaigns. Levels are columns: ``campaign``,
        ``date`` (datetime64[us]), ``channel``, ``variation``; then
        ``variation_api_id`` and the stats, those that no row carries too. Unknown stats
        are in the rows of their part and in answers, and no columns of the whole.

    Raises
    ------
    ConfigError
        dask is missing; it comes with ``braze-frames[scale]``.
    SourceError
        The source is none of these; rows are not sorted by campaign.
    CacheError
        The cache holds none of the days.
    PullError
        When rows or answers are computed: campaigns could not be read. ``.failed`` says
        which, ``.frame`` is the answer of the others.
    ValueError
        The dates or a column make no sense; ``part_size`` is below 1.

    Examples
    --------
    >>> import braze_frames as bf
    >>> cache = bf.Cache("numbers")
    >>> ddf = bf.scan_braze_series(cache, start="2026-01-01")  # doctest: +SKIP
    >>> ddf.braze.totals(by="channel", freq="MS").compute()  # doctest: +SKIP
    >>> ddf[ddf["channel"] == "email"].braze.tests().compute()  # doctest: +SKIP
    """
    _need_dask()
    from braze_frames.scan.ondask import frame_in_parts

    if operator.index(part_size) < 1:
        raise ValueError(f"part_size={part_size}; a part has 1 campaign or more")
    names = [columns] if isinstance(columns, str) else columns
    chosen = None if names is None else tuple(dict.fromkeys(names))
    plan = ReadPlan(
        days=parse_days(start, end, None),
        part=part_of(("variation",), chosen),
        details=None,
        refresh=False,
        as_of=None,
        tz=None,
        progress=False,
        client=None,
        cache=None,
    )
    parts, ids, attrs = _cut(source, plan, part_size)
    short = short_campaigns(label for part in parts for label in part.labels)
    reader = PartReader(plan, chosen, attrs, ids, short, uuid4().hex, len(parts))
    return frame_in_parts(reader, parts)


def _cut(
    source: Any, plan: ReadPlan, size: int
) -> tuple[list[Portion], dict[str, str], Attrs]:
    """Return the parts of a source, ids of its first campaigns, and its ``attrs``."""
    if isinstance(source, Cache):
        shelf, attrs = shelf_of(source, plan)
        ids = {one.label: one.files.id for one in shelf[:MOST_NAMES]}
        return [CachePart(tuple(some)) for some in cut(shelf, size)], ids, attrs
    if isinstance(source, str | os.PathLike):
        found, schema = rows_of(source)
        ids = {one.label: one.id for one in found[:MOST_NAMES]}
        return [RowsPart(tuple(some), schema) for some in cut(found, size)], ids, {}
    raise SourceError(
        f"{shown(source)} is no bf.Cache and no path of Parquet, which parts are read "
        "from; read what you have through a cache first: read_braze_series(…, cache=…)"
    )


def _need_dask() -> None:
    try:
        import_module("dask.dataframe")
    except ImportError as error:
        raise ConfigError(
            "frames in parts need dask, which is not installed: pip install "
            "'braze-frames[scale]'"
        ) from error
