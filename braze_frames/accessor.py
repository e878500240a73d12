"""``df.braze``: a list of delegations, no logic and no state."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import pandas as pd

from .arms import control_of
from .checks import check as _check
from .checks import settled as _settled
from .grains import grain_of, labels
from .lift import lift as _lift
from .rates import rates as _rates
from .rates import totals as _totals
from .srm import srm as _srm
from .tables import card_html, card_rows, card_text
from .winner import winner as _winner

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _delegate(
    function: Callable[Concatenate[pd.DataFrame, _P], _R],
) -> Callable[Concatenate["BrazeAccessor", _P], _R]:
    @wraps(function)
    def method(self: "BrazeAccessor", /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        return function(self._frame, *args, **kwargs)

    return method


class BrazeAccessor:
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
        self._frame = df

    totals = _delegate(_totals)
    rates = _delegate(_rates)
    lift = _delegate(_lift)
    winner = _delegate(_winner)
    srm = _delegate(_srm)
    check = _delegate(_check)
    settled = _delegate(_settled)

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

    def __dir__(self) -> list[str]:
        return [name for name in vars(type(self)) if not name.startswith("_")]

    def __repr__(self) -> str:
        return card_text(card_rows(self._frame, _VERBS))

    def _repr_html_(self) -> str:
        return card_html(card_rows(self._frame, _VERBS))


_VERBS = ["totals", "rates", "lift", "winner", "srm", "check", "settled"]
