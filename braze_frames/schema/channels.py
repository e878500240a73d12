"""Braze's channels, stats and rates as rows of data, each with its source.

All other modules read these tables and name no stat, channel or rate themselves.
Sources are pages of Braze's public documentation (repository ``braze-inc/braze-docs``)
at the commit that was read.
"""

import re
from typing import Literal, NamedTuple

GLOSSARY = "Braze docs, metrics_glossary.md @88e1706"
EXPORT = "Braze docs, get_campaign_analytics.md @4a03d01"
REPORTING = "Braze docs, campaign_analytics.md @21a3974"
OPENS = "Braze docs, influenced_opens.md @bbb2460"
RECORDED = "recorded answers of the endpoint"
OWN = "our own: no rate of that name is documented"

Kind = Literal["proportion", "ratio", "mean"]


class Channel(NamedTuple):
    """One key below ``messages``, its other spellings and the stats it carries."""

    name: str
    family: str
    stats: tuple[str, ...]
    aliases: tuple[str, ...] = ()


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


class Rate(NamedTuple):
    """One rate of one channel; ``fallback`` is a second choice of numerator.

    Channel ``""`` is the campaign grain. ``kind`` says what the statistics may assume:
    in a ``proportion`` a unit of the denominator counts at most once, in a ``ratio`` it
    can count many times, a ``mean`` is an amount. ``same_day``: the numerator belongs
    to the day of its denominator.
    """

    metric: str
    channel: str
    numerator: str
    denominator: str
    kind: Kind
    source: str
    same_day: bool = False
    fallback: str = ""


PUSH = ("sent", "direct_opens", "total_opens", "bounces", "body_clicks")
IN_APP = ("impressions", "clicks", "first_button_clicks", "second_button_clicks")

CHANNELS = (
    Channel(
        "email",
        "email",
        (
            "sent",
            "delivered",
            "bounces",
            "opens",
            "unique_opens",
            "machine_open",
            "machine_amp_open",
            "clicks",
            "unique_clicks",
            "unsubscribes",
            "reported_spam",
        ),
    ),
    Channel("ios_push", "push", PUSH, aliases=("apple_push",)),
    Channel("android_push", "push", PUSH),
    Channel("kindle_push", "push", PUSH),
    Channel("web_push", "push", PUSH),
    Channel("android_china_push", "push", PUSH),
    Channel("windows_phone8_push", "push", PUSH),
    Channel("windows_universal_push", "push", PUSH),
    Channel(
        "sms",
        "sms",
        (
            "sent",
            "sent_to_carrier",
            "delivered",
            "undelivered",
            "rejected",
            "delivery_failed",
            "clicks",
            "opt_out",
            "help",
        ),
    ),
    Channel(
        "whats_app",
        "whats_app",
        ("sent", "delivered", "failed", "read"),
        aliases=("whatsapp",),
    ),
    Channel(
        "content_cards",
        "content_cards",
        (
            "sent",
            "total_impressions",
            "unique_impressions",
            "total_clicks",
            "unique_clicks",
            "total_dismissals",
            "unique_dismissals",
        ),
        aliases=("content_card",),
    ),
    Channel("in_app_message", "in_app", IN_APP, aliases=("in-app_message",)),
    Channel("trigger_in_app_message", "in_app", IN_APP),
    Channel("webhook", "webhook", ("sent", "errors")),
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
    Stat("unsubscribes", "users", "users who unsubscribed by Braze's link"),
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
PRIMARY_RATE = "conversion_rate_by_send_time"

ELEMENTS = ("carousel_slide", "notif_button")
ELEMENT_KEY = re.compile(
    rf"({'|'.join(ELEMENTS)})_([0-9]{{1,9}})_(.*)_click", re.DOTALL
)
ELEMENT_STAT = "clicks"


def is_day_total(stat: str) -> bool:
    """Whether a stat at day level is a total of the day's messages.

    Examples
    --------
    >>> is_day_total("revenue"), is_day_total("conversions4"), is_day_total("sent")
    (True, True, False)
    """
    return stat in DAY_TOTALS or _CONVERSIONS_KEY.fullmatch(stat) is not None


def _families(*names: str) -> tuple[str, ...]:
    return tuple(channel.name for channel in CHANNELS if channel.family in names)


_PUSH = _families("push")
_INFLUENCED = ("ios_push", "android_push", "kindle_push")
_IN_APP = _families("in_app")
_SENT_ONCE = _families("email", "push", "sms", "whats_app", "webhook")
_SHOWN_AGAIN = _families("in_app", "content_cards")
_PUSH_DELIVERED = "sent - bounces"


def _rows(
    metric: str,
    channels: tuple[str, ...],
    fraction: tuple[str, str],
    kind: Kind,
    source: str,
    *,
    same_day: bool = False,
    fallback: str = "",
) -> tuple[Rate, ...]:
    numerator, denominator = fraction
    return tuple(
        Rate(metric, name, numerator, denominator, kind, source, same_day, fallback)
        for name in channels
    )


def _conversion_rows() -> tuple[Rate, ...]:
    rows: list[Rate] = []
    for event in ("", "1", "2", "3"):
        for suffix in ("", "_by_send_time"):
            metric = f"conversion{event}_rate{suffix}"
            fraction = (f"conversions{event}{suffix}", "unique_recipients")
            for kind, channels in _CONVERSION_KINDS:
                rows += _rows(
                    metric, channels, fraction, kind, GLOSSARY, same_day=bool(suffix)
                )
    return tuple(rows)


_CONVERSION_KINDS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("proportion", (*_SENT_ONCE, "")),
    ("ratio", _SHOWN_AGAIN),
)

RATES = (
    *_rows(
        "delivery_rate",
        ("email", "sms", "whats_app"),
        ("delivered", "sent"),
        "proportion",
        GLOSSARY,
    ),
    *_rows("delivery_rate", _PUSH, (_PUSH_DELIVERED, "sent"), "proportion", GLOSSARY),
    *_rows(
        "bounce_rate", ("email", *_PUSH), ("bounces", "sent"), "proportion", GLOSSARY
    ),
    *_rows("total_open_rate", ("email",), ("opens", "delivered"), "ratio", GLOSSARY),
    *_rows(
        "total_open_rate", _PUSH, ("total_opens", _PUSH_DELIVERED), "ratio", GLOSSARY
    ),
    *_rows(
        "unique_open_rate",
        ("email",),
        ("unique_opens", "delivered"),
        "proportion",
        GLOSSARY,
    ),
    *_rows(
        "machine_open_rate",
        ("email",),
        ("machine_open", "delivered"),
        "ratio",
        REPORTING,
    ),
    *_rows(
        "direct_open_rate",
        _PUSH,
        ("direct_opens", _PUSH_DELIVERED),
        "proportion",
        GLOSSARY,
    ),
    *_rows(
        "influenced_open_rate",
        _INFLUENCED,
        ("total_opens - direct_opens", _PUSH_DELIVERED),
        "ratio",
        OPENS,
    ),
    *_rows(
        "total_click_rate", ("email", "sms"), ("clicks", "delivered"), "ratio", GLOSSARY
    ),
    *_rows(
        "total_click_rate",
        ("content_cards",),
        ("total_clicks", "total_impressions"),
        "ratio",
        GLOSSARY,
    ),
    *_rows(
        "unique_click_rate",
        ("email",),
        ("unique_clicks", "delivered"),
        "proportion",
        GLOSSARY,
    ),
    *_rows(
        "unique_click_rate",
        ("content_cards",),
        ("unique_clicks", "unique_impressions"),
        "proportion",
        GLOSSARY,
    ),
    *_rows(
        "click_to_open_rate",
        ("email",),
        ("unique_clicks", "unique_opens"),
        "ratio",
        GLOSSARY,
    ),
    *_rows(
        "unsubscribe_rate",
        ("email",),
        ("unsubscribes", "delivered"),
        "proportion",
        GLOSSARY,
    ),
    *_rows("spam_rate", ("email",), ("reported_spam", "sent"), "proportion", GLOSSARY),
    *_rows("body_click_rate", _IN_APP, ("clicks", "impressions"), "ratio", GLOSSARY),
    *_rows("body_click_rate", _PUSH, ("body_clicks", _PUSH_DELIVERED), "ratio", OWN),
    *_rows(
        "first_button_click_rate",
        _IN_APP,
        ("first_button_clicks", "impressions"),
        "ratio",
        GLOSSARY,
    ),
    *_rows(
        "second_button_click_rate",
        _IN_APP,
        ("second_button_clicks", "impressions"),
        "ratio",
        GLOSSARY,
    ),
    *_rows(
        "total_dismissal_rate",
        ("content_cards",),
        ("total_dismissals", "total_impressions"),
        "ratio",
        GLOSSARY,
    ),
    *_rows(
        "unique_dismissal_rate",
        ("content_cards",),
        ("unique_dismissals", "unique_impressions"),
        "proportion",
        GLOSSARY,
    ),
    *_rows(
        "sent_to_carrier_rate",
        ("sms",),
        ("sent_to_carrier", "sent"),
        "proportion",
        GLOSSARY,
    ),
    *_rows(
        "rejection_rate",
        ("sms",),
        ("rejected", "sent"),
        "proportion",
        GLOSSARY,
        fallback="undelivered",
    ),
    *_rows(
        "failed_delivery_rate",
        ("sms",),
        ("delivery_failed", "sent"),
        "proportion",
        GLOSSARY,
    ),
    *_rows("opt_out_rate", ("sms",), ("opt_out", "delivered"), "ratio", OWN),
    *_rows("help_rate", ("sms",), ("help", "delivered"), "ratio", OWN),
    *_rows("read_rate", ("whats_app",), ("read", "sent"), "proportion", GLOSSARY),
    *_rows("failure_rate", ("whats_app",), ("failed", "sent"), "proportion", GLOSSARY),
    *_rows("error_rate", ("webhook",), ("errors", "sent"), "proportion", OWN),
    *_conversion_rows(),
    *_rows(
        "revenue_per_recipient",
        (*_SENT_ONCE, *_SHOWN_AGAIN, ""),
        ("revenue", "unique_recipients"),
        "mean",
        OWN,
    ),
)


class Step(NamedTuple):
    """One step of a channel's funnel: what is summed, and the rate that led there.

    ``base`` names what the rate divides by; the first step has neither.
    """

    name: str
    formula: str
    rate: str = ""
    base: str = ""


_SENT = Step("sent", "sent")
_CONVERTED = Step("converted", "conversions", "conversion_rate", "recipients")

FUNNELS = {
    "email": (
        _SENT,
        Step("delivered", "delivered", "delivery_rate", "sent"),
        Step("opened", "unique_opens", "unique_open_rate", "delivered"),
        Step("clicked", "unique_clicks", "click_to_open_rate", "opened"),
        _CONVERTED,
    ),
    "push": (
        _SENT,
        Step("delivered", _PUSH_DELIVERED, "delivery_rate", "sent"),
        Step("opened", "total_opens", "total_open_rate", "delivered"),
        Step("clicked", "body_clicks", "body_click_rate", "delivered"),
        _CONVERTED,
    ),
    "sms": (
        _SENT,
        Step("delivered", "delivered", "delivery_rate", "sent"),
        Step("clicked", "clicks", "total_click_rate", "delivered"),
        _CONVERTED,
    ),
    "whats_app": (
        _SENT,
        Step("delivered", "delivered", "delivery_rate", "sent"),
        Step("read", "read", "read_rate", "sent"),
        _CONVERTED,
    ),
    "content_cards": (
        _SENT,
        Step("seen", "unique_impressions"),
        Step("clicked", "unique_clicks", "unique_click_rate", "seen"),
        _CONVERTED,
    ),
    "in_app": (
        Step("seen", "impressions"),
        Step("clicked", "clicks", "body_click_rate", "seen"),
        _CONVERTED,
    ),
    "webhook": (_SENT, _CONVERTED),
}
STEPS = ("sent", "delivered", "seen", "opened", "read", "clicked", "converted")
FUNNEL = {channel.name: FUNNELS[channel.family] for channel in CHANNELS}
FUNNEL_ELSEWHERE = (_SENT, _CONVERTED)
