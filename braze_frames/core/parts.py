"""An answer in three steps, so that a frame may come in parts of whole campaigns."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar, cast

import pandas as pd

_P = TypeVar("_P")
_R_co = TypeVar("_R_co", covariant=True)


class Elsewhere(NamedTuple):
    """What other parts may have: stats (None: any), and rows of the same campaigns."""

    stats: Collection[str] | None
    same_campaigns: bool

    def may_have(self, kind: Callable[[str], bool]) -> bool:
        """Tell whether there may be a stat of a kind."""
        return self.stats is None or any(map(kind, self.stats))


class Steps(Protocol[_P, _R_co]):
    """One question: what to take from each part, and how the whole is answered.

    ``partial`` is asked of parts, anywhere; what it gives is small. ``merge`` puts such
    together. ``finish`` is asked once, where the user waits: it alone warns, and it
    refuses what cannot be answered of the whole. ``needs_whole_campaigns``: whether no
    campaign may stand in two parts.
    """

    @property
    def needs_whole_campaigns(self) -> bool:
        """Whether no campaign may stand in two parts."""

    def partial(self, df: pd.DataFrame, elsewhere: Elsewhere | None = None, /) -> _P:
        """Return what the answer needs of a part; without others it is the whole."""

    def merge(self, parts: Sequence[_P], /) -> _P:
        """Put together what came of some parts."""

    def finish(self, part: _P, /) -> _R_co:
        """Answer, warn, refuse."""


def answered(df: Any, steps: Steps[_P, _R_co]) -> _R_co:
    """Answer of a frame, which is one part; a frame in parts says itself how.

    Parameters
    ----------
    df : DataFrame or object
        A pandas frame, or an object whose ``answer(steps)`` gives the answer later.
    steps : Steps
        The question.
    """
    if isinstance(df, pd.DataFrame):
        return steps.finish(steps.merge([steps.partial(df)]))
    return cast("_R_co", df.answer(steps))
