"""Braze's channels, stats and rates as rows of data, each with its source.

All other modules read these tables and name no stat, channel or rate themselves.
Sources are pages of Braze's public documentation (repository ``braze-inc/braze-docs``)
at the commit that was read.
"""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

# Pages carry the commit that was read: names of stats change without notice.
EXPORT = "Braze docs, get_campaign_analytics.md @4a03d01"
REPORTING = "Braze docs, campaign_analytics.md @21a3974"
OPENS = "Braze docs, influenced_opens.md @bbb2460"
RECORDED = "recorded answers of the endpoint"
GUESSED = f"{REPORTING}; how the endpoint spells it is not documented"


class Channel(NamedTuple):
    """One key below ``messages``, how people call it, its stats and other spellings.

    ``control_stats``: those that a control has, too, though it receives nothing.
    """

    name: str
    title: str
    family: str
    stats: tuple[str, ...]
    source: str = EXPORT
    aliases: tuple[str, ...] = ()
    control_stats: tuple[str, ...] = ()


class Stat(NamedTuple):
    """One count (or the revenue) of the API.

    ``unique`` counts are of people: they add over days (as Braze adds them) and over
    variations, and never over channels. ``day_total`` stats also stand at day level.
    """

    name: str
    unit: str
    about: str
    source: str = EXPORT
    unique: bool = False
    day_total: bool = False
    dtype: Literal["Int64", "Float64"] = "Int64"


def _channel(
    name: str,
    title: str,
    family: str,
    stats: str,
    *,
    source: str = EXPORT,
    aliases: str = "",
    control_stats: str = "",
) -> Channel:
    shared = tuple(control_stats.split())
    return Channel(
        name,
        title,
        family,
        tuple(stats.split()),
        source,
        tuple(aliases.split()),
        shared,
    )


# What all pushes, in-app messages and cards share; the rest stands in their rows.
_PUSH = "sent direct_opens total_opens bounces body_clicks"
_IN_APP = "impressions clicks first_button_clicks second_button_clicks"
_SEEN = "total_impressions unique_impressions"
_ANSWERED = "total_clicks unique_clicks total_dismissals unique_dismissals"
CHANNELS = (
    _channel(
        "email",
        "Email",
        "email",
        "sent delivered bounces opens unique_opens machine_open machine_amp_open "
        "clicks unique_clicks unsubscribes reported_spam",
    ),
    _channel("ios_push", "iOS push", "push", _PUSH, aliases="apple_push"),
    _channel("android_push", "Android push", "push", _PUSH),
    _channel("kindle_push", "Kindle push", "push", _PUSH),
    _channel("web_push", "Web push", "push", _PUSH),
    _channel("android_china_push", "Android push (China)", "push", _PUSH),
    _channel("windows_phone8_push", "Windows Phone 8 push", "push", _PUSH),
    _channel("windows_universal_push", "Windows push", "push", _PUSH),
    _channel(
        "sms",
        "SMS",
        "sms",
        "sent sent_to_carrier delivered undelivered rejected delivery_failed clicks "
        "opt_out help",
    ),
    _channel(
        "rcs",
        "RCS",
        "sms",
        "sent delivered rejected delivery_failed clicks opt_out help",
        source=GUESSED,
    ),
    _channel(
        "whats_app",
        "WhatsApp",
        "whats_app",
        "sent delivered failed read",
        aliases="whatsapp",
    ),
    _channel(
        "line",
        "LINE",
        "line",
        "sent delivered opens total_opens unique_opens clicks",
        source=GUESSED,
    ),
    _channel(
        "kakao_talk", "KakaoTalk", "kakao_talk", "sent clicks errors", source=GUESSED
    ),
    _channel(
        "content_cards",
        "Content Cards",
        "content_cards",
        f"sent {_SEEN} {_ANSWERED}",
        aliases="content_card",
    ),
    # A control of a Banner is counted where it would have been shown.
    _channel(
        "banner",
        "Banner",
        "banner",
        f"{_SEEN} unique_daily_impressions {_ANSWERED}",
        source=GUESSED,
        control_stats=f"{_SEEN} unique_daily_impressions",
    ),
    _channel(
        "in_app_message",
        "In-app message",
        "in_app",
        _IN_APP,
        aliases="in-app_message",
    ),
    _channel("trigger_in_app_message", "In-app message (triggered)", "in_app", _IN_APP),
    _channel("webhook", "Webhook", "webhook", "sent errors"),
)
ALIASES = {alias: channel.name for channel in CHANNELS for alias in channel.aliases}
_CONVERSIONS = (
    ("conversions", "primary conversion event, on the day of the event"),
    ("conversions_by_send_time", "primary conversion event, on the day of the send"),
    ("conversions1", "second conversion event, on the day of the event"),
    ("conversions1_by_send_time", "second conversion event, on the day of the send"),
    ("conversions2", "third conversion event, on the day of the event"),
    ("conversions2_by_send_time", "third conversion event, on the day of the send"),
    ("conversions3", "fourth conversion event, on the day of the event"),
    ("conversions3_by_send_time", "fourth conversion event, on the day of the send"),
)
STATS = (
    Stat("enrolled", "users", "users assigned to the control group"),
    Stat(
        "unique_recipients",
        "users",
        "users who got a new message that day",
        unique=True,
        day_total=True,
    ),
    Stat("sent", "messages", "messages sent"),
    Stat("sent_to_carrier", "messages", "messages handed to the carrier"),
    Stat("delivered", "messages", "messages that were accepted"),
    Stat("undelivered", "messages", "messages the carrier refused, older name"),
    Stat("rejected", "messages", "messages the carrier refused"),
    Stat("delivery_failed", "messages", "messages that could not be handed over"),
    Stat("failed", "messages", "messages that failed"),
    Stat("bounces", "messages", "messages that bounced"),
    Stat("errors", "messages", "webhooks answered with an error"),
    Stat("impressions", "views", "views"),
    Stat("total_impressions", "views", "views"),
    Stat("unique_impressions", "users", "users who viewed", unique=True),
    Stat(
        "unique_daily_impressions",
        "users",
        "users who viewed, once a day",
        source=GUESSED,
        unique=True,
    ),
    Stat("opens", "opens", "opens, machine opens included"),
    Stat("unique_opens", "users", "users who opened, within 7 days", unique=True),
    Stat("machine_open", "opens", "opens made by machines", source=RECORDED),
    Stat("machine_amp_open", "opens", "AMP opens made by machines", source=RECORDED),
    Stat("total_opens", "opens", "direct and influenced opens", source=OPENS),
    Stat("direct_opens", "opens", "opens by a tap on the push"),
    Stat("read", "messages", "messages read, of users with read receipts"),
    Stat("clicks", "clicks", "clicks"),
    Stat("unique_clicks", "users", "users who clicked", unique=True),
    Stat("total_clicks", "clicks", "clicks"),
    Stat("body_clicks", "clicks", "clicks on the body"),
    Stat("first_button_clicks", "clicks", "clicks on the first button"),
    Stat("second_button_clicks", "clicks", "clicks on the second button"),
    Stat("total_dismissals", "dismissals", "dismissals"),
    Stat("unique_dismissals", "users", "users who dismissed", unique=True),
    Stat(
        "unsubscribes",
        "users",
        "users who unsubscribed by the link in the body or the list-unsubscribe header",
    ),
    Stat("reported_spam", "messages", "messages reported as spam"),
    Stat("opt_out", "messages", "replies that opt out"),
    Stat("help", "messages", "replies that ask for help"),
    *(Stat(name, "conversions", about, day_total=True) for name, about in _CONVERSIONS),
    Stat(
        "revenue",
        "USD",
        "purchases of recipients within the primary event's window",
        day_total=True,
        dtype="Float64",
    ),
)
CHANNEL_STATS = {channel.name: channel.stats for channel in CHANNELS}
RECEIVED_STATS = {
    channel.name: tuple(
        stat for stat in channel.stats if stat not in channel.control_stats
    )
    for channel in CHANNELS
}
"""The stats that only who receives messages of a channel can have."""
STAT = {stat.name: stat for stat in STATS}
STAT_RANK = {stat.name: rank for rank, stat in enumerate(STATS)}
DAY_TOTALS = tuple(stat.name for stat in STATS if stat.day_total)
_CONVERSIONS_KEY = re.compile(r"conversions[0-9]*(_by_(send|entry)_time)?")
VARIATION_ID = "variation_api_id"
VARIATION_NAME = "variation_name"
CONTROL_NAME = "Control Group"
CONTROL_STAT = "enrolled"
RECIPIENTS = "unique_recipients"
MACHINE_OPENS = ("machine_open", "opens")
CLICKS_AND_OPENS = ("unique_clicks", "unique_opens")
ELEMENTS = ("carousel_slide", "notif_button")
ELEMENT_KEY = re.compile(
    rf"({'|'.join(ELEMENTS)})_([0-9]{{1,9}})_(.*)_click", re.DOTALL
)
ELEMENT_STAT = "clicks"


@lru_cache(maxsize=4096)
def is_day_total(stat: str) -> bool:
    """Whether a stat at day level is a total of the day's messages.

    Examples
    --------
    >>> is_day_total("revenue"), is_day_total("conversions4"), is_day_total("sent")
    (True, True, False)
    """
    return stat in DAY_TOTALS or _CONVERSIONS_KEY.fullmatch(stat) is not None
