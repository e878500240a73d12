"""A source cut into parts of whole campaigns, and the frame of a part."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Column
from braze_frames.errors import BrazeError, PullError, gathered
from braze_frames.frame.levels import LEVELS
from braze_frames.frame.provenance import short_names_of
from braze_frames.payload.assemble import assemble
from braze_frames.reader import failed_text, label_frame, said_of
from braze_frames.schema.channels import STAT, VARIATION_ID
from braze_frames.sources.offline import Shelved, read_shelved
from braze_frames.sources.plan import Attrs, Pulled, ReadPlan, Request, only_ours

PART = "braze_part"
"""Where in ``attrs`` the frame of a part keeps what the whole must hear of."""

_TEXT = pd.Index([], dtype="str").dtype
_ALL_LEVELS = ("campaign", *LEVELS)


class Aside(dict[str, Any]):
    """What a part says beside its rows: of campaigns ``of``, whatever it lies beside.

    pandas keeps ``attrs`` of frames that it puts together only where all are equal. So
    these are equal to those of any part, and what differs by part is told nowhere else.

    Examples
    --------
    >>> Aside(of=["A"]) == Aside(of=["B"])
    True
    """

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Aside)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __deepcopy__(self, memo: Any) -> "Aside":
        return self  # nobody changes it, and pandas copies attrs with each slice


class Portion(Protocol):
    """Some campaigns, to be read elsewhere."""

    def read(self, plan: ReadPlan) -> Pulled:
        """Read them."""

    @property
    def labels(self) -> list[str]:
        """What they are called."""


class CachePart(NamedTuple):
    """Campaigns of a cache."""

    shelf: Sequence[Shelved]

    def read(self, plan: ReadPlan) -> Pulled:
        """Read what is stored of them."""
        return read_shelved(self.shelf, plan)

    @property
    def labels(self) -> list[str]:
        """What they are called."""
        return [one.label for one in self.shelf]


SHOWABLE = "A"
"""A name that is shown as it is."""


def frame_of_names(pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Return a frame that has campaigns and variations, and nothing else."""
    names = ["campaign", "variation"]
    return pd.DataFrame(index=pd.MultiIndex.from_tuples(pairs, names=names))


def short_campaigns(labels: Iterable[str]) -> dict[str, str]:
    """Return what the long names of all campaigns are cut to.

    Examples
    --------
    >>> short_campaigns(["A", "B"])
    {}
    """
    frame = frame_of_names([(label, SHOWABLE) for label in labels])
    return short_names_of(frame).get("", {})


def cut(campaigns: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield lists of ``size`` campaigns.

    Examples
    --------
    >>> [*cut("abcde", 2)]
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    rest = iter(campaigns)
    while part := [*islice(rest, size)]:
        yield part


class PartReader(NamedTuple):
    """Reads a part into a frame with the levels as columns.

    ``attrs`` are those of all parts; ``short`` is what long names of campaigns are cut
    to. ``strict``: whether a campaign that fails is an error at once, as it must be for
    who takes the rows; verbs report it with the whole. ``token`` tells one scan from
    another.
    """

    plan: ReadPlan
    columns: tuple[str, ...] | None
    attrs: Attrs
    ids: Mapping[str, str | None]
    short: Mapping[str, str]
    token: str
    parts: int
    strict: bool = True

    def __dask_tokenize__(self) -> tuple[str, bool]:
        return self.token, self.strict

    def __call__(self, part: Portion) -> pd.DataFrame:
        """Read a part.

        Raises
        ------
        PullError
            A campaign of it cannot be read.
        """
        with gathered() as warned:
            pulled = self._read(part)
        if pulled.failed and self.strict:
            text = failed_text(pulled.failed, len(part.labels))
            raise PullError(text, failed=pulled.failed, frame=None)
        said = said_of(pulled)
        (frame,) = assemble(pulled.campaigns, ("variation",), several=True)
        label_frame(frame, self.attrs, self.ids)
        own = frame.attrs["braze"].get("labels", {})
        carried = [str(name) for name in frame if self._is_asked(str(name))]
        aside = Aside(
            said._asdict(),
            of=part.labels,
            labels={owner: names for owner, names in own.items() if owner},
            warned=[[*one] for one in warned],
            carried=carried,
            asked=self.columns and [*self.columns],
            lost={
                label: [type(error).__name__, str(error)]
                for label, error in pulled.failed.items()
            },
            parts=self.parts,
        )
        frame.attrs = {"braze": self.about(), PART: aside}
        return _completed(frame, self.names(carried)).reset_index()

    def about(self) -> dict[str, Any]:
        """Return what ``attrs`` say of each part, the same of all.

        Names of campaigns are cut as among all of them; those of variations are not
        known before they are read.
        """
        frame = pd.DataFrame()
        label_frame(frame, self.attrs, self.ids)
        labels = {"labels": {"": dict(self.short)}} if self.short else {}
        return {**frame.attrs["braze"], **labels}

    def _read(self, part: Portion) -> Pulled:
        """Read a part; where that fails as a whole, all of its campaigns fail."""
        try:
            with only_ours("a part"):
                return part.read(self.plan)
        except BrazeError as error:
            nothing = Request([], several=True)
            return Pulled(nothing, [], dict.fromkeys(part.labels, error), {})

    def _is_asked(self, name: str) -> bool:
        return self.columns is None or name in {*self.columns, VARIATION_ID}

    def names(self, carried: Iterable[str] = ()) -> list[str]:
        """Return the columns of a part: those of all, then its own."""
        known = STAT if self.columns is None else self.columns
        return [*dict.fromkeys([VARIATION_ID, *known, *carried])]

    def empty(self) -> pd.DataFrame:
        """Return the frame of a part without rows."""
        levels = [
            pd.DatetimeIndex([]).as_unit("us")
            if name == "date"
            else pd.Index([], dtype=_TEXT)
            for name in _ALL_LEVELS
        ]
        frame = pd.DataFrame(index=pd.MultiIndex.from_arrays(levels, names=_ALL_LEVELS))
        frame.attrs = {"braze": self.about()}
        return _completed(frame, self.names()).reset_index()


def _completed(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return a frame with all of these columns; those it lacks share their nothing."""
    size = len(frame)
    nothing = {
        dtype: Column(np.zeros(size, dtype), np.ones(size, dtype=bool)).array()
        for dtype in (np.int64, np.float64)
    }
    texts = (
        pd.array([pd.NA] * size, dtype="string") if VARIATION_ID not in frame else None
    )
    columns = {
        name: frame[name].array
        if name in frame
        else texts
        if name == VARIATION_ID
        else nothing[
            np.float64 if name in STAT and STAT[name].dtype == "Float64" else np.int64
        ]
        for name in names
    }
    whole = pd.DataFrame(columns, index=frame.index, copy=False)
    whole.attrs = frame.attrs
    return whole
