"""What the ``attrs`` of a frame know, and what results pass on of its days."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from .grains import Level
from .sums import binned


def known(frame: Any) -> Mapping[str, Any]:
    """Return what a frame or series says of itself; nothing where that is no mapping.

    Examples
    --------
    >>> frame = pd.DataFrame()
    >>> frame.attrs["braze"] = {"settled_until": "2026-05-30"}
    >>> known(frame), known(pd.DataFrame())
    ({'settled_until': '2026-05-30'}, {})
    """
    found = frame.attrs.get("braze")
    return found if isinstance(found, Mapping) else {}


def as_day(said: object) -> str | None:
    """Return a day as it stands in ``attrs``; None where it is no day.

    Examples
    --------
    >>> as_day("2026-05-30"), as_day("soon"), as_day(None)
    ('2026-05-30', None, None)
    """
    try:
        return date.fromisoformat(said).isoformat() if isinstance(said, str) else None
    except ValueError:
        return None


def settling(frame: pd.DataFrame, last: Any) -> dict[str, str]:
    """Return until when a frame is settled and its last day; nothing if not known."""
    until = as_day(known(frame).get("settled_until"))
    if until is None or pd.isna(last):
        return {}
    return {"settled_until": until, "last": pd.Timestamp(last).date().isoformat()}


def settling_of(
    frame: pd.DataFrame,
    days: Level,
    freq: str | pd.offsets.BaseOffset | None,
) -> dict[str, str]:
    """Return the same of a frame's level of days, and from which period on days grow.

    Parameters
    ----------
    frame : DataFrame
        The frame that is added up.
    days : Level
        Its days.
    freq : str, DateOffset or None
        The periods of the result.
    """
    last = days.labels[days.codes.max()] if len(days.codes) else None
    found = settling(frame, last)
    if freq is None or not found or found["last"] <= found["settled_until"]:
        return found
    growing = _first_after(days, found["settled_until"])
    periods = binned(days._replace(codes=np.arange(len(days.labels))), freq)
    first = periods.labels[periods.codes[growing]]
    return found | {"growing_from": first.date().isoformat()}


def _first_after(days: Level, until: str) -> int:
    """Return the code of the first day in the frame that is after another."""
    used = np.zeros(len(days.labels), dtype=bool)
    used[days.codes] = True
    later = pd.DatetimeIndex(days.labels).tz_localize(None) > pd.Timestamp(until)
    return int(np.flatnonzero(used & later)[0])
