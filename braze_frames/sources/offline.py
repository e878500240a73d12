"""A cache as the source: what is stored, and nobody is asked."""

from collections.abc import Sequence
from datetime import UTC
from zoneinfo import ZoneInfo

from braze_frames.cache.cache import Cache
from braze_frames.cache.campaign import CampaignFiles
from braze_frames.cache.coverage import instant_of, last_settled, moment_of
from braze_frames.core.arguments import DayRange, moment_in
from braze_frames.core.days import date_of
from braze_frames.core.names import disambiguate
from braze_frames.errors import CacheError
from braze_frames.payload.batch import Span
from braze_frames.sources.plan import (
    Attrs,
    Item,
    Pulled,
    ReadPlan,
    Request,
    cut_days,
    newest_day,
    span_of,
)
from braze_frames.sources.stored import StoredCampaign, pull_stored


def newest_days(pulled: Pulled, days: DayRange) -> Pulled:
    """Leave ``length`` days, up to the last one asked or the last that there is."""
    newest = span_of(None, days.last).last if days.last else newest_day(pulled)
    return cut_days(pulled, Span(newest - (days.length or 0) + 1, newest))


def pull_offline(cache: Cache, how: ReadPlan) -> tuple[Request, Pulled, Attrs]:
    """Read what a cache holds; the request names its campaigns."""
    if how.refresh:
        raise ValueError(
            "a Cache as the source asks nobody; to refresh it pass ids, and cache="
        )
    stored = list(cache.campaigns())
    first = None if how.days.length else how.days.first
    span = span_of(first, how.days.last)

    def moment(tz: str) -> int:
        return moment_of(moment_in(how.as_of, ZoneInfo(tz)))

    at = None if how.as_of is None else moment
    held, failed = pull_stored(stored, span, how.part, at)
    named = [(files, one.about.name) for files, one in held if one.about]
    pulled = Pulled([], failed)
    items = []
    for (files, one), label in zip(held, labels_of(named), strict=True):
        names = one.about.names if how.details and one.about else None
        pulled.add(label, one.batches, names)
        items.append(Item(label, files.id, tuple))
    if not any(len(one.coverage.days) for _, one in held) and not failed:
        raise CacheError(
            f"{cache!r} holds no days {_asked_text(how)}; fetch them by passing ids, "
            "and cache="
        )
    if how.days.length:
        pulled = newest_days(pulled, how.days)
    return Request(items, several=True), pulled, _told([one for _, one in held], cache)


def _asked_text(how: ReadPlan) -> str:
    asked = {"start": how.days.first, "end": how.days.last, "as_of": how.as_of}
    given = [f"{name}={value}" for name, value in asked.items() if value is not None]
    return f"for {', '.join(given)}" if given else "at all"


def _told(held: Sequence[StoredCampaign], cache: Cache) -> Attrs:
    """Return what is known of stored numbers: when fetched last, until when settled."""
    known = [
        (one.coverage, one.about.tz)
        for one in held
        if one.about and len(one.coverage.days)
    ]
    if not known:
        return {}
    newest = max(int(coverage.fetched.max()) for coverage, _ in known)
    last = max(int(coverage.days[-1]) for coverage, _ in known)
    ends = [last_settled(coverage, tz, cache.terms) for coverage, tz in known]
    open_ends = [
        int(coverage.days[0]) - 1 if end is None else end
        for end, (coverage, _) in zip(ends, known, strict=True)
        if end != int(coverage.days[-1])
    ]
    settled = date_of(min(open_ends, default=last))
    return {
        "tz": known[0][1],
        "fetched_at": instant_of(newest).astimezone(UTC).isoformat(timespec="seconds"),
        "settled_until": settled.isoformat(),
    }


def labels_of(campaigns: Sequence[tuple[CampaignFiles, str | None]]) -> list[str]:
    """Return what to call stored campaigns: the name given, else their id.

    A name that several have gets the id's first characters behind it, and an id that
    several endpoints have the endpoint.
    """
    names = [name or files.id for files, name in campaigns]
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    for name, group in places.items():
        if len(group) > 1:
            ids = [campaigns[place][0].id for place in group]
            labels = disambiguate(name, ids)
            if len(set(labels)) < len(labels):
                roots = (campaigns[place][0].root.name for place in group)
                labels = [f"{a} [{b}]" for a, b in zip(labels, roots, strict=True)]
            for place, label in zip(group, labels, strict=True):
                names[place] = label
    return names
