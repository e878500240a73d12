"""Why numbers are missing, as far as a table tells, so that a dash says one thing."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Bools
from braze_frames.schema.channels import CHANNELS, STAT
from braze_frames.schema.formulas import definition_of, definitions
from braze_frames.schema.units import base_name, is_of_results, unit_of
from braze_frames.tables.footnotes import Told
from braze_frames.tables.formats import text_of

PLACES = frozenset(("campaign", "date", "channel", "variation"))
Reason = Literal[
    "channel", "people", "totals", "limit", "rate", "stat", "result", "unknown"
]
# In the order in which they stand below a table.
REASONS: dict[Reason, str] = {
    "channel": "this channel has no such number",
    "people": "people of several channels are not added up",
    "totals": "stands in day totals alone: read grain='campaign'",
    "limit": "no interval: fewer than 4 effective days",
    "rate": "no rate: nothing to divide by",
    "stat": "not given by Braze",
    "result": "not defined in this comparison",
    "unknown": "no value",
}
_CARRIED = {channel.name: {*channel.stats} for channel in CHANNELS}
_OF_CHANNELS = frozenset().union(*_CARRIED.values())


class Missing:
    """Why the numbers of a table are missing.

    Parameters
    ----------
    frame : DataFrame
        The table.
    labels : sequence of tuple of str
        The label of each of its columns, one a level.
    told : Told
        What its ``attrs`` tell.
    channel : Series, optional
        The channel of each row, where it has one.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        labels: Sequence[tuple[str, ...]],
        told: Told,
        channel: "pd.Series[Any] | None",
    ) -> None:
        self._frame, self._labels, self._told, self._rows = frame, labels, told, channel
        self._ours = not PLACES.isdisjoint((*frame.index.names, *frame.columns.names))

    def reasons(self, n: int, missing: Bools, *, number: bool) -> Any:
        """Return the reason in each row of a column that is missing; None elsewhere."""
        found = np.full(len(missing), None, dtype=object)
        if not missing.any():
            return found
        if number and self.is_changed(n):
            found[missing] = "unknown"
            return found
        usual = map(self._usual, map(base_name, self._labels[n]))
        other: Reason | None = "stat" if self._ours else None
        found[missing] = next(filter(None, usual), other) if number else "result"
        for label in self._labels[n]:
            for reason, where in self._further(n, label):
                found[missing & where] = reason
        return found

    def is_changed(self, n: int) -> bool:
        """Tell whether a column holds no stat and no rate, though it is called so.

        None of them is below zero in a result of ours: ``diff`` and ``pct_change`` of
        pandas keep names and ``attrs``.
        """
        names = self._labels[n]
        ours = any(name in STAT or self._is_rate(name) for name in names)
        if not ours or any(is_of_results(base_name(name)) for name in names):
            return False
        exact = all(base_name(name) == name for name in names)
        return exact and bool((self._frame.iloc[:, n].dropna() < 0).any())

    def _usual(self, name: str) -> Reason | None:
        """Return the reason where nothing more is known of a column of ours."""
        if name in STAT:
            return "stat"
        if is_of_results(name):
            return "result"
        return "rate" if self._is_rate(name) else None

    def _is_rate(self, name: str) -> bool:
        return self._told.units.get(name, unit_of(name)) in ("share", "USD")

    def _further(self, n: int, label: str) -> Iterator[tuple[Reason, Bools]]:
        """Yield what explains missing numbers better; the last that holds counts."""
        name = base_name(label)
        if name != label and (name,) in self._labels and self._is_rate(name):
            rate = self._frame.iloc[:, self._labels.index((name,))]
            yield "limit", rate.notna().to_numpy(dtype=bool)
        for reason in ("totals", "people"):
            columns, rows = self._told.left_out.get(reason, ((), ()))
            if name in columns:
                here = [_key(row) in rows for row in self._frame.index]
                yield reason, np.array(here, dtype=bool)
        yield "channel", without(name, self._channels(n))

    def _channels(self, n: int) -> list[str]:
        """Return the channel of each row; in wide tables that of the column."""
        if self._rows is not None:
            return [text_of(one) for one in self._rows]
        names = list(self._frame.columns.names)
        known = self._labels[n][names.index("channel")] if "channel" in names else ""
        return [known] * len(self._frame)


def _key(label: Any) -> tuple[str, ...]:
    """Return the labels of a row as ``attrs`` hold them."""
    return tuple(map(text_of, label if isinstance(label, tuple) else (label,)))


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
