"""What may be wrong with the numbers of a frame: a rule for each kind of finding."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.checks.srm import planned_split
from braze_frames.core.arrays import Flags, Floats
from braze_frames.experiment.caveats import (
    CAVEATS,
    FEWEST_EXPECTED,
    NOBODY,
    RARE,
    SAME_PEOPLE,
    SAME_SPLIT,
    PeopleSeen,
)
from braze_frames.experiment.design import Experiment, Experiments, alike
from braze_frames.schema.channels import (
    CLICKS_AND_OPENS,
    MACHINE_OPENS,
    RECEIVED_STATS,
    STAT,
    is_day_total,
)
from braze_frames.schema.formulas import define, metrics_of
from braze_frames.schema.rates import PRIMARY_RATE
from braze_frames.stats.contrasts import DailyCounts, dispersion_of
from braze_frames.stats.jackknife import jackknife
from braze_frames.stats.multiplicity import adjust_families

Severity = Literal["error", "warning", "info"]
_DAY = np.timedelta64(1, "D")
# Amounts come in cents: sums of them may differ by a cent of rounding.
_CENT = 0.01
REPEATED = "repeated_users"
"""How rare such days must be depends on how many tests there are in all."""


class Finding(NamedTuple):
    """Where something is wrong, from when to when, and a sentence about it."""

    detail: str
    first: Any
    last: Any
    campaign: str | None = None
    channel: str | None = None
    variation: str | None = None


class Looked(NamedTuple):
    """What is looked at: days by campaign, what the frame knows and the user knows."""

    days: Mapping[str | None, Any]
    known: Mapping[str, Any]
    settled: Mapping[str | None, Any]
    planned: Mapping[str, float] | None = None
    totals: pd.DataFrame | None = None
    people: PeopleSeen = NOBODY


# --- days ---
def _missing_days(looked: Looked) -> Iterator[Finding]:
    for campaign, days in looked.days.items():
        lost = _gaps(days)
        if len(lost):
            text = (
                f"{len(lost)} days between {days[0]} and {days[-1]} have no row, the "
                f"first is {lost[0]}: sums leave them out. Read them again"
            )
            yield Finding(text, lost[0], lost[-1], campaign)


def _missing_rows(looked: Looked, arms: Experiments) -> Iterator[Finding]:
    gapped = _have_gaps(arms)
    for family in arms.families:
        for arm in filter(gapped.__contains__, family.arms):
            days = _dates(arms, arm)[arms.present[arm]]
            lost = np.intersect1d(_gaps(days), looked.days[family.campaign])
            if len(lost):
                text = (
                    f"no row on {len(lost)} days on which others have one, the first "
                    f"is {lost[0]}: comparisons leave them out. Read them again"
                )
                yield _of_arm(arms, family, arm, text, lost)


def _have_gaps(arms: Experiments) -> set[int]:
    """Return the arms that lack a row between their first and their last day."""
    there = arms.present
    every = np.arange(len(there))
    dates = arms.dates.astype("datetime64[D]")[arms.campaign_of]
    last = dates[every, there.shape[1] - 1 - there[:, ::-1].argmax(axis=1)]
    days = (last - dates[every, there.argmax(axis=1)]) // _DAY + 1
    return {*np.flatnonzero(days != there.sum(axis=1)).tolist()}


def _gaps(days: Any) -> Any:
    if len(days) == (days[-1] - days[0]) // _DAY + 1:
        return days[:0]
    return np.setdiff1d(np.arange(days[0], days[-1] + _DAY), days)


def _unsettled_days(looked: Looked) -> Iterator[Finding]:
    for campaign, until in looked.settled.items():
        days = looked.days[campaign]
        late = days[days > until]
        if len(late):
            text = (
                f"{len(late)} days after {until} may still grow: conversions come in "
                f"until their window ends. {CAVEATS['unsettled_days'].remedy}"
            )
            yield Finding(text, late[0], late[-1], campaign)


def _partial_today(looked: Looked) -> Iterator[Finding]:
    fetched = str(looked.known.get("fetched_at") or "NaT")
    today = np.datetime64(fetched[:10], "D")
    for campaign, days in looked.days.items():
        if days[-1] >= today:
            text = (
                f"{today} was not over when it was read, at {fetched[11:16]}: leave it "
                "out, or read it again tomorrow"
            )
            yield Finding(text, today, days[-1], campaign)


# --- day totals ---
def _totals_disagree(looked: Looked, arms: Experiments) -> Iterator[Finding]:
    totals = looked.totals
    if totals is None:
        return
    given = {*_campaigns(totals)}
    families: dict[str | None, list[Experiment]] = {}
    for family in arms.families:
        families.setdefault(family.campaign, []).append(family)
    for stat in filter(is_day_total, [one for one in arms.stats if one in totals]):
        counts = arms.table(stat)
        for number, campaign in enumerate(looked.days):
            mine = families.get(campaign, [])
            unique = stat in STAT and STAT[stat].unique
            if campaign in given and not (unique and len(mine) > 1):
                dates = arms.dates[number][: arms.days[number]]
                wanted = _wanted(totals[stat], campaign, dates)
                yield from _disagreement(mine, stat, counts, dates, wanted)


def _disagreement(
    families: Sequence[Experiment],
    stat: str,
    counts: tuple[Floats, Flags],
    dates: Any,
    wanted: Floats,
) -> Iterator[Finding]:
    mine = [arm for family in families for arm in family.arms]
    sent = [arm for arm in mine if arm not in {one.control for one in families}]
    table, given = (part[:, : len(dates)] for part in counts)
    sums = [table[some].sum(axis=0) for some in (mine, sent)]
    wrong = given[mine].any(axis=0) & ~np.isnan(wanted)
    for total in sums:
        wrong &= ~(np.abs(total - wanted) <= _CENT)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        days = dates[wrong].astype("datetime64[D]")
        text = (
            f"on {wrong.sum()} days {stat} of the variations does not add up to the "
            f"day's total, with or without the control: on {days[0]} it is "
            f"{sums[0][at]:,.10g} and {sums[1][at]:,.10g}, not {wanted[at]:,.10g}. "
            "Read both again together, or look for a variation that was left out"
        )
        yield Finding(text, days[0], days[-1], families[0].campaign)


def _wanted(totals: pd.Series, campaign: str | None, dates: Any) -> Floats:
    """Return the day totals of a campaign on the days of the frame; NaN: not given."""
    series = totals if campaign is None else totals.xs(campaign)
    found = series.reindex(pd.DatetimeIndex(dates))
    return found.to_numpy(dtype=np.float64, na_value=np.nan)


def _campaigns(totals: pd.DataFrame) -> Any:
    several = "campaign" in totals.index.names
    return totals.index.get_level_values("campaign") if several else [None]


# --- tests ---
def _tests(arms: Experiments) -> list[Experiment]:
    return [family for family in arms.families if len(family.arms) > 1]


def _sample_ratio_mismatch(looked: Looked, arms: Experiments) -> Iterator[Finding]:
    for family in _tests(arms) if looked.planned is not None else []:
        row = planned_split(arms, family, looked.planned)
        if row.get("mismatch"):
            text = (
                f"{row['total']:,} people of one day were not split as planned "
                f"(p = {row['p_value']:.2g}): {row['note']}"
            )
            yield _of_test(arms, family, text)._replace(
                first=row["date"], last=row["date"]
            )


def _allocation_change(_: Looked, arms: Experiments) -> Iterator[Finding]:
    for family in _tests(arms):
        span = arms.split_span(family)
        if span:
            text = (
                f"the split between the variations moved by {100 * span:.0f} "
                "percentage points, and totals can make up a lift from that: compare "
                f"{PRIMARY_RATE}, which lift compares day by day, or {SAME_SPLIT}"
            )
            yield _of_test(arms, family, text)


def _control_was_sent(_: Looked, arms: Experiments) -> Iterator[Finding]:
    sums = {stat: arms.table(stat)[0].sum(axis=1) for stat in arms.stats}
    for family in _tests(arms):
        if family.control is None:
            continue
        stats = [one for one in RECEIVED_STATS.get(family.channel, ()) if one in sums]
        sent = {stat: sums[stat][family.control] for stat in stats}
        found = [f"{stat} = {count:,.0f}" for stat, count in sent.items() if count]
        if found:
            text = (
                f"the control got messages ({', '.join(found)}): it is no control. "
                "Name another with control="
            )
            yield _of_arm(arms, family, family.control, text)


def _zero_control(_: Looked, arms: Experiments) -> Iterator[Finding]:
    for family in _tests(arms):
        people = arms.people[family.arms].sum()
        control = family.control
        if control is not None and people and not arms.people[control].any():
            text = (
                f"the control has nobody, of {people:,.0f} people in all: there is "
                "nothing to compare with. Compare variations with control=<variation>"
            )
            yield _of_arm(arms, family, control, text)


def _small_counts(_: Looked, arms: Experiments) -> Iterator[Finding]:
    expected: dict[int, float] = {}
    for families, above, below in _primary(arms):
        sums = zip(below.sum(axis=2).tolist(), above.sum(axis=(1, 2)), strict=True)
        for family, (units, events) in zip(families, sums, strict=True):
            control = family.control
            fewest = min((count for count in units if count > 0), default=0.0)
            least = fewest if control is None else units[family.arms.index(control)]
            if fewest:
                expected[family.number] = least * float(events) / sum(units)
    for family in arms.families:
        if expected.get(family.number, FEWEST_EXPECTED) < FEWEST_EXPECTED:
            where = "the control" if family.control is not None else "a variation"
            text = (
                f"{expected[family.number]:.1f} conversions are expected in {where}, "
                f"and a comparison wants {FEWEST_EXPECTED:.0f} or more. "
                f"{CAVEATS['small_counts'].remedy}"
            )
            yield _of_test(arms, family, text)


def _primary(arms: Experiments) -> Iterator[tuple[list[Experiment], Floats, Floats]]:
    """Yield tests with as many arms each, their primary conversions and recipients.

    Of shape (tests, arms, days); 0 on days that not all arms have.
    """
    daily = arms.daily(define(PRIMARY_RATE, arms.channels))
    for families in alike(arms.families):
        mine = np.array([family.arms for family in families])
        given = daily.given[mine].all(axis=1, keepdims=True)
        above, below = (np.where(given, side[mine], 0) for side in daily[:2])
        yield families, above, below


def _overdispersion(_: Looked, arms: Experiments) -> Iterator[Finding]:
    defined = define(PRIMARY_RATE, arms.channels)
    once = {name for name, one in defined.items() if one.kind == "proportion"}
    seen: list[tuple[Experiment, tuple[int, int]]] = []
    sides: list[tuple[Floats, ...]] = []
    for families, above, below in _primary(arms):
        asked = np.array([family.channel in once for family in families])
        chosen = np.flatnonzero(asked & below.any(axis=(1, 2)))
        for one, other in combinations(range(above.shape[1]), 2):
            pairs = [(of.arms[one], of.arms[other]) for of in families]
            seen += [(families[n], pairs[n]) for n in chosen]
            counts = (above[:, one], below[:, one], above[:, other], below[:, other])
            sides.append(tuple(part[chosen] for part in counts))
    if not seen:
        return
    days = DailyCounts(*(np.concatenate(part) for part in zip(*sides, strict=True)))
    several = np.asarray(days.sending.sum(axis=1) > 1)
    found = dispersion_of(days, jackknife(*days.by_day(several)))
    campaigns = np.array([arms.campaign_of[couple[0]] for _, couple in seen])
    p_values = adjust_families(found.p_value, campaigns, "holm")
    rows = sorted(range(len(seen)), key=lambda row: seen[row][0].number)
    for row in rows:
        (family, couple), ratio, p_value = seen[row], found.ratio[row], p_values[row]
        if p_value < RARE:
            names = [repr(arms.labels[arm]) for arm in couple]
            caveat = CAVEATS["overdispersion"]
            text = (
                f"conversions of {names[0]} and {names[1]}: {caveat.why}: {ratio:.1f}. "
                f"{caveat.remedy}"
            )
            yield _of_test(arms, family, text)


def _repeated_users(looked: Looked, arms: Experiments) -> Iterator[Finding]:
    rare = looked.people.rare
    for family in _tests(arms):
        if family.place in rare:
            text = f"{SAME_PEOPLE.why}: {rare[family.place][1]}. {SAME_PEOPLE.remedy}"
            yield _of_test(arms, family, text)


def _successes_exceed_units(_: Looked, arms: Experiments) -> Iterator[Finding]:
    families = {arm: family for family in arms.families for arm in family.arms}
    for metric in metrics_of(arms.channels):
        defined = {
            channel: one
            for channel, one in define(metric, arms.channels).items()
            if one.kind == "proportion"
        }
        daily = arms.daily(defined)
        above, below = daily.above.sum(axis=1), daily.below.sum(axis=1)
        for arm in np.flatnonzero(above > below):
            text = (
                f"{metric} is {above[arm]:,.10g} of {below[arm]:,.10g}, more than "
                "100 %: the days hold what came of earlier sends, or people count many "
                "times. Read from the first send on, or use lift(…, se='day')"
            )
            yield _of_arm(arms, families[int(arm)], int(arm), text)


def _clicks_exceed_opens(_: Looked, arms: Experiments) -> Iterator[Finding]:
    clicks, opens = (arms.table(stat)[0].sum(axis=1) for stat in CLICKS_AND_OPENS)
    given = np.asarray(arms.table(CLICKS_AND_OPENS[1])[1].any(axis=1))
    for family in arms.families:
        for arm in family.arms:
            if given[arm] and clicks[arm] > opens[arm]:
                text = (
                    f"{clicks[arm]:,.0f} unique clicks and {opens[arm]:,.0f} unique "
                    "opens: people click without an open that is seen (images off), or "
                    "scanners click. Divide clicks by delivered (unique_click_rate)"
                )
                yield _of_arm(arms, family, arm, text)


def _machine_opens(_: Looked, arms: Experiments) -> Iterator[Finding]:
    machine, opens = (arms.table(stat)[0].sum(axis=1) for stat in MACHINE_OPENS)
    for family in arms.families:
        made, whole = machine[family.arms].sum(), opens[family.arms].sum()
        if made > whole / 2:
            text = (
                f"{made / whole:.0%} of {whole:,.0f} opens were made by machines: open "
                "rates say little of people. Look at clicks and conversions"
            )
            yield _of_test(arms, family, text)


def _dates(arms: Experiments, arm: int) -> Any:
    return arms.dates[arms.campaign_of[arm]].astype("datetime64[D]")


def _of_test(arms: Experiments, family: Experiment, text: str) -> Finding:
    days = _dates(arms, family.arms[0])[arms.present[family.arms].any(axis=0)]
    return Finding(text, days[0], days[-1], family.campaign, family.channel)


def _of_arm(
    arms: Experiments, family: Experiment, arm: int, text: str, days: Any = None
) -> Finding:
    found = _of_test(arms, family, text)._replace(variation=arms.labels[arm])
    return found if days is None else found._replace(first=days[0], last=days[-1])


DAY_RULES: tuple[tuple[str, Severity, Callable[[Looked], Iterator[Finding]]], ...] = (
    ("missing_days", "warning", _missing_days),
    ("unsettled_days", "info", _unsettled_days),
    ("partial_today", "warning", _partial_today),
)
ARM_RULES: tuple[
    tuple[str, Severity, Callable[[Looked, Experiments], Iterator[Finding]]], ...
] = (
    ("missing_days", "warning", _missing_rows),
    ("totals_disagree", "error", _totals_disagree),
    ("sample_ratio_mismatch", "error", _sample_ratio_mismatch),
    ("allocation_change", "warning", _allocation_change),
    ("control_was_sent", "error", _control_was_sent),
    ("zero_control", "error", _zero_control),
    ("small_counts", "warning", _small_counts),
    ("overdispersion", "warning", _overdispersion),
    (REPEATED, "warning", _repeated_users),
    ("successes_exceed_units", "warning", _successes_exceed_units),
    ("clicks_exceed_opens", "info", _clicks_exceed_opens),
    ("machine_opens", "info", _machine_opens),
)
