"""Why numbers are missing, as far as a table tells, so that a dash says one thing."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from braze_frames.core.arrays import Bools
from braze_frames.schema.channels import CHANNELS, STAT
from braze_frames.schema.formulas import definition_of, definitions
from braze_frames.schema.units import is_of_results

Reason = Literal["channel", "people", "totals", "limit", "rate", "stat", "result"]
# The first that holds is the reason; in this order they stand below the table.
REASONS: dict[Reason, str] = {
    "channel": "this channel has no such number",
    "people": "people of several channels are not added up",
    "totals": "stands in day totals alone: read grain='campaign'",
    "limit": "no interval: fewer than 4 effective days",
    "rate": "no rate: nothing to divide by",
    "stat": "not given by Braze",
    "result": "not defined in this comparison",
}
_CARRIED = {channel.name: {*channel.stats} for channel in CHANNELS}
_OF_CHANNELS = frozenset().union(*_CARRIED.values())


def usual_reason(name: str, *, shares: bool, ours: bool) -> Reason | None:
    """Return why numbers of a column are missing where nothing else is known.

    Parameters
    ----------
    name : str
        The column, without the ending of limits.
    shares : bool
        Its unit says that it is a rate.
    ours : bool
        It stands in a table of Braze's stats, where what nobody knows is one, too.

    Examples
    --------
    >>> usual_reason("sent", shares=False, ours=True)
    'stat'
    """
    if name in STAT:
        return "stat"
    if is_of_results(name):
        return "result"
    if shares:
        return "rate"
    return "stat" if ours else None


def without(name: str, channels: Sequence[str]) -> Bools:
    """Tell for each channel whether it can't have a stat or a rate of ours.

    Examples
    --------
    >>> without("opens", ["email", "sms", "new_channel"]).tolist()
    [False, True, False]
    """
    known = {channel: _lacks(name, channel) for channel in {*channels}}
    return np.array([known[channel] for channel in channels], dtype=bool)


def _lacks(name: str, channel: str) -> bool:
    if channel not in _CARRIED:
        return False
    if name in definitions():
        return definition_of(name, channel) is None
    return name in _OF_CHANNELS and name not in _CARRIED[channel]
