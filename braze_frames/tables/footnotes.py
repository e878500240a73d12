"""What ``attrs`` tell of a table, and what stands below it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from braze_frames.core.names import legible
from braze_frames.core.numbers import DASH, number, percent
from braze_frames.frame.provenance import as_day, provenance_of
from braze_frames.schema.units import UNITS, Unit, Units
from braze_frames.tables.formats import NAME_WIDTH, TEXT_WIDTH, texts

_ADJUSTED = {
    "holm": "Holm over the variations of a test",
    "bonferroni": "Bonferroni over the variations of a test",
    "fdr_bh": "Benjamini-Hochberg over the variations of a test",
    "none": "not adjusted for several variations",
}
_ENDS = ("low", "high")


class Flagged(NamedTuple):
    """Names of the levels of a result, and whether the rows are significant."""

    levels: Sequence[str]
    rows: Mapping[tuple[str, ...], bool]

    def by(self, levels: Sequence[str]) -> Mapping[tuple[str, ...], bool | None]:
        """Return the same by some of the levels; None where rows differ that meet."""
        places = [self.levels.index(level) for level in levels]
        found: dict[tuple[str, ...], bool | None] = {}
        for row, flag in self.rows.items():
            key = tuple(row[place] for place in places)
            found[key] = flag if found.get(key, flag) is flag else None
        return found


class Told(NamedTuple):
    """What a result says of itself; None or nothing where it says nothing usable.

    ``partial``: label of a period that is cut → days in it, days of the whole one;
    ``left_out``: reason → columns and rows whose sums were not made. ``labels``: what
    is written for long names.
    """

    settled_until: str | None
    last: str | None
    growing_from: str | None
    conf_level: float | None
    ci: float | None
    deff: float | None
    adjusted: str | None
    metric: str
    units: Units
    partial: Mapping[str, tuple[int, int] | None]
    left_out: Mapping[str, tuple[Collection[str], Collection[tuple[str, ...]]]]
    labels: Sequence[Mapping[str, str]]
    significant: Flagged | None
    periods: str | None
    portfolio: str | None

    @property
    def p_name(self) -> str:
        """The column that tells what is significant."""
        return "p_adjusted" if self.adjusted else "p_value"

    def grows(self, day: str) -> bool:
        """Tell whether a day, or the period under that label, still grows."""
        said = as_day(day[:10])
        if said is None or self.settled_until is None:
            return False
        if self.growing_from is not None:
            return said >= self.growing_from
        return said > self.settled_until

    def marks(self, day: str) -> str:
        """Return the marks of a day or a period: cut off, still growing."""
        cut = " ‡" if day in self.partial else ""
        return cut + (" †" if self.grows(day) else "")


def told_by(frame: Any) -> Told:
    """Return what the ``attrs`` of a frame say."""
    said = provenance_of(frame)
    adjust, deff = said.get("adjust"), said.get("deff")
    return Told(
        as_day(said.get("settled_until")),
        as_day(said.get("last")),
        as_day(said.get("growing_from")),
        _level(said.get("conf_level")),
        _level(said.get("ci")),
        deff if isinstance(deff, float) else None,
        _ADJUSTED.get(adjust) if isinstance(adjust, str) else None,
        _only(said.get("metrics")),
        _units(said.get("units")),
        _partial(said.get("partial"), said.get("partial_days")),
        _left_out(said.get("left_out")),
        _labels(said.get("labels")),
        _significant(said.get("significant")),
        _periods(said.get("periods")),
        _portfolio(said.get("portfolio")),
    )


def _level(said: object) -> float | None:
    return said if isinstance(said, float) and 0 < said < 1 else None


def _names(said: object) -> list[str]:
    found = said if isinstance(said, list) else []
    return [name for name in found if isinstance(name, str)]


def _only(said: object) -> str:
    """Return the one name of a list; "" where there are more, or none."""
    names = _names(said)
    return names[0] if len(names) == 1 else ""


def _mapping(said: object) -> Mapping[Any, Any]:
    return said if isinstance(said, Mapping) else {}


def _units(said: object) -> Units:
    found: dict[str, Unit | Mapping[str, Unit]] = {}
    for name, unit in _mapping(said).items():
        each = {of: one for of, one in _mapping(unit).items() if one in UNITS}
        if isinstance(unit, str) and unit in UNITS:
            found[name] = unit
        elif each:
            found[name] = each
    return found


def _partial(labels: object, days: object) -> dict[str, tuple[int, int] | None]:
    sizes = _mapping(days)
    return {label: _pair(sizes.get(label)) for label in _names(labels)}


def _pair(said: object) -> tuple[int, int] | None:
    if isinstance(said, list) and [type(one) for one in said] == [int, int]:
        return said[0], said[1]
    return None


def _left_out(
    said: object,
) -> dict[str, tuple[Collection[str], Collection[tuple[str, ...]]]]:
    found = {name: _mapping(one) for name, one in _mapping(said).items()}
    return {
        name: (_names(one.get("columns")), _rows(one.get("rows")))
        for name, one in found.items()
    }


def _rows(said: object) -> set[tuple[str, ...]]:
    return {tuple(_names(row)) for row in said} if isinstance(said, list) else set()


def _labels(said: object) -> list[dict[str, str]]:
    own = map(_mapping, _mapping(said).values())
    return [{str(name): str(label) for name, label in one.items()} for one in own]


def _significant(said: object) -> Flagged | None:
    known = _mapping(said)
    levels = _names(known.get("levels"))
    rows: dict[tuple[str, ...], bool] = {}
    for name in ("no", "yes"):
        labels = _rows(known.get(name))
        rows |= {row: name == "yes" for row in labels if len(row) == len(levels)}
    return Flagged(levels, rows) if rows else None


def _periods(said: object) -> str | None:
    """Say which days a change compares; None where that is not known."""
    both = [_names(_mapping(said).get(name)) for name in ("now", "before")]
    if [len(days) for days in both] != [2, 2]:
        return None
    now, before = (" to ".join(days) for days in both)
    return f"{now} against {before}, weekday by weekday"


def _portfolio(said: object) -> str | None:
    """Say what all tests have in common; None where that is not known."""
    known = _mapping(said)
    names = [f"{what}_{end}" for what in ("lift", "prediction") for end in _ENDS]
    lifts = [known.get(name) for name in ("lift", *names)]
    count = known.get("tests")
    if not isinstance(count, int) or not all(isinstance(one, float) for one in lifts):
        return None
    mean, low, high, least, most = (
        f"{number(100 * float(one), 1, signed=True)} %"
        for one in lifts
        if isinstance(one, float)
    )
    return (
        f"all {count} comparisons with a control: mean lift {mean} ({low} to {high}); "
        f"a next test may find {least} to {most}"
    )


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
    say. ``dates``: those shown; None where the table has none. ``metric``: what was
    asked, where it is in no column. ``lifts``: lifts are shown.
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
    metric: str
    lifts: bool


def footnotes(seen: TableSummary, told: Told) -> list[Footnote]:
    """Return the lines below a table, without any markup."""
    notes = texts(seen.notes, TEXT_WIDTH)
    lines = [
        *_significance(seen, told),
        *([told.portfolio] if told.portfolio and seen.lifts else []),
        *_intervals(seen, told),
        *_in_units(seen),
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
    said = {**({"metric": seen.metric} if seen.metric else {}), **seen.about}
    shown = texts(said.values(), NAME_WIDTH)
    parts = [f"{name}: {shown[text]}" for name, text in said.items()]
    periods = [told.periods] if told.periods else []
    return [" · ".join([*parts, *periods])] if parts or periods else []


def _significance(seen: TableSummary, told: Told) -> list[str]:
    if seen.p_name is None:
        return (
            [f"significance is not shown: it is in {told.p_name}"]
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


def _in_units(seen: TableSummary) -> list[str]:
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
