"""Campaigns through a cache: what is missing is asked and stored, then all is read."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from braze_frames.api.client import BrazeClient
from braze_frames.api.details import Details
from braze_frames.api.windows import Window, plan_days, plan_windows
from braze_frames.cache.cache import Cache
from braze_frames.cache.campaign import CampaignFiles, StoredCampaign, Update
from braze_frames.cache.many import load_many, with_copies
from braze_frames.core.arguments import asked_days
from braze_frames.core.days import date_of
from braze_frames.errors import BrazeError, CacheError, RequestError, listed
from braze_frames.payload.batch import Batch, Span
from braze_frames.sources.offline import all_of, lacks_days, load_each
from braze_frames.sources.plan import (
    Found,
    Pulled,
    ReadPlan,
    Request,
    collect,
    cut_days,
    each,
    last_settled_on,
    only_ours,
    provenance,
    put_together,
    span_of,
)
from braze_frames.sources.remote import Arrival, Fetch, ending, fetch_details, must_ask
from braze_frames.storage.coverage import (
    Coverage,
    FreshnessPolicy,
    moment_of,
    what_to_fetch,
)
from braze_frames.storage.storage import StorageError

# Each round of a read may find one more damaged file of a campaign; more than two are
# no accident.
_MORE_ROUNDS = 2


class _Shelf(NamedTuple):
    """The campaigns' files, what to call them, and when and for whom they are asked."""

    files: Mapping[str, CampaignFiles]
    names: dict[str, str]
    client: BrazeClient
    now: datetime

    def store(
        self, id_: str, batches: Sequence[Batch], details: Details | None = None
    ) -> None:
        """Take over what was fetched of a campaign."""
        with only_ours(f"campaign {id_}"):
            moment, tz = moment_of(self.now), self.client.tz
            self.files[id_].write(
                Update(batches, moment, tz, self.names.get(id_), details)
            )


class _Stored(NamedTuple):
    """What became of a fetch: errors, and answers that could not be stored, by id.

    ``few`` are the campaigns of which fewer days came than were asked for.
    """

    failed: dict[str, BrazeError]
    unstored: dict[str, list[Batch]]
    few: set[str]


class _Came(NamedTuple):
    """Campaigns and errors by id, and the ids for which something was asked.

    ``few`` are those of which fewer days came than were asked for.
    """

    held: dict[str, StoredCampaign]
    failed: dict[str, BrazeError]
    asked: set[str]
    few: set[str]


def read_cached(
    request: Request, plan: ReadPlan, client: BrazeClient, cache: Cache
) -> Pulled:
    """Read campaigns from an endpoint's folder, after asking the API what it lacks.

    Raises
    ------
    AuthError
        At once; what came before is stored.
    CacheError
        Nothing can be stored: the disk is full, or the folder may not be written.
    """
    storage, now = cache.storage_for(client), client.now()
    shelf = _Shelf(
        with_copies({id_: CampaignFiles(storage, id_) for id_ in request.ids}),
        {str(item.id): item.label for item in request.items if item.label != item.id},
        client,
        now,
    )
    span = span_of(*asked_days(plan.days, now.date()))
    with ending(client):
        came = _through(shelf, plan, span, cache.terms)
        details, unasked = _details(shelf, plan, came)

    def finished(id_: str) -> Found:
        told = details.get(id_)
        settled = last_settled_on(now.date(), told, cache.settle_days)
        return put_together(came.held[id_].batches, told, settled)

    found, odd = each(finished, [id_ for id_ in came.held if id_ not in unasked])
    errors = request.labelled(came.failed | unasked | odd)
    return collect(request, request.labelled(found), errors, provenance(client, now))


def _through(
    shelf: _Shelf, plan: ReadPlan, span: Span, terms: FreshnessPolicy
) -> _Came:
    """Look what is stored, ask what is missing, store it, and read all of it.

    Only the read itself finds damage among the numbers of a file, which is then set
    aside: its campaign goes round again.
    """
    came, ids = _Came({}, {}, set(), set()), [*shelf.files]
    for policy in (None if plan.refresh else terms, *[terms] * _MORE_ROUNDS):
        one = _round(shelf, plan, span, policy, ids)
        came = _Came(
            *(came.held | one.held, came.failed | one.failed),
            *(came.asked | one.asked, came.few | one.few),
        )
        ids = [
            id_
            for id_, held in one.held.items()
            if id_ not in {*one.failed, *one.few} and lacks_days(held, span)
        ]
        if not ids:
            return came
    _, lost = each(lambda id_: all_of(came.held[id_], span), ids)
    held = {id_: one for id_, one in came.held.items() if id_ not in lost}
    return came._replace(held=held, failed=came.failed | lost)


def _round(
    shelf: _Shelf,
    plan: ReadPlan,
    span: Span,
    policy: FreshnessPolicy | None,
    ids: Sequence[str],
) -> _Came:
    files = shelf.files
    held, failed = load_each({id_: files[id_] for id_ in ids}, plan.part, span)
    windows = {
        id_: needed
        for id_, one in held.items()
        if (needed := missing_windows(one.coverage, span, shelf.now, policy))
    }
    if not windows:
        return _Came(held, failed, set(), set())
    files[ids[0]].storage.check_writable()
    for id_ in windows:
        del held[id_]  # numbers that will be read anew take no memory meanwhile
    stored = _fetch(shelf, windows, plan)
    ready = {id_: files[id_] for id_ in windows if id_ not in stored.failed}
    again, lost = load_each(ready, plan.part, span)
    rescued, _ = each(
        lambda id_: _with_answers(shelf, id_, plan, span, stored.unstored[id_]),
        stored.unstored,
    )
    errors = failed | stored.failed | lost
    return _Came(held | again | rescued, errors, {*windows}, stored.few)


def missing_windows(
    coverage: Coverage, span: Span, now: datetime, terms: FreshnessPolicy | None
) -> list[Window]:
    """Plan what must be asked of days that are covered so; without terms it is all."""
    first, last = date_of(span.first), date_of(span.last)
    if terms is None:
        return plan_windows(first, last)
    need = what_to_fetch(coverage, span, now, terms)
    return plan_days(first, need.missing.tolist(), need.settled.tolist())


def _fetch(
    shelf: _Shelf, windows: Mapping[str, Sequence[Window]], plan: ReadPlan
) -> _Stored:
    """Ask for windows, and store each campaign once it is there.

    However the pull ends, what came is stored; a full disk alone ends that, too.
    """
    shown = plan.progress and bool(windows)
    fetch, stored = Fetch(shelf.client, windows, progress=shown), _Stored({}, {}, set())
    try:
        for arrival in fetch:
            stored = _store(shelf, arrival, stored)
    except StorageError:
        raise
    except BaseException:
        shelf.client.close()
        for arrival in fetch.rest():
            with suppress(BrazeError):
                shelf.store(arrival.id, arrival.batches)
        raise
    return stored


def _store(shelf: _Shelf, arrival: Arrival, before: _Stored) -> _Stored:
    """Store one campaign; return what became of all so far."""
    failed, unstored, id_ = before.failed, before.unstored, arrival.id
    if arrival.error is not None:
        failed = failed | {id_: _naming_days(id_, arrival.error, arrival.lost)}
    if not arrival.batches:
        return before._replace(failed=failed)
    few = before.few | {id_} if arrival.few else before.few
    try:
        shelf.store(id_, arrival.batches)
    except StorageError:
        raise
    except CacheError as error:
        unstored = unstored | {id_: arrival.batches}
        failed = {id_: error} | failed
    except BrazeError as error:
        failed = {id_: error} | failed
    return _Stored(failed, unstored, few)


def _with_answers(
    shelf: _Shelf, id_: str, plan: ReadPlan, span: Span, batches: Sequence[Batch]
) -> StoredCampaign:
    """Put answers that could not be stored beside what is stored."""
    (held,) = load_many([shelf.files[id_]], plan.part, span)
    fetched = [cut_days(batch, span) for batch in batches]
    return held._replace(batches=[*held.batches, *fetched])


def _details(
    shelf: _Shelf, plan: ReadPlan, came: _Came
) -> tuple[dict[str, Details], dict[str, BrazeError]]:
    """Return what is known from details, after asking what must be; and the errors."""
    if plan.details is False:
        return {}, {}
    known = {
        id_: one.about.details
        for id_, one in came.held.items()
        if one.about is not None and one.about.details is not None
    }
    ids = [
        id_
        for id_, one in came.held.items()
        if must_ask(plan, one.batches, known.get(id_), served=id_ not in came.asked)
    ]
    asked, failed = fetch_details(ids, shelf.client, must=bool(plan.details))
    told = {id_: one for id_, one in asked.items() if one.known or id_ not in known}
    for id_, one in told.items():
        # That they were asked is a convenience: who cannot store it asks again.
        with suppress(CacheError):
            shelf.store(id_, [], one)
    return known | told, failed


def _naming_days(id_: str, error: BrazeError, lost: Sequence[Window]) -> BrazeError:
    """Return the error with the days that it left missing."""
    if not isinstance(error, RequestError) or not lost:
        return error
    days = listed(sorted(f"{window.first} … {window.last}" for window in lost))
    return type(error)(
        f"campaign {id_}: {days} are not stored, or no longer fresh, and did not come: "
        f"{error}. All that came is kept; ask again, ask for other days, or read what "
        "is stored by passing the Cache itself as the source",
        status=error.status,
    )
