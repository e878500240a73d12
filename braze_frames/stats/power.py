"""How long to run a test: units for a lift, and the lift that units can find."""

from typing import Any, NamedTuple

import numpy as np

from braze_frames.core.arguments import check_share
from braze_frames.core.arrays import Floats
from braze_frames.stats.distributions import critical_z

# Two whole weeks: a test that starts on a Monday sees each weekday twice.
_FEWEST_DAYS = 14
_POWER = 0.8


class SampleSize(NamedTuple):
    """Units (people who get a message, or would have) for each group, and days."""

    control: int
    variation: int
    days: int | None


class DetectableLift(NamedTuple):
    """The smallest lift found with the power asked for, and the rate that it makes."""

    lift: float
    rate: float


def sample_size(
    rate: float,
    lift: float,
    *,
    power: float = _POWER,
    conf_level: float = 0.95,
    ratio: float = 1,
    comparisons: int = 1,
    daily: float | None = None,
    deff: float = 1.0,
) -> SampleSize:
    """Tell how many units a test of two proportions needs.

    Parameters
    ----------
    rate : float
        The control's rate, as 0.04.
    lift : float
        The lift worth finding: 0.1 is 10 % more than the control, -0.1 less.
    power : float
        The probability to find it, in each comparison by itself.
    conf_level : float
        One minus the probability to find a lift that is none.
    ratio : float
        Units of a variation for each unit of the control.
    comparisons : int
        Variations that are compared with the control: each is tested at
        (1 - conf_level) / comparisons.
    daily : float, optional
        Units a day in the smaller of both groups.
    deff : float
        What multiplies the units where the same people are counted many times, as in
        ``lift``: 1 or more.

    Returns
    -------
    SampleSize
        ``control``, ``variation``: units, rounded up. ``days``: None without ``daily``,
        else 14 or more, so that two whole weeks are covered.

    Raises
    ------
    ValueError
        A share is none, the lift is no number, 0, -1 or less, above 1 (percents were
        meant) or leads to a rate above 1, or another number is not positive. Metrics
        that are no proportion have no such formula: their error is known from the days
        alone.

    Notes
    -----
    For the two-sided pooled Z test, which ``lift`` of a proportion is at the null:
    Fleiss, Levin & Paik 2003, Statistical Methods for Rates and Proportions, formulas
    4.14 and 4.19. The days hold the sends alone: wait for the conversion window, too,
    before you read the result. Looking daily with ``sequential=True`` needs more.

    Examples
    --------
    R's ``power.prop.test(p1=0.02, p2=0.022, power=0.8)`` gives 80681.4.

    >>> sample_size(0.02, 0.1, daily=4000)
    SampleSize(control=80682, variation=80682, days=21)
    """
    _check(rate, power, conf_level, ratio, comparisons)
    check_deff(deff)
    _check_lift(lift)
    other = rate * (1 + lift)
    if other > 1:
        raise ValueError(
            f"lift={lift!r} on rate={rate!r} gives a rate of {other:.4g}, above 1; "
            "pass a smaller lift"
        )
    z = _criticals(power, conf_level, comparisons)
    control = deff * _units(rate, other, ratio, z)
    sizes = int(np.ceil(control)), int(np.ceil(ratio * control))
    return SampleSize(*sizes, None if daily is None else _days(min(sizes), daily))


def mde(
    rate: float,
    n: float,
    *,
    power: float = _POWER,
    conf_level: float = 0.95,
    ratio: float = 1,
    comparisons: int = 1,
) -> DetectableLift:
    """Tell the smallest lift that a test of a given size finds, with its power.

    Parameters
    ----------
    rate : float
        The control's rate, as 0.04.
    n : float
        Units of the control; a variation has ``ratio`` times as many.
    power, conf_level, ratio, comparisons
        As in ``sample_size``.

    Returns
    -------
    DetectableLift
        ``lift`` (0.25 is 25 % more) and the variation's ``rate``.

    Raises
    ------
    ValueError
        A share is none, a number is not positive, or so few units find no lift at all.

    Notes
    -----
    Solves the formula of ``sample_size``: with probability ``power`` a lift so large is
    found, in each comparison by itself.

    Examples
    --------
    >>> found = mde(0.02, 10_000)
    >>> round(found.lift, 3), round(found.rate, 4)
    (0.297, 0.0259)
    """
    from scipy.optimize import brentq

    _check(rate, power, conf_level, ratio, comparisons)
    z = _criticals(power, conf_level, comparisons)
    if not n > 0 or _units(rate, 1.0, ratio, z) > n:
        raise ValueError(f"n={n!r} units of the control are too few to find any lift")
    nearest = rate + (1 - rate) * 1e-9
    found = brentq(
        lambda other: np.log(_units(rate, other, ratio, z) / n),
        nearest,
        1.0,
        xtol=1e-15,
    )
    return DetectableLift(found / rate - 1, found)


def detectable(log_error: Floats | float, conf_level: float) -> Floats:
    """Return the log lift that a test of a given error finds with a power of 80 %.

    Examples
    --------
    >>> float(detectable(np.array([0.02]), 0.95).round(3)[0])
    0.056
    """
    z = critical_z(conf_level) + critical_z(2 * _POWER - 1)
    return np.asarray(z * log_error)


def _units(rate: float, other: float, ratio: float, z: tuple[float, float]) -> float:
    """Return the control's units to tell two rates apart."""
    pooled = (rate + ratio * other) / (1 + ratio)
    null = z[0] * np.sqrt((1 + 1 / ratio) * pooled * (1 - pooled))
    spread = other * (1 - other) / ratio + rate * (1 - rate)
    return float((null + z[1] * np.sqrt(spread)) ** 2 / (other - rate) ** 2)


def _criticals(
    power: float, conf_level: float, comparisons: int
) -> tuple[float, float]:
    alpha = (1 - conf_level) / comparisons
    return critical_z(1 - alpha), critical_z(2 * power - 1)


def _check_lift(lift: Any) -> None:
    """Refuse what no rate can be lifted by, whatever the rate."""
    number = isinstance(lift, int | float | np.number) and not isinstance(lift, bool)
    if not number or np.isnan(lift):
        raise ValueError(f"lift={lift!r} is no number; write 0.10 for 10 % more")
    if lift == 0:
        raise ValueError(f"lift={lift!r} leaves nothing to find; pass 0.10 for 10 %")
    if not -1 < lift <= 1:
        why = "is a share" if lift > 1 else "leaves no rate, as -1 is 100 % less"
        raise ValueError(f"lift={lift!r} {why}{_percents_meant(lift)}")


def _percents_meant(lift: float) -> str:
    """Ask back where a lift beyond ±100 % looks like percents.

    Nobody plans for twice the rate; a whole number is what one says aloud.
    """
    if not 1 < abs(lift) < np.inf:
        return ""
    meant = f"{lift / 100:.2f}" if lift == round(lift) else f"{lift / 100:g}"
    return f": {lift:g} is {100 * lift:+.0f} %; did you mean {meant}?"


def check_deff(deff: float) -> None:
    """Refuse a design effect that would make a variance smaller.

    Raises
    ------
    ValueError
        It is below 1.
    """
    if not 1 <= deff < np.inf:
        raise ValueError(
            f"deff={deff!r}: people who count many times make a variance larger; pass "
            "1 or more"
        )


def _days(units: int, daily: float) -> int:
    if not daily > 0:
        raise ValueError(f"daily={daily!r} is no number of units a day")
    return max(_FEWEST_DAYS, int(np.ceil(units / daily)))


def _check(
    rate: float, power: float, conf_level: float, ratio: float, comparisons: int
) -> None:
    for name, share in (("rate", rate), ("power", power), ("conf_level", conf_level)):
        check_share(name, share)
    if not 0 < ratio < np.inf:
        raise ValueError(f"ratio={ratio!r} is no positive number")
    if not 1 <= comparisons < np.inf:
        raise ValueError(f"comparisons={comparisons!r} is no number of variations")
