"""What a comparison answers: its numbers, the method that gave them, and notes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from braze_frames.core.arrays import Flags
from braze_frames.experiment.pairs import LiftRequest
from braze_frames.schema.rates import BETTER
from braze_frames.scores.tables import Looks, Tables, quotient
from braze_frames.stats.bayes import beta_binomial
from braze_frames.stats.contrasts import (
    FIRST_LOOK,
    INFORMED_DAYS,
    AnyDays,
    Contrast,
    DaysSoFar,
    Options,
    day_contrast,
    dispersion_of,
    log_variance,
    score_contrast,
)
from braze_frames.stats.distributions import two_sided
from braze_frames.stats.jackknife import FEWEST_DAYS, Jackknife
from braze_frames.stats.power import detectable
from braze_frames.stats.scores import null_test

Columns = dict[str, Any]
_FEARLESS = "margin= is on the side that no one fears; turn its sign"
SCORE, BY_DAY = "score", "score, by day"
DAY, DAY_BY_DAY = "day", "day, by day"
WITHIN_DAYS, OVER_DAYS = (BY_DAY, DAY_BY_DAY), (DAY, DAY_BY_DAY)
_ALWAYS_VALID = ", always valid"


class Comparison(NamedTuple):
    """Comparisons of one metric, one a row, with the days of both arms.

    ``both``: the days on which both arms have the metric's stats; ``early``: the first
    day of the frame has units; ``enrolled``: an arm has the enrolled for denominator.
    """

    days: AnyDays
    both: Flags
    proportion: Flags
    same_day: Flags
    early: Flags
    enrolled: Flags
    refusals: Any

    def so_far(self, looks: Looks) -> "Comparison":
        """Return a comparison for each look at the days so far."""
        days = DaysSoFar(self.days.daily, looks)
        return Comparison(days, self.both, *(one[looks.series] for one in self[2:]))


def answer(case: Comparison, asked: LiftRequest, options: Options) -> Columns:
    """Answer comparisons: an array for each column of the table."""
    methods = _methods(case, asked)
    by_day = np.isin(methods, WITHIN_DAYS)
    found = case.days.jackknife(by_day)
    columns = _sums(case)
    columns |= _contrasts(case, methods, found, options)
    columns |= _confidence(case)
    columns |= _days(case, found)
    columns |= _detectable(case, methods, found, options)
    if asked.prior is not None:
        columns |= _beliefs(case, asked.prior, options)
    columns["wanted"] = _wanted(case, asked)
    columns["chosen"] = methods
    columns["by_day"] = by_day
    daily = case.days.daily
    apart = np.where(daily.sending, 0, daily.n1 + daily.n0)
    columns["apart"] = case.days.sums(apart)
    columns |= _incremental(case, columns)
    columns["method"] = _named(methods, case, options)
    columns["note"] = _notes(case, methods, found, columns, options)
    if on_the_safe_side(asked.metric, options.margin):
        joined = np.where(columns["note"] == "", _FEARLESS, f"; {_FEARLESS}")
        columns["note"] += np.where(np.isnan(columns["p_margin"]), "", joined)
    return columns


def on_the_safe_side(metric: str, margin: float | None) -> bool:
    """Whether a margin is on the side that no one fears: of opens, more of them."""
    return margin is not None and (margin < 0) != (BETTER.get(metric, "up") == "up")


def _methods(case: Comparison, asked: LiftRequest) -> Any:
    """Choose a method for each row: by kind and by what is asked, never by result."""
    possible = _possible(case)
    score = case.proportion & (asked.se != "day")
    by_day = _wanted(case, asked) & (_sending(case) != 1)
    chosen = [by_day & score & possible, by_day & ~score, score]
    return np.select(chosen, [BY_DAY, DAY_BY_DAY, SCORE], DAY)


def _wanted(case: Comparison, asked: LiftRequest) -> Flags:
    """Tell which rows are to be compared within days."""
    auto = asked.stratify == "auto" and asked.prior is None
    return case.same_day & auto | (asked.stratify == "date")


def _sending(case: Comparison) -> Any:
    return case.days.sums(case.days.daily.sending)


def _possible(case: Comparison) -> Any:
    """Tell where no day has more successes than units."""
    return case.days.sums(~case.days.daily.possible) == 0


def _sums(case: Comparison) -> Columns:
    known = case.days.sums(case.both) > 0
    y1, n1, y0, n0 = (
        np.where(known, part[:, 0], np.nan) for part in case.days.totals()
    )
    return {
        "numerator": y1,
        "denominator": n1,
        "rate": quotient(y1, n1, np.nan),
        "control_numerator": y0,
        "control_denominator": n0,
        "control_rate": quotient(y0, n0, np.nan),
    }


def _contrasts(
    case: Comparison, methods: Any, found: Jackknife, options: Options
) -> Columns:
    columns = {name: np.full(len(methods), np.nan) for name in Contrast._fields}
    for method, compare in _compare(options).items():
        rows = np.flatnonzero(methods == method)
        if len(rows):
            between = Jackknife(*(part[rows] for part in found))
            of_rows = compare(case.days.rows(rows), between)
            for name, values in of_rows._asdict().items():
                columns[name][rows] = values
    for name in ("diff", "lift"):
        columns[name][~_has_units(case)] = np.nan
    return columns


def _compare(
    options: Options,
) -> dict[str, Callable[[AnyDays, Jackknife], Contrast]]:
    return {
        SCORE: lambda days, _: score_contrast(days, options, by_day=False),
        BY_DAY: lambda days, _: score_contrast(days, options, by_day=True),
        DAY: lambda days, found: day_contrast(days, found, options),
        DAY_BY_DAY: lambda days, found: day_contrast(days.by_day(), found, options),
    }


def _has_units(case: Comparison) -> Flags:
    totals = case.days.totals()
    return np.asarray((totals.n1[:, 0] > 0) & (totals.n0[:, 0] > 0))


def _without_success(case: Comparison) -> Flags:
    totals = case.days.totals()
    return np.asarray((totals.y1[:, 0] == 0) & (totals.y0[:, 0] == 0))


def _fits(case: Comparison) -> Flags:
    """Tell where both totals are proportions."""
    possible: Flags = case.days.totals().possible[:, 0]
    return possible & case.proportion & _has_units(case)


def _confidence(case: Comparison) -> Columns:
    """Read Braze's own figure: 1 - p of the pooled two-sided Z on the totals."""
    fits = _fits(case)
    x1, n1, x0, n0 = (np.where(fits[:, None], part, 0) for part in case.days.totals())
    return {"confidence": 1 - two_sided(null_test(Tables(x1, n1, x0, n0)).z)}


def _days(case: Comparison, found: Jackknife) -> Columns:
    """Return how the days replicate, and how much more they vary than counts would."""
    dispersion = dispersion_of(case.days, found)
    return {
        "eff_days": np.where(found.eff_days > 0, found.eff_days, np.nan),
        "dispersion": np.where(case.proportion, dispersion.ratio, np.nan),
        "dispersion_p": dispersion.p_value,
    }


def _detectable(
    case: Comparison, methods: Any, found: Jackknife, options: Options
) -> Columns:
    """Return the log lift that such a test finds with a power of 80 %."""
    with np.errstate(invalid="ignore"):
        counted = np.where(_fits(case), np.sqrt(log_variance(case.days)), np.nan)
    between = np.where(found.known(), found.log_error, np.nan)
    error = np.where(np.isin(methods, OVER_DAYS), between, counted)
    return {"mde": detectable(error * np.sqrt(options.deff), options.conf_level)}


def _incremental(case: Comparison, columns: Columns) -> Columns:
    """Return what the variation's units brought more than under the control."""
    daily = case.days.daily
    shared = case.days.sums(np.where(daily.sending, daily.n1, 0))
    units = np.where(columns["by_day"], shared, case.days.sums(daily.n1))
    ends = ("", "_low", "_high")
    return {f"incremental{end}": units * columns[f"diff{end}"] for end in ends}


def _beliefs(case: Comparison, prior: tuple[float, float], options: Options) -> Columns:
    fits = _fits(case)
    x1, n1, x0, n0 = (
        np.where(fits, part[:, 0] / options.deff, np.nan) for part in case.days.totals()
    )
    return beta_binomial(x1, n1, x0, n0, prior)._asdict()


def _named(methods: Any, case: Comparison, options: Options) -> Any:
    suffix = _ALWAYS_VALID if options.sequential else ""
    return np.where(case.refusals != "", "", np.char.add(methods, suffix)).astype(
        object
    )


def _notes(
    case: Comparison, methods: Any, found: Jackknife, columns: Columns, options: Options
) -> Any:
    """Say in each row why something is NaN, or what was done otherwise."""
    texts = [[text] if text else [] for text in case.refusals]
    answered = case.refusals == ""
    rules = [
        *_sum_rules(case, methods, columns),
        *_day_rules(case, methods, columns),
        *_replication_rules(case, methods, found, columns, options),
    ]
    for flags, text in rules:
        for row in np.flatnonzero(flags & answered):
            texts[row].append(
                text.format(**{name: values[row] for name, values in columns.items()})
            )
    return np.array(["; ".join(row) for row in texts], dtype=object)


Rule = tuple[Any, str]


def _sum_rules(case: Comparison, methods: Any, columns: Columns) -> list[Rule]:
    units = _has_units(case)
    undefined = units & np.isnan(columns["lift"]) & np.isfinite(columns["p_value"])
    open_end = np.isinf(columns["lift_high"])
    given = case.days.sums(case.both) > 0
    score = ~np.isin(methods, OVER_DAYS)
    excess = units & case.proportion & ~_fits(case) & score
    return [
        (~given, "no day on which both have the stats of this metric"),
        (given & ~units, "nobody was counted: a denominator is 0"),
        (case.enrolled, "divided by the enrolled: there are no recipients on any day"),
        (excess, "more successes than units: use se='day'"),
        (undefined & open_end, "no success in the control: lift has no upper limit"),
        (undefined & ~open_end, "no success in the control: any lift fits"),
    ]


def _day_rules(case: Comparison, methods: Any, columns: Columns) -> list[Rule]:
    wanted, sending = columns["wanted"], _sending(case)
    score = ~np.isin(methods, OVER_DAYS)
    broken = score & ~_possible(case)
    apart = columns["by_day"] & (sending > 0) & (columns["apart"] > 0)
    return [
        (
            columns["by_day"] & (sending == 0) & _has_units(case),
            "no day has both; stratify=None pools",
        ),
        (wanted & score & (sending == 1), "one sending day, so pooled"),
        (
            wanted & broken & (sending > 1),
            "more successes than units on a day, so pooled",
        ),
        (apart, "{apart:.0f} units left out, of days without the other arm"),
    ]


def _replication_rules(
    case: Comparison, methods: Any, found: Jackknife, columns: Columns, options: Options
) -> list[Rule]:
    tested = (found.eff_days > 0) & ~_without_success(case)
    days = np.isin(methods, OVER_DAYS) & _has_units(case) & tested
    few, zero = found.eff_days < FEWEST_DAYS, ~np.isfinite(found.log_error)
    soon = (found.days < FIRST_LOOK) | (found.eff_days < INFORMED_DAYS)
    return [
        (days & few, "{eff_days:.1f} effective days: no interval below 4"),
        (days & ~few & zero, "a sum, or one without some day, is 0: no interval"),
        (
            days & ~few & ~zero & soon & options.sequential,
            f"looks over days start at {FIRST_LOOK} days and {INFORMED_DAYS:.0f} "
            "effective days",
        ),
        (
            days & np.isfinite(columns["p_value"]) & np.isnan(columns["lift_low"]),
            "hardly any information yet: any lift fits",
        ),
        (
            case.early & options.sequential,
            "the frame starts on a sending day: sends before it are not counted",
        ),
    ]
