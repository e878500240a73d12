"""What is stored, now or as it stood at a moment; nobody is asked."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from braze_frames.api.client import BrazeClient
from braze_frames.api.details import Details
from braze_frames.cache.cache import Cache
from braze_frames.cache.campaign import CampaignFiles, Covered, StoredCampaign, at_once
from braze_frames.cache.many import load_many, with_copies
from braze_frames.core.arguments import asked_days, moment_in
from braze_frames.core.arrays import Ints
from braze_frames.core.days import date_of
from braze_frames.core.names import disambiguate
from braze_frames.errors import BrazeError, CacheError, listed
from braze_frames.payload.batch import Span
from braze_frames.sources.plan import (
    Attrs,
    Found,
    Item,
    Pulled,
    ReadPlan,
    Request,
    collect,
    each,
    last_settled_on,
    newest_days,
    only_ours,
    provenance,
    put_together,
    span_of,
    until_attrs,
)
from braze_frames.storage.coverage import (
    instant_of,
    last_settled,
    moment_of,
    within,
)
from braze_frames.storage.layout import ALWAYS, Part
from braze_frames.storage.storage import StorageError

# What it saves to code the texts of many campaigns at once is saved by so many.
_GROUP = 150


def read_earlier(
    request: Request, plan: ReadPlan, client: BrazeClient, cache: Cache
) -> Pulled:
    """Read campaigns as they stood at a moment; the client tells the account alone."""
    if plan.refresh:
        raise ValueError("as_of= looks back and refresh=True asks anew; leave one out")
    moment = moment_in(plan.as_of, client.zone).astimezone(client.zone)
    today = min(moment.date(), client.today())
    span = span_of(*asked_days(plan.days, today))
    storage, at = cache.storage_for(client), moment_of(moment)

    def look(id_: str) -> Found:
        held = CampaignFiles(storage, id_).load_at(span, at)
        details = _told(plan, all_of(held, span))
        settled = last_settled_on(seen.date(), details, cache.settle_days)
        return put_together(held.batches, details, settled)

    seen = min(moment, client.now())
    found, failed = each(look, request.ids, storage.at_once)
    about = provenance(client, seen)
    return collect(request, request.labelled(found), request.labelled(failed), about)


def _told(plan: ReadPlan, held: StoredCampaign | Covered) -> Details | None:
    if plan.details is False or held.about is None:
        return None
    return held.about.details


def load_each(
    shelf: Mapping[str, CampaignFiles], part: Part, span: Span
) -> tuple[dict[str, StoredCampaign], dict[str, BrazeError]]:
    """Read stored days of campaigns in groups; return the errors of the others.

    A group with a campaign that cannot be read is read one by one.
    """
    found: dict[str, StoredCampaign] = {}
    failed: dict[str, BrazeError] = {}

    def group(names: Sequence[str]) -> list[StoredCampaign]:
        return load_many([shelf[name] for name in names], part, span)

    rest = iter(shelf)
    while names := [*islice(rest, _GROUP)]:
        try:
            with only_ours("a group of campaigns"):
                found |= zip(names, group(names), strict=True)
        except StorageError:
            raise
        except BrazeError:
            here, lost = each(lambda name: group([name])[0], names)
            found, failed = found | here, failed | lost
    return found, failed


def lacks_days(held: StoredCampaign, asked: Span) -> bool:
    """Whether not all days that were asked are held."""
    return len(held.coverage.days) < asked.last - asked.first + 1


def all_of(held: StoredCampaign, asked: Span) -> StoredCampaign:
    """Return what is held if it is all that was asked.

    Raises
    ------
    CacheError
        Days are missing; names them.
    """
    days: Ints = np.arange(asked.first, asked.last + 1)
    missing = np.setdiff1d(days, held.coverage.days)
    if len(missing):
        origin = held.batches[0].origin
        raise CacheError(
            f"{origin}: {_days_text(missing)} were not stored then; ask for days that "
            "were, or look back to a later moment"
        )
    return held


def _days_text(days: Ints) -> str:
    """Return days as text, runs of them as first … last."""
    breaks = np.flatnonzero(np.diff(days) != 1)
    firsts = days[np.concatenate([[0], breaks + 1])]
    lasts = days[np.concatenate([breaks, [len(days) - 1]])]
    pairs = zip(firsts.tolist(), lasts.tolist(), strict=True)
    return listed(
        str(date_of(first)) if first == last else f"{date_of(first)} … {date_of(last)}"
        for first, last in pairs
    )


def read_cache(cache: Cache, plan: ReadPlan) -> Pulled:
    """Read all that a cache holds.

    Raises
    ------
    CacheError
        It holds none of the days.
    """
    if plan.refresh:
        raise ValueError(
            "a Cache as the source asks nobody; to refresh it pass ids, and cache="
        )
    # By their place: one id may be stored of several endpoints.
    shelf = {str(place): files for place, files in enumerate(cache.campaigns())}
    held, failed = _held(shelf, plan)
    errors = {shelf[place].id: error for place, error in failed.items()}
    kept = [(shelf[place], one) for place, one in held.items() if one.about]
    if not any(len(one.coverage.days) for _, one in kept) and not errors:
        raise _nothing(cache, plan)
    names = [(files, one.about.name if one.about else None) for files, one in kept]
    labels = labels_of(names)
    settled = _settled([one for _, one in kept], plan, cache)
    rows = dict(zip(labels, zip(kept, settled, strict=True), strict=True))

    def finished(label: str) -> Found:
        (_, one), last = rows[label]
        return put_together(one.batches, _told(plan, one), last)

    found, odd = each(finished, rows)
    if plan.days.length:
        found = newest_days(found, plan.days)
    items = [
        Item(label, files.id, tuple)
        for label, (files, _) in zip(labels, kept, strict=True)
    ]
    about = _provenance([one for _, one in kept])
    return collect(Request(items, several=True), found, errors | odd, about)


class Shelved(NamedTuple):
    """A campaign of a cache, to be read later: its label and its last settled day."""

    files: CampaignFiles
    label: str
    settled: int | None


def shelf_of(cache: Cache, plan: ReadPlan) -> tuple[list[Shelved], Attrs]:
    """Look what a cache holds, without reading a row.

    Returns
    -------
    shelf : list of Shelved
        As they lie in a compacted copy, by id. One that cannot be looked at is there
        too: reading it says why.
    attrs : dict
        What ``attrs`` of a read of all of them would say.

    Raises
    ------
    CacheError
        It holds none of the days.
    """
    places = with_copies({str(n): files for n, files in enumerate(cache.campaigns())})
    span = span_of(plan.days.first, plan.days.last)

    def look(place: str) -> Covered:
        seen = places[place].coverage(plan.part.files)
        return seen._replace(coverage=within(seen.coverage, span))

    looks, failed = each(look, places, at_once(places.values()))
    kept = [(places[place], seen) for place, seen in looks.items() if seen.about]
    seen = [one for _, one in kept]
    if not any(len(one.coverage.days) for one in seen) and not failed:
        raise _nothing(cache, plan)
    names = [(files, one.about.name if one.about else None) for files, one in kept]
    rows = zip(labels_of(names), kept, _settled(seen, plan, cache), strict=True)
    shelf = [Shelved(files, label, settled) for label, (files, _), settled in rows]
    until = until_attrs({one.label: one.settled for one in shelf})
    lost = [Shelved(places[place], places[place].id, None) for place in failed]
    ordered = sorted(
        shelf + lost, key=lambda one: (one.files.storage.name, one.files.id)
    )
    return ordered, _provenance(seen) | until


def read_shelved(shelf: Sequence[Shelved], plan: ReadPlan) -> Pulled:
    """Read some campaigns of a cache; one whose files went since has failed."""
    known = {one.label: one for one in shelf}
    held, failed = _held({label: one.files for label, one in known.items()}, plan)

    def finished(label: str) -> Found:
        one = held[label]
        if one.about is None:
            raise CacheError(f"campaign {known[label].files.id} went since; scan again")
        return put_together(one.batches, _told(plan, one), known[label].settled)

    found, odd = each(finished, held)
    items = [Item(label, one.files.id) for label, one in known.items()]
    return collect(Request(items, several=True), found, failed | odd, {})


def _nothing(cache: Cache, plan: ReadPlan) -> CacheError:
    return CacheError(
        f"{cache!r} holds no days {_asked_text(plan)}; fetch them by passing ids, and "
        "cache="
    )


def _held(
    shelf: Mapping[str, CampaignFiles], plan: ReadPlan
) -> tuple[dict[str, StoredCampaign], dict[str, BrazeError]]:
    """Load campaigns now or as they stood; return the errors of the others."""
    first = None if plan.days.length else plan.days.first
    span = span_of(first, plan.days.last)
    if plan.as_of is None:
        return load_each(with_copies(shelf), plan.part, span)

    def look(place: str) -> StoredCampaign:
        about = shelf[place].coverage(ALWAYS).about
        zone = ZoneInfo(about.tz if about else "UTC")
        return shelf[place].load_at(span, moment_of(moment_in(plan.as_of, zone)))

    return each(look, shelf, at_once(shelf.values()))


def _asked_text(plan: ReadPlan) -> str:
    asked = {"start": plan.days.first, "end": plan.days.last, "as_of": plan.as_of}
    given = [f"{name}={value}" for name, value in asked.items() if value is not None]
    return f"for {', '.join(given)}" if given else "at all"


def _settled(
    held: Sequence[StoredCampaign | Covered], plan: ReadPlan, cache: Cache
) -> list[int | None]:
    """Return the last day of each campaign that no longer grows.

    One whose days are all settled holds back nobody: it is so until the last of all.
    """
    last = max((int(d) for one in held for d in one.coverage.days[-1:]), default=0)
    return [_last_settled(one, plan, cache, last) for one in held]


def _last_settled(
    one: StoredCampaign | Covered, plan: ReadPlan, cache: Cache, last: int
) -> int | None:
    if one.about is None or not len(one.coverage.days):
        return None
    told = _told(plan, one)
    own = told.settle_days if told else None
    terms = cache.terms if own is None else cache.terms._replace(settle_days=own)
    end = last_settled(one.coverage, one.about.tz, terms)
    if end is None:
        return int(one.coverage.days[0]) - 1
    return last if end == one.coverage.days[-1] else end


def _provenance(held: Sequence[StoredCampaign | Covered]) -> Attrs:
    """Say of stored numbers when they were fetched last."""
    known = [one for one in held if one.about and len(one.coverage.days)]
    if not known:
        return {}
    newest = max(int(one.coverage.fetched.max()) for one in known)
    moment = instant_of(newest).astimezone(UTC)
    tz = known[0].about.tz if known[0].about else "UTC"
    return {"tz": tz, "fetched_at": moment.isoformat(timespec="seconds")}


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
                roots = (campaigns[place][0].storage.name for place in group)
                labels = [f"{a} [{b}]" for a, b in zip(labels, roots, strict=True)]
            for place, label in zip(group, labels, strict=True):
                names[place] = label
    return names
