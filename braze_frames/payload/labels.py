"""Variations of one campaign → labels that tell them apart within a channel."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from braze_frames.core.names import disambiguate
from braze_frames.payload.batch import Batch, Owner, owner


def label_variations(
    owners: Iterable[Owner], batches: Sequence[Batch], names: Mapping[str, str]
) -> list[str]:
    """Label variations, in the order given.

    A label is the name on the newest day that has one; else the name in ``names``
    (variation id → name); else the id; ``<unnamed-N>`` without either. Equal labels
    in a channel get the id's first characters behind them.
    """
    newest = _newest_names(batches)
    found = {one: _plain(one, newest, names) for one in owners}
    shared: dict[tuple[str, str], list[Owner]] = {}
    for one, label in found.items():
        shared.setdefault((one.channel, label), []).append(one)
    for (_, label), group in shared.items():
        if len(group) > 1:
            found.update(zip(group, _told_apart(label, group), strict=True))
    return _unique(found)


def lacks_names(batches: Sequence[Batch], names: Mapping[str, str]) -> bool:
    """Whether a variation with an id has no name, on no day and not in ``names``."""
    newest = _newest_names(batches)
    used = {
        owner(batch.keys[code])
        for batch in batches
        for code in np.unique(batch.entry_key).tolist()
    }
    return any(one.id and one not in newest and one.id not in names for one in used)


def _newest_names(batches: Sequence[Batch]) -> dict[Owner, str]:
    newest: dict[Owner, tuple[int, str]] = {}
    for batch in batches:
        if not len(batch.entry_key):
            continue
        days = np.full(len(batch.keys), np.iinfo(np.int64).min)
        rows = np.zeros(len(batch.keys), dtype=np.int64)
        entry_days = batch.days[batch.entry_day]
        np.maximum.at(days, batch.entry_key, entry_days)
        latest = entry_days == days[batch.entry_key]
        np.maximum.at(rows, batch.entry_key[latest], np.flatnonzero(latest))
        read = np.unique(batch.entry_key)  # other keys are of days that are not read
        for code in read[np.argsort(rows[read])]:
            key, day = batch.keys[code], int(days[code])
            if key.name and day >= newest.get(owner(key), (day, ""))[0]:
                newest[owner(key)] = (day, key.name)
    return {one: name for one, (_, name) in newest.items()}


def _plain(one: Owner, newest: Mapping[Owner, str], names: Mapping[str, str]) -> str:
    if one in newest:
        return newest[one]
    if one.id:
        return names.get(one.id) or one.id
    return f"<unnamed-{one.position}>"


def _told_apart(label: str, group: Sequence[Owner]) -> list[str]:
    return disambiguate(label, [one.id for one in group])


def _unique(found: Mapping[Owner, str]) -> list[str]:
    """Put a number behind labels that still collide with a name."""
    taken: set[tuple[str, str]] = set()
    labels = []
    for one, label in found.items():
        unique, number = label, 1
        while (one.channel, unique) in taken:
            number += 1
            unique = f"{label} ({number})"
        taken.add((one.channel, unique))
        labels.append(unique)
    return labels
