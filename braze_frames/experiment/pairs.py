"""Which arms are compared with which, and why some can't be."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np

from braze_frames.errors import FrameError, StatisticsWarning, listed, warn
from braze_frames.experiment.design import Daily, Experiment, Experiments
from braze_frames.experiment.gather import Scope
from braze_frames.schema.channels import RECEIVED_STATS
from braze_frames.schema.formulas import Definition, metrics_of

Se = Literal["auto", "binomial", "day"]
Stratify = Literal["auto", "date"] | None
Pairing = bool | Literal["where needed"]
Control = str | Mapping[str, str] | None


class LiftRequest(NamedTuple):
    """What the user asks of one metric.

    ``pairs`` "where needed": where there is no control, or it can't have the metric.
    """

    metric: str
    control: Control = None
    se: Se = "auto"
    stratify: Stratify = "auto"
    pairs: Pairing = False
    prior: tuple[float, float] | None = None


class Pair(NamedTuple):
    """A variation and its control, by number; ``refusal`` says why it can't be."""

    family: Experiment
    arm: int
    control: int | None
    refusal: Exception | None = None


def plan_pairs(
    arms: Experiments,
    daily: Daily,
    defined: Mapping[str, Definition],
    asked: LiftRequest,
) -> list[Pair]:
    """Return the comparisons of one metric, in the order of the frame's labels."""
    return [
        _turned(daily, pair, _control(arms, pair.family, asked.control)[0])
        for family in arms.families
        for pair in _pairs(arms, family, defined, asked)
    ]


def repeat_pairs(
    arms: Experiments,
    pairs: Sequence[Pair],
    defined: Mapping[str, Definition],
    asked: LiftRequest,
) -> list[Pair]:
    """Return the same comparisons for another metric, where it can have them."""

    def again(pair: Pair) -> Exception | None:
        definition = defined.get(pair.family.channel)
        couple = [arm for arm in (pair.arm, pair.control) if arm is not None]
        refusals = (refuse_unsent(arms, pair.family, a, definition) for a in couple)
        unfit = pair.refusal or _unfit(pair.family, definition, asked)
        return unfit or next(filter(None, refusals), None)

    return [pair._replace(refusal=again(pair)) for pair in pairs]


def check_campaigns(control: Control, scope: Scope) -> None:
    """Refuse a control of a campaign that is not there.

    Raises
    ------
    FrameError
        Names both.
    """
    if not isinstance(control, Mapping):
        return
    unknown = [name for name in control if name not in scope.campaigns]
    if unknown:
        has = listed(map(repr, scope.campaigns)) or "no level campaign"
        raise FrameError(
            f"control= names the campaign {unknown[0]!r}, and the frame has {has}"
        )


def _turned(daily: Daily, pair: Pair, control: int | None) -> Pair:
    """Put the control second, in pairs without it the lower rate."""
    if pair.control is None or pair.control == control:
        return pair
    swapped = pair._replace(arm=pair.control, control=pair.arm)
    if pair.arm == control:
        return swapped
    both = daily.given[pair.arm] & daily.given[pair.control]
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, base = (
            daily.above[arm][both].sum() / daily.below[arm][both].sum()
            for arm in (pair.arm, pair.control)
        )
    return swapped if base > rate else pair


class Judged(NamedTuple):
    """A test of one metric: whether something of it is compared, and what is not."""

    name: str
    place: tuple[str | None, str]
    kept: bool
    refusal: Exception | None


def judged(pairs: Sequence[Pair]) -> list[Judged]:
    """Return the tests of pairs, in their order."""
    tests: dict[str, list[Pair]] = {}
    for pair in pairs:
        tests.setdefault(pair.family.name, []).append(pair)
    found = []
    for name, own in tests.items():
        refusals = [pair.refusal for pair in own if pair.refusal is not None]
        kept, first = len(refusals) < len(own), next(iter(refusals), None)
        found.append(Judged(name, own[0].family.place, kept, first))
    return found


def check_usable(tests: Sequence[Judged], scope: Scope) -> None:
    """Refuse a call of which nothing is left; warn once of what else is refused.

    Raises
    ------
    FrameError, ValueError
        Nothing can be compared: the reason of the first family.
    """
    if not any(test.kept for test in tests):
        raise (tests and tests[0].refusal) or scope.single_variation_error()
    _warn_of_refusals(tests)


def _pairs(
    arms: Experiments,
    family: Experiment,
    defined: Mapping[str, Definition],
    asked: LiftRequest,
) -> list[Pair]:
    if len(family.arms) < 2:
        return []
    definition = defined.get(family.channel)
    control, missing = _control(arms, family, asked.control)
    no_control = missing or refuse_unsent(arms, family, control, definition)
    refusal = _unfit(family, definition, asked)
    if asked.pairs is True:
        refusal = refusal or (missing if _names_control(asked, family) else None)
        couples = [*combinations(family.arms, 2)]
    elif asked.pairs == "where needed" and no_control:
        couples = [*combinations(_receiving(arms, family, definition), 2)]
    elif control is None or no_control or refusal:
        couples = []
    else:
        couples = [(control, arm) for arm in family.arms if arm != control]
    if not couples:
        reason = refusal or no_control
        return [Pair(family, arm, None, reason) for arm in family.arms]
    return [
        Pair(
            family, arm, base, refusal or _either(arms, family, (arm, base), definition)
        )
        for base, arm in couples
    ]


def _names_control(asked: LiftRequest, family: Experiment) -> bool:
    """Whether the user names this family's control."""
    named = asked.control
    return family.campaign in named if isinstance(named, Mapping) else named is not None


def _receiving(
    arms: Experiments, family: Experiment, definition: Definition | None
) -> list[int]:
    """Return the arms that the metric can have."""
    return [
        arm
        for arm in family.arms
        if refuse_unsent(arms, family, arm, definition) is None
    ]


def _unfit(
    family: Experiment, definition: Definition | None, asked: LiftRequest
) -> Exception | None:
    """Say why the metric or the method does not fit the family."""
    metric, channel = asked.metric, family.channel
    if definition is None:
        known = ", ".join(metrics_of([channel])) or "no rates that we know"
        return FrameError(f"{channel} has no {metric}; it has {known}")
    by_day, once = asked.stratify == "date", definition.kind == "proportion"
    prior = asked.prior is not None
    wrong = {
        "se='binomial' is wrong; use se='day' or 'auto'": asked.se == "binomial",
        "stratify='date' can't be; leave it at 'auto'": by_day
        and not definition.same_day,
        "prior= can't be; leave it out": prior,
    }
    mixed = {"stratify='date' goes with no prior=; leave one out": by_day and prior}
    reasons = mixed if once else wrong
    why = next((text for text, said in reasons.items() if said), None)
    kind = f"{metric} in {channel} is a {definition.kind}"
    many = "" if once else ", where one unit may count many times"
    return None if why is None else ValueError(f"{kind}{many}: {why}")


def _control(
    arms: Experiments, family: Experiment, asked: Control
) -> tuple[int | None, Exception | None]:
    labels = {arms.labels[arm]: arm for arm in family.arms}
    has = f"{family.name} has the variations {', '.join(map(repr, labels))}"
    name = asked.get(str(family.campaign)) if isinstance(asked, Mapping) else asked
    if name is not None:
        error = FrameError(f"control={name!r} is no variation: {has}")
        return labels.get(name), None if name in labels else error
    if family.control is not None:
        return family.control, None
    hint = "name one with control=, or compare all with pairs=True"
    return None, FrameError(f"no control group found; {hint}. {has}")


def _either(
    arms: Experiments,
    family: Experiment,
    couple: tuple[int, int],
    definition: Definition | None,
) -> Exception | None:
    errors = [refuse_unsent(arms, family, arm, definition) for arm in couple]
    return errors[0] or errors[1]


def refuse_unsent(
    arms: Experiments,
    family: Experiment,
    arm: int | None,
    definition: Definition | None,
) -> Exception | None:
    """Say so where an arm receives nothing, and the metric is of what is received."""
    if arm is None or definition is None or arms.receiving[arm]:
        return None
    if not is_received(family.channel, definition):
        return None
    return FrameError(
        f"{arms.labels[arm]!r} receives nothing; compare with control=<variation>, all "
        "with pairs=True, or use conversion_rate / revenue_per_recipient"
    )


def is_received(channel: str, definition: Definition) -> bool:
    """Whether a metric is of what is received in its channel."""
    return bool({*RECEIVED_STATS.get(channel, ())} & {*definition.stats})


def _warn_of_refusals(tests: Sequence[Judged]) -> None:
    """Say once how many families could not be compared, and why."""
    kept = {test.name for test in tests if test.kept}
    refused: dict[str, Exception] = {}
    for test in tests:
        if test.refusal is not None and test.name not in kept:
            refused.setdefault(test.name, test.refusal)
    if refused:
        count = len({test.name for test in tests})
        shown = listed((f"{name}: {why}" for name, why in refused.items()), "; ")
        warn(
            f"{len(refused)} of {count} tests could not be compared (NaN, see note): "
            f"{shown}",
            StatisticsWarning,
        )
