"""What a read asks for, and what comes of it: what planners hand to doers.

One ``ReadPlan`` goes from the reader to whoever carries it out, and one ``Pulled``
comes back.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from braze_frames.api.client import BrazeClient
from braze_frames.api.details import Details
from braze_frames.api.endpoints import zone_of
from braze_frames.cache.cache import Cache
from braze_frames.core.arguments import DayRange
from braze_frames.core.days import date_of, day_number
from braze_frames.errors import BrazeError, PayloadError
from braze_frames.loaders.answers import Answer
from braze_frames.loaders.files import Contents
from braze_frames.payload.assemble import Campaign
from braze_frames.payload.batch import EVERY_DAY, Batch, Span, select_days
from braze_frames.payload.days import NO_NAMES, normalise
from braze_frames.storage.layout import Part
from braze_frames.storage.storage import StorageError, side_by_side

Attrs = dict[str, Any]
_R = TypeVar("_R")

# Attrs are small: a frame of more campaigns than this names the first of them.
MOST_LISTED = 500


class ReadPlan(NamedTuple):
    """The options of a read that say which numbers it wants, and from whom."""

    days: DayRange
    part: Part
    details: bool | None
    refresh: bool
    as_of: Any
    tz: str | None
    progress: bool
    client: BrazeClient | None
    cache: Cache | None

    @property
    def zone(self) -> ZoneInfo | None:
        """The company's time zone, where it was told."""
        return None if self.tz is None else zone_of(self.tz)


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

    def labelled(self, by_id: Mapping[str, _R]) -> dict[str, _R]:
        """Return what is known by id by the campaigns' labels, in the order asked."""
        ids = ((item.label, item.id or "") for item in self.items)
        return {label: by_id[id_] for label, id_ in ids if id_ in by_id}

    @property
    def ids(self) -> list[str]:
        """The campaigns' ids, each once."""
        return list(dict.fromkeys(item.id for item in self.items if item.id))


class Found(NamedTuple):
    """What came of one campaign; ``settled`` is the last day that no longer grows."""

    batch: Batch
    names: Mapping[str, str]
    settled: int | None


def put_together(
    batches: Iterable[Batch],
    details: Details | None = None,
    settled: int | None = None,
    *,
    restated: bool = True,
) -> Found:
    """Put the answers about one campaign together; see ``normalise``."""
    names = NO_NAMES if details is None else details.names
    return Found(normalise(batches, names, restated=restated), names, settled)


class Pulled(NamedTuple):
    """What came: campaigns in the order asked, and the error of each that failed.

    A campaign that could not be stored is in both. ``assumed``: a time whose day is a
    guess, as the company's zone is not known.
    """

    request: Request
    campaigns: list[Campaign]
    failed: dict[str, BrazeError]
    attrs: Attrs
    assumed: str = ""


def each(
    read: Callable[[str], _R], names: Iterable[str], at_once: int = 1
) -> tuple[dict[str, _R], dict[str, BrazeError]]:
    """Read campaigns, so many at once; return what came, and the others' errors.

    Raises
    ------
    StorageError
        None can be read.
    """
    found: dict[str, _R] = {}
    failed: dict[str, BrazeError] = {}

    def attempt(name: str) -> None:
        try:
            with only_ours(f"campaign {name}" if name else "the source"):
                found[name] = read(name)
        except StorageError:
            raise
        except BrazeError as error:
            failed[name] = error

    names = [*names]
    side_by_side(attempt, names, at_once)
    came = {name: found[name] for name in names if name in found}
    return came, {name: failed[name] for name in names if name in failed}


def collect(
    request: Request,
    found: Mapping[str, Found],
    failed: Mapping[str, BrazeError],
    attrs: Attrs,
) -> Pulled:
    """Put together what came.

    Parameters
    ----------
    request : Request
        What was asked.
    found, failed : mapping
        Campaigns and errors by label.
    attrs : dict
        What the frame's ``attrs`` say of where its numbers come from.
    """
    campaigns = [Campaign(label, one.batch) for label, one in found.items()]
    settled = until_attrs({label: one.settled for label, one in found.items()})
    return Pulled(request, campaigns, {**failed}, attrs | settled)


def until_attrs(settled: Mapping[str, int | None]) -> Attrs:
    """Say until when all campaigns are settled, and each where they differ."""
    days = {
        label: date_of(day).isoformat()
        for label, day in settled.items()
        if day is not None
    }
    if not days:
        return {}
    attrs: Attrs = {"settled_until": min(days.values())}
    if len({*days.values()}) > 1:
        attrs["settled"] = dict([*days.items()][:MOST_LISTED])
    return attrs


@contextmanager
def only_ours(origin: str) -> Iterator[None]:
    """Let nothing but our errors leave the reading of one campaign.

    So one answer of which nobody has thought never takes the other campaigns with it.
    """
    try:
        yield
    except (BrazeError, MemoryError):
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}"[:200]
        raise PayloadError(
            f"{origin} holds something that cannot be read ({said}); fetch it again, "
            "and tell us of it if that does not help"
        ) from error


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


def newest_days(found: Mapping[str, Found], days: DayRange) -> dict[str, Found]:
    """Leave ``length`` days, up to the last one asked or the last that there is."""
    newest = [int(day) for one in found.values() for day in one.batch.days[-1:]]
    last = span_of(None, days.last).last if days.last else max(newest, default=0)
    span = Span(last - (days.length or 0) + 1, last)
    return {
        key: one._replace(batch=normalise([cut_days(one.batch, span)], one.names))
        for key, one in found.items()
    }


def cut_days(batch: Batch, span: Span) -> Batch:
    """Leave out the days before and after ``span``."""
    return select_days(batch, (batch.days >= span.first) & (batch.days <= span.last))


def last_settled_on(day: date, details: Details | None, settle_days: int) -> int:
    """Return the last day that no longer grew on a day.

    Its conversion windows tell, where they are known; else ``settle_days``.
    """
    known = details.settle_days if details else None
    return day_number(day) - (settle_days if known is None else known)


def provenance(client: BrazeClient, seen: datetime) -> Attrs:
    """Say whom a frame's numbers come from, and when they were seen."""
    return {
        "endpoint": client.host,
        "tz": client.tz,
        "fetched_at": seen.isoformat(timespec="seconds"),
    }
