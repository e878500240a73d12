"""Batches → the frames of the contract: labelled, sorted, exact.

The variation grain has a row for each date, channel and variation, the campaign grain
one for each date, the element grain one for each slide or button clicked. Several
campaigns put the level ``campaign`` in front.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Column, Ints, sum_exactly
from braze_frames.frame.levels import ELEMENT_LEVELS, Grain
from braze_frames.payload.batch import Batch, Owner, owner
from braze_frames.payload.columns import in_order, order_rows, scatter
from braze_frames.payload.labels import label_variations
from braze_frames.schema.channels import ELEMENT_STAT, VARIATION_ID, is_day_total


class Campaign(NamedTuple):
    """One campaign's answers, each day once; ``names`` are variation names by id."""

    label: str
    batches: list[Batch]
    names: Mapping[str, str]


class _Rows:
    """The rows of all batches, one after the other, as codes."""

    def __init__(self) -> None:
        self.campaign: list[Ints] = []
        self.day: list[Ints] = []
        self.variation: list[Ints] = []
        self.offsets: list[int] = []
        self.count = 0

    def add(self, campaign: int, day: Ints, variation: Ints) -> None:
        self.offsets.append(self.count)
        self.campaign.append(np.full(len(day), campaign, dtype=np.int32))
        self.day.append(day.astype(np.int32))
        self.variation.append(variation.astype(np.int32))
        self.count += len(day)


class _Table(NamedTuple):
    """Sorted rows: their codes and columns."""

    campaign: Ints
    day: Ints
    variation: Ints
    columns: dict[str, Column]


class _Labels(NamedTuple):
    """What the codes of a read stand for."""

    campaigns: list[str]
    channels: list[str]
    variations: list[str]
    channel: Ints
    variation: Ints
    ids: list[str | None]


class _Read(NamedTuple):
    """All campaigns of a read, their variations (numbered) and labels."""

    campaigns: Sequence[Campaign]
    owners: Sequence[dict[Owner, int]]
    labels: _Labels
    several: bool


def assemble(
    campaigns: Sequence[Campaign], grains: Iterable[Grain], *, several: bool
) -> list[pd.DataFrame]:
    """Build the frames of one read.

    Parameters
    ----------
    campaigns : sequence of Campaign
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

    Raises
    ------
    PayloadError
        A sum does not fit in 64 bits.
    """
    campaigns = sorted(campaigns, key=lambda campaign: campaign.label)
    owners = [_owners(campaign) for campaign in campaigns]
    read = _Read(campaigns, owners, _labels(campaigns, owners), several=several)
    return [_BUILDERS[grain](read) for grain in grains]


def _owners(campaign: Campaign) -> dict[Owner, int]:
    owners: dict[Owner, int] = {}
    for batch in campaign.batches:
        for code in np.flatnonzero(np.bincount(batch.entry_key)):
            owners.setdefault(owner(batch.keys[code]), len(owners))
    return owners


def _labels(
    campaigns: Sequence[Campaign], owners: Sequence[dict[Owner, int]]
) -> _Labels:
    found = [one for owned in owners for one in owned]
    labels = [
        label
        for campaign, owned in zip(campaigns, owners, strict=True)
        for label in label_variations(owned, campaign.batches, campaign.names)
    ]
    channels, channel = _codes([one.channel for one in found])
    variations, variation = _codes(labels)
    return _Labels(
        [campaign.label for campaign in campaigns],
        channels,
        variations,
        channel,
        variation,
        [one.id for one in found],
    )


def _codes(labels: Sequence[str]) -> tuple[list[str], Ints]:
    levels = sorted(set(labels))
    place = {label: code for code, label in enumerate(levels)}
    return levels, np.array([place[label] for label in labels], dtype=np.int64)


def _totals_table(read: _Read) -> _Table:
    rows = _Rows()
    for number, campaign in enumerate(read.campaigns):
        for batch in campaign.batches:
            rows.add(number, batch.days, batch.days)
    campaign_, day = _join(rows.campaign), _join(rows.day)
    span = _span(day)
    slots, first = order_rows(_day_codes(campaign_, day, span))
    parts = [batch.totals for one in read.campaigns for batch in one.batches]
    columns = scatter(parts, rows.offsets, slots)
    return _Table(campaign_[first], day[first], day[first], columns)


class _Span(NamedTuple):
    first: int
    days: int


def _span(days: Ints) -> _Span:
    if not len(days):
        return _Span(0, 1)
    return _Span(int(days.min()), int(days.max() - days.min()) + 1)


def _day_codes(campaign: Ints, day: Ints, span: _Span) -> Ints:
    return campaign.astype(np.int64) * span.days + (day - span.first)


def _join(parts: list[Ints]) -> Ints:
    """Join the parts, and let go of them: memory is what large reads are short of."""
    whole = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
    parts.clear()
    return whole


def _entries_table(read: _Read) -> _Table:
    rows, start, labels = _Rows(), 0, read.labels
    for number, (campaign, owned) in enumerate(_owned(read)):
        for batch in campaign.batches:
            numbers = [owned.get(owner(key), 0) + start for key in batch.keys]
            variation = np.array(numbers, dtype=np.int64)[batch.entry_key]
            rows.add(number, batch.days[batch.entry_day], variation)
        start += len(owned)
    campaign_, day = _join(rows.campaign), _join(rows.day)
    variation = _join(rows.variation)
    span = _span(day)
    codes = _day_codes(campaign_, day, span)
    codes = codes * len(labels.channels) + labels.channel[variation]
    codes = codes * len(labels.variations) + labels.variation[variation]

    def place(row: int) -> str:
        found = [read.campaigns[campaign_[row]].label, str(_dates(day)[row].date())]
        found.append(labels.channels[labels.channel[variation[row]]])
        return "".join(f"{part}, " for part in found if part)

    slots, first = order_rows(codes, place)
    del codes
    parts = [batch.entries for one in read.campaigns for batch in one.batches]
    columns = scatter(parts, rows.offsets, slots)
    return _Table(campaign_[first], day[first], variation[first], columns)


def _fill(entries: _Table, totals: _Table, alone: Ints) -> None:
    """Fill missing day totals where a campaign has one channel and one variation."""
    rows = np.flatnonzero(alone[entries.campaign])
    if not len(rows):
        return
    span = _span(totals.day)
    known = _day_codes(totals.campaign, totals.day, span)
    wanted = _day_codes(entries.campaign[rows], entries.day[rows], span)
    days = np.searchsorted(known, wanted)
    for stat in filter(is_day_total, totals.columns):
        total = totals.columns[stat]
        column = entries.columns.get(stat) or _empty_like(total, len(entries.day))
        filled = column.missing[rows] & ~total.missing[days]
        if not filled.any():
            continue
        values = column.values.astype(
            np.result_type(column.values, total.values), copy=False
        )
        values[rows[filled]] = total.values[days[filled]]
        column.missing[rows[filled]] = False
        entries.columns[stat] = Column(values, column.missing)


def _empty_like(column: Column, size: int) -> Column:
    return Column(np.zeros(size, dtype=column.values.dtype), np.ones(size, dtype=bool))


def _variations(read: _Read) -> pd.DataFrame:
    entries, labels = _entries_table(read), read.labels
    alone = np.array([len(owned) == 1 for owned in read.owners], dtype=bool)
    if alone.any():
        _fill(entries, _totals_table(read), alone)
    ids = pd.array(labels.ids, dtype="string").take(entries.variation)
    channel = ("channel", labels.channels, labels.channel[entries.variation])
    variation = ("variation", labels.variations, labels.variation[entries.variation])
    index = _index(read, entries, [channel, variation])
    return _frame({VARIATION_ID: ids}, in_order(entries.columns), index)


def _campaigns(read: _Read) -> pd.DataFrame:
    totals = _totals_table(read)
    index = _index(read, totals, []) if read.several else _dates(totals.day)
    return _frame({}, totals.columns, index)


def _frame(
    first: dict[str, pd.api.extensions.ExtensionArray],
    columns: dict[str, Column],
    index: pd.Index,
) -> pd.DataFrame:
    arrays = {stat: column.array() for stat, column in columns.items()}
    frame = pd.DataFrame({**first, **arrays}, index=index, copy=False)
    if not len(frame.columns):
        frame.columns = pd.Index([], dtype="str")
    return frame


def _index(
    read: _Read, table: _Table, levels: list[tuple[str, list[str], Ints]]
) -> pd.MultiIndex:
    days, codes = _day_level(table.day)
    parts = [("date", _dates(days), codes), *(_used(*level) for level in levels)]
    if read.several:
        parts.insert(0, _used("campaign", read.labels.campaigns, table.campaign))
    return pd.MultiIndex(
        levels=[level for _, level, _ in parts],  # type: ignore[misc]
        codes=[codes for _, _, codes in parts],  # type: ignore[misc]
        names=[name for name, _, _ in parts],
        verify_integrity=False,
    )


def _day_level(days: Ints) -> tuple[Ints, Ints]:
    """Return the different days, ascending, and each row's place among them."""
    span = _span(days)
    present = np.zeros(span.days, dtype=bool)
    present[days - span.first] = True
    codes = (np.cumsum(present) - 1)[days - span.first]
    return np.flatnonzero(present) + span.first, codes


def _used(name: str, labels: list[str], codes: Ints) -> tuple[str, pd.Index, Ints]:
    present = np.zeros(len(labels), dtype=bool)
    present[codes] = True
    if not present.all():
        labels = [label for label, use in zip(labels, present, strict=True) if use]
        codes = (np.cumsum(present) - 1)[codes]
    return name, pd.Index(labels, dtype="str"), codes


def _dates(days: Ints) -> pd.DatetimeIndex:
    dates = days.astype("datetime64[D]").astype("datetime64[us]")
    return pd.DatetimeIndex(dates, name="date")


def _elements(read: _Read) -> pd.DataFrame:
    clicks: dict[tuple[int | str, ...], list[int]] = {}
    start, labels = 0, read.labels
    for number, (campaign, owned) in enumerate(_owned(read)):
        for batch in campaign.batches:
            for element in batch.elements:
                key = batch.keys[batch.entry_key[element.row]]
                variation = start + owned[owner(key)]
                place = (
                    number,
                    int(batch.days[batch.entry_day[element.row]]),
                    labels.channels[labels.channel[variation]],
                    labels.variations[labels.variation[variation]],
                    *element[1:4],
                )
                clicks.setdefault(place, []).append(element.clicks)
        start += len(owned)
    return _element_frame(clicks, read)


def _element_frame(
    clicks: dict[tuple[int | str, ...], list[int]], read: _Read
) -> pd.DataFrame:
    places = sorted(clicks)
    counts = [sum_exactly(ELEMENT_STAT, clicks[place]) for place in places]
    names = ("campaign", *ELEMENT_LEVELS)
    values: list[Any] = [[place[n] for place in places] for n in range(len(names))]
    values[0] = [read.labels.campaigns[number] for number in values[0]]
    dtypes = {"date": "int64", "position": "int64"}
    levels = [
        pd.Index(of, dtype=dtypes.get(name, "str"), name=name)
        for name, of in zip(names, values, strict=True)
    ]
    levels[1] = _dates(levels[1].to_numpy())
    index = pd.MultiIndex.from_arrays(levels if read.several else levels[1:])
    return pd.DataFrame({ELEMENT_STAT: pd.array(counts, dtype="Int64")}, index=index)


def _owned(read: _Read) -> Iterable[tuple[Campaign, dict[Owner, int]]]:
    return zip(read.campaigns, read.owners, strict=True)


_BUILDERS = {"variation": _variations, "campaign": _campaigns, "element": _elements}
