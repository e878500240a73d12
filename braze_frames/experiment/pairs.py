"""Which arms are compared with which, and why some can't be."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

from braze_frames.errors import FrameError, StatisticsWarning, listed, warn
from braze_frames.experiment.design import Experiment, Experiments
from braze_frames.schema.channels import RECEIVED_STATS
from braze_frames.schema.formulas import Definition, metrics_of

Se = Literal["auto", "binomial", "day"]
Stratify = Literal["auto", "date"] | None


class LiftRequest(NamedTuple):
    """What the user asks of one metric."""

    metric: str
    control: str | None = None
    se: Se = "auto"
    stratify: Stratify = "auto"
    pairs: bool = False
    prior: tuple[float, float] | None = None


class Pair(NamedTuple):
    """A variation and its control, by number; ``refusal`` says why it can't be."""

    family: Experiment
    arm: int
    control: int | None
    refusal: Exception | None = None


def plan_pairs(
    arms: Experiments, defined: Mapping[str, Definition], asked: LiftRequest
) -> list[Pair]:
    """Return the comparisons of one metric, in the order of the frame's labels."""
    return [
        pair
        for family in arms.families
        for pair in _pairs(arms, family, defined, asked)
    ]


def check_usable(arms: Experiments, pairs: Sequence[Pair]) -> None:
    """Refuse a call of which nothing is left; warn once of what else is refused.

    Raises
    ------
    FrameError, ValueError
        Nothing can be compared: the reason of the first family.
    """
    refusals = [pair.refusal for pair in pairs if pair.refusal is not None]
    if len(refusals) == len(pairs):
        raise refusals[0] if refusals else single_variation_error(arms)
    _warn_of_refusals(pairs)


def _pairs(
    arms: Experiments,
    family: Experiment,
    defined: Mapping[str, Definition],
    asked: LiftRequest,
) -> list[Pair]:
    if len(family.arms) < 2:
        return []
    definition = defined.get(family.channel)
    refusal = _unfit(family, definition, asked)
    if asked.pairs:
        couples = [*combinations(family.arms, 2)]
    else:
        control, missing = _control(arms, family, asked.control)
        refusal = refusal or missing or refuse_unsent(arms, family, control, definition)
        if control is None or refusal is not None:
            return [Pair(family, arm, None, refusal) for arm in family.arms]
        couples = [(control, arm) for arm in family.arms if arm != control]
    return [
        Pair(
            family, arm, base, refusal or _either(arms, family, (arm, base), definition)
        )
        for base, arm in couples
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
    wrong = {
        "se='binomial' is wrong; use se='day' or 'auto'": asked.se == "binomial",
        "stratify='date' can't be; leave it at 'auto'": by_day,
        "prior= can't be; leave it out": asked.prior is not None,
    }
    mixed = {
        "stratify='date' goes with se='binomial', not 'day'": asked.se == "day",
        "stratify='date' goes with no prior=; leave one out": asked.prior is not None,
    }
    reasons = {why: by_day and said for why, said in mixed.items()} if once else wrong
    why = next((text for text, said in reasons.items() if said), None)
    kind = f"{metric} in {channel} is a {definition.kind}"
    many = "" if once else ", where one unit may count many times"
    return None if why is None else ValueError(f"{kind}{many}: {why}")


def _control(
    arms: Experiments, family: Experiment, name: str | None
) -> tuple[int | None, Exception | None]:
    labels = {arms.labels[arm]: arm for arm in family.arms}
    has = f"{family.name} has the variations {', '.join(map(repr, labels))}"
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
        f"{arms.labels[arm]!r} receives nothing; compare with control=<variation>, or "
        "use conversion_rate / revenue_per_recipient"
    )


def is_received(channel: str, definition: Definition) -> bool:
    """Whether a metric is of what is received in its channel."""
    return bool({*RECEIVED_STATS.get(channel, ())} & {*definition.stats})


def single_variation_error(arms: Experiments) -> FrameError:
    """Return the error for a frame whose channels have one variation each."""
    found = listed(
        (f"{one.name}: {arms.labels[one.arms[0]]!r}" for one in arms.families), "; "
    )
    return FrameError(f"there is one variation only, and nothing to compare: {found}")


def _warn_of_refusals(pairs: Sequence[Pair]) -> None:
    """Say once how many families could not be compared, and why."""
    refused: dict[str, Exception] = {}
    kept = {pair.family.name for pair in pairs if pair.refusal is None}
    for pair in pairs:
        if pair.refusal is not None and pair.family.name not in kept:
            refused.setdefault(pair.family.name, pair.refusal)
    if refused:
        count = len({pair.family.name for pair in pairs})
        shown = listed((f"{name}: {why}" for name, why in refused.items()), "; ")
        warn(
            f"{len(refused)} of {count} tests could not be compared (NaN, see note): "
            f"{shown}",
            StatisticsWarning,
        )
