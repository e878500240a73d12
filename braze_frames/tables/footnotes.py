"""What stands below a styled table: why, how sure, in which unit, until when."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from braze_frames.core.numbers import DASH, number, percent
from braze_frames.frame.provenance import as_day, provenance_of
from braze_frames.tables.formats import (
    FORMATS,
    NAME_WIDTH,
    TEXT_WIDTH,
    Reason,
    base,
    texts,
)

_ADJUSTED = {
    "holm": "Holm over the variations of a test",
    "bonferroni": "Bonferroni over the variations of a test",
    "fdr_bh": "Benjamini-Hochberg over the variations of a test",
    "none": "not adjusted for several variations",
}
_REASONS: dict[Reason, str] = {
    "stat": "not given by Braze",
    "rate": "in rates: nothing to divide by, or not given by Braze",
    "limit": "in limits: no rate, or fewer than 4 effective days",
    "lift": "in comparisons: not defined for this metric or these data; note may say "
    "more",
}
_ENDS = ("low", "high")
_PEOPLE = "; people are not added up over channels"


class Provenance(NamedTuple):
    """What ``attrs`` say of a table, as far as it can be believed."""

    settled_until: str | None
    last: str | None
    growing_from: str | None
    conf_level: float | None
    ci: float | None
    deff: float | None
    adjusted: str | None
    metrics: Sequence[str]
    amounts: Sequence[str]
    portfolio: str | None

    def grows(self, day: object) -> bool:
        """Tell whether a day, or the period under that label, still grows."""
        said = as_day(str(day)[:10])
        if said is None or self.settled_until is None:
            return False
        if self.growing_from is not None:
            return said >= self.growing_from
        return said > self.settled_until


class TableSummary(NamedTuple):
    """What a table shows that needs a word.

    ``joined``: channels are not told apart. ``starred``: whether a row is significant;
    None where the table does not say. ``guessed``: columns whose unit depends on the
    metric, which the table does not say. ``late``: whether a date is marked; None where
    the table has no dates.
    """

    about: Mapping[str, str]
    notes: Sequence[str]
    missing: Collection[Reason]
    joined: bool
    limits: bool
    starred: bool | None
    units: Mapping[str, str]
    guessed: Sequence[str]
    late: bool | None


def provenance_in(frame: Any) -> Provenance:
    """Return what the ``attrs`` of a frame say; None where they say nothing usable."""
    said = provenance_of(frame)
    adjust, deff = said.get("adjust"), said.get("deff")
    return Provenance(
        as_day(said.get("settled_until")),
        as_day(said.get("last")),
        as_day(said.get("growing_from")),
        _level(said.get("conf_level")),
        _level(said.get("ci")),
        deff if isinstance(deff, float) else None,
        _ADJUSTED.get(adjust) if isinstance(adjust, str) else None,
        _names(said.get("metrics")),
        _amounts(said.get("units")),
        _portfolio(said.get("portfolio")),
    )


def _portfolio(said: object) -> str | None:
    """Say what all tests have in common; None where that is not known."""
    known = said if isinstance(said, Mapping) else {}
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


def _amounts(said: object) -> list[str]:
    """Return the columns in USD that are not known by their name."""
    units = said if isinstance(said, Mapping) else {}
    own = {base(name): unit for name, unit in units.items() if isinstance(name, str)}
    return [name for name, unit in own.items() if unit == "USD" and name not in FORMATS]


def _level(said: object) -> float | None:
    return said if isinstance(said, float) and 0 < said < 1 else None


def _names(said: object) -> list[str]:
    found = said if isinstance(said, list) else []
    return [name for name in found if isinstance(name, str)]


def footnotes(seen: TableSummary, told: Provenance) -> list[str]:
    """Return the lines below a table, escaped."""
    return [
        *_about(seen),
        *_notes(seen),
        *_missing(seen),
        *_significance(seen, told),
        *([] if told.portfolio is None else [told.portfolio]),
        *_intervals(seen, told),
        *_units(seen),
        *_days(seen, told),
    ]


def _about(seen: TableSummary) -> list[str]:
    shown = texts(seen.about.values(), NAME_WIDTH)
    said = [f"{name}: {shown[text]}" for name, text in seen.about.items()]
    return [" · ".join(said)] if said else []


def _notes(seen: TableSummary) -> list[str]:
    shown = texts(seen.notes, TEXT_WIDTH)
    return [f"<sup>{n}</sup> {shown[note]}" for n, note in enumerate(seen.notes, 1)]


def _missing(seen: TableSummary) -> list[str]:
    lines = []
    for reason, text in _REASONS.items():
        if reason in seen.missing:
            people = seen.joined and reason in ("stat", "rate")
            lines.append(f"{DASH} {text}{_PEOPLE if people else ''}")
    return lines


def _significance(seen: TableSummary, told: Provenance) -> list[str]:
    if seen.starred is None or (not seen.starred and told.conf_level is None):
        return []
    level = "" if told.conf_level is None else f" below {percent(1 - told.conf_level)}"
    how = "" if told.adjusted is None else f", {told.adjusted}"
    text = f"p_adjusted{level}{how}; intervals are not adjusted"
    return [f"* significant: {text}" if seen.starred else f"none significant: {text}"]


def _intervals(seen: TableSummary, told: Provenance) -> list[str]:
    level = told.conf_level or told.ci
    if not seen.limits or level is None:
        return []
    wider = "" if told.deff in (None, 1.0) else f", deff {told.deff:g}"
    return [f"_low, _high: {percent(level)} intervals{wider}"]


def _units(seen: TableSummary) -> list[str]:
    shown = texts(seen.units, NAME_WIDTH)
    guessed = ", ".join(seen.guessed)
    taken = f"{guessed}: taken for shares, as the table does not say of which metric"
    return [
        *(f"{shown[name]} in {unit}" for name, unit in seen.units.items()),
        *([taken] if guessed else []),
    ]


def _days(seen: TableSummary, told: Provenance) -> list[str]:
    until, last = told.settled_until, told.last
    if seen.late:
        return [f"† holds days after {until}, which still grow"]
    if seen.late is not None or until is None or last is None or last <= until:
        return []
    return [f"holds days after {until}, up to {last}, which still grow"]
