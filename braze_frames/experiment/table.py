"""Rows about tests → a frame with an index of campaign and channel."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from braze_frames.experiment.design import Experiment

TEXT = pd.Index(["text"]).dtype
"""The dtype that pandas gives to text."""

_MISSING = {"float64": np.nan, "datetime64[us]": np.datetime64("NaT", "us")}


def column(values: Any, dtype: Any) -> Any:
    """Return values as an array of a dtype; None and NaN are missing."""
    return pd.Series(values, dtype=dtype).array


def tabulate(
    families: Sequence[Experiment],
    rows: Sequence[Mapping[str, Any]],
    dtypes: Mapping[str, Any],
) -> pd.DataFrame:
    """Return a row for each test; what a row lacks is missing, and a note is empty."""
    channel = pd.Index([family.channel for family in families], dtype=TEXT)
    index = channel.rename("channel")
    if families and families[0].campaign is not None:
        campaign = pd.Index([family.campaign for family in families], dtype=TEXT)
        index = pd.MultiIndex.from_arrays(
            [campaign, channel], names=["campaign", "channel"]
        )
    columns = {
        name: column(
            [
                row.get(name, "" if name == "note" else _MISSING.get(dtype))
                for row in rows
            ],
            dtype,
        )
        for name, dtype in dtypes.items()
    }
    return pd.DataFrame(columns, index=index)
