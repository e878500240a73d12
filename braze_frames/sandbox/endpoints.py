"""The endpoints of the sandbox: parameters in, the answer's status and body out.

Everything here is a function of the question, the campaigns and the day.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

from braze_frames.sandbox.campaign import Arm, ShopCampaign
from braze_frames.sandbox.series import last_send, series
from braze_frames.sandbox.shop import CAMPAIGNS

CAMPAIGN = {campaign.id: campaign for campaign in CAMPAIGNS}
# As documented: campaigns on a page of the list, days in a series.
PAGE = 100
MAX_LENGTH = 100
# Seconds: rate limits count by the hour or by the minute.
HOUR, MINUTE = 3600, 60
# Campaign details spell two channels differently from the series.
DETAILS_CHANNEL = {
    "in_app_message": "in-app_message",
    "content_cards": "content_card",
}
# Messages of these channels stand in campaign details without a name.
DETAILS_NAMELESS = frozenset({"sms", "webhook", "whats_app"})
Query = Mapping[str, str]


class World(NamedTuple):
    """What the answers depend on beside the question."""

    now: datetime
    seed: int

    @property
    def today(self) -> date:
        """The company's day."""
        return self.now.date()


class Limit(NamedTuple):
    """So many requests in so many seconds."""

    requests: int
    seconds: int


class Served(NamedTuple):
    """One path: what answers it, and its rate limit."""

    answer: Callable[[Query, World], dict[str, Any]]
    limit: Limit


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes over the wire, and how: ``drop`` sends nothing, ``cut`` one half."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    how: str = "whole"
    delay: float = 0.0


class Refused(Exception):  # noqa: N818
    """The request is answered with an error status and a message."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def data_series(query: Query, world: World) -> dict[str, Any]:
    """Answer ``/campaigns/data_series``: exactly ``length`` days, ascending."""
    campaign = _campaign(query)
    length = _length(query)
    last = _last_day(query, world.now)
    try:
        first = last - timedelta(length - 1)
    except OverflowError:
        raise _bad("Invalid value for ending_at") from None
    data = series(campaign, first, last, world.today, world.seed)
    return (
        {"message": "success", "data": data} if campaign.has_message else {"data": data}
    )


def campaign_list(query: Query, _world: World) -> dict[str, Any]:
    """Answer ``/campaigns/list``: a page of 100; an empty one after the last."""
    page = query.get("page", "0")
    if not re.fullmatch(r"[0-9]{1,9}", page):
        raise _bad("page must be an integer, 0 or more")
    order = _choice(query, "sort_direction", ("asc", "desc"))
    archived = _choice(query, "include_archived", ("false", "true")) == "true"
    after = _edited_after(query)
    found = [
        campaign
        for campaign in sorted(CAMPAIGNS, key=_created, reverse=order == "desc")
        if (archived or not campaign.archived) and _edited(campaign) > after
    ]
    begin = int(page) * PAGE
    rows = [_listed(campaign) for campaign in found[begin : begin + PAGE]]
    return {"message": "success", "campaigns": rows}


def details(query: Query, world: World) -> dict[str, Any]:
    """Answer ``/campaigns/details``: one flat object."""
    campaign = _campaign(query)
    last = last_send(campaign, world.today)
    zone = world.now.tzinfo
    channels = [DETAILS_CHANNEL.get(name, name) for name in campaign.channels]
    return {
        "message": "success",
        "created_at": _iso(_created(campaign)),
        "updated_at": _iso(_edited(campaign)),
        "archived": campaign.archived,
        "draft": False,
        "enabled": not campaign.archived,
        "has_post_launch_draft": False,
        "name": campaign.name,
        "description": campaign.description,
        "schedule_type": campaign.schedule_type,
        "channels": channels,
        "first_sent": _sent_at(campaign.launch, zone) if last else None,
        "last_sent": _sent_at(last, zone) if last else None,
        "tags": list(campaign.tags),
        "teams": [],
        "messages": {
            campaign.variation_id(arm): _message(arm) for arm in campaign.arms
        },
        "conversion_behaviors": _behaviors(campaign),
    }


ENDPOINTS = {
    "/campaigns/data_series": Served(data_series, Limit(50_000, MINUTE)),
    "/campaigns/list": Served(campaign_list, Limit(250_000, HOUR)),
    "/campaigns/details": Served(details, Limit(250_000, HOUR)),
}


def endpoint(method: str, path: str) -> Served:
    """Return what answers a path.

    Raises
    ------
    Refused
        400 for what is no path, 404 for one that is none of ours, 405 for a method
        other than GET.
    """
    if not path.startswith("/"):
        raise Refused(HTTPStatus.BAD_REQUEST, "Invalid URL")
    if path not in ENDPOINTS:
        raise Refused(HTTPStatus.NOT_FOUND, "Invalid URL")
    if method != "GET":
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "Method Not Allowed")
    return ENDPOINTS[path]


def authorize(header: str | None, key: str) -> None:
    """Check the ``Authorization`` header.

    Raises
    ------
    Refused
        401 where the key is missing, wrong, or wrapped in quotes.
    """
    if header is None:
        raise Refused(HTTPStatus.UNAUTHORIZED, "Missing API key")
    if header != f"Bearer {key}":
        raise Refused(HTTPStatus.UNAUTHORIZED, "Invalid API key")


# --- parameters ---
def _bad(message: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, message)


def _campaign(query: Query) -> ShopCampaign:
    campaign_id = query.get("campaign_id")
    if not campaign_id:
        raise _bad("campaign_id is required")
    if campaign_id.lower() not in CAMPAIGN:
        raise _bad("Invalid Campaign ID")
    return CAMPAIGN[campaign_id.lower()]


def _length(query: Query) -> int:
    length = query.get("length")
    if not length:
        raise _bad("length is required")
    if not re.fullmatch(r"[0-9]{1,9}", length) or not 1 <= int(length) <= MAX_LENGTH:
        raise _bad("length must be an integer between 1 and 100 inclusive")
    return int(length)


def _last_day(query: Query, now: datetime) -> date:
    """Return the company's day that contains ``ending_at``."""
    text = query.get("ending_at")
    if not text:
        return now.date()
    try:
        return _instant(text).astimezone(now.tzinfo).date()
    except (ValueError, OverflowError):
        raise _bad("Invalid value for ending_at") from None


def _edited_after(query: Query) -> datetime:
    text = query.get("last_edit.time[gt]")
    try:
        return _instant(text) if text else datetime.min.replace(tzinfo=UTC)
    except ValueError:
        raise _bad("Invalid value for last_edit.time[gt]") from None


def _instant(text: str) -> datetime:
    """Read an ISO 8601 time; without an offset it is UTC; ``-5:00`` is taken, too.

    Examples
    --------
    >>> _instant("2026-06-30T23:59:59-5:00").isoformat()
    '2026-06-30T23:59:59-05:00'
    >>> _instant("2026-06-30").isoformat()
    '2026-06-30T00:00:00+00:00'
    """
    moment = datetime.fromisoformat(re.sub(r"([+-])(\d:\d\d)$", r"\g<1>0\2", text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _choice(query: Query, name: str, choices: tuple[str, str]) -> str:
    """Return a parameter that is one of two words; the first is the default."""
    value = query.get(name, choices[0]).lower()
    if value not in choices:
        raise _bad(f"{name} must be one of: {', '.join(choices)}")
    return value


# --- what the answers show of a campaign ---
# Made up, but in the order of a real life: made, edited, launched.
def _created(campaign: ShopCampaign) -> datetime:
    return datetime.combine(campaign.launch - timedelta(6), time(9, 30), UTC)


def _edited(campaign: ShopCampaign) -> datetime:
    return datetime.combine(campaign.launch - timedelta(1), time(15, 10), UTC)


def _iso(moment: datetime) -> str:
    return moment.isoformat()


def _sent_at(day: date, zone: Any) -> str:
    return _iso(datetime.combine(day, time(9), zone))


def _listed(campaign: ShopCampaign) -> dict[str, Any]:
    return {
        "id": campaign.id,
        "last_edited": _iso(_edited(campaign)),
        "name": campaign.name,
        "is_api_campaign": campaign.schedule_type == "api_triggered",
        "tags": list(campaign.tags),
    }


def _message(arm: Arm) -> dict[str, str]:
    channel = DETAILS_CHANNEL.get(arm.channel, arm.channel)
    if arm.is_control:
        return {"channel": channel, "type": "control"}
    if arm.channel in DETAILS_NAMELESS:
        return {"channel": channel}
    return {"channel": channel, "name": arm.name}


def _behaviors(campaign: ShopCampaign) -> list[dict[str, Any]]:
    behaviors = []
    for event in campaign.events:
        behavior: dict[str, Any] = {"type": event.type, "window": event.window * 86_400}
        if event.custom_event_name:
            behavior["custom_event_name"] = event.custom_event_name
        behaviors.append(behavior)
    return behaviors
