"""Variations of one campaign → labels that tell them apart within a channel."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from braze_frames.core.arrays import Ints
from braze_frames.core.names import disambiguate
from braze_frames.payload.batch import Batch, EntryKey, Owner, owner


def label_keys(
    keys: Sequence[EntryKey], last: Ints, names: Mapping[str, str]
) -> list[str]:
    """Return what the variation of each key is called.

    A label is the name on the newest day that has one; else the name in ``names``
    (variation id → name); else the id; ``<unnamed-N>`` without either. Equal labels
    in a channel get the id's first characters behind them.

    Parameters
    ----------
    keys : sequence of EntryKey
        The keys that occur.
    last : ndarray
        For each key a number: the greater, the later it occurs last.
    names : mapping
        Variation id → name.
    """
    owners = [owner(key) for key in keys]
    newest = {
        owners[code]: str(keys[code].name)
        for code in np.argsort(last)
        if keys[code].name
    }
    # sorted: a number behind a label must not hang on the order of rows, which a cache
    # does not keep
    found = {one: _plain(one, newest, names) for one in sorted(owners, key=_rank)}
    shared: dict[tuple[str, str], list[Owner]] = {}
    for one, label in found.items():
        shared.setdefault((one.channel, label), []).append(one)
    for (_, label), group in shared.items():
        if len(group) > 1:
            labels = disambiguate(label, [one.id for one in group])
            found.update(zip(group, labels, strict=True))
    unique = dict(zip(found, _unique(found), strict=True))
    return [unique[one] for one in owners]


def lacks_names(batches: Iterable[Batch], names: Mapping[str, str]) -> bool:
    """Whether a variation with an id has no name, on no day and not in ``names``."""
    used = {
        batch.keys[code]
        for batch in batches
        for code in np.flatnonzero(np.bincount(batch.entry_key)).tolist()
    }
    named = {owner(key) for key in used if key.name}
    return any(
        key.id and key.id not in names and owner(key) not in named for key in used
    )


def _rank(one: Owner) -> tuple[str, str, str, int]:
    return one.channel, one.id or "", one.name or "", one.position


def _plain(one: Owner, newest: Mapping[Owner, str], names: Mapping[str, str]) -> str:
    if one in newest:
        return newest[one]
    if one.id:
        return names.get(one.id) or one.id
    return f"<unnamed-{one.position}>"


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
