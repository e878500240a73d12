"""Where dask comes in: frames in parts, answers to be computed, ``ddf.braze``.

This module alone imports dask, and it is imported when something is scanned.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import dask
import dask.dataframe as dd
from dask.dataframe.dask_expr import new_collection
from dask.dataframe.dask_expr.io import FromMap
from dask.dataframe.extensions import register_dataframe_accessor
from dask.delayed import Delayed, delayed

from braze_frames.accessor import BrazeAccessor, Holder
from braze_frames.core.parts import Steps
from braze_frames.frame.levels import grain_of
from braze_frames.scan.answers import finish_of, merge_of, partial_of
from braze_frames.scan.parts import PartReader, Portion

# So many pieces are put together at once: the driver never holds those of all parts.
_TOGETHER = 8


def frame_in_parts(reader: PartReader, parts: Sequence[Portion]) -> dd.DataFrame:
    """Return a dask frame with a partition for each part."""
    _register()
    # As text of its own kind our levels would have another dtype than in pandas.
    with dask.config.set({"dataframe.convert-string": False}):
        return dd.from_map(
            reader, parts, meta=reader.empty(), label="scan_braze_series"
        )


class DelayedAnswer(Delayed):
    """The answer of a verb, to be computed: ``.compute()`` gives what pandas gives.

    What must be warned of is said where that is called, and not where parts are.
    """

    __slots__ = ("_merged", "_steps")

    def __init__(self, merged: Delayed, steps: Steps[Any, Any]) -> None:
        whole = delayed(partial(finish_of, steps))(merged)
        super().__init__(whole.key, whole.dask)
        self._merged, self._steps = merged, steps

    def compute(self, **kwargs: Any) -> Any:
        """Compute it; the keywords are those of ``dask.compute``."""
        return finish_of(self._steps, self._merged.compute(**kwargs))


class FrameInParts:
    """A dask frame as the verbs see it."""

    def __init__(self, ddf: dd.DataFrame) -> None:
        self.ddf = ddf

    def answer(self, steps: Steps[Any, Any]) -> DelayedAnswer:
        """Say how a question is answered, part by part."""
        ask, put = (
            delayed(partial(partial_of, steps, self.ddf.npartitions)),
            partial(merge_of, steps),
        )
        pieces = [ask(part) for part in _lenient(self.ddf).to_delayed()]
        while len(pieces) > _TOGETHER:
            pieces = [
                delayed(put)(pieces[start : start + _TOGETHER])
                for start in range(0, len(pieces), _TOGETHER)
            ]
        return DelayedAnswer(delayed(put)(pieces), steps)


def _lenient(ddf: dd.DataFrame) -> dd.DataFrame:
    """Return a frame whose scans report campaigns that fail, instead of ending."""
    expr = ddf.expr
    for node in [*expr.find_operations(FromMap)]:
        if isinstance(node.func, PartReader):
            func = node.func._replace(strict=False)
            expr = expr.substitute(node, node.substitute_parameters({"func": func}))
    return new_collection(expr)


class DaskAccessor(Holder):
    """``ddf.braze``: the verbs of ``df.braze`` that are answered by parts."""

    totals = BrazeAccessor.totals
    rates = BrazeAccessor.rates

    def __init__(self, ddf: dd.DataFrame) -> None:
        grain_of(ddf._meta)
        super().__init__(cast("Any", FrameInParts(ddf)))


def _register() -> None:
    """Put ``braze`` on dask's frames; again is harmless."""
    if "braze" not in vars(dd.DataFrame):
        register_dataframe_accessor("braze")(DaskAccessor)
