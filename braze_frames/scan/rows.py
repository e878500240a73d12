"""Loader rows in Parquet, sorted by campaign → parts of whole campaigns."""

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from braze_frames.core.names import short_path, shown, shown_path
from braze_frames.errors import PayloadError, SourceError
from braze_frames.loaders.campaigns import LoadedCampaign
from braze_frames.loaders.ids import (
    Owned,
    campaigns_of,
    label_of,
    owned,
    same_id,
    tells_whose,
)
from braze_frames.sources.local import read_local
from braze_frames.sources.plan import Item, Pulled, ReadPlan
from braze_frames.sources.recognise import recognise
from braze_frames.sources.resolve import items_of


class Rows(NamedTuple):
    """Rows of one row group of a file, from ``first`` to before ``end``."""

    fragment: Any
    first: int
    end: int


class RowsOfCampaign(NamedTuple):
    """One campaign of a table: its label and id, and where its rows lie."""

    label: str
    id: str
    rows: Sequence[Rows]


class RowsPart(NamedTuple):
    """Campaigns of a table, whose schema all of its files share."""

    campaigns: Sequence[RowsOfCampaign]
    schema: Any

    @property
    def labels(self) -> list[str]:
        """What they are called."""
        return [one.label for one in self.campaigns]

    def read(self, plan: ReadPlan) -> Pulled:
        """Read their rows as ``read_braze_series`` does, under labels of the whole."""
        import pyarrow as pa

        spans = [rows for one in self.campaigns for rows in one.rows]
        tables = []
        for fragment, group in groupby(spans, key=lambda rows: rows.fragment):
            whole = fragment.to_table(schema=self.schema)
            tables += [whole.slice(one.first, one.end - one.first) for one in group]
        table = pa.concat_tables(tables)
        request = recognise(table, plan.zone, self._origin(spans[0].fragment.path))
        return self._relabelled(read_local(request, plan))

    def _origin(self, path: str) -> str:
        """Say which rows messages count: those of this part alone."""
        ends = dict.fromkeys([self.campaigns[0].id, self.campaigns[-1].id])
        return f"{short_path(path)}, among the rows of {' to '.join(ends)}"

    def _relabelled(self, pulled: Pulled) -> Pulled:
        known = {same_id(one.id): one.label for one in self.campaigns}
        labels = {
            item.label: known[same_id(item.known)]
            for item in pulled.request.items
            if item.known
        }
        return pulled._replace(
            campaigns=[
                one._replace(label=labels[one.label]) for one in pulled.campaigns
            ],
            failed={labels[label]: why for label, why in pulled.failed.items()},
        )


def rows_of(source: Any) -> tuple[list[RowsOfCampaign], Any]:
    """Look which campaigns a Parquet file, or a folder of them, holds, and where.

    Returns
    -------
    campaigns : list of RowsOfCampaign
        By label.
    schema : pyarrow.Schema

    Raises
    ------
    SourceError
        It is no Parquet of day rows, has no campaign's id, or is not sorted by it.
    PayloadError
        A file is damaged, or there is no row.
    """
    path = Path(os.fspath(source)).expanduser()
    dataset = _opened(path)
    columns = [name for name in dataset.schema.names if tells_whose(name)]
    if "time" not in map(str.lower, dataset.schema.names) or not columns:
        raise SourceError(
            f"{shown_path(path)} has the columns "
            f"{shown(', '.join(dataset.schema.names), 150)}, and parts are made of day "
            "rows with `time` and `campaign_id`. A cache is read as bf.Cache(folder)"
        )
    runs = _looked(path, dataset, columns)
    whose = [one for one, _ in runs]
    ids = campaigns_of(whose, [f"{shown_path(path)}, a row"] * len(runs))
    found: dict[str, tuple[list[Owned], list[Rows]]] = {}
    last = None
    for id_, (one, rows) in zip(ids, runs, strict=True):
        if id_ is None:
            raise SourceError(
                f"{shown_path(path)} has no ids of campaigns; give each row one"
            )
        key = same_id(id_)
        if key != last and key in found:
            raise SourceError(
                f"{shown_path(path)} is not sorted by campaign: rows of {shown(id_)} "
                "stand in several places, and a part is of whole campaigns. Sort it: "
                'pd.read_parquet(…).sort_values("campaign_id"), or ORDER BY campaign_id'
            )
        owns, places = found.setdefault(key, ([], []))
        owns.append(one)
        places.append(rows)
        last = key
    return _labelled(found), dataset.schema


def _opened(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.dataset as ds

    if not path.exists():
        raise SourceError(f"there is no {shown_path(path)}; look at the path")
    try:
        # As ``pyarrow.parquet.read_table`` does: folders such as year=2026 are columns.
        return ds.dataset(path, format="parquet", partitioning="hive")
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"{shown_path(path)} is no Parquet that can be read ({str(error)[:100]})"
        ) from error


def _looked(path: Path, dataset: Any, columns: list[str]) -> list[tuple[Owned, Rows]]:
    import pyarrow as pa

    try:
        runs = [*_runs(dataset, columns)]
    except (pa.ArrowException, OSError) as error:
        raise PayloadError(
            f"{shown_path(path)}: is no Parquet that can be read ({str(error)[:100]}); "
            "write it again"
        ) from error
    if not runs:
        raise PayloadError(f"{shown_path(path)}: the list is empty: nothing to read")
    return runs


def _runs(dataset: Any, columns: list[str]) -> Iterator[tuple[Owned, Rows]]:
    """Yield runs of rows of one campaign; only the columns that tell it are read."""
    fragments = sorted(dataset.get_fragments(), key=lambda one: one.path)
    for fragment in fragments:
        for group in fragment.split_by_row_group():
            table = group.to_table(schema=dataset.schema, columns=columns).to_pandas()
            if not len(table):
                continue
            codes = pd.DataFrame({n: pd.factorize(table[n])[0] for n in columns})
            starts = [*(codes != codes.shift()).any(axis=1).to_numpy().nonzero()[0]]
            ends = [*starts[1:], len(table)]
            for start, end in zip(starts, ends, strict=True):
                row = table.iloc[start].to_dict()
                yield owned(row, {}), Rows(group, int(start), int(end))


def _labelled(
    found: Mapping[str, tuple[Sequence[Owned], Sequence[Rows]]],
) -> list[RowsOfCampaign]:
    loaded = [
        LoadedCampaign(id_, label_of(owns), tuple) for id_, (owns, _) in found.items()
    ]
    items: list[Item] = items_of(loaded)
    campaigns = [
        RowsOfCampaign(item.label, str(item.known), found[str(item.known)][1])
        for item in items
    ]
    return sorted(campaigns, key=lambda one: one.label)
