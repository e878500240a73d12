"""Where dask comes in: frames in parts, answers to be computed, ``ddf.braze``.

This module alone imports dask, and it is imported when something is scanned.
"""

from collections.abc import Sequence
from typing import Any, cast

import dask
import dask.dataframe as dd
import pandas as pd
from dask.dataframe.dask_expr import new_collection
from dask.dataframe.dask_expr._expr import Blockwise
from dask.dataframe.dask_expr.io import FromMap
from dask.dataframe.extensions import register_dataframe_accessor
from dask.delayed import Delayed, delayed

from braze_frames.accessor import BrazeAccessor, Holder
from braze_frames.core.arguments import last_day
from braze_frames.core.parts import Steps
from braze_frames.frame.levels import grain_of
from braze_frames.frame.provenance import settled as settled_rows
from braze_frames.scan.answers import PartAnswer, Whole, finish_of, merge_of, partial_of
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

    __slots__ = ("_merged", "_shared", "_steps")

    def __init__(self, merged: Delayed, shared: Delayed, steps: Any) -> None:
        whole = delayed(finish_of)(shared, merged)
        super().__init__(whole.key, whole.dask)
        self._merged, self._shared, self._steps = merged, shared, steps

    def compute(self, **kwargs: Any) -> Any:
        """Compute it; the keywords are those of ``dask.compute``."""
        return finish_of(self._steps, self._merged.compute(**kwargs))

    # What is kept is the merged piece, and what is made of it is said where one waits.

    def __dask_keys__(self) -> list[Any]:
        return [self._merged.key]

    def __dask_postcompute__(self) -> tuple[Any, tuple[Any, ...]]:
        return _finished, (self._steps,)

    def __dask_postpersist__(self) -> tuple[Any, tuple[Any, ...]]:
        return self._rebuild, ()

    def _rebuild(self, dsk: Any, *, rename: Any = None) -> "DelayedAnswer":
        merged = self._merged._rebuild(dsk, rename=rename)
        return DelayedAnswer(merged, self._shared, self._steps)


def _finished(pieces: Sequence[PartAnswer], steps: Steps[Any, Any]) -> Any:
    (piece,) = pieces
    return finish_of(steps, piece)


class FrameInParts:
    """A dask frame as the verbs see it."""

    def __init__(self, ddf: dd.DataFrame) -> None:
        self.ddf = ddf

    def answer(self, steps: Steps[Any, Any]) -> DelayedAnswer:
        """Say how a question is answered, part by part."""
        _refuse_series(steps)
        shared = delayed(steps, traverse=False)  # once, however many parts there are
        ddf, whole = self.ddf, delayed(_whole_of(self.ddf), traverse=False)
        # Put together anew, a part no longer says which of its campaigns are lost.
        ddf = _lenient(ddf) if _untouched(ddf) else ddf
        pieces = [delayed(partial_of)(shared, whole, part) for part in ddf.to_delayed()]
        while len(pieces) > 1:
            pieces = [
                delayed(merge_of)(shared, pieces[start : start + _TOGETHER])
                for start in range(0, len(pieces), _TOGETHER)
            ]
        return DelayedAnswer(pieces[0], shared, steps)


def _refuse_series(steps: Steps[Any, Any]) -> None:
    by = getattr(steps, "by", None)
    for one in by if isinstance(by, list | tuple) else [by]:
        if isinstance(one, pd.Series | dd.Series):
            raise ValueError(  # noqa: TRY004, as wrong by= of pandas are
                "by= is a Series, which belongs to the rows of one frame: put it into "
                'a column, ddf = ddf.assign(owner=…), and ask by="owner"'
            )


def _whole_of(ddf: dd.DataFrame) -> Whole:
    """Return what is known of a frame; its empty one keeps attrs as pandas does."""
    about = ddf._meta.attrs.get("braze")
    readers = any(_is_scan(node) for node in ddf.expr.find_operations(FromMap))
    scanned = about is not None or readers
    return Whole(ddf.npartitions, about, scanned, _untouched(ddf))


def _untouched(ddf: dd.DataFrame) -> bool:
    """Tell whether each partition is made of a part that was read, and of no other."""
    return all(isinstance(node, Blockwise) for node in ddf.expr.walk())


def _is_scan(node: FromMap) -> bool:
    return isinstance(node.func, PartReader)


def _lenient(ddf: dd.DataFrame) -> dd.DataFrame:
    """Return a frame whose scans report campaigns that fail, instead of ending."""
    expr = ddf.expr
    for node in [*expr.find_operations(FromMap)]:
        if _is_scan(node):
            func = node.func._replace(strict=False)
            expr = expr.substitute(node, node.substitute_parameters({"func": func}))
    return new_collection(expr)


class DaskAccessor(Holder):
    """``ddf.braze``: the verbs of ``df.braze`` that are answered by parts.

    Each takes what it takes in pandas and gives a ``dask.delayed`` of what it gives
    there; ``settled`` gives a dask frame, to be asked further.

    Parameters
    ----------
    ddf : dask.dataframe.DataFrame
        What ``scan_braze_series`` gives, filtered or with columns of your own; any
        frame with the levels as columns.

    Raises
    ------
    FrameError
        The frame has other levels; it is an ``AttributeError``. When an answer is
        computed: a campaign stands in two partitions, and the verb needs it whole.
    """

    totals = BrazeAccessor.totals
    rates = BrazeAccessor.rates
    tests = BrazeAccessor.tests
    lift = BrazeAccessor.lift
    winner = BrazeAccessor.winner
    srm = BrazeAccessor.srm
    check = BrazeAccessor.check

    def __init__(self, ddf: dd.DataFrame) -> None:
        grain_of(ddf._meta)
        super().__init__(cast("Any", FrameInParts(ddf)))
        self._ddf = ddf

    def settled(self, until: Any = None) -> dd.DataFrame:
        """Drop the days whose numbers still grow; see ``df.braze.settled``.

        Returns
        -------
        dask.dataframe.DataFrame
            The rows of those days, to be asked further, or computed.

        Raises
        ------
        ValueError
            ``until`` is no day.
        FrameError
            When it is computed: ``until`` is not given, and the frame does not know.
        """
        if until is not None:
            until = last_day("until", until)
        return self._ddf.map_partitions(settled_rows, until, meta=self._ddf._meta)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(BrazeAccessor, name):
            raise AttributeError(f"ddf.braze has no {name!r}")
        raise AttributeError(
            f"{name} is not answered by parts: filter, then compute the frame and ask "
            f"that: ddf.compute().braze.{name}"
        )


def _register() -> None:
    """Put ``braze`` on dask's frames; again is harmless."""
    if "braze" not in vars(dd.DataFrame):
        register_dataframe_accessor("braze")(DaskAccessor)
