"""What a read asks for, and what comes of it: what planners hand to doers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from braze_frames.cache.layout import Given
from braze_frames.core.arguments import DayRange
from braze_frames.core.days import day_number
from braze_frames.errors import BrazeError, PayloadError
from braze_frames.frame.levels import Grain
from braze_frames.loaders.answers import Answer
from braze_frames.loaders.files import Contents
from braze_frames.payload.assemble import Campaign, campaign_of
from braze_frames.payload.batch import EVERY_DAY, Batch, Span, select_days
from braze_frames.schema.channels import STAT, VARIATION_ID

Attrs = dict[str, Any]


class Item(NamedTuple):
    """One campaign: its label, and its id, name or a way to its answers.

    ``contents`` opens what is at ``path``, which may hold several campaigns where it is
    ``pooled`` with others. ``known`` is the id that stood in what was read.
    """

    label: str
    id: str | None
    answers: Callable[[], Iterable[Answer]] = tuple
    contents: Callable[[], Contents] | None = None
    path: str = ""
    pooled: bool = False
    name: str | None = None
    known: str | None = None


class Request(NamedTuple):
    """The campaigns to read; ``several`` puts the level ``campaign`` on the frame."""

    items: list[Item]
    several: bool

    @property
    def remote(self) -> bool:
        """Whether the API is asked."""
        return any(item.id or item.name for item in self.items)


class Pulled(NamedTuple):
    """What came: campaigns in the order asked, and the error of each that failed."""

    campaigns: list[Campaign]
    failed: dict[str, BrazeError]

    def add(
        self,
        label: str,
        batches: Sequence[Batch],
        names: Mapping[str, str] | None,
    ) -> None:
        """Put a campaign's answers together; one whose sums overflow fails alone."""
        try:
            self.campaigns.append(campaign_of(label, batches, names or {}))
        except PayloadError as error:
            self.failed[label] = error


def span_of(first: date | None, last: date | None) -> Span:
    """Return the days from ``first`` to ``last``; None is no limit.

    Examples
    --------
    >>> span_of(date(1970, 1, 2), date(1970, 1, 31))
    Span(first=1, last=30)
    """
    return Span(
        EVERY_DAY.first if first is None else day_number(first),
        EVERY_DAY.last if last is None else day_number(last),
    )


def newest_day(pulled: Pulled) -> int:
    """Return the newest day that came, in days since 1970-01-01."""
    days = [campaign.batch.days for campaign in pulled.campaigns]
    newest = [int(of_one[-1]) for of_one in days if len(of_one)]
    return max(newest, default=0)


def cut_days(pulled: Pulled, span: Span) -> Pulled:
    """Leave out the days before and after ``span``."""
    cut = Pulled([], dict(pulled.failed))
    for label, batch, names in pulled.campaigns:
        inside = (batch.days >= span.first) & (batch.days <= span.last)
        cut.add(label, [select_days(batch, inside)], names)
    return cut


Moment = Callable[[str], int]


_FILES: dict[Grain, tuple[Given, ...]] = {
    "variation": ("campaign", "variation", "extra"),
    "campaign": ("campaign", "extra"),
    "element": ("variation", "element"),
}
"""What a grain is made of: day totals may fill variations, labels come from them."""


class Part(NamedTuple):
    """Which files and stats a read needs; stats of None are all.

    ``fill`` when day totals are only read to fill a campaign's one variation.
    """

    files: tuple[Given, ...]
    stats: frozenset[str] | None
    fill: bool


class ReadRequest(NamedTuple):
    """What a read asks for: the days, both included, and what of them."""

    first: date
    last: date
    part: Part

    @property
    def span(self) -> Span:
        """The days as numbers."""
        return span_of(self.first, self.last)


def part_of(grains: Iterable[Grain], columns: Iterable[str] | None) -> Part:
    """Return what must be read for some grains and columns.

    Examples
    --------
    >>> part_of(["campaign"], ["revenue"])
    Part(files=('campaign',), stats=frozenset({'revenue'}), fill=False)
    """
    grains = list(grains)
    files = dict.fromkeys(name for grain in grains for name in _FILES[grain])
    stats = None if columns is None else frozenset(map(str, columns))
    if grains == ["element"]:
        stats = frozenset()
    if stats is not None and stats <= {*STAT, VARIATION_ID}:
        files.pop("extra", None)
    return Part(tuple(files), stats, fill="campaign" not in grains)


class ReadPlan(NamedTuple):
    """The options of a read that say where its numbers come from."""

    days: DayRange
    part: Part
    details: bool
    refresh: bool
    as_of: Any
    tz: str | None
    progress: bool
