"""``df.braze.plot``: a list of delegations, no logic and no state."""

from .courses import plot_lift_over_time
from .delegation import Holder, delegate
from .forests import plot_lift
from .funnels import plot_funnel
from .timelines import plot_rates, plot_totals


class Plots(Holder):
    """Pictures of a frame of daily Braze stats: ``df.braze.plot``.

    Each takes the keywords of the verb that it draws, and ``ax=``; it returns the Axes
    of its panel, or an array of Axes where there are several campaigns or channels.

    Pictures
    --------
    rates(metric, by="variation", freq=None, ci=0.95)
        Lines along days, with intervals.
    totals(stats, by="variation", freq=None, kind="lines")
        Sums along days, as lines or stacked.
    funnel(by="variation")
        How many are left at each step, from sent to converted.
    lift(metric, control=None, …)
        Each variation's lift with its interval, best first.
    lift_over_time(metric, control=None, …)
        How a lift settled, day by day.

    Parameters
    ----------
    df : DataFrame
        The variation or the campaign grain.

    Examples
    --------
    >>> import braze_frames as bf
    >>> entry = {"variation_name": "A", "sent": 50, "delivered": 40}
    >>> day = {"time": "2026-03-01", "messages": {"email": [entry]}}
    >>> bf.read_braze_series({"data": [day]}).braze.plot
    df.braze.plot: funnel, lift, lift_over_time, rates, totals
    """

    rates = delegate(plot_rates)
    totals = delegate(plot_totals)
    funnel = delegate(plot_funnel)
    lift = delegate(plot_lift)
    lift_over_time = delegate(plot_lift_over_time)

    def __repr__(self) -> str:
        return f"df.braze.plot: {', '.join(dir(self))}"
