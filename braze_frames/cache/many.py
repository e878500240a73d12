"""Stored campaigns, one or thousands of them, loaded and decoded together."""

from collections.abc import Mapping, Sequence

import numpy as np

from braze_frames.cache.campaign import (
    CampaignFiles,
    StoredCampaign,
    Wanted,
    at_once,
    covered,
    newest,
)
from braze_frames.cache.compact import Copy, find_copy
from braze_frames.cache.encoding import StoredTables, from_tables
from braze_frames.payload.batch import Span, owner
from braze_frames.storage.coverage import within
from braze_frames.storage.layout import Part, StoredGrain, identity_of, names_of
from braze_frames.storage.storage import Loaded, side_by_side

# So many campaigns are read from their own files in the time that it takes to look for
# a copy.
_FEW = 4


def with_copies(shelf: Mapping[str, CampaignFiles]) -> Mapping[str, CampaignFiles]:
    """Let many campaigns be read from a compacted copy, where it is fresh."""
    if len(shelf) <= _FEW:
        return shelf
    copies = {
        storage: find_copy(
            storage, [one.id for one in shelf.values() if one.storage is storage]
        )
        for storage in {files.storage for files in shelf.values()}
    }
    return {
        name: CampaignFiles(files.storage, files.id, copies[files.storage])
        for name, files in shelf.items()
    }


def load_many(
    shelf: Sequence[CampaignFiles], part: Part, span: Span
) -> list[StoredCampaign]:
    """Read stored days of campaigns.

    Parameters
    ----------
    shelf : sequence of CampaignFiles
        The campaigns; what is read of them is in memory twice.
    part : Part
        The files and stats to read. Day totals that only fill a campaign's one
        variation are read where it has one.
    span : Span
        The days.

    Raises
    ------
    CacheError
        A file is of a newer version, may not be read, or cannot be set aside.
    """
    wanted: Wanted = {grain: _columns(grain, part) for grain in part.files}
    is_spare = part.fill and "campaign" in wanted
    lean = {**wanted, "campaign": set[str]()} if is_spare else wanted
    loaded = _loaded(shelf, lean, span)
    found = _decoded(shelf, loaded, part, span)
    places = [n for n, one in enumerate(found) if is_spare and _has_one_variation(one)]
    if not places:
        return found
    alone = [shelf[n] for n in places]
    totals = _loaded(alone, {"campaign": wanted["campaign"]}, span)
    whole = [
        loaded[n]._replace(tables=loaded[n].tables | late.tables)
        if late.version <= loaded[n].version
        else files.storage.load(files.id, wanted, span)
        for n, files, late in zip(places, alone, totals, strict=True)
    ]
    filled = zip(places, _decoded(alone, whole, part, span), strict=True)
    again = dict(filled)
    return [again.get(n, one) for n, one in enumerate(found)]


def _columns(grain: StoredGrain, part: Part) -> set[str]:
    stats = names_of(grain) if part.stats is None else part.stats
    return {*identity_of(grain), *stats} - {"variation"}


def _loaded(shelf: Sequence[CampaignFiles], wanted: Wanted, span: Span) -> list[Loaded]:
    """Load campaigns, from a copy where it is as fresh as their own files."""
    copied: dict[tuple[Copy | None, str], Loaded] = {}
    for copy in {files.copy for files in shelf if files.copy}:
        ids = [files.id for files in shelf if files.copy is copy]
        found = copy.load(ids, wanted).items()
        copied |= {(copy, id_): loaded for id_, loaded in found}

    def load(files: CampaignFiles) -> Loaded:
        own = (files.copy, files.id)
        return copied.get(own) or files.storage.load(files.id, wanted, span)

    return side_by_side(load, shelf, at_once(shelf))


def _decoded(
    shelf: Sequence[CampaignFiles], loaded: Sequence[Loaded], part: Part, span: Span
) -> list[StoredCampaign]:
    covers = [within(covered(one.abouts, part.files), span) for one in loaded]
    batches = from_tables(
        [
            StoredTables(one.tables, cover.days, files.origin)
            for files, one, cover in zip(shelf, loaded, covers, strict=True)
        ]
    )
    return [
        StoredCampaign([batch], newest(one.abouts), cover)
        for batch, one, cover in zip(batches, loaded, covers, strict=True)
    ]


def _has_one_variation(found: StoredCampaign) -> bool:
    (batch,) = found.batches
    used = np.flatnonzero(np.bincount(batch.entry_key)).tolist()
    return len({owner(batch.keys[code]) for code in used}) == 1
