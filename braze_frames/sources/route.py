"""The ways from a source to campaigns: files, the API, a cache, or both of these."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from .cache import Cache, labels_of
from .cached_pull import Asked, Held, Part, pull_cached, pull_earlier, pull_stored
from .client import BrazeClient, connect
from .coverage import SETTLE_DAYS, instant_of, moment_of, settled_until
from .dates import Days, asked_days, moment_in
from .errors import CacheError
from .frame import Campaign
from .payload import Span
from .pull import Pulled, cut_days, newest_day, pull_local, pull_remote, span_of
from .sources import Item, Request, recognise

_EPOCH = date(1970, 1, 1)

Attrs = dict[str, Any]


class How(NamedTuple):
    """The options of a read that say where its numbers come from."""

    days: Days
    part: Part
    details: bool
    refresh: bool
    as_of: Any
    progress: bool


def pull(
    source: Any, how: How, client: BrazeClient | None, cache: Cache | None
) -> tuple[Request, Pulled, Attrs]:
    """Read the campaigns of a source.

    Returns
    -------
    Request, Pulled, dict
        What was asked, what came, and what the frame's ``attrs`` say of it.
    """
    if isinstance(source, Cache):
        return _offline(source, how)
    request = recognise(source)
    if how.as_of is not None and (cache is None or not request.remote):
        raise ValueError(
            f"as_of={how.as_of!r} needs the history that a cache keeps; pass ids, and "
            "cache= with the folder that was used then"
        )
    if not request.remote:
        return request, *_open(request, how)
    asked = connect() if client is None else client
    try:
        if cache is None:
            return request, *_ask(request, how, asked)
        if how.as_of is None:
            return request, *_through(request, how, asked, cache)
        return request, *_earlier(request, how, asked, cache)
    finally:
        if client is None:
            asked.close()


def _open(request: Request, how: How) -> tuple[Pulled, Attrs]:
    days = how.days
    if how.details:
        raise ValueError("details=True asks the API by id; the source holds no ids")
    if days.length is None:
        return pull_local(request.items, span_of(days.first, days.last)), {}
    pulled = pull_local(request.items, span_of(None, days.last))
    return _newest(pulled, days), {}


def _newest(pulled: Pulled, days: Days) -> Pulled:
    """Leave ``length`` days, up to the last one asked or the last that there is."""
    newest = span_of(None, days.last).last if days.last else newest_day(pulled)
    return cut_days(pulled, Span(newest - (days.length or 0) + 1, newest))


def _ask(request: Request, how: How, client: BrazeClient) -> tuple[Pulled, Attrs]:
    first, last = asked_days(how.days, client.today())
    pulled = pull_remote(
        *(request.items, client, first, last),
        details=how.details,
        progress=how.progress,
    )
    return pulled, _provenance(client, client.now(), SETTLE_DAYS)


def _through(
    request: Request, how: How, client: BrazeClient, cache: Cache
) -> tuple[Pulled, Attrs]:
    pulled = pull_cached(
        *(request.items, client, cache.folder_for(client), cache.terms),
        Asked(*asked_days(how.days, client.today()), how.part),
        details=how.details,
        refresh=how.refresh,
        progress=how.progress,
    )
    return pulled, _provenance(client, client.now(), cache.settle_days)


def _earlier(
    request: Request, how: How, client: BrazeClient, cache: Cache
) -> tuple[Pulled, Attrs]:
    if how.refresh:
        raise ValueError("as_of= looks back and refresh=True asks anew; leave one out")
    moment = moment_in(how.as_of, client.zone)
    today = min(moment.astimezone(client.zone).date(), client.today())
    pulled = pull_earlier(
        *(request.items, cache.folder_for(client)),
        Asked(*asked_days(how.days, today), how.part),
        moment_of(moment),
        details=how.details,
    )
    seen = min(moment.astimezone(client.zone), client.now())
    return pulled, _provenance(client, seen, cache.settle_days)


def _provenance(client: BrazeClient, now: datetime, settle_days: int) -> Attrs:
    return {
        "endpoint": client.host,
        "tz": client.tz,
        "fetched_at": now.isoformat(timespec="seconds"),
        "settled_until": (now.date() - timedelta(days=settle_days)).isoformat(),
    }


def _offline(cache: Cache, how: How) -> tuple[Request, Pulled, Attrs]:
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
        pulled.campaigns.append(Campaign(label, one.batches, names or {}))
        items.append(Item(label, files.id, tuple))
    if not any(len(one.coverage.days) for _, one in held) and not failed:
        raise CacheError(
            f"{cache!r} holds no days {_asked_text(how)}; fetch them by passing ids, "
            "and cache="
        )
    if how.days.length:
        pulled = _newest(pulled, how.days)
    return Request(items, several=True), pulled, _told([one for _, one in held], cache)


def _asked_text(how: How) -> str:
    asked = {"start": how.days.first, "end": how.days.last, "as_of": how.as_of}
    given = [f"{name}={value}" for name, value in asked.items() if value is not None]
    return f"for {', '.join(given)}" if given else "at all"


def _told(held: Sequence[Held], cache: Cache) -> Attrs:
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
    ends = [settled_until(coverage, tz, cache.terms) for coverage, tz in known]
    open_ends = [
        int(coverage.days[0]) - 1 if end is None else end
        for end, (coverage, _) in zip(ends, known, strict=True)
        if end != int(coverage.days[-1])
    ]
    settled = _EPOCH + timedelta(days=min(open_ends, default=last))
    return {
        "tz": known[0][1],
        "fetched_at": instant_of(newest).astimezone(UTC).isoformat(timespec="seconds"),
        "settled_until": settled.isoformat(),
    }
