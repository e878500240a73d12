"""What later fetches changed: found, kept as rows, and read to see an earlier state.

A campaign's tables are molten into cells, a row for each number: its day, its variation
(nothing for the day's own), its stat, and what it is. Two stats are none: under
``variation_api_id`` a 1 says that the variation has an entry that day, under
``variation_name`` stands its name then. What changed is what a join of the cells before
and after shows; an earlier state is the cells of now with those of then in their place.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from braze_frames.cache.encoding import coded, completed, fitted, stored_days
from braze_frames.core.arrays import Bools
from braze_frames.schema.channels import (
    DAY_TOTALS,
    ELEMENT_KEY,
    ELEMENT_STAT,
    STAT,
    VARIATION_ID,
    VARIATION_NAME,
)
from braze_frames.storage.layout import EVERYTHING, POSITION, StoredGrain
from braze_frames.storage.parquet import ROWS, PendingFile, history_about
from braze_frames.storage.storage import Loaded

GrainTables = Mapping[StoredGrain, pa.Table]
_SCHEMA = pa.schema(
    {
        "date": pa.timestamp("us"),
        "channel": pa.string(),
        VARIATION_ID: pa.string(),
        "own_name": pa.string(),
        POSITION: pa.int32(),
        "stat": pa.string(),
        "value": pa.float64(),
        "whole": pa.int64(),
        "name": pa.string(),
    }
)
"""A cell: whose it is, of which stat, and the number, the count or the name in it."""

_OWNER, _CELL, _VALUES = _SCHEMA.names[:5], _SCHEMA.names[:6], _SCHEMA.names[6:]


def counted_rows(loaded: Loaded) -> pa.Table | None:
    """Return the rows of the history that the files which it tells of have followed.

    None where there is no history.
    """
    table = loaded.tables.get("revision")
    return table if table is None else table.filter(pa.array(_counts(loaded, table)))


def is_lost(loaded: Loaded) -> bool:
    """Whether history is gone that was there when a file was written."""
    return any(_end_of(one, loaded) is None for one in _known(loaded))


def history_id(loaded: Loaded) -> str:
    """Return up to which write the history counts; nothing where it is lost."""
    known = _known(loaded)
    return known.pop() if known and not is_lost(loaded) else ""


def history_with(
    loaded: Loaded, changes: pa.Table | None, written: str, first: int | None = None
) -> PendingFile | None:
    """Return the history after a write; None where it stays as it is.

    Parameters
    ----------
    loaded : Loaded
        All files of a campaign.
    changes : Table or None
        What the write changes.
    written : str
        The id of the write.
    first : int, optional
        Leave out what was before this day.
    """
    table, known = loaded.tables.get("revision"), _known(loaded)
    about = loaded.abouts.get("revision")
    is_last = about is None or about.written in known  # else its writer was killed
    is_same = changes is None and first is None and len(known) < 2 and is_last
    if is_same or (table is None and changes is None):
        return None
    parts, ends = [], dict[str, int]()
    if table is not None:
        kept = _counts(loaded, table)
        if first is not None:
            kept &= stored_days(table) >= first
        found = {one: _end_of(one, loaded) for one in known}
        ends = {one: int(kept[:end].sum()) for one, end in found.items() if end}
        parts.append(completed("revision", table.filter(pa.array(kept))))
    if changes is not None:
        parts.append(changes)
    whole = pa.concat_tables(parts)
    ends[written] = len(whole)
    return PendingFile("revision", whole, history_about(ends, len(whole)))


def _known(loaded: Loaded) -> set[str]:
    """Return up to which writes the files know their history."""
    abouts = loaded.abouts.items()
    return {about.history for grain, about in abouts if grain != "revision"}


def _end_of(history: str, loaded: Loaded) -> int | None:
    """Return how many rows count for a history; None where they are gone."""
    if not history:
        return 0
    about, table = loaded.abouts.get("revision"), loaded.tables.get("revision")
    if about is None or table is None:
        return None
    if history in about.ends or not history.startswith(ROWS):
        return about.ends.get(history)
    count = int(history.removeprefix(ROWS))
    return count if count <= len(table) else None


def _counts(loaded: Loaded, table: pa.Table) -> Bools:
    """Tell which rows count: a file's own, as far as it knows its history."""
    of_days = table["channel"].is_null().to_numpy()
    place, grains = np.arange(len(table)), _grains_of(table["stat"], of_days)
    counts = np.zeros(len(table), dtype=bool)
    for grain, about in loaded.abouts.items():
        if grain != "revision":
            end = _end_of(about.history, loaded) or 0
            counts |= (grains == grain) & (place < end)
    return counts


def _grains_of(
    stats: pa.ChunkedArray, of_days: Bools
) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
    """Return the grain whose file holds the cell of each row."""
    codes, names = coded(stats)
    grains = np.array([_grain_of(stat) for stat in names], dtype=object)[codes]
    totals = np.array([stat in DAY_TOTALS for stat in names], dtype=bool)[codes]
    return np.where(of_days, np.where(totals, "campaign", "extra"), grains)


def _grain_of(stat: str | None) -> str:
    if stat in STAT or stat in (VARIATION_ID, VARIATION_NAME):
        return "variation"
    return "element" if ELEMENT_KEY.fullmatch(stat or "") else "extra"


def changes_between(old: GrainTables, new: GrainTables, moment: int) -> pa.Table | None:
    """Return the cells in which a fetch about the same days differs from before.

    Parameters
    ----------
    old, new : mapping
        Grain → table, each in the schema of its grain.
    moment : int
        When it was fetched, in microseconds since 1970.

    Returns
    -------
    Table or None
        Rows of the ``revision`` grain; None where nothing changed.
    """
    both = _melted(old).join(
        *(_melted(new), _CELL),
        join_type="full outer",
        left_suffix="_before",
        right_suffix="_after",
    )
    same = [_same(both[f"{one}_before"], both[f"{one}_after"]) for one in _VALUES]
    changed = both.filter(pc.invert(pc.and_(pc.and_(same[0], same[1]), same[2])))
    if not len(changed):
        return None
    names = _newest_names(pa.concat_tables([old["variation"], new["variation"]]))
    return _as_revisions(changed.join(names, ["channel", VARIATION_ID]), moment)


def _melted(tables: GrainTables) -> pa.Table:
    """Return all cells of a campaign's tables."""
    parts = [*_molten_stats(tables["campaign"]), *_molten_stats(tables["variation"])]
    entries = tables["variation"]
    parts.append(_cells(entries, VARIATION_ID, whole=_filled(entries, 1)))
    named = entries.filter(entries[VARIATION_NAME].is_valid())
    parts.append(_cells(named, VARIATION_NAME, name=named[VARIATION_NAME]))
    if "extra" in tables:
        extra = tables["extra"]
        value = pc.fill_null(extra["value"], math.nan)  # it was no number
        parts.append(_cells(extra, extra["stat"], value=value, whole=extra["whole"]))
    if "element" in tables:
        found = tables["element"]
        place = [found["element"], found["position"].cast(pa.string()), found["title"]]
        stat = pc.binary_join_element_wise(*place, _filled(found, "click"), "_")
        parts.append(_cells(found, stat, whole=found[ELEMENT_STAT]))
    return pa.concat_tables(parts)


def _molten_stats(table: pa.Table) -> Iterator[pa.Table]:
    for stat in STAT:
        if stat in table.column_names and table[stat].null_count < len(table):
            given = table.filter(table[stat].is_valid())
            kind = "whole" if pa.types.is_integer(given[stat].type) else "value"
            yield _cells(given, stat, **{kind: given[stat]})


def _cells(table: pa.Table, stat: Any, **values: Any) -> pa.Table:
    """Return cells, one for each row of a table; a count is a number, too."""
    if "whole" in values and "value" not in values:
        values["value"] = pc.cast(values["whole"], pa.float64(), safe=False)
    stat = _filled(table, stat) if isinstance(stat, str) else stat
    arrays = [*_owners(table), stat, *(values.get(one) for one in _VALUES)]
    return pa.Table.from_arrays(
        [
            pa.nulls(len(table), field.type) if one is None else one.cast(field.type)
            for one, field in zip(arrays, _SCHEMA, strict=True)
        ],
        schema=_SCHEMA,
    )


def _owners(table: pa.Table) -> list[pa.ChunkedArray]:
    """Return whose cells rows are: day, channel, id, else name, else position.

    Nothing is no null, for a join finds no null equal to another.
    """
    if "channel" not in table.column_names:
        blank = _filled(table, "")
        return [table["date"], blank, blank, blank, _filled(table, 0)]
    id_ = pc.fill_null(table[VARIATION_ID].cast(pa.string()), "")
    name = pc.fill_null(table[VARIATION_NAME].cast(pa.string()), "")
    has_id = pc.not_equal(id_, "")
    return [
        table["date"],
        pc.fill_null(table["channel"].cast(pa.string()), ""),
        id_,
        pc.if_else(has_id, "", name),
        pc.if_else(has_id, 0, pc.fill_null(table[POSITION], 0)),
    ]


def _filled(table: pa.Table, value: object) -> pa.ChunkedArray:
    return pa.chunked_array([pa.repeat(value, len(table))])


def _same(old: pa.ChunkedArray, new: pa.ChunkedArray) -> pa.ChunkedArray:
    equal = pc.fill_null(pc.equal(old, new), False)
    same = pc.or_(equal, pc.and_(old.is_null(), new.is_null()))
    if pa.types.is_floating(old.type):
        nan = pc.and_(pc.is_nan(old), pc.is_nan(new))
        same = pc.or_(same, pc.fill_null(nan, False))
    return same


def _newest_names(entries: pa.Table) -> pa.Table:
    """Return what variations with an id are called, by channel and id."""
    named = entries.filter(entries[VARIATION_NAME].is_valid())
    texts = ["channel", VARIATION_ID, VARIATION_NAME]
    cells = pa.table({one: named[one].cast(pa.string()) for one in texts})
    # one thread: the last is that of the last row
    last = cells.group_by(texts[:2], use_threads=False)
    newest = last.aggregate([(VARIATION_NAME, "last")])
    return newest.rename_columns(
        [one.replace(f"{VARIATION_NAME}_last", "newest") for one in newest.column_names]
    )


def _as_revisions(changed: pa.Table, moment: int) -> pa.Table:
    """Return changed cells as rows of the ``revision`` grain."""
    rows = changed.take(pc.sort_indices(changed, [(one, "ascending") for one in _CELL]))
    columns = _identity(rows, rows["newest"])
    columns |= {"stat": rows["stat"], "seen_at": _filled(rows, moment)}
    for side, stored in (("before", "old"), ("after", "new")):
        columns[stored] = rows[f"value_{side}"]
        columns[f"{stored}_whole"] = rows[f"whole_{side}"]
        columns[f"{stored}_name"] = rows[f"name_{side}"]
    return fitted("revision", columns)


def _identity(rows: pa.Table, name: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
    """Return the stored columns that say whose cells these are.

    ``name`` is that of variations with an id.
    """
    id_, position = _or_null(rows[VARIATION_ID], ""), _or_null(rows[POSITION], 0)
    named = pc.coalesce(_or_null(rows["own_name"], ""), name)
    number = rows[POSITION].cast(pa.string())
    unnamed = pc.binary_join_element_wise("<unnamed-", number, ">", "")
    nothing, of_days = pa.scalar(None, pa.string()), _are_of_days(rows)
    return {
        "date": rows["date"],
        "channel": pc.if_else(of_days, nothing, rows["channel"]),
        "variation": pc.if_else(of_days, nothing, pc.coalesce(named, id_, unnamed)),
        VARIATION_ID: id_,
        VARIATION_NAME: named,
        POSITION: position,
    }


def _are_of_days(cells: pa.Table) -> pa.ChunkedArray:
    """Tell which cells are of the day itself: they have no owner."""
    no_id, no_name = (pc.equal(cells[one], "") for one in (VARIATION_ID, "own_name"))
    return pc.and_(pc.and_(no_id, no_name), pc.equal(cells[POSITION], 0))


def _or_null(column: pa.ChunkedArray, nothing: object) -> pa.ChunkedArray:
    return pc.if_else(pc.equal(column, nothing), pa.scalar(None, column.type), column)


def as_of(tables: GrainTables, history: pa.Table, moment: int) -> GrainTables:
    """Return a campaign's tables as they stood at a moment.

    Parameters
    ----------
    tables : mapping
        Grain → what is stored now, each in the schema of its grain.
    history : Table
        All changes of its days, in the order in which they were stored.
    moment : int
        Microseconds since 1970.
    """
    then = _cells_at(history, moment)
    if not len(then):
        return tables
    days = pc.unique(then["date"])
    touched, rest = {}, {}
    for grain, table in tables.items():
        inside = pc.is_in(table["date"], days)
        touched[grain] = table.filter(inside)
        rest[grain] = table.filter(pc.invert(inside))
    cells = _melted(touched).join(then, _CELL, join_type="left anti")
    there = pc.or_(then["value"].is_valid(), then["name"].is_valid())
    earlier = _as_tables(
        pa.concat_tables([cells.select(_SCHEMA.names), then.filter(there)]),
        touched["campaign"]["date"],
    )
    return {
        grain: _by_day(pa.concat_tables([rest[grain], table]))
        for grain, table in earlier.items()
        if grain in tables
    }


def _by_day(table: pa.Table) -> pa.Table:
    return table.take(pc.sort_indices(table["date"]))


def _cells_at(history: pa.Table, moment: int) -> pa.Table:
    """Return what each changed cell held: what the last fetch by then had found.

    Clocks may have been set back: what counts is when a change was seen, not its place
    among the others. Before the first of them a cell held what that one replaced.
    """
    order = pa.array(np.arange(len(history)))
    seen = history["seen_at"].cast(pa.int64())
    known = pc.less_equal(seen, moment)
    moments = pa.table({"seen": seen, "row": order})
    ranked = pc.sort_indices(moments, [("seen", "ascending"), ("row", "ascending")])
    rank = np.empty(len(history), dtype=np.int64)
    rank[ranked.to_numpy()] = np.arange(len(history))
    new, old = _side(history, "new"), _side(history, "old")
    last = _one_of_each(new.append_column("rank", pa.array(rank)).filter(known), "max")
    first = _one_of_each(old.append_column("rank", order), "min")
    unseen = first.join(last, _CELL, join_type="left anti").select(_SCHEMA.names)
    return pa.concat_tables([last, unseen])


def _side(history: pa.Table, side: str) -> pa.Table:
    """Return what rows of the history tell of before or after a change."""
    return _cells(
        history,
        history["stat"],
        value=history[side],
        whole=history[f"{side}_whole"],
        name=history[f"{side}_name"],
    )


def _one_of_each(cells: pa.Table, which: str) -> pa.Table:
    """Return each cell once, from the row with the lowest or highest rank."""
    ranks = cells.group_by(_CELL).aggregate([("rank", which)])
    chosen = ranks.rename_columns(
        [one.replace(f"rank_{which}", "rank") for one in ranks.column_names]
    )
    return cells.filter(pc.is_in(cells["rank"], chosen["rank"])).select(_SCHEMA.names)


def _as_tables(cells: pa.Table, days: pa.ChunkedArray) -> dict[StoredGrain, pa.Table]:
    """Return cells as the tables of the days that they are all cells of."""
    grains = _grains_of(cells["stat"], _are_of_days(cells).to_numpy())
    of = {grain: cells.filter(pa.array(grains == grain)) for grain in EVERYTHING}
    stat = of["variation"]["stat"]
    entries = of["variation"].filter(pc.equal(stat, VARIATION_ID)).select(_OWNER)
    names = of["variation"].filter(pc.equal(stat, VARIATION_NAME))
    named = entries.join(names.select([*_OWNER, "name"]), _OWNER)
    identity = _identity(named, named["name"])
    of_days = pa.table({"date": days})
    return {
        "campaign": fitted(
            "campaign", {"date": days, **_placed(of["campaign"], of_days)}
        ),
        "variation": fitted("variation", identity | _placed(of["variation"], named)),
        "extra": _as_extra(of["extra"]),
        "element": _as_elements(of["element"]),
    }


def _placed(cells: pa.Table, rows: pa.Table) -> dict[str, pa.Array]:
    """Return the columns that cells make, each number in the row that it is of."""
    keys = [one for one in _OWNER if one in rows.column_names]
    number = rows.select(keys).append_column("row", pa.array(np.arange(len(rows))))
    found = cells.join(number, keys, join_type="inner")
    columns = {}
    for stat in filter(STAT.__contains__, pc.unique(found["stat"]).to_pylist()):
        of_one = found.filter(pc.equal(found["stat"], stat))
        is_float = STAT[stat].dtype == "Float64"
        given = of_one["value" if is_float else "whole"].to_numpy()
        values = np.zeros(len(rows), dtype=given.dtype)
        missing = np.ones(len(rows), dtype=bool)
        place = of_one["row"].to_numpy()
        values[place], missing[place] = given, False
        columns[stat] = pa.array(values, mask=missing)
    return columns


def _as_extra(cells: pa.Table) -> pa.Table:
    is_number = pc.fill_null(pc.invert(pc.is_nan(cells["value"])), False)
    value = pc.if_else(is_number, cells["value"], pa.scalar(None, pa.float64()))
    given = {"stat": cells["stat"], "value": value, "whole": cells["whole"]}
    return fitted("extra", _identity(cells, cells["name"]) | given)


def _as_elements(cells: pa.Table) -> pa.Table:
    codes, stats = coded(cells["stat"])
    found = [ELEMENT_KEY.fullmatch(stat or "") for stat in stats]
    columns = _identity(cells, cells["name"]) | {ELEMENT_STAT: cells["whole"]}
    for number, name in enumerate(("element", "position", "title"), 1):
        texts = pa.array([one and one[number] for one in found], pa.string())
        columns[name] = texts.take(pa.array(codes))
    return fitted("element", columns)
