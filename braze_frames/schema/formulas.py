"""What a rate divides by what: the tables' definitions, or formulas of the user's.

A formula is a stat, or a sum and difference of stats: ``"sent - bounces"``. It is
parsed, never evaluated as code.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from itertools import chain
from typing import NamedTuple

from braze_frames.core.arguments import nearest
from braze_frames.errors import FrameError
from braze_frames.schema.channels import CHANNEL_STATS, STAT, is_day_total
from braze_frames.schema.rates import ANY_OTHER, CAMPAIGN_GRAIN, RATES, RateKind
from braze_frames.schema.words import meant_by, metric_name, spoken

_SIGNS = {"+": 1, "-": -1}
# Names may hold all but blanks and signs, so that unknown stats can be asked, too.
_TOKEN = re.compile(r"\s*([+-]|[^\s+-]+)")


class Formula(NamedTuple):
    """Stats with their signs; ``fallback`` stands in for a first stat not given."""

    terms: tuple[tuple[int, str], ...]
    fallback: str = ""

    @property
    def stats(self) -> tuple[str, ...]:
        """The stats, in the order of the formula."""
        return tuple(stat for _, stat in self.terms)

    def __str__(self) -> str:
        (_, first), *others = self.terms
        signs = {sign: text for text, sign in _SIGNS.items()}
        return " ".join([first, *(f"{signs[sign]} {stat}" for sign, stat in others)])


class Definition(NamedTuple):
    """A rate in one channel: what is divided by what, and of which kind it is."""

    numerator: Formula
    denominator: Formula
    kind: RateKind
    same_day: bool = False

    @property
    def stats(self) -> tuple[str, ...]:
        """The stats of both sides."""
        return self.numerator.stats + self.denominator.stats

    @property
    def is_amount(self) -> bool:
        """Whether an amount is divided by a count."""
        return _has_amount(self.numerator) and not _has_amount(self.denominator)


def _has_amount(formula: Formula) -> bool:
    stats = [STAT[stat] for stat in formula.stats if stat in STAT]
    return any(stat.dtype == "Float64" for stat in stats)


def parse_formula(text: str) -> Formula:
    """Parse a stat, or stats joined by ``+`` and ``-``.

    Raises
    ------
    ValueError
        The text is something else.

    Examples
    --------
    >>> parse_formula("sent - bounces").terms
    ((1, 'sent'), (-1, 'bounces'))
    """
    tokens = _TOKEN.findall(text) if isinstance(text, str) else []
    signs, names = ["+", *tokens[1::2]], tokens[0::2]
    stats = [name for name in names if name not in _SIGNS]
    if not names or len(stats) < len(signs) or not set(signs) <= set(_SIGNS):
        raise ValueError(
            f"{text!r} is no formula: write a stat, or stats with + and - between "
            "them, as in 'sent - bounces'"
        )
    return Formula(tuple((_SIGNS[s], n) for s, n in zip(signs, names, strict=True)))


@cache
def definitions() -> dict[str, dict[str, Definition]]:
    """Return metric → channel → definition, in the order of the glossary."""
    found: dict[str, dict[str, Definition]] = {}
    for rate in RATES:
        above = parse_formula(rate.numerator)._replace(fallback=rate.fallback)
        below = parse_formula(rate.denominator)
        definition = Definition(above, below, rate.kind, rate.same_day)
        found.setdefault(rate.metric, {})[rate.channel] = definition
    return found


def define(metric: str, channels: Collection[str]) -> dict[str, Definition]:
    """Return the definition of a metric in each of the channels that has it.

    Raises
    ------
    FrameError
        There is no such metric, or none of the channels has it.
    """
    found = definitions_in(metric, channels)
    if channels and not found:
        raise FrameError(_not_here(metric, channels))
    return found


def definitions_in(metric: str, channels: Collection[str]) -> dict[str, Definition]:
    """Return the same, and nothing where none of the channels has the metric.

    Raises
    ------
    FrameError
        There is no such metric.
    """
    if not isinstance(metric, str) or metric not in definitions():
        raise FrameError(_no_metric(metric))
    found = {channel: definition_of(metric, channel) for channel in channels}
    return {channel: one for channel, one in found.items() if one is not None}


def definition_of(metric: str, channel: str) -> Definition | None:
    """Return a metric's definition in a channel; None where it has none there.

    Examples
    --------
    >>> str(definition_of("conversion_rate", "new_channel").numerator)
    'conversions'
    >>> definition_of("spam_rate", "sms") is None
    True
    """
    known = definitions()[metric]
    described = channel in CHANNEL_STATS or channel == CAMPAIGN_GRAIN
    return known.get(channel if described else ANY_OTHER)


def _no_metric(metric: object) -> str:
    """Say what is no metric, and what to write instead."""
    told = f"{metric!r} is no metric"
    if not isinstance(metric, str):
        return f"{told}: pass a name, a list of names, or None for all"
    if metric in STAT:
        return f"{told} but a stat, a sum: df.braze.totals()[{metric!r}]"
    same = [name for name in definitions() if spoken(metric) in _names(name)]
    meant = same or meant_by(metric)
    near = f"did you mean {' or '.join(meant)}?" if meant else _near(metric)
    return f"{told} ({near}); bf.glossary() lists all"


def _names(metric: str) -> set[str]:
    return {spoken(metric), spoken(metric_name(metric))}


def _near(metric: str) -> str:
    return nearest("_".join(spoken(metric).split()), definitions())


def _not_here(metric: str, channels: Collection[str]) -> str:
    here = ", ".join(channels) if any(channels) else "the campaign grain"
    return f"{here} has no {metric}; it has {', '.join(metrics_of(channels)) or 'none'}"


def metrics_of(channels: Collection[str]) -> list[str]:
    """Return the metrics that one of the channels has, in the glossary's order."""
    return [
        metric
        for metric in definitions()
        if any(definition_of(metric, channel) for channel in channels)
    ]


def custom(
    formulas: tuple[str, str], channels: Iterable[str], columns: Collection[str]
) -> dict[str, Definition]:
    """Return the user's own rate, defined alike in all channels.

    Raises
    ------
    ValueError
        It is not a pair of formulas.
    """
    if isinstance(formulas, str) or len(formulas) != 2:
        raise ValueError(
            f"{formulas!r} is no pair (numerator, denominator), as in "
            "('clicks', 'sent - bounces')"
        )
    above, below = (
        Formula(((1, side),)) if side in columns else parse_formula(side)
        for side in formulas
    )
    return dict.fromkeys(channels, Definition(above, below, kind="ratio"))


def check_defined(
    metric: str,
    defined: Mapping[str, Definition],
    channels: Collection[str],
    columns: Collection[str],
) -> None:
    """Refuse a metric that no channel of a frame has, or that lacks its columns.

    Raises
    ------
    FrameError
        It names the columns.
    ValueError
        It is made of a stat that nobody knows.
    """
    for stat in dict.fromkeys(chain.from_iterable(o.stats for o in defined.values())):
        if stat not in columns and stat not in STAT:
            known = nearest(stat, {*columns, *STAT})
            raise ValueError(f"{stat!r} is no stat of this frame ({known})")
    if channels and not defined:
        raise FrameError(_not_here(metric, channels))
    missing = lacking(defined, columns)
    if missing:
        raise refuse_without(metric, missing)


def lacking(
    definitions: Mapping[str, Definition], columns: Collection[str]
) -> list[str]:
    """Return the stats that a rate needs and that are no columns.

    None are lacking where the columns suffice in one of the channels.
    """
    lacks = [_lacking(one, columns) for one in definitions.values()]
    return min(lacks, key=len, default=[])


def _lacking(one: Definition, columns: Collection[str]) -> list[str]:
    known = {*columns}
    if one.numerator.fallback in known:
        known.add(one.numerator.stats[0])
    return sorted({*one.stats} - known)


def refuse_without(metric: str, missing: Collection[str]) -> FrameError:
    """Return the error for a rate whose stats the frame has no column for."""
    if all(map(is_day_total, missing)):
        why = (
            "for campaigns that are no tests they exist at day level only. Read with "
            'grain="campaign"'
        )
    else:
        why = "Braze gave none, or they were not read (see columns=)"
    return FrameError(
        f"{metric} needs {' and '.join(missing)}, which this frame lacks: {why}"
    )
