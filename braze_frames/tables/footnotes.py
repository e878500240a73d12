"""What stands below a table: why, how sure, in which unit, until when."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from braze_frames.core.names import legible
from braze_frames.core.numbers import DASH, percent
from braze_frames.tables.formats import NAME_WIDTH, TEXT_WIDTH, texts
from braze_frames.tables.told import Told


class Footnote(NamedTuple):
    """A line below a table, and the number that leads to it; 0 is none."""

    text: str
    number: int = 0


class TableSummary(NamedTuple):
    """What a table shows that needs a word.

    ``missing``: number of a dash → its reason. ``p_name``: the column that tells what
    is significant, None where there is none; ``starred``: something is. ``unjudged``:
    lifts are shown, and nothing tells which are significant. ``amounts``: columns in
    USD. ``guessed``: columns whose unit depends on the metric, which the table does not
    say. ``dates``: those shown; None where the table has none. ``compares``: the
    metric matters and is in no column.
    """

    about: Mapping[str, str]
    notes: Sequence[str]
    missing: Mapping[int, str]
    limits: bool
    p_name: str | None
    starred: bool
    unjudged: bool
    amounts: Sequence[str]
    guessed: Sequence[str]
    dates: Sequence[str] | None
    compares: bool


def footnotes(seen: TableSummary, told: Told) -> list[Footnote]:
    """Return the lines below a table, without any markup."""
    notes = texts(seen.notes, TEXT_WIDTH)
    lines = [
        *_significance(seen, told),
        *([told.portfolio] if told.portfolio and seen.compares else []),
        *_intervals(seen, told),
        *_units(seen),
        *_days(seen, told),
    ]
    return [
        *map(Footnote, _about(seen, told)),
        *(Footnote(notes[note], n) for n, note in enumerate(seen.notes, 1)),
        *(
            Footnote(text if number else f"{DASH} {text}", number)
            for number, text in seen.missing.items()
        ),
        *map(Footnote, lines),
    ]


def _about(seen: TableSummary, told: Told) -> list[str]:
    metric = {"metric": ", ".join(told.metrics)} if told.metrics else {}
    said = {**(metric if seen.compares else {}), **seen.about}
    shown = texts(said.values(), NAME_WIDTH)
    parts = [f"{name}: {shown[text]}" for name, text in said.items()]
    periods = [told.periods] if told.periods and seen.compares else []
    return [" · ".join([*parts, *periods])] if parts or periods else []


def _significance(seen: TableSummary, told: Told) -> list[str]:
    if seen.p_name is None:
        return (
            ["significance is not shown: it is in p_adjusted"]
            if seen.unjudged and told.conf_level
            else []
        )
    if not seen.starred and told.conf_level is None:
        return []
    level = "" if told.conf_level is None else f" below {percent(1 - told.conf_level)}"
    how = "" if told.adjusted is None else f", {told.adjusted}"
    intervals = "; intervals are not adjusted" if seen.p_name == "p_adjusted" else ""
    text = f"{seen.p_name}{level}{how}{intervals}"
    return [f"* significant: {text}" if seen.starred else f"none significant: {text}"]


def _intervals(seen: TableSummary, told: Told) -> list[str]:
    level = told.conf_level or told.ci
    if not seen.limits or level is None:
        return []
    wider = "" if told.deff in (None, 1.0) else f", deff {told.deff:g}"
    return [f"_low, _high: {percent(level)} intervals{wider}"]


def _units(seen: TableSummary) -> list[str]:
    guessed = ", ".join(seen.guessed)
    taken = f"{guessed}: taken for shares, as the table does not say of which metric"
    amounts = ", ".join(texts(seen.amounts, NAME_WIDTH).values())
    return [
        *([f"{amounts} in USD"] if amounts else []),
        *([taken] if guessed else []),
    ]


def _days(seen: TableSummary, told: Told) -> list[str]:
    lines = []
    dates = dict.fromkeys(seen.dates or ())
    cut = [_held(day, told.partial[day]) for day in dates if day in told.partial]
    if cut:
        lines.append(f"‡ cut off: {', '.join(cut)}")
    until, last = told.settled_until, told.last
    if any(map(told.grows, dates)):
        lines.append(f"† holds days after {until}, which still grow")
    elif seen.dates is None and until and last and last > until:
        lines.append(f"holds days after {until}, up to {last}, which still grow")
    return lines


def _held(day: str, size: tuple[int, int] | None) -> str:
    return legible(day) + (
        "" if size is None else f" holds {size[0]} of {size[1]} days"
    )
