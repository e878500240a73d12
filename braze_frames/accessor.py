"""``df.braze`` and ``df.braze.plot``: lists of delegations, no logic and no state."""

from collections.abc import Callable, Sequence
from functools import wraps
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

import pandas as pd

from braze_frames.core.lazy import Later
from braze_frames.frame.levels import grain_of, labels

if TYPE_CHECKING:
    from braze_frames.checks.check import check as _check
    from braze_frames.checks.srm import srm as _srm
    from braze_frames.experiment.lift import lift as _lift
    from braze_frames.experiment.winner import winner as _winner
    from braze_frames.frame.provenance import settled as _settled
    from braze_frames.frame.rates import rates as _rates
    from braze_frames.frame.totals import totals as _totals
    from braze_frames.plots.funnel import plot_funnel
    from braze_frames.plots.lift import plot_change, plot_lift
    from braze_frames.plots.lift_over_time import plot_lift_over_time
    from braze_frames.plots.over_time import plot_rates, plot_totals
    from braze_frames.portfolio.change import change as _change
    from braze_frames.portfolio.planning import plan_mde, plan_sample_size
    from braze_frames.portfolio.tests import tests as _tests
else:
    # The same functions, imported when they are first looked at: ``import
    # braze_frames`` stays light, and type checkers read the lines above.
    _change = Later("portfolio.change:change")
    _check = Later("checks.check:check")
    _tests = Later("portfolio.tests:tests")
    _srm = Later("checks.srm:srm")
    _lift = Later("experiment.lift:lift")
    _winner = Later("experiment.winner:winner")
    _settled = Later("frame.provenance:settled")
    _rates = Later("frame.rates:rates")
    _totals = Later("frame.totals:totals")
    plan_mde = Later("portfolio.planning:plan_mde")
    plan_sample_size = Later("portfolio.planning:plan_sample_size")
    plot_funnel = Later("plots.funnel:plot_funnel")
    plot_change = Later("plots.lift:plot_change")
    plot_lift = Later("plots.lift:plot_lift")
    plot_lift_over_time = Later("plots.lift_over_time:plot_lift_over_time")
    plot_rates = Later("plots.over_time:plot_rates")
    plot_totals = Later("plots.over_time:plot_totals")

_P = ParamSpec("_P")
_R = TypeVar("_R")
# What the verbs are for, in the order in which analysts come to them.
_VERBS = {
    "sums": ("totals", "rates", "change"),
    "tests": ("tests", "lift", "winner", "srm"),
    "trust": ("check", "settled"),
    "plan": ("sample_size", "mde"),
    "plot": (),
}


class Holder:
    """Holds a frame, and lists its own public names only."""

    def __init__(self, df: pd.DataFrame) -> None:
        self._frame = df

    def __dir__(self) -> list[str]:
        return [name for name in vars(type(self)) if not name.startswith("_")]


class Verb:
    """A method that asks a function of a frame; it takes its place when looked at."""

    def __init__(self, function: Later) -> None:
        self._function = function

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner, name

    def __get__(self, holder: Holder | None, owner: type | None = None) -> Any:
        from braze_frames.frame.provenance import pass_on_names

        function = self._function.load()

        @wraps(function)
        def method(self: Holder, /, *args: Any, **kwargs: Any) -> Any:
            return pass_on_names(function(self._frame, *args, **kwargs), self._frame)

        method.__name__ = self._name  # help would show ``mde = plan_mde`` otherwise
        setattr(self._owner, self._name, method)
        return method if holder is None else MethodType(method, holder)


def delegate(
    function: Callable[Concatenate[pd.DataFrame, _P], _R],
) -> Callable[Concatenate[Holder, _P], _R]:
    """Return a method that asks a function of a frame, which is to be imported."""
    return cast("Callable[Concatenate[Holder, _P], _R]", Verb(cast("Any", function)))


class Plots(Holder):
    """Pictures of a frame of daily Braze stats: ``df.braze.plot``.

    Each takes the keywords of the verb that it draws, and ``ax=``, ``title=``,
    ``labels=`` and ``figsize=``; it returns the Axes of its panel, or an array of Axes
    where there are several. ``df.braze.plot()`` lists them.

    Pictures
    --------
    rates(metric, by="variation", freq=None, ci=0.95)
        Lines along days, with intervals.
    totals(stats, by="variation", freq=None, kind=None)
        Sums: lines along days, bars for periods.
    funnel(by="variation")
        How many are left at each step, from sent to converted.
    lift(metric, control=None, …)
        Each variation's lift with its interval, best first.
    lift_over_time(metric, control=None, …)
        How a lift settled, day by day.
    change(metric, last=28, …)
        The last days against those before.

    Parameters
    ----------
    df : DataFrame
        The variation or the campaign grain.

    Examples
    --------
    >>> import braze_frames as bf
    >>> entry = {"variation_name": "A", "sent": 50, "delivered": 40}
    >>> day = {"time": "2026-03-01", "messages": {"email": [entry]}}
    >>> bf.read_braze_series({"data": [day]}).braze.plot()
    df.braze.plot
      rates(metric, by=, freq=)      a rate along days, with intervals
      totals(stats, by=, freq=)      sums: lines along days, bars for periods
      funnel(by=)                    how many are left at each step
      lift(metric, …)                all tests with their intervals, in one panel
      lift_over_time(metric, …)      how a lift settled, day by day
      change(metric, last=, …)       the last days against those before
    """

    rates = delegate(plot_rates)
    totals = delegate(plot_totals)
    funnel = delegate(plot_funnel)
    lift = delegate(plot_lift)
    lift_over_time = delegate(plot_lift_over_time)
    change = delegate(plot_change)

    def __call__(self, *asked: object, **options: object) -> "Plots":
        """List the pictures.

        Raises
        ------
        TypeError
            Something is asked for: each picture is called by its name.
        """
        if asked or options:
            raise TypeError(
                "df.braze.plot() lists the pictures and takes nothing; call one by its "
                f"name, as df.braze.plot.{_picture_named(asked)}(…)"
            )
        return self

    def __repr__(self) -> str:
        shown = [f"  {call:<30} {what}" for call, what in _PICTURES.items()]
        return "\n".join(["df.braze.plot", *shown])


def _picture_named(asked: Sequence[object]) -> str:
    pictures = [call.partition("(")[0] for call in _PICTURES]
    return next((name for name in pictures if name in asked), pictures[0])


_PICTURES = {
    "rates(metric, by=, freq=)": "a rate along days, with intervals",
    "totals(stats, by=, freq=)": "sums: lines along days, bars for periods",
    "funnel(by=)": "how many are left at each step",
    "lift(metric, …)": "all tests with their intervals, in one panel",
    "lift_over_time(metric, …)": "how a lift settled, day by day",
    "change(metric, last=, …)": "the last days against those before",
}


class BrazeAccessor(Holder):
    """Questions to a frame of daily Braze stats.

    ``df.braze`` alone shows what is in the frame. It works on what
    ``read_braze_series`` gives, on slices, filtered frames and after ``reset_index``.

    Verbs
    -----
    totals(by=None, freq=None)
        Sums by campaign, channel, variation and period.
    rates(metrics=None, by=None, freq=None, ci=None)
        Ratios of sums, each channel by its own definition, with intervals.
    change(metric, last=28, to="previous", by=None)
        The last days against those before, weekday by weekday.
    tests(metric="conversion_rate_by_send_time")
        The results of all tests, each with a verdict in a sentence.
    lift(metric, control=None, …)
        Each variation against its control: how much better, and how sure is that.
    winner(metric="conversion_rate_by_send_time")
        Whether the variations of a test differ at all.
    srm(planned=None, counts=None, people="busiest")
        Whether people were split as planned.
    check(planned=None, campaigns=None)
        What should not be trusted as it stands.
    settled(until=None)
        The days that no longer grow.
    sample_size(metric, lift)
        How long the next test must run to find a lift.
    mde(metric, days=None)
        The smallest lift that the next test finds in so many days.

    Pictures
    --------
    plot.rates(metric, by="variation", freq=None)
        Lines along days, with intervals.
    plot.totals(stats, by="variation", freq=None)
        Sums along days, as lines or stacked.
    plot.funnel(by="variation")
        How many are left at each step, from sent to converted.
    plot.lift(metric, control=None, …)
        Each variation's lift with its interval, best first.
    plot.lift_over_time(metric, control=None, …)
        How a lift settled, day by day.
    plot.change(metric, last=28, …)
        The last days against those before.

    Attributes
    ----------
    campaigns, channels, variations : list of str
        The labels in the frame.
    control : str, dict or None
        The control's label; with several campaigns a mapping campaign → label.

    Parameters
    ----------
    df : DataFrame
        The variation grain (levels ``date``, ``channel``, ``variation``, with or
        without ``campaign``) or the campaign grain (``date`` and day totals).

    Raises
    ------
    FrameError
        The frame has other levels; it is an ``AttributeError``, so ``hasattr`` is
        False there.

    Examples
    --------
    >>> import braze_frames as bf
    >>> entry = {"variation_name": "A", "sent": 2}
    >>> day = {"time": "2026-03-01", "messages": {"email": [entry]}}
    >>> df = bf.read_braze_series({"data": [day]})
    >>> df.braze.variations
    ['A']
    """

    def __init__(self, df: pd.DataFrame) -> None:
        grain_of(df)
        super().__init__(df)

    totals = delegate(_totals)
    rates = delegate(_rates)
    change = delegate(_change)
    tests = delegate(_tests)
    lift = delegate(_lift)
    winner = delegate(_winner)
    srm = delegate(_srm)
    check = delegate(_check)
    settled = delegate(_settled)
    sample_size = delegate(plan_sample_size)
    mde = delegate(plan_mde)

    @property
    def plot(self) -> Plots:
        """The pictures; ``df.braze.plot()`` lists them."""
        return Plots(self._frame)

    @property
    def campaigns(self) -> list[str]:
        """The campaigns in the frame; empty where it has no such level."""
        return labels(self._frame, "campaign")

    @property
    def channels(self) -> list[str]:
        """The channels in the frame."""
        return labels(self._frame, "channel")

    @property
    def variations(self) -> list[str]:
        """The variations in the frame."""
        return labels(self._frame, "variation")

    @property
    def control(self) -> str | dict[str, str | None] | None:
        """The control's label or None; with several campaigns one for each."""
        from braze_frames.experiment.design import control_of

        return control_of(self._frame)

    def __repr__(self) -> str:
        from braze_frames.card import card_rows, card_text

        return card_text(card_rows(self._frame, _VERBS))

    def _repr_html_(self) -> str:
        from braze_frames.card import card_html, card_rows

        return card_html(card_rows(self._frame, _VERBS))
