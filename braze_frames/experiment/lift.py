"""Lift: each variation against its control, with intervals and tests."""

import numbers
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, get_args

import numpy as np
import pandas as pd

from braze_frames.core.arguments import check_choice, check_share
from braze_frames.core.parts import Elsewhere, answered
from braze_frames.experiment.caveats import (
    NOBODY,
    Cases,
    PeopleSeen,
    cases_of,
    merge_cases,
    merge_people,
    people_seen,
    warn_of_caveats,
    warn_of_returning_people,
)
from braze_frames.experiment.comparisons import MetricComparisons, Question
from braze_frames.experiment.design import experiments_of
from braze_frames.experiment.gather import (
    Scope,
    arms_of,
    merge_scopes,
    of_like_length,
    scope_of,
    together,
)
from braze_frames.experiment.pairs import (
    Control,
    Judged,
    LiftRequest,
    Se,
    Stratify,
    check_campaigns,
    check_usable,
    judged,
)
from braze_frames.frame.provenance import (
    labelled,
    settled_until_each,
    significant_attrs,
)
from braze_frames.schema.units import units_of
from braze_frames.stats.bayes import check_prior
from braze_frames.stats.contrasts import Options
from braze_frames.stats.multiplicity import Adjustment
from braze_frames.stats.power import check_deff

_SHIFTED = "allocation_change"
_SHIFT_NOTE = "the split moved, and pooled totals can make up a difference from that"


def lift(
    df: pd.DataFrame,
    metric: str | Sequence[str],
    control: Control = None,
    *,
    se: Se = "auto",
    stratify: Stratify = "auto",
    sequential: bool = False,
    tau: float = 0.10,
    adjust: Adjustment = "holm",
    conf_level: float = 0.95,
    deff: float = 1.0,
    pairs: bool = False,
    prior: tuple[float, float] | None = None,
    cumulative: bool = False,
    margin: float | None = None,
) -> pd.DataFrame:
    """Compare variations with their control: how much better, and how sure is that.

    Parameters
    ----------
    df : DataFrame
        The variation grain, of one or several campaigns. Each channel of each campaign
        is compared by itself.
    metric : str or list of str
        A name of ``bf.glossary()``, or several. ``conversion_rate_by_send_time`` is the
        one to prefer: its conversions belong to the day of their send.
    control : str or mapping of str to str, optional
        The variation to compare with, or campaign → variation. None, and for campaigns
        that the mapping does not name: the only one with a value in ``enrolled``, else
        the one named "Control Group".
    se : {"auto", "binomial", "day"}
        Where the error comes from. "binomial": each unit counts once, from the counts;
        "day": from the variance between days, for what can count many times. "auto"
        goes by the metric's kind in its channel: binomial for a ``proportion``, else
        day.
    stratify : {"auto", "date", None}
        Compare day by day, then put the days together, so that a split that moved makes
        up no lift. "auto": metrics whose numerator belongs to the day of its
        denominator (``same_day``), with more than one sending day. "date" forces it for
        any proportion, None compares totals.
    sequential : bool
        Settled numbers that may be looked at every day: wider, and right over all
        looks. Numbers that still grow are never right, however they are looked at. A
        decision once made stands, also where a later look is less sure.
    tau : float
        The scale of plausible log lifts, for ``sequential``; fix it before you look.
    adjust : {"holm", "bonferroni", "fdr_bh", "none"}
        How ``p_adjusted`` makes up for several variations of one test. Over many tests
        it makes up for nothing: of 50 tests without any effect, one or more are
        significant in 92 %. ``df.braze.tests()`` judges them together.
    conf_level : float
        Of intervals and of ``significant``.
    deff : float
        Multiplies the variance where the same people are counted many times: near 1 +
        (times counted - 1) x rho, rho being how alike the outcomes of one person are.
    pairs : bool
        Compare all variations with each other: the control second, in pairs without it
        the one with the lower rate.
    prior : tuple of float, optional
        a and b of a Beta prior, (0.5, 0.5) is Jeffreys': adds ``prob_to_beat`` and
        ``expected_loss``, for proportions.
    cumulative : bool
        A row for each day, with the days so far; sorted by day.
    margin : float, optional
        A lift to rule out: -0.02 asks whether the variation is not worse by 2 % or
        more, 0.02 (of unsubscribes, say) whether it is not higher by 2 % or more. Adds
        ``p_margin`` and ``non_inferior``.

    Returns
    -------
    DataFrame
        One row a variation, the control itself left out. Index (``campaign``,)
        ``channel``, ``variation``; a list of metrics puts ``metric`` in front,
        ``cumulative`` adds ``date``, ``pairs`` has ``control`` at the end. Columns:

        - ``metric``, ``control`` str.
        - ``numerator``, ``denominator`` Float64, ``rate`` float64, and the same with
          ``control_``: sums over all days on which both have the stats.
        - ``diff``, ``diff_low``, ``diff_high`` float64: difference of rates. By day it
          is the weighted mean of the days' differences and need not equal
          ``rate - control_rate``; so does ``lift``. Over days its limits are those of
          the lift at the control's rate of these days.
        - ``lift``, ``lift_low``, ``lift_high`` float64: 0.1 is 10 % more than the
          control. ``lift_high`` is infinite where the control has no success.
        - ``incremental``, ``incremental_low``, ``incremental_high`` float64: ``diff``
          times the variation's units on the days compared: what it brought over what
          its people would have done under the control, in conversions, clicks or USD.
        - ``statistic`` float64 (z, or t over days), ``p_value``, ``p_adjusted``
          float64. Intervals are not adjusted, so that with several variations
          ``significant``, which follows ``p_adjusted``, can differ from them.
        - ``confidence`` float64: 1 - p of the pooled two-sided Z test, our reading of
          the dashboard's figure, which can differ from ours.
        - ``significant`` boolean: ``p_adjusted`` < 1 - ``conf_level``.
        - ``eff_days`` float64: days, weighed by their size. ``dispersion`` float64: the
          variance of the log ratio between days over that of counts alone; 1 is none.
        - ``mde`` float64: the log lift that such a test finds with a power of 80 %, so
          that "not significant" is not read as "no effect".
        - ``prob_to_beat``, ``expected_loss`` float64, with ``prior``.
        - ``p_margin`` float64, one-sided, and ``non_inferior`` boolean, ``p_margin`` <
          1 - ``conf_level``, with ``margin``.
        - ``method`` str: what was done. ``note`` str: why something is NaN, or was done
          otherwise.

    Raises
    ------
    FrameError
        The frame has no variations or no rows; there is no such metric or control, or
        no control at all; the control receives nothing and the metric is of what is
        received; there is one variation only; a count is negative. With several tests
        only where none is left.
    ValueError
        An argument is none of its choices, or does not fit the kind of the metric.

    Warns
    -----
    StatisticsWarning
        Once for each kind of doubt, with its numbers and what helps: the same people on
        many days (as ``check`` finds them), fewer than 5 expected successes, few or
        uneven days, a split that moved under pooled totals, days that still grow, tests
        that could not be compared.

    Notes
    -----
    "score": difference by Mee 1984, ratio by Koopman 1984, test by pooled Z, which is
    Pearson's chi-squared. "score, by day": Mantel-Haenszel weights n1 n0 / N of each
    day, limits by Miettinen & Nurminen 1985 (Statistics in Medicine 4:213), test by
    Cochran-Mantel-Haenszel. "day": paired delete-one-day jackknife of the log ratio, t
    with ``eff_days`` - 1 degrees of freedom; "day, by day": the same of the
    Mantel-Haenszel ratio. ", always valid": two-sided normal mixture, Robbins 1970;
    Waudby-Smith et al. 2024. p-value and both intervals come from one test, so that
    they agree. ``margin``: the statistic that the limits invert, at the margin.
    ``adjust``: Holm 1979, Benjamini & Hochberg 1995. Where ``unique_recipients`` of a
    variation is 0 or missing on all days, ``enrolled`` takes its place.
    ``attrs["braze"]`` says what was asked.

    What sums of days cannot know: whether people in changing numbers are the same ones
    on many days (intervals are then too short, and ``deff`` is for you to judge), how
    alike one person's outcomes are, covariates (CUPED) and segments. Two limits of the
    day method: days that resemble their neighbours shorten its intervals (at a
    correlation of 0.6 they hold the truth in 72 % instead of 95 %), and revenue with
    extreme orders and a small control (90 to 10) is held in 92 %, missed on one side.
    Conversions come in for up to 30 days after the send, and a message that makes
    people buy sooner looks better on young days than it is: read ``settled()`` days.

    Examples
    --------
    >>> import braze_frames as bf
    >>> counts = {"Red": (9000, 540), "Control Group": (9000, 450)}
    >>> entries = [
    ...     {"variation_name": name, "unique_recipients": n, "conversions": x}
    ...     for name, (n, x) in counts.items()
    ... ]
    >>> day = {"time": "2026-03-01", "messages": {"email": entries}}
    >>> df = bf.read_braze_series({"data": [day]})
    >>> found = df.braze.lift("conversion_rate")
    >>> found[["rate", "control_rate", "lift", "lift_low", "lift_high"]].round(3)
                       rate  control_rate  lift  lift_low  lift_high
    channel variation
    email   Red        0.06          0.05   0.2     0.063      0.355
    """
    asked = LiftRequest("", control, se, stratify, pairs, prior)
    options = Options(conf_level, deff, sequential, tau, margin=margin)
    return compare(df, metric, asked, options, adjust, cumulative=cumulative)


def compare(
    df: pd.DataFrame,
    metric: str | Sequence[str],
    asked: LiftRequest,
    options: Options,
    adjust: Adjustment = "holm",
    *,
    cumulative: bool = False,
) -> pd.DataFrame:
    """Do what ``lift`` says, with its keywords in ``asked`` and ``options``."""
    _check(asked, options, adjust)
    names = [metric] if isinstance(metric, str) else list(metric)
    if not names:
        raise ValueError("metric=[] asks for nothing; bf.glossary() lists all metrics")
    levels = [] if isinstance(metric, str) else ["metric"]
    return answered(df, LiftSteps(names, levels, asked, options, adjust, cumulative))


class ComparedPart(NamedTuple):
    """The comparisons of some parts: for each metric its tables, tests and doubts."""

    scope: Scope
    tables: Sequence[Sequence[pd.DataFrame]]
    tests: Sequence[Sequence[Judged]]
    cases: Sequence[Cases]
    people: PeopleSeen

    def warn(self, cases: Iterable[Cases], options: Options) -> None:
        """Warn once of each kind of doubt; of what ``deff`` answers without it only."""
        warn_of_caveats(merge_cases(cases))
        if options.deff == 1:
            compared = {t.name: t.place for t in chain(*self.tests) if t.kept}
            warn_of_returning_people(self.people, compared)


def merge_compared(parts: Sequence[ComparedPart]) -> ComparedPart:
    """Put parts together, in the order of campaigns."""
    if len(parts) == 1:
        return parts[0]
    scope = merge_scopes([part.scope for part in parts])

    def of_metrics(name: str) -> list[list[Any]]:
        groups = zip(*(getattr(part, name) for part in parts), strict=True)
        return [[*group] for group in groups]

    def ordered(cases: Cases) -> Cases:
        items = {
            kind: scope.in_order(one.items(), first) for kind, one in cases.items()
        }
        return {kind: dict(one) for kind, one in items.items()}

    first = itemgetter(0)
    return ComparedPart(
        scope,
        [[*chain(*group)] for group in of_metrics("tables")],
        [
            scope.in_order(chain(*group), lambda test: test.place[0])
            for group in of_metrics("tests")
        ],
        [ordered(merge_cases(group)) for group in of_metrics("cases")],
        merge_people([part.people for part in parts]),
    )


class LiftSteps(NamedTuple):
    """The steps of ``lift``; ``levels`` stand in front of its index."""

    metrics: list[str]
    levels: list[str]
    asked: LiftRequest
    options: Options
    adjust: Adjustment
    cumulative: bool

    @property
    def needs_whole_campaigns(self) -> bool:
        """Variations are compared within their campaign."""
        return True

    def partial(self, df: pd.DataFrame, _: Elsewhere | None = None) -> ComparedPart:
        """Compare the variations of a part."""
        return self.merge([self._compared(part) for part in of_like_length(df)])

    def _compared(self, df: pd.DataFrame) -> ComparedPart:
        arms = arms_of(df)
        scope = scope_of(df, arms)
        if arms is None:
            none: list[Any] = [[] for _ in self.metrics]
            return ComparedPart(scope, none, none, [{} for _ in none], NOBODY)
        settled = settled_until_each(df, arms.campaigns)
        how = (self.asked, self.options, self.adjust, self.cumulative, settled)
        found = [MetricComparisons(arms, n, Question(*how)) for n in self.metrics]
        levels = [*self.levels, *(["campaign"] if "campaign" in arms.of_level else [])]
        levels += ["date"] if self.cumulative else []
        levels += ["channel", "variation", *(["control"] if self.asked.pairs else [])]
        tables = [[one.table(levels)] if one.pairs else [] for one in found]
        tests = [judged(one.pairs) for one in found]
        cases = [cases_of(one.signs) for one in found]
        return ComparedPart(scope, tables, tests, cases, people_seen(arms))

    def merge(self, parts: Sequence[ComparedPart]) -> ComparedPart:
        """Put the comparisons of parts together."""
        return merge_compared(parts)

    def finish(self, part: ComparedPart) -> pd.DataFrame:
        """Return the table of the whole; refuse, and warn of doubts."""
        scope, names = part.scope, self.metrics
        for name in names:
            scope.check_metric(name)
        check_campaigns(self.asked.control, scope)
        check_usable([*chain(*part.tests)], scope)
        found = [together(of, several=scope.several) for of in part.tables if of]
        table = pd.concat(found) if len(found) > 1 else found[0]
        part.warn(part.cases, self.options)
        about = {"metrics": names, "adjust": self.adjust}
        sure = {
            "units": units_of(table, names),
            "conf_level": float(self.options.conf_level),
            "deff": float(self.options.deff),
        }
        sure |= significant_attrs(table)
        return labelled(table, {**about, **sure, **scope.days()})


class AllSteps(NamedTuple):
    """The steps of comparing all tests, in pairs where there is no control.

    The tables are those of ``lift`` for the metric, and for each of the others with the
    same pairs; the control stands in a column, missing where nothing was compared.
    """

    metric: str
    others: Sequence[str] = ()

    def partial(self, df: pd.DataFrame) -> ComparedPart:
        """Compare the tests of a part, which has rows."""
        arms = experiments_of(df)
        asked = LiftRequest("", pairs="where needed")
        settled = settled_until_each(df, arms.campaigns)
        question = Question(asked, Options(), "holm", False, settled)
        first = MetricComparisons(arms, self.metric, question)
        found = [
            MetricComparisons(arms, name, question, first.pairs) for name in self.others
        ]
        levels = ["campaign"] if "campaign" in arms.of_level else []
        levels += ["channel", "variation"]
        tables = [one.table(levels) for one in (first, *found)]
        for one, table in zip(found, tables[1:], strict=True):
            table["note"] = np.where(one.doubted(_SHIFTED), _SHIFT_NOTE, table["note"])
        shifted = [cases_of(s.only(_SHIFTED) for s in one.signs) for one in found]
        return ComparedPart(
            scope_of(df, arms),
            [[table] for table in tables],
            [judged(first.pairs), *([] for _ in found)],
            [cases_of(first.signs), *shifted],
            people_seen(arms),
        )

    def check(self, part: ComparedPart) -> None:
        """Refuse what the whole cannot give; warn of doubts.

        Raises
        ------
        FrameError
            It can't give one of the metrics.
        """
        for name in (self.metric, *self.others):
            part.scope.check_metric(name)
        part.warn(part.cases[:1], Options())
        warn_of_caveats(merge_cases(part.cases[1:]))


def _check(asked: LiftRequest, options: Options, adjustment: str) -> None:
    check_choice("se", asked.se, get_args(Se))
    check_choice("stratify", asked.stratify, ("auto", "date", None))
    check_choice("adjust", adjustment, get_args(Adjustment))
    check_share("conf_level", options.conf_level)
    check_deff(options.deff)
    if not options.tau > 0:
        raise ValueError(
            f"tau={options.tau!r} is no scale of plausible log lifts, as 0.1 is"
        )
    if options.margin is not None:
        _check_margin(options.margin)
    if asked.prior is not None:
        check_prior(asked.prior)


def _check_margin(margin: float) -> None:
    number = isinstance(margin, numbers.Real) and not isinstance(margin, bool)
    if not number or not -1 < margin < np.inf or margin == 0:
        raise ValueError(
            f"margin={margin!r} is no lift to rule out: -0.02 asks whether the "
            "variation is not 2 % worse, 0.02 whether it is not 2 % higher"
        )
