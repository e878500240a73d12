"""What a user's frame is: its grain, its levels (index or columns), its stats.

The accessor works on the variation grain and on the campaign grain, however the user
sliced, filtered or reset them; anything else is refused with a word on how to mend it.
"""

import math
from collections.abc import Hashable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Bools, Ints
from braze_frames.errors import FrameError
from braze_frames.schema.channels import STAT, VARIATION_ID, is_day_total

LEVELS = ("date", "channel", "variation")
ELEMENT_LEVELS = (*LEVELS, "element", "position", "title")
Grain = Literal["variation", "campaign", "element"]


class Frames(NamedTuple):
    """The three grains of one read."""

    variations: pd.DataFrame
    campaigns: pd.DataFrame
    elements: pd.DataFrame


AnsweringGrain = Literal["variation", "campaign"]
_KNOWN = frozenset(("campaign", *LEVELS, None))
_ELEMENT = frozenset(ELEMENT_LEVELS) - frozenset(LEVELS)
# Combined codes stay below this, well inside int64, whatever levels a frame has.
_CODES = 2**62
# Runs of so many rows are worth being looked for.
_RUN = 4
# Up to so many possible codes a row, a table of them beats a hash table; so does one of
# up to 32 MB, however few the rows are, where it is only asked whether all differ.
_DENSE, _TABLE = 4, 2**25


class Level(NamedTuple):
    """One level as codes into its labels, which are sorted; some may be unused."""

    name: str
    labels: pd.Index
    codes: Ints

    def names(self) -> list[str]:
        """Return the labels as text; all at once, as pandas takes long over each."""
        return [*map(str, self.labels.tolist())]

    def present(self) -> Bools:
        """Tell which labels rows have; in sorted rows the first of each run will do."""
        codes = self.codes
        changes = codes[1:] != codes[:-1]
        if np.count_nonzero(changes) * _RUN < len(codes):
            codes = np.append(codes[:1], codes[1:][changes])
        return np.bincount(codes, minlength=len(self.labels)) > 0

    def used(self) -> "Level":
        """Return the level with the labels that rows have."""
        present = self.present()
        if present.all():
            return self
        codes = (np.cumsum(present) - 1)[self.codes]
        return Level(self.name, self.labels[present], codes)


def grain_of(df: pd.DataFrame) -> AnsweringGrain:
    """Tell the grain of a frame by its levels.

    Raises
    ------
    FrameError
        It is neither the variation nor the campaign grain.
    """
    found = _found(df)
    if set(LEVELS) <= found and not _ELEMENT & found:
        return "variation"
    days_only = not {"channel", "variation"} & found
    if "date" in found and days_only and any(is_day_total(str(c)) for c in df.columns):
        return "campaign"
    raise FrameError(_refusal(df, found))


def _found(df: pd.DataFrame) -> set[str]:
    return {str(name) for name in (*df.index.names, *df.columns) if name is not None}


def _refusal(df: pd.DataFrame, found: set[str]) -> str:
    levels = [str(name) for name in df.index.names if name is not None]
    has = f"index levels {', '.join(levels)}" if levels else "no named index levels"
    text = f"df.braze needs the levels date, channel, variation; this frame has {has}"
    if _ELEMENT & found:
        return f'{text}: the element grain. Read with grain="variation"'
    missing = [name for name in LEVELS if name not in found]
    return (
        f"{text} and lacks {', '.join(missing)}.{_renamed(df, missing)} Slice with "
        "df.xs(…, level=…, drop_level=False), or bring the levels back with "
        "set_index; day totals need date and a column such as conversions"
    )


def _renamed(df: pd.DataFrame, missing: Sequence[str]) -> str:
    """Say how to name levels back that seem to be there under another name."""
    in_index = _back([n for n in df.index.names if n not in _KNOWN], missing)
    texts = [name for name in df.columns if not pd.api.types.is_numeric_dtype(df[name])]
    in_columns = _back([n for n in texts if n != VARIATION_ID], missing, by_name=True)
    hints = [f"df.rename_axis(index={in_index})"] if in_index else []
    hints += [f"df.rename(columns={in_columns})"] if in_columns else []
    return f" Were they renamed? {' and '.join(hints)}." if hints else ""


def _back(
    names: Sequence[Hashable], missing: Sequence[str], *, by_name: bool = False
) -> dict[Hashable, str]:
    """Return other names → the missing levels that they may be.

    The only other level is the only missing one, whatever it is called.
    """
    others = [name for name in names if name is not None]
    if len(others) == len(missing) == 1 and not by_name:
        return {others[0]: missing[0]}
    pairs: dict[Hashable, str] = {}
    for name in missing:
        near = [one for one in others if _alike(str(one), name)]
        pairs |= {near[0]: name} if near else {}
    return pairs


def _alike(name: str, level: str) -> bool:
    words = name.casefold().replace("_", " ").split()
    return level in words or f"{level}s" in words or level[:5] == name.casefold()[:5]


def level_names(df: pd.DataFrame) -> list[str]:
    """Return the levels that the frame has, in the order of the contract."""
    names = (
        ("campaign", *LEVELS) if grain_of(df) == "variation" else ("campaign", "date")
    )
    return [name for name in names if name in _found(df)]


def levels_of(df: pd.DataFrame) -> list[Level]:
    """Return the frame's levels as codes.

    Raises
    ------
    FrameError
        The frame is not ours, or two rows have the same labels.
    """
    levels = [level_of(df, name) for name in level_names(df)]
    _check_unique(levels)
    return levels


def level_of(df: pd.DataFrame, name: str) -> Level:
    """Return one level as codes, of a frame whose rows need not be told apart.

    Raises
    ------
    FrameError
        A row has no label in it.
    """
    codes, labels = _coded(df, name)
    if (codes < 0).any():
        raise FrameError(
            f"the level {name} has missing labels. After Excel these are merged cells: "
            "write with to_excel(…, merge_cells=False), or fill them down with "
            f"df[{name!r}] = df[{name!r}].ffill(); else drop those rows first"
        )
    index = pd.DatetimeIndex(labels) if name == "date" else pd.Index(labels)
    return Level(name, index.rename(name), codes)


def _coded(df: pd.DataFrame, name: str) -> tuple[Ints, pd.Index]:
    """Return codes into sorted labels; an index of several levels has them already."""
    index = df.index
    if not isinstance(index, pd.MultiIndex) or name not in index.names:
        values = index if name in index.names else df[name]
        codes, found = pd.factorize(values, sort=True)
        return codes.astype(np.int64), pd.Index(found)
    place = index.names.index(name)
    labels, codes = index.levels[place], np.asarray(index.codes[place])
    if labels.is_monotonic_increasing:
        return codes, labels
    order = labels.argsort()
    rank = np.append(np.argsort(order), -1)
    return rank[codes], labels[order]


def _check_unique(levels: list[Level]) -> None:
    if _ascending([level.codes for level in levels]):
        return
    # The days last: the arms are few, and numbered without gaps they have few codes.
    *arms, date = sorted(levels, key=lambda one: one.name == "date")
    codes, present = renumber(*combine(arms, len(date.codes)))
    arm = Level("", pd.RangeIndex(len(present)), codes)
    codes, bound = combine([arm, date], len(codes))
    if _all_differ(codes, bound):
        return
    twice = int(np.flatnonzero(pd.Series(codes).duplicated())[0])
    row = ", ".join(str(level.labels[level.codes[twice]]) for level in levels)
    raise FrameError(
        f"the row ({row}) stands twice: the frame joins several campaigns or reads. "
        'Join them as pd.concat({"first": a, "second": b}, names=["campaign"]). Labels '
        "that several campaigns share, such as an owner, go beside the level campaign, "
        'not in its place: df.join(owners, on="campaign"), then by="owner"'
    )


def combine(levels: Sequence[Level], size: int) -> tuple[Ints, int]:
    """Return one code a row, for the combination of its labels, and their bound.

    Codes are in the order of the labels, level by level.
    """
    codes, bound = np.zeros(size, dtype=np.int64), 1
    for level in levels:
        several = len(level.labels)
        if several < 2:
            continue
        if bound * several >= _CODES:
            codes, present = renumber(codes, bound)
            bound = max(len(present), 1)
        codes *= several
        codes += level.codes
        bound *= several
    return codes, bound


def separate(levels: Sequence[Level], present: Ints, codes: Ints) -> list[Level]:
    """Return the levels of the combinations that ``renumber`` found present.

    ``codes`` is the number of each row: where the bound was too large, combinations are
    told by a row of theirs.
    """
    if math.prod(max(len(level.labels), 1) for level in levels) >= _CODES:
        row = np.zeros(len(present), dtype=np.int64)
        row[codes] = np.arange(len(codes))
        return [level._replace(codes=level.codes[row]) for level in levels]
    rest, found = present, []
    for level in reversed(levels):
        rest, own = np.divmod(rest, max(len(level.labels), 1))
        found.append(level._replace(codes=own))
    return found[::-1]


def renumber(codes: Ints, bound: int) -> tuple[Ints, Ints]:
    """Return codes below ``bound`` numbered without gaps, in their order.

    Returns
    -------
    numbers : ndarray
        For each row.
    present : ndarray
        The code behind each number.
    """
    if bound > _DENSE * len(codes) + 1000:
        numbers, found = pd.factorize(codes)
        order = np.argsort(found)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        return rank[numbers], found[order]
    seen = np.zeros(bound, dtype=bool)
    seen[codes] = True
    numbers = codes if seen.all() else (np.cumsum(seen) - 1)[codes]
    return numbers, np.flatnonzero(seen)


def _all_differ(codes: Ints, bound: int) -> bool:
    """Tell whether no code stands twice, without sorting: rows come in any order."""
    if bound > max(_DENSE * len(codes), _TABLE):
        return bool(pd.Index(codes).is_unique)
    seen = np.zeros(bound, dtype=bool)
    seen[codes] = True
    return int(np.count_nonzero(seen)) == len(codes)


def _ascending(codes: list[Ints]) -> bool:
    """Tell whether each row is beyond the one before it, level by level."""
    beyond = np.zeros(len(codes[0][1:]), dtype=bool)
    for level in reversed(codes):
        here, before = level[1:], level[:-1]
        beyond = (here > before) | ((here == before) & beyond)
    return bool(beyond.all())


def stats_of(df: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the numeric columns that are no levels: the stats."""
    own = {*level_names(df), VARIATION_ID}
    # By its dtype first: to pick a column of a frame of several levels takes long.
    numbers = [
        name
        for name, dtype in zip(df.columns, df.dtypes, strict=True)
        if name not in own
        and pd.api.types.is_numeric_dtype(dtype)
        and not pd.api.types.is_bool_dtype(dtype)
    ]
    picked = ((str(name), df[name]) for name in numbers)
    return {name: one for name, one in picked if isinstance(one, pd.Series)}


def summed_stats(df: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the stats that add up: the table's, and unknown counts of the API.

    Other numbers are the user's own, such as ratios, and mean nothing as a sum.
    """
    return {
        name: series
        for name, series in stats_of(df).items()
        if name in STAT or is_day_total(name) or series.dtype == pd.Int64Dtype()
    }


def labels(df: pd.DataFrame, name: str) -> list[str]:
    """Return the labels of a level that stand in the frame, sorted."""
    if name not in level_names(df):
        return []
    level = level_of(df, name)
    found: list[str] = level.labels[level.present()].tolist()
    return found


def days_of(df: pd.DataFrame) -> pd.Index:
    """Return the days of a frame, sorted."""
    date = level_of(df, "date")
    return date.labels[date.present()]
