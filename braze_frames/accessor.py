"""``df.braze``: a list of delegations, no logic and no state."""

from typing import TYPE_CHECKING

import pandas as pd

from .arms import control_of
from .checks import check as _check
from .checks import settled as _settled
from .delegation import Holder, delegate
from .grains import grain_of, labels
from .lift import lift as _lift
from .rates import rates as _rates
from .rates import totals as _totals
from .srm import srm as _srm
from .tables import card_html, card_rows, card_text
from .winner import winner as _winner

if TYPE_CHECKING:
    from .plots import Plots


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
    lift(metric, control=None, …)
        Each variation against its control: how much better, and how sure is that.
    winner(metric)
        Whether the variations of a test differ at all.
    srm(planned=None, counts=None)
        Whether people were split as planned.
    check(planned=None, campaigns=None)
        What should not be trusted as it stands.
    settled(until=None)
        The days that no longer grow.

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
    lift = delegate(_lift)
    winner = delegate(_winner)
    srm = delegate(_srm)
    check = delegate(_check)
    settled = delegate(_settled)

    @property
    def plot(self) -> "Plots":
        """The pictures: rates, totals, funnel, lift, lift_over_time."""
        from .plots import Plots

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
        return control_of(self._frame)

    def __repr__(self) -> str:
        return card_text(card_rows(self._frame, _VERBS))

    def _repr_html_(self) -> str:
        return card_html(card_rows(self._frame, _VERBS))


_VERBS = ["totals", "rates", "lift", "winner", "srm", "check", "settled", "plot"]
