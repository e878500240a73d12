"""What parts of a frame found of its tests, put together, and as one table."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from braze_frames.errors import FrameError, listed
from braze_frames.experiment.design import Experiment, Experiments, experiments_of
from braze_frames.frame.levels import grain_of, level_names, level_of, stats_of
from braze_frames.frame.provenance import Until, merge_until, settled_attrs, settled_day
from braze_frames.schema.formulas import check_defined, definitions_in

_T = TypeVar("_T")
TEXT = pd.Index(["text"]).dtype
"""The dtype that pandas gives to text."""

# Campaigns that run so many times as long are asked apart, where they have more than
# so many days together: less takes no time.
_LONGER, _MOST_CELLS = 4, 50_000
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


def of_like_length(df: pd.DataFrame) -> list[pd.DataFrame]:
    """Cut a frame into campaigns that run about as long, and are asked together.

    Their arms share a table of days: of one that runs for years beside thousands that
    ran for a month, nearly all of it would be empty.
    """
    if "campaign" not in level_names(df):
        return [df]
    campaign, date = (level_of(df, name).used() for name in ("campaign", "date"))
    shape = len(campaign.labels), len(date.labels)
    there = np.zeros(shape, dtype=bool)
    there[campaign.codes, date.codes] = True
    lengths = there.sum(axis=1)
    cells = lengths.max(initial=0) * len(lengths)
    if cells <= max(_MOST_CELLS, _LONGER * lengths.sum()):
        return [df]
    size = np.floor(np.log(lengths) / np.log(_LONGER))[campaign.codes]
    return [df[size == one] for one in np.unique(size)]


class Scope(NamedTuple):
    """What the tests of some parts stand in; what is refused, is refused of the whole.

    ``several``: whether there is a level of campaigns. ``alone``: each channel of a
    campaign, and its first variation. ``last``: the last day; ``until``: the last of
    them that no longer grows, if known.
    """

    rows: int
    several: bool
    campaigns: Sequence[str]
    channels: Sequence[str]
    stats: Collection[str]
    alone: Sequence[tuple[str, str]]
    last: Any
    until: Until

    def check_metric(self, metric: str) -> None:
        """Refuse a metric that the whole cannot give.

        Raises
        ------
        FrameError
            There are no rows, no channel has it, or it needs stats that the frame
            lacks.
        """
        self.check_rows()
        defined = definitions_in(metric, self.channels)
        check_defined(metric, defined, self.channels, self.stats)

    def check_rows(self) -> None:
        """Refuse a frame without rows.

        Raises
        ------
        FrameError
            There are none.
        """
        if not self.rows:
            raise FrameError("the frame has no rows: read more days, or filter less")

    def single_variation_error(self) -> FrameError:
        """Return the error for a frame whose channels have one variation each."""
        found = listed((f"{name}: {label!r}" for name, label in self.alone), "; ")
        return FrameError(
            f"there is one variation only, and nothing to compare: {found}"
        )

    def days(self) -> dict[str, str]:
        """Return what results say of the days."""
        return settled_attrs(self.until.day, self.last)

    def in_order(
        self, found: Iterable[_T], campaign: Callable[[_T], str | None]
    ) -> list[_T]:
        """Return what parts found in the order of campaigns, as one frame has it."""
        if not self.several:
            return [*found]
        return sorted(found, key=lambda one: str(campaign(one)))


def arms_of(df: pd.DataFrame) -> Experiments | None:
    """Return the arms of a part; None where it has no rows.

    Raises
    ------
    FrameError
        The frame has no variations.
    """
    return experiments_of(df) if len(df) or grain_of(df) != "variation" else None


def scope_of(df: pd.DataFrame, arms: Experiments | None) -> Scope:
    """Return the scope of a part; ``arms`` are its own."""
    until, stats = settled_day(df), frozenset(stats_of(df))
    several = "campaign" in level_names(df)
    if arms is None:
        return Scope(0, several, [], [], stats, [], pd.NaT, until)
    alone = [(one.name, arms.labels[one.arms[0]]) for one in arms.families]
    names = [name for name in arms.campaigns if name is not None]
    last = arms.dates.max()
    return Scope(len(df), several, names, arms.channels, stats, alone, last, until)


def merge_scopes(scopes: Sequence[Scope]) -> Scope:
    """Put the scopes of parts together."""
    if len(scopes) == 1:
        return scopes[0]
    return Scope(
        sum(one.rows for one in scopes),
        scopes[0].several,
        sorted({name for one in scopes for name in one.campaigns}),
        sorted({name for one in scopes for name in one.channels}),
        frozenset(chain.from_iterable(one.stats for one in scopes)),
        sorted(chain.from_iterable(one.alone for one in scopes)),
        max((one.last for one in scopes if one.rows), default=pd.NaT),
        merge_until(one.until for one in scopes),
    )


class TestedPart(NamedTuple):
    """Tests of some parts, what was found of each.

    A row may be an error, to be raised of the whole.
    """

    scope: Scope
    families: Sequence[Experiment]
    rows: Sequence[Any]


def merge_tested(parts: Sequence[TestedPart]) -> TestedPart:
    """Put the tests of parts together, in the order of campaigns."""
    scope = merge_scopes([part.scope for part in parts])
    pairs = (zip(part.families, part.rows, strict=True) for part in parts)
    found = scope.in_order(chain(*pairs), lambda pair: pair[0].campaign)
    return TestedPart(scope, [one for one, _ in found], [row for _, row in found])


def together(tables: Sequence[pd.DataFrame], *, several: bool) -> pd.DataFrame:
    """Return the tables of parts as one, in the order of campaigns."""
    if len(tables) == 1:
        return tables[0]
    table = pd.concat(tables)
    if not several:
        return table
    return table.iloc[
        np.argsort(table.index.get_level_values("campaign"), kind="stable")
    ]
