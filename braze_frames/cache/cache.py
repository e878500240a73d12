"""``Cache``: a folder of campaigns that are fetched once and kept."""

import operator
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from braze_frames.api.client import BrazeClient
from braze_frames.api.endpoints import LOOPBACK
from braze_frames.cache.campaign import CampaignFiles, at_once
from braze_frames.cache.compact import compact, forget_copy
from braze_frames.cache.encoding import completed
from braze_frames.cache.places import shelf_at, temporary_folder
from braze_frames.core.arguments import first_day
from braze_frames.core.arrays import Bools
from braze_frames.core.days import day_number
from braze_frames.schema.channels import STATS, VARIATION_ID, VARIATION_NAME
from braze_frames.storage.coverage import (
    SETTLE_DAYS,
    FreshnessPolicy,
    instant_of,
    last_settled,
)
from braze_frames.storage.layout import ALWAYS, folder_of
from braze_frames.storage.local import LocalShelf
from braze_frames.storage.options import StorageOptions
from braze_frames.storage.storage import Storage, side_by_side

_INFO = {
    "campaign": "str",
    "name": "string",
    "first": "datetime64[us]",
    "last": "datetime64[us]",
    "settled_until": "datetime64[us]",
    "days": "int64",
    "rows": "int64",
    "bytes": "int64",
    "fetched_at": "datetime64[us, UTC]",
}
_REVISIONS = {
    "campaign": "str",
    "date": "datetime64[us]",
    "channel": "string",
    "variation": "string",
    "stat": "str",
    "old": "object",  # counts are whole numbers, amounts are not
    "new": "object",
    "seen_at": "datetime64[us, UTC]",
}
_COPIED = {"grain": "str", "files": "int64", "rows": "int64", "bytes": "int64"}
_MADE = pa.array([VARIATION_ID, VARIATION_NAME])
"""Cells of the history that are no stats."""


class Cache:
    """A folder that keeps what was fetched: Parquet files that any engine reads.

    Pass it, its path, or ``True`` for the default one as ``cache=`` to
    ``read_braze_series``; only days that are not stored, or may still change, are then
    asked. As the source of a read it gives what it holds, and asks nobody.

    Parameters
    ----------
    path : str or path-like, optional
        The folder, also as ``file:///…``, or in a store: ``s3://bucket/folder``,
        ``gs://…``, ``az://…`` (with ``braze-frames[cloud]``). Default: where your
        system keeps caches; what comes from a server on your own machine, such as the
        sandbox, then goes into a temporary folder of the process instead.
    settle_days : int
        Days younger than this when they were last fetched may still change. 31 is
        Braze's longest conversion window and a day.
    max_age : str or timedelta
        How long such days are not asked again.
    storage_options : mapping, optional
        How to reach a store, under obstore's names: ``endpoint``, ``region``,
        ``aws_access_key_id``, ``timeout``, …; what is not given is taken from the
        environment. Shown nowhere; a pickle takes no credentials along.

    Raises
    ------
    ConfigError
        The store's address or options are none that it takes, or what it needs is not
        installed (also an ``ImportError``).
    ValueError
        The path is no folder's name.

    Attributes
    ----------
    path : Path or str
        The folder, or the address in a store.

    Notes
    -----
    ``<path>/<endpoint>/<grain>/campaign_id=<id>/data.parquet``; the package
    ``braze_frames.cache`` says what the files hold. Many processes may use one folder.
    In a store each write is conditional: one that has none is refused.

    Examples
    --------
    >>> import tempfile, braze_frames as bf
    >>> client = bf.connect("sandbox")
    >>> id_ = client.campaigns()["id"].iloc[0]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = bf.Cache(folder)
    ...     df = bf.read_braze_series(id_, length=50, client=client, cache=cache)
    ...     cache.info()[["first", "last", "settled_until", "days"]]
                              first       last settled_until  days
    endpoint
    sandbox-seed-0-UTC 2026-05-12 2026-06-30    2026-05-30    50
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        settle_days: int = SETTLE_DAYS,
        max_age: Any = "1h",
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        options = StorageOptions(storage_options)
        del storage_options  # a traceback would show it
        self._is_default = path is None
        self._shelf = shelf_at(path, options)
        self._terms = FreshnessPolicy(_days(settle_days), _age(max_age))

    def __repr__(self) -> str:
        # In a traceback that shows locals it may be one that could not be opened.
        return f"Cache({str(self.path) if hasattr(self, '_shelf') else '…'!r})"

    @property
    def path(self) -> Path | str:
        """The folder, or the address in a store."""
        return self._shelf.path

    @property
    def settle_days(self) -> int:
        """How old a day must be when it is fetched to be settled."""
        return self._terms.settle_days

    @property
    def max_age(self) -> pd.Timedelta:
        """How long days that may change are not asked again."""
        return pd.Timedelta(self._terms.max_age)

    def info(self) -> pd.DataFrame:
        """Tell what is stored, a row for each campaign.

        Returns
        -------
        DataFrame
            Index ``endpoint``; columns ``campaign`` (its id), ``name``, ``first`` and
            ``last`` day, ``last_settled`` (the last day up to which all are settled),
            ``days``, ``rows`` of the variation grain, ``bytes`` on disk, ``fetched_at``
            (UTC, the last time).

        Raises
        ------
        CacheError
            A file is of a newer version, or may not be read.
        """
        shelf = [*self.campaigns()]
        rows = side_by_side(partial(_summary, self._terms), shelf, at_once(shelf))
        return _table(filter(None, rows))

    def revisions(self, campaign: str | None = None) -> pd.DataFrame:
        """Tell what fetching a day again has changed.

        Parameters
        ----------
        campaign : str, optional
            Its id or name; by default all.

        Returns
        -------
        DataFrame
            Index ``endpoint``; a row for each number that changed, in the order in
            which it was seen: ``campaign`` (its id), ``date``, ``channel`` and
            ``variation`` (``<NA>`` for day totals), ``stat``, ``old`` and ``new``
            (Float64; ``<NA>`` is nothing), ``seen_at`` (UTC).
        """
        return _history([*self.campaigns(campaign)])

    def clear(self, campaign: str | None = None, before: Any = None) -> pd.DataFrame:
        """Remove what is stored; asks nothing.

        A compacted copy goes with it; if only one campaign is removed, its rows stay
        there until ``compact`` is called again, and no read takes them.

        Parameters
        ----------
        campaign : str, optional
            Its id or name; by default all campaigns.
        before : date-like, optional
            Remove only the days before this one.

        Returns
        -------
        DataFrame
            What was removed, with the columns of ``info``.
        """
        limit = None if before is None else day_number(first_day("before", before))
        rows = []
        # Copies go first, for nothing is lost should that fail, and again at the end:
        # somebody may have made another meanwhile.
        if campaign is None:
            self._forget_copies()
        for files in self.campaigns(campaign):
            found, size = _summary(self._terms, files, limit), files.size()
            if limit is None or found:
                files.remove(limit)
            if found:
                rows.append(found | {"bytes": size - files.size()})
        if campaign is None:
            self._forget_copies()
        return _table(rows)

    def _forget_copies(self) -> None:
        for storage in self.storages():
            forget_copy(storage)

    def compact(self, campaigns_per_file: int = 150) -> pd.DataFrame:
        """Copy all campaigns into few large files, which reads of many then take.

        Thousands of small files are slow to read, whatever reads them. The copy is as
        a photograph: a campaign that has been written or cleared since is read from
        its own files, as all are where the copy is damaged or gone; then reads are
        slower, and never other. So call this again after a day's fetching; it takes
        about 12 ms a campaign, and pays after a few reads of all. It never happens by
        itself.

        Parameters
        ----------
        campaigns_per_file : int
            How many campaigns a file of the copy holds.

        Returns
        -------
        DataFrame
            What was copied: index ``endpoint``; columns ``grain``, ``files``, ``rows``
            and ``bytes``. A grain without rows has no file.

        Raises
        ------
        CacheError
            A file is of a newer version, or the folder may not be read or written; an
            older copy then is as it was.
        ValueError
            ``campaigns_per_file`` is less than 1.

        Notes
        -----
        ``<path>/<endpoint>/.compact/<grain>/part-00000.parquet``, sorted by
        ``campaign_id`` and ``date``, and ``manifest.parquet``; the package
        ``braze_frames.cache`` says what they hold. Engines may read the copy, too:
        DuckDB, polars and dask take a third of the time or less.

        Examples
        --------
        >>> import tempfile, braze_frames as bf
        >>> client = bf.connect("sandbox")
        >>> ids = client.campaigns()["id"].iloc[:3].tolist()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cache = bf.Cache(folder)
        ...     df = bf.read_braze_series(ids, length=50, client=client, cache=cache)
        ...     before = bf.read_braze_series(cache)
        ...     copied = cache.compact()
        ...     bf.read_braze_series(cache).equals(before)
        True
        >>> copied.set_index("grain")["files"].to_dict()["variation"]
        1
        """
        per_file = operator.index(campaigns_per_file)
        if per_file < 1:
            raise ValueError(f"campaigns_per_file={per_file}; it is 1 or more")
        rows = [
            {"endpoint": storage.name, **copied._asdict()}
            for storage in self.storages()
            for copied in compact(storage, per_file)
        ]
        table = pd.DataFrame(rows, columns=["endpoint", *_COPIED])
        return _by_endpoint(table, _COPIED)

    def campaigns(self, campaign: str | None = None) -> "Iterator[CampaignFiles]":
        """Yield the files of the campaigns with this id or name, or of all."""
        for storage in self.storages():
            for id_ in storage.campaigns():
                files = CampaignFiles(storage, id_)
                if campaign is None or _is_called(files, campaign):
                    yield files

    def storages(self) -> list[Storage]:
        """Return the storages of all endpoints, by name."""
        return self._shelf.storages()

    def storage_for(self, client: BrazeClient) -> Storage:
        """Return where the numbers of a client's account are stored.

        What comes from a server on this machine never goes into the default folder.
        """
        made_up = self._is_default and client.host in LOOPBACK
        shelf = LocalShelf(temporary_folder(os.getpid())) if made_up else self._shelf
        return shelf.storage(folder_of(client.account))

    @property
    def terms(self) -> FreshnessPolicy:
        """When a stored day is asked again."""
        return self._terms


def as_cache(value: Any) -> Cache | None:
    """Return the cache that ``cache=`` means.

    Raises
    ------
    TypeError
        It is none of the kinds that are taken.

    Examples
    --------
    >>> as_cache(None), as_cache("numbers")
    (None, Cache('numbers'))
    """
    if value is None or value is False:
        return None
    if value is True:
        return Cache()
    if isinstance(value, Cache):
        return value
    if isinstance(value, str | os.PathLike):
        return Cache(value)
    raise TypeError(f"cache={value!r}; pass True, a folder, or a bf.Cache")


def _days(settle_days: Any) -> int:
    days = operator.index(settle_days)
    if days < 0:
        raise ValueError(f"settle_days={days}; it is 0 or more")
    return days


def _age(max_age: Any) -> timedelta:
    age = pd.Timedelta(max_age)
    if pd.isna(age) or age < timedelta(0):
        raise ValueError(f"max_age={max_age!r}; it is a duration such as '1h'")
    return age.to_pytimedelta()


def _is_called(files: CampaignFiles, campaign: str) -> bool:
    return files.id == campaign.lower() or _name_of(files) == campaign


def _name_of(files: CampaignFiles) -> str | None:
    about = files.coverage(ALWAYS).about
    return about.name if about else None


def _summary(
    terms: FreshnessPolicy, files: CampaignFiles, before: int | None = None
) -> dict[str, Any] | None:
    """Return the row of ``info`` for a campaign, or for its days before a day."""
    overview = files.overview(before)
    coverage, about = overview.coverage, overview.about
    if about is None or not len(coverage.days):
        return None
    settled = last_settled(coverage, about.tz, terms)
    return {
        "endpoint": files.storage.name,
        "campaign": files.id,
        "name": about.name,
        "first": _date(coverage.days[0]),
        "last": _date(coverage.days[-1]),
        "settled_until": pd.NaT if settled is None else _date(settled),
        "days": len(coverage.days),
        "rows": overview.rows,
        "bytes": files.size(),
        "fetched_at": instant_of(int(coverage.fetched.max())),
    }


def _date(day: int) -> pd.Timestamp:
    return pd.Timestamp(day, unit="D")


def _table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Return rows of ``info`` as one frame."""
    table = pd.DataFrame(rows, columns=["endpoint", *_INFO])
    return _by_endpoint(table, _INFO)


def _history(shelf: Sequence[CampaignFiles]) -> pd.DataFrame:
    """Return what fetches changed of some campaigns, as one frame."""
    shown = [*_REVISIONS][1:]
    found = [(files, files.revisions(shown)) for files in shelf]
    kept = [(files, table) for files, table in found if table is not None]
    if not kept:
        return _by_endpoint(pd.DataFrame(columns=["endpoint", *_REVISIONS]), _REVISIONS)
    table = completed("revision", pa.concat_tables(table for _, table in kept))
    is_stat = pc.invert(pc.is_in(table["stat"], _MADE))
    frame = table.filter(is_stat).select(shown).to_pandas()
    amounts = frame["stat"].isin([stat.name for stat in STATS if stat.dtype != "Int64"])
    for side in ("old", "new"):
        frame[side] = _as_counted(frame[side], amounts.to_numpy(dtype=bool))
    owner = np.repeat(np.arange(len(kept)), [len(table) for _, table in kept])
    owner = owner[is_stat.to_numpy()]
    for name, of_one in (
        ("endpoint", [files.storage.name for files, _ in kept]),
        ("campaign", [files.id for files, _ in kept]),
    ):
        frame[name] = pd.Index(of_one, dtype="str").take(owner)
    return _by_endpoint(frame, _REVISIONS)


def _as_counted(values: "pd.Series[float]", amounts: Bools) -> "pd.Series[Any]":
    """Return counts as whole numbers beside amounts, and what is missing as NA."""
    whole = ~amounts & (values % 1 == 0).to_numpy(dtype=bool)
    shown = values.astype(object).where(values.notna(), pd.NA)
    shown[whole] = values[whole].astype("int64").astype(object)
    return shown


def _by_endpoint(table: pd.DataFrame, dtypes: dict[str, str]) -> pd.DataFrame:
    index = pd.Index(table["endpoint"], dtype="str", name="endpoint")
    return table[[*dtypes]].astype(dtypes).set_axis(index)
