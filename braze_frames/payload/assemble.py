"""Campaigns whose days are normalised → the frames of the contract.

The variation grain has a row for each date, channel and variation, the campaign grain
one for each date, the element grain one for each slide or button clicked. Several
campaigns put the level ``campaign`` in front. Each campaign's rows are unique and in
order, so that here they only follow each other.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, chain, compress
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from braze_frames.core.arrays import Bools, Column, Ints
from braze_frames.frame.levels import Grain
from braze_frames.payload.batch import Batch
from braze_frames.payload.columns import StatColumns, Stats, join, ranked, writable
from braze_frames.schema.channels import ELEMENT_STAT, VARIATION_ID, is_day_total

try:
    # Takes columns as they are. ``pd.DataFrame`` looks at each of them anew, in .1 of
    # the time of a small read.
    from pandas.api.internals import create_dataframe_from_blocks as _from_blocks
except ImportError:  # pandas 2
    _from_blocks = None

# As objects, not by name: pandas looks a name up in .07 of the time of a small frame.
_TEXT = pd.Index([], dtype="str").dtype
_ID = pd.StringDtype()


class Campaign(NamedTuple):
    """One campaign's normalised answers."""

    label: str
    batch: Batch


class _Level(NamedTuple):
    """One level of an index: its values in order, and which of them each row has."""

    name: str
    values: pd.Index
    codes: Ints


def assemble(
    campaigns: Iterable[Campaign], grains: Iterable[Grain], *, several: bool
) -> list[pd.DataFrame]:
    """Build the frames of one read, and empty the campaigns' columns into them.

    A column is let go of once it is in a frame: a read never holds its numbers twice.

    Parameters
    ----------
    campaigns : iterable of Campaign
        In any order, with different labels.
    grains : iterable of {"variation", "campaign", "element"}
        The frames to build.
    several : bool
        Whether the frames have the level ``campaign``.

    Returns
    -------
    list of DataFrame
        For each grain: ``"variation"`` (index date, channel, variation), ``"campaign"``
        (index date), ``"element"`` (index date, channel, variation, element, position,
        title).
    """
    ordered = sorted(campaigns, key=lambda campaign: campaign.label)
    labels = [campaign.label for campaign in ordered] if several else None
    batches = [campaign.batch for campaign in ordered]
    return [_BUILDERS[grain](labels, batches) for grain in grains]


# The campaigns' labels; None where there is no level of campaigns.
_Labels = Sequence[str] | None


def _variations(labels: _Labels, batches: Sequence[Batch]) -> pd.DataFrame:
    columns = _columns(_filled(batches), [len(batch.entry_key) for batch in batches])
    every = [slice(None)] * len(batches)
    codes = _key_codes(batches, every)
    levels = _entry_levels(labels, batches, every, codes)
    ids = _ids([key.id for batch in batches for key in batch.keys], codes)
    return _frame({VARIATION_ID: ids, **columns}, levels)


def _ids(ids: Sequence[str | None], codes: Ints) -> pd.api.extensions.ExtensionArray:
    """Return the ids of rows that have ``ids[codes]``."""
    if _ID.storage == "python":
        return pd.array(ids, dtype=_ID).take(codes)  # rows share their objects
    taken = _alike(ids, codes)
    if taken is None:
        taken = pa.array(ids, pa.large_string()).take(codes)
    return _ID.__from_arrow__(taken)  # type: ignore[attr-defined,no-any-return]


def _alike(ids: Sequence[str | None], codes: Ints) -> pa.LargeStringArray | None:
    """Return the ids of rows, if all ids are equally long, as the API's are.

    Arrow's ``take`` costs a small read a tenth of what the JSON parser takes.
    """
    texts = [id_.encode() for id_ in ids if id_ is not None]
    size = len(texts[0]) if texts else 0
    if not size or len(texts) < len(ids) or any(len(text) != size for text in texts):
        return None
    taken = np.array(texts, f"S{size}").take(codes)
    ends = np.arange(0, size * len(codes) + 1, size)
    buffers = pa.py_buffer(ends), pa.py_buffer(taken)
    return pa.LargeStringArray.from_buffers(len(codes), *buffers)


def _campaigns(labels: _Labels, batches: Sequence[Batch]) -> pd.DataFrame:
    days = [batch.days for batch in batches]
    columns = _columns([batch.totals for batch in batches], [len(one) for one in days])
    return _frame(columns, [*_campaign_level(labels, days), _day_level(days)])


def _elements(labels: _Labels, batches: Sequence[Batch]) -> pd.DataFrame:
    found = [batch.elements for batch in batches]
    rows = [elements.row for elements in found]
    levels = _entry_levels(labels, batches, rows, _key_codes(batches, rows))
    keys = [key for elements in found for key in elements.keys]
    codes = _follow([e.key for e in found], [len(e.keys) for e in found])
    for name, dtype in (("element", _TEXT), ("position", "int64"), ("title", _TEXT)):
        values = [getattr(key, name) for key in keys]
        levels.append(_level(name, values, codes, dtype))
    clicks = _joined([elements.clicks for elements in found])
    column = Column(clicks, np.zeros(len(clicks), dtype=bool))
    return _frame({ELEMENT_STAT: column.array()}, levels)


_BUILDERS = {"variation": _variations, "campaign": _campaigns, "element": _elements}


def _joined(parts: Sequence[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _follow(parts: Sequence[Ints], counts: Sequence[int]) -> Ints:
    """Put codes one after the other; each part has so many values to point to."""
    starts = accumulate(counts, initial=0)
    return _joined([c + start for c, start in zip(parts, starts, strict=False)])


# Which rows of each batch: places, or all of them.
_Rows = Sequence[Ints | slice]


def _key_codes(batches: Sequence[Batch], rows: _Rows) -> Ints:
    """Return for rows of each batch where their keys are among those of all."""
    codes = [b.entry_key[of_one] for b, of_one in zip(batches, rows, strict=True)]
    return _follow(codes, [len(batch.keys) for batch in batches])


def _entry_levels(
    labels: _Labels, batches: Sequence[Batch], rows: _Rows, codes: Ints
) -> list[_Level]:
    """Return the levels for rows that each belong to an entry, of the key coded so."""
    pairs = zip(batches, rows, strict=True)
    days = [batch.days[batch.entry_day[of_one]] for batch, of_one in pairs]
    channels = [key.channel for batch in batches for key in batch.keys]
    variations = [label for batch in batches for label in batch.labels]
    return [
        *_campaign_level(labels, days),
        _day_level(days),
        _level("channel", channels, codes),
        _level("variation", variations, codes),
    ]


def _campaign_level(labels: _Labels, rows: Sequence[Ints]) -> list[_Level]:
    if labels is None:
        return []
    sizes = [len(of_one) for of_one in rows]
    return [_level("campaign", labels, np.repeat(np.arange(len(sizes)), sizes))]


def _day_level(parts: Sequence[Ints]) -> _Level:
    days = _joined(parts)
    first = int(days.min()) if len(days) else 0
    is_present = np.bincount(days - first).astype(bool)
    codes = (np.cumsum(is_present) - 1)[days - first]
    dates = _dates((np.flatnonzero(is_present) + first).tobytes())
    return _Level("date", dates, codes)


@lru_cache(maxsize=256)
def _dates(days: bytes) -> pd.DatetimeIndex:
    """Return an index of days; many campaigns are read for the same."""
    dates = np.frombuffer(days, np.int64).astype("datetime64[D]")
    return pd.DatetimeIndex(dates.astype("datetime64[us]"))


def _level(name: str, values: Sequence[Any], codes: Ints, dtype: Any = _TEXT) -> _Level:
    """Return a level for rows that have ``values[codes]``."""
    is_used = np.bincount(codes, minlength=len(values)).astype(bool)
    found = sorted(set(compress(values, is_used)))
    place = {value: code for code, value in enumerate(found)}
    places = np.array([place.get(value, 0) for value in values], dtype=np.int64)
    known = _texts(tuple(found)) if dtype == _TEXT else pd.Index(found, dtype=dtype)
    return _Level(name, known, places[codes])


@lru_cache(maxsize=256)
def _texts(values: tuple[str, ...]) -> pd.Index:
    """Return an index of texts; many campaigns have the same channels and stats."""
    index: pd.Index = pd.Index(values, dtype=_TEXT)
    return index


def _columns(
    parts: Sequence[Stats], sizes: Sequence[int]
) -> dict[str, pd.api.extensions.ExtensionArray]:
    """Return a column for each stat that is a number in all campaigns."""
    left_out = {stat for part in parts for stat in part.left_out}
    found = {*chain.from_iterable((*part.columns, *part.fractions) for part in parts)}
    return {
        stat: writable(join([_taken(part, stat) for part in parts], sizes)).array()
        for stat in ranked(found - left_out)
    }


def _taken(stats: Stats, stat: str) -> list[Column]:
    """Return the columns of one stat, and let go of them: see ``assemble``."""
    kinds = (stats.columns, stats.fractions)
    return [columns.pop(stat) for columns in kinds if stat in columns]


def _filled(batches: Sequence[Batch]) -> list[Stats]:
    """Return the stats of entries.

    Where a campaign has one channel and one variation, day totals are put where the
    entries have no number.
    """
    left_out = {stat for batch in batches for stat in batch.totals.left_out}
    return [
        batch.entries if len(_variations_of(batch)) != 1 else _fill(batch, left_out)
        for batch in batches
    ]


def _variations_of(batch: Batch) -> set[tuple[str, str]]:
    return {
        (key.channel, label)
        for key, label in zip(batch.keys, batch.labels, strict=True)
    }


def _fill(batch: Batch, left_out: Container[str]) -> Stats:
    totals, entries = batch.totals, batch.entries
    columns, fractions = dict(entries.columns), dict(entries.fractions)
    for stat in filter(is_day_total, {**totals.columns, **totals.fractions}):
        if stat in left_out:
            continue
        missing = np.ones(len(batch.entry_day), dtype=bool)
        for own in (entries.columns, entries.fractions):
            missing &= own[stat].missing if stat in own else True
        _fill_from(columns, totals.columns, stat, batch.entry_day, missing)
        _fill_from(fractions, totals.fractions, stat, batch.entry_day, missing)
    return Stats(columns, fractions, entries.left_out)


def _fill_from(
    columns: dict[str, Column],
    totals: StatColumns,
    stat: str,
    day: Ints,
    missing: Bools,
) -> None:
    if stat not in totals:
        return
    filled = missing & ~totals[stat].missing[day]
    if filled.any():
        values = np.where(filled, totals[stat].values[day], 0)
        own = columns.get(stat)
        columns[stat] = Column(
            values if own is None else np.where(filled, values, own.values),
            ~filled if own is None else own.missing & ~filled,
        )


def _frame(columns: Mapping[str, Any], levels: Sequence[_Level]) -> pd.DataFrame:
    if len(levels) == 1:
        index = levels[0].values.rename(levels[0].name)
    else:
        index = pd.MultiIndex(
            levels=[level.values for level in levels],  # type: ignore[misc]
            codes=[level.codes for level in levels],  # type: ignore[misc]
            names=[level.name for level in levels],
            verify_integrity=False,
        )
    names = _texts(tuple(columns)).rename(None)  # a frame's own: a name may be set
    if _from_blocks is None:
        frame = pd.DataFrame(columns, index=index, copy=False)
        frame.columns = names
    else:
        places = np.arange(len(names)).reshape(-1, 1)
        blocks = list(zip(columns.values(), places, strict=True))
        frame = _from_blocks(blocks, index, names)
    return frame
