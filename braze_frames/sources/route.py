"""The ways from a source to campaigns: files, the API, a cache, or both of these."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from braze_frames.account import connect
from braze_frames.api.client import BrazeClient
from braze_frames.api.endpoints import zone_of
from braze_frames.cache.cache import Cache
from braze_frames.cache.coverage import SETTLE_DAYS, moment_of
from braze_frames.core.arguments import asked_days, moment_in
from braze_frames.core.names import quoted
from braze_frames.errors import (
    BrazeError,
    ConfigError,
    SourceError,
    WindowWarning,
    warn,
)
from braze_frames.payload.assemble import campaign_of
from braze_frames.payload.batch import Span
from braze_frames.payload.series import parse_answer
from braze_frames.sources.cached import pull_cached
from braze_frames.sources.offline import newest_days, pull_offline
from braze_frames.sources.plan import (
    Attrs,
    Item,
    Pulled,
    ReadPlan,
    ReadRequest,
    Request,
    span_of,
)
from braze_frames.sources.recognise import recognise
from braze_frames.sources.remote import pull_remote
from braze_frames.sources.resolve import look_up, open_items
from braze_frames.sources.stored import pull_earlier


def pull(
    source: Any, how: ReadPlan, client: BrazeClient | None, cache: Cache | None
) -> tuple[Request, Pulled, Attrs]:
    """Read the campaigns of a source.

    Returns
    -------
    Request, Pulled, dict
        What was asked, what came, and what the frame's ``attrs`` say of it.
    """
    if isinstance(source, Cache):
        return pull_offline(source, how)
    zone = None if how.tz is None else zone_of(how.tz)
    request = recognise(source, zone)
    if how.as_of is not None and (cache is None or not request.remote):
        raise ValueError(
            f"as_of={how.as_of!r} needs the history that a cache keeps; pass ids, and "
            "cache= with the folder that was used then"
        )
    if not request.remote:
        return _open(request, how, zone)
    asked = _connected(request, how.tz) if client is None else client
    try:
        _check_zone(how.tz, asked)
        request = look_up(request, asked)
        if cache is None:
            return request, *_ask(request, how, asked)
        if how.as_of is None:
            return request, *_through(request, how, asked, cache)
        return request, *_earlier(request, how, asked, cache)
    finally:
        if client is None:
            asked.close()


def _connected(request: Request, tz: str | None) -> BrazeClient:
    try:
        return connect(tz=tz)
    except ConfigError as error:
        names = [item.name for item in request.items if item.name]
        if not names:
            raise
        raise SourceError(
            f"{quoted(names[0])} is no campaign id (a UUID) and no file; to look for "
            f"campaigns of this name connect first: {error}"
        ) from None


def _check_zone(tz: str | None, client: BrazeClient) -> None:
    if tz is not None and tz != client.tz:
        raise ValueError(
            f"tz={tz!r} is not the client's, {client.tz!r}: leave it out, or pass it "
            "to connect"
        )


def _open(
    request: Request, how: ReadPlan, zone: ZoneInfo | None
) -> tuple[Request, Pulled, Attrs]:
    days = how.days
    if how.details:
        raise ValueError("details=True asks the API by id; the source holds no ids")
    first = days.first if days.length is None else None
    items, pulled = pull_local(request.items, span_of(first, days.last), zone)
    if days.length is not None:
        pulled = newest_days(pulled, days)
    return request._replace(items=items), pulled, {}


def _ask(request: Request, how: ReadPlan, client: BrazeClient) -> tuple[Pulled, Attrs]:
    first, last = asked_days(how.days, client.today())
    pulled = pull_remote(
        *(request.items, client, first, last),
        details=how.details,
        progress=how.progress,
    )
    return pulled, _provenance(client, client.now(), SETTLE_DAYS)


def _through(
    request: Request, how: ReadPlan, client: BrazeClient, cache: Cache
) -> tuple[Pulled, Attrs]:
    pulled = pull_cached(
        *(request.items, client, cache.folder_for(client), cache.terms),
        ReadRequest(*asked_days(how.days, client.today()), how.part),
        details=how.details,
        refresh=how.refresh,
        progress=how.progress,
    )
    return pulled, _provenance(client, client.now(), cache.settle_days)


def _earlier(
    request: Request, how: ReadPlan, client: BrazeClient, cache: Cache
) -> tuple[Pulled, Attrs]:
    if how.refresh:
        raise ValueError("as_of= looks back and refresh=True asks anew; leave one out")
    moment = moment_in(how.as_of, client.zone)
    today = min(moment.astimezone(client.zone).date(), client.today())
    pulled = pull_earlier(
        *(request.items, cache.folder_for(client)),
        ReadRequest(*asked_days(how.days, today), how.part),
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


def pull_local(
    items: Sequence[Item], span: Span, zone: ZoneInfo | None = None
) -> tuple[list[Item], Pulled]:
    """Read campaigns from files, responses and rows.

    Returns
    -------
    list of Item, Pulled
        The campaigns that the files held, and what came of them.
    """
    read: list[Item] = []
    pulled = Pulled([], {})
    assumed: list[str] = []
    for item, error in open_items(items, zone):
        read.append(item._replace(answers=tuple))
        try:
            if error:
                raise error
            batches = []
            for origin, tree, careful, doubt in item.answers():
                assumed += filter(None, [doubt])
                batches.append(parse_answer(tree, origin, span, careful=careful))
            campaign = campaign_of(item.label, batches, restated=False)
        except BrazeError as error:
            pulled.failed[item.label] = error
        else:
            pulled.campaigns.append(campaign)
    if assumed:
        _warn_of_zone(assumed[0])
    return read, pulled


def _warn_of_zone(text: str) -> None:
    warn(
        f"times such as {text!r} are days only in the company's time zone, which is "
        "not known: taken was the day as it is written. Pass the zone as tz=",
        WindowWarning,
    )
