"""Puts ``read_braze_series`` and ``DataFrame.braze`` on pandas, once."""

import warnings

import pandas as pd

from braze_frames.accessor import BrazeAccessor
from braze_frames.reader import read_braze_series

_PACKAGE = __name__.partition(".")[0]


def register() -> None:
    """Register both names; again is harmless, a foreign one gives a warning."""
    if _is_ours(getattr(pd.DataFrame, "braze", None)):
        del pd.DataFrame.braze  # type: ignore[attr-defined]
    pd.api.extensions.register_dataframe_accessor("braze")(BrazeAccessor)
    present = getattr(pd, "read_braze_series", None)
    if present is not None and not _is_ours(present):
        warnings.warn(
            f"pandas.read_braze_series was {present!r} and is replaced by "
            "braze_frames.read_braze_series",
            UserWarning,
            stacklevel=2,
        )
    pd.read_braze_series = read_braze_series  # type: ignore[attr-defined]


def _is_ours(found: object) -> bool:
    return str(getattr(found, "__module__", "")).partition(".")[0] == _PACKAGE
