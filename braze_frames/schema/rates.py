"""Rates and funnels as rows of data: what is divided by what, in which channel."""

from typing import Literal, NamedTuple

import pandas as pd

from braze_frames.schema.channels import CHANNELS, OPENS

GLOSSARY = "Braze docs, metrics_glossary.md @88e1706"
REPORTING = "Braze docs, campaign_analytics.md @21a3974"
OWN = "our own: no rate of that name is documented"
RateKind = Literal["proportion", "ratio", "mean"]


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
    kind: RateKind
    source: str
    same_day: bool = False
    fallback: str = ""


PRIMARY_RATE = "conversion_rate_by_send_time"


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
    kind: RateKind,
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


_CONVERSION_KINDS: tuple[tuple[RateKind, tuple[str, ...]], ...] = (
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


class FunnelStep(NamedTuple):
    """One step of a channel's funnel: what is summed, and the rate that led there.

    ``base`` names what the rate divides by; the first step has neither.
    """

    name: str
    formula: str
    rate: str = ""
    base: str = ""


_SENT = FunnelStep("sent", "sent")
_CONVERTED = FunnelStep("converted", "conversions", "conversion_rate", "recipients")
FUNNELS = {
    "email": (
        _SENT,
        FunnelStep("delivered", "delivered", "delivery_rate", "sent"),
        FunnelStep("opened", "unique_opens", "unique_open_rate", "delivered"),
        FunnelStep("clicked", "unique_clicks", "click_to_open_rate", "opened"),
        _CONVERTED,
    ),
    "push": (
        _SENT,
        FunnelStep("delivered", _PUSH_DELIVERED, "delivery_rate", "sent"),
        FunnelStep("opened", "total_opens", "total_open_rate", "delivered"),
        FunnelStep("clicked", "body_clicks", "body_click_rate", "delivered"),
        _CONVERTED,
    ),
    "sms": (
        _SENT,
        FunnelStep("delivered", "delivered", "delivery_rate", "sent"),
        FunnelStep("clicked", "clicks", "total_click_rate", "delivered"),
        _CONVERTED,
    ),
    "whats_app": (
        _SENT,
        FunnelStep("delivered", "delivered", "delivery_rate", "sent"),
        FunnelStep("read", "read", "read_rate", "sent"),
        _CONVERTED,
    ),
    "content_cards": (
        _SENT,
        FunnelStep("seen", "unique_impressions"),
        FunnelStep("clicked", "unique_clicks", "unique_click_rate", "seen"),
        _CONVERTED,
    ),
    "in_app": (
        FunnelStep("seen", "impressions"),
        FunnelStep("clicked", "clicks", "body_click_rate", "seen"),
        _CONVERTED,
    ),
    "webhook": (_SENT, _CONVERTED),
}
STEPS = ("sent", "delivered", "seen", "opened", "read", "clicked", "converted")
FUNNEL = {channel.name: FUNNELS[channel.family] for channel in CHANNELS}
FUNNEL_ELSEWHERE = (_SENT, _CONVERTED)


def glossary() -> pd.DataFrame:
    """Return the definitions of all rates, for each channel.

    Returns
    -------
    DataFrame
        Columns ``metric``, ``channel`` (``""`` is the campaign grain), ``numerator``,
        ``denominator``, ``kind`` (``proportion``, ``ratio`` or ``mean``), ``same_day``
        (the numerator belongs to the day of its denominator) and ``source``.

    Examples
    --------
    >>> import braze_frames as bf
    >>> table = bf.glossary().set_index(["metric", "channel"])
    >>> table.loc[("delivery_rate", "ios_push"), "numerator"]
    'sent - bounces'
    """
    columns = [
        *("metric", "channel", "numerator", "denominator", "kind", "same_day"),
        "source",
    ]
    return pd.DataFrame(
        [[getattr(rate, column) for column in columns] for rate in RATES],
        columns=columns,
    )


AMOUNTS = frozenset(rate.metric for rate in RATES if rate.kind == "mean")
"""The rates that are amounts of USD, and no shares."""
