"""Rates and funnels as rows of data: what is divided by what, in which channel."""

from collections.abc import Mapping
from itertools import product
from typing import Literal, NamedTuple

import pandas as pd

from braze_frames.core.arguments import nearest
from braze_frames.schema.channels import CHANNEL_STATS, CHANNELS, OPENS, REPORTING
from braze_frames.schema.words import meant_by, metric_name, spoken

# Pages carry the commit that was read: definitions change without notice.
GLOSSARY = "Braze docs, metrics_glossary.md @88e1706"
OWN = "our own: no rate of that name is documented"
NOT_EXPORTED = (
    "our own: Braze divides by unique impressions, which the endpoint does not give"
)
RateKind = Literal["proportion", "ratio", "mean"]
Better = Literal["up", "down"]
CAMPAIGN_GRAIN, ANY_OTHER = "", "*"
"""What stands for a channel: the day totals; every channel that has no row."""


class Rate(NamedTuple):
    """One rate of one channel; ``fallback`` is a second choice of numerator.

    Channel ``""`` is the campaign grain, ``"*"`` any channel that has no row of its
    own. ``kind`` says what the statistics may assume: in a ``proportion`` a unit of the
    denominator counts at most once, in a ``ratio`` it can count many times, a ``mean``
    is an amount. ``same_day``: the numerator belongs to the day of its denominator.
    ``better``: the direction that one hopes for.
    """

    metric: str
    channel: str
    numerator: str
    denominator: str
    kind: RateKind
    source: str
    same_day: bool = False
    better: Better = "up"
    fallback: str = ""


PRIMARY_RATE = "conversion_rate_by_send_time"


# What one person can do many times; the other rates count a person at most once.
_MANY_TIMES = (
    "total_open_rate machine_open_rate influenced_open_rate total_click_rate "
    "click_to_open_rate body_click_rate first_button_click_rate "
    "second_button_click_rate total_dismissal_rate opt_out_rate help_rate"
)
_HOPED_LOW = (
    "bounce_rate machine_open_rate unsubscribe_rate spam_rate total_dismissal_rate "
    "unique_dismissal_rate rejection_rate failed_delivery_rate opt_out_rate help_rate "
    "failure_rate error_rate"
)


def _rate(
    metric: str,
    channels: str,
    formula: str,
    source: str = GLOSSARY,
    *,
    kind: RateKind | None = None,
    fallback: str = "",
) -> tuple[Rate, ...]:
    """Return a row a channel; ``channels`` are names of channels and families."""
    numerator, denominator = formula.split(" / ")
    rate = Rate(
        metric=metric,
        channel="",
        numerator=numerator,
        denominator=denominator,
        kind=kind or ("ratio" if metric in _MANY_TIMES.split() else "proportion"),
        source=source,
        same_day=metric.endswith("_by_send_time"),
        better="down" if metric in _HOPED_LOW.split() else "up",
        fallback=fallback,
    )
    names = [name for word in channels.split() for name in _named(word)]
    return tuple(rate._replace(channel=name) for name in names)


def _named(word: str) -> list[str]:
    """Return the channel of that name; else those of the family."""
    if word == "day_totals":
        return [CAMPAIGN_GRAIN]
    if word in CHANNEL_STATS or word == ANY_OTHER:
        return [word]
    return [channel.name for channel in CHANNELS if channel.family == word]


# Who gets these meets them once; what is shown on a screen meets people again and
# again, and of a channel that nobody described we assume no more than that.
_SENT_ONCE = "email push sms rcs whats_app line kakao_talk webhook day_totals"
_SHOWN_AGAIN = "content_cards banner *"


def _conversion_rates() -> tuple[Rate, ...]:
    rows: list[Rate] = []
    for event, day in product(("", "1", "2", "3"), ("", "_by_send_time")):
        metric = f"conversion{event}_rate{day}"
        formula = f"conversions{event}{day} / unique_recipients"
        rows += [
            *_rate(metric, _SENT_ONCE, formula),
            *_rate(metric, _SHOWN_AGAIN, formula, kind="ratio"),
            *_rate(metric, "in_app", formula, NOT_EXPORTED, kind="ratio"),
        ]
    return tuple(rows)


_PUSH_DELIVERED = "sent - bounces"
_HAS_INFLUENCED = "ios_push android_push kindle_push"
_INFLUENCED = f"total_opens - direct_opens / {_PUSH_DELIVERED}"
_CLICKS_SEEN = "total_clicks / total_impressions"
_CLICKERS_SEEN = "unique_clicks / unique_impressions"
_DISMISSALS = "total_dismissals / total_impressions"
_DISMISSERS = "unique_dismissals / unique_impressions"
_EVERYWHERE = f"{_SENT_ONCE} {_SHOWN_AGAIN} in_app"
_REVENUE = "revenue / unique_recipients"
RATES = (
    *_rate("delivery_rate", "email", "delivered / sent", REPORTING),
    *_rate("delivery_rate", "sms rcs whats_app", "delivered / sent"),
    *_rate("delivery_rate", "line", "delivered / sent", OWN),
    *_rate("delivery_rate", "push", f"{_PUSH_DELIVERED} / sent"),
    *_rate("bounce_rate", "email push", "bounces / sent"),
    *_rate("total_open_rate", "email", "opens / delivered"),
    *_rate("total_open_rate", "push", f"total_opens / {_PUSH_DELIVERED}"),
    *_rate("total_open_rate", "line", "opens / delivered", OWN, fallback="total_opens"),
    *_rate("unique_open_rate", "email line", "unique_opens / delivered"),
    *_rate("machine_open_rate", "email", "machine_open / delivered", REPORTING),
    *_rate("direct_open_rate", "push", f"direct_opens / {_PUSH_DELIVERED}"),
    *_rate("influenced_open_rate", _HAS_INFLUENCED, _INFLUENCED, OPENS),
    *_rate("total_click_rate", "email sms rcs", "clicks / delivered"),
    *_rate("total_click_rate", "content_cards", _CLICKS_SEEN),
    *_rate("total_click_rate", "banner", _CLICKS_SEEN, OWN),
    *_rate("total_click_rate", "line", "clicks / delivered", OWN),
    *_rate("total_click_rate", "kakao_talk", "clicks / sent", OWN),
    *_rate("unique_click_rate", "email", "unique_clicks / delivered"),
    *_rate("unique_click_rate", "content_cards", _CLICKERS_SEEN),
    *_rate("unique_click_rate", "banner", _CLICKERS_SEEN, OWN),
    *_rate("click_to_open_rate", "email", "unique_clicks / unique_opens"),
    *_rate("unsubscribe_rate", "email", "unsubscribes / delivered"),
    *_rate("spam_rate", "email", "reported_spam / sent"),
    *_rate("body_click_rate", "in_app", "clicks / impressions"),
    *_rate("body_click_rate", "push", f"body_clicks / {_PUSH_DELIVERED}", OWN),
    *_rate("first_button_click_rate", "in_app", "first_button_clicks / impressions"),
    *_rate("second_button_click_rate", "in_app", "second_button_clicks / impressions"),
    *_rate("total_dismissal_rate", "content_cards", _DISMISSALS),
    *_rate("total_dismissal_rate", "banner", _DISMISSALS, OWN),
    *_rate("unique_dismissal_rate", "content_cards", _DISMISSERS),
    *_rate("unique_dismissal_rate", "banner", _DISMISSERS, OWN),
    *_rate("sent_to_carrier_rate", "sms", "sent_to_carrier / sent"),
    *_rate("rejection_rate", "sms rcs", "rejected / sent", fallback="undelivered"),
    *_rate("failed_delivery_rate", "sms rcs", "delivery_failed / sent"),
    *_rate("opt_out_rate", "sms rcs", "opt_out / delivered", OWN),
    *_rate("help_rate", "sms rcs", "help / delivered", OWN),
    *_rate("read_rate", "whats_app", "read / sent"),
    *_rate("failure_rate", "whats_app", "failed / sent"),
    *_rate("error_rate", "webhook kakao_talk", "errors / sent", OWN),
    *_conversion_rates(),
    *_rate("revenue_per_recipient", _EVERYWHERE, _REVENUE, OWN, kind="mean"),
)


BETTER: Mapping[str, Better] = {rate.metric: rate.better for rate in RATES}
"""metric → the direction that one hopes for."""


class FunnelStep(NamedTuple):
    """One step of a channel's funnel: what is summed, and the rate that led there.

    ``base`` names what the rate divides by; the first step has neither.
    """

    name: str
    formula: str
    rate: str = ""
    base: str = ""


# Each step is of the one before, so that a drop is where it happens; what converted is
# of recipients, the only count of people that conversions are documented against.
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
    "line": (
        _SENT,
        FunnelStep("delivered", "delivered", "delivery_rate", "sent"),
        FunnelStep("opened", "unique_opens", "unique_open_rate", "delivered"),
        FunnelStep("clicked", "clicks", "total_click_rate", "delivered"),
        _CONVERTED,
    ),
    "kakao_talk": (
        _SENT,
        FunnelStep("clicked", "clicks", "total_click_rate", "sent"),
        _CONVERTED,
    ),
    "banner": (
        FunnelStep("seen", "unique_impressions"),
        FunnelStep("clicked", "unique_clicks", "unique_click_rate", "seen"),
        _CONVERTED,
    ),
    "webhook": (_SENT, _CONVERTED),
}
# In the order in which people meet a message, whatever the channel.
STEPS = ("sent", "delivered", "seen", "opened", "read", "clicked", "converted")
FUNNEL = {channel.name: FUNNELS[channel.family] for channel in CHANNELS}
AMOUNTS = frozenset(rate.metric for rate in RATES if rate.kind == "mean")
FUNNEL_ELSEWHERE = (_SENT, _CONVERTED)


_COLUMNS = (
    *("metric", "channel", "numerator", "denominator", "kind", "same_day", "better"),
    "source",
)
# The columns in which a metric's rows are alike; the others are joined by this sign.
_ALIKE, _OR = ("metric", "same_day", "better"), " | "


def glossary(search: str | None = None) -> pd.DataFrame:
    """Return the definitions of all rates, for each channel; or find some of them.

    Parameters
    ----------
    search : str, optional
        Part of a metric's name, in any case, or what people call it: ``"open"``,
        ``"CTR"``. The answer has one row a metric.

    Returns
    -------
    DataFrame
        Columns ``metric``, ``channel`` (``""`` is the campaign grain, ``"*"`` any
        channel that has no row of its own), ``numerator``, ``denominator``, ``kind``
        (``proportion``, ``ratio`` or ``mean``), ``same_day`` (the numerator belongs to
        the day of its denominator), ``better`` (``up`` or ``down``: the direction one
        hopes for) and ``source``. With ``search`` a cell names all channels of one
        definition, separated by commas; where channels differ, their definitions stand
        in the same order in each cell, separated by ``|``.

    Raises
    ------
    ValueError
        No metric is called so.
    TypeError
        ``search`` is no text.

    Examples
    --------
    >>> import braze_frames as bf
    >>> table = bf.glossary().set_index(["metric", "channel"])
    >>> table.loc[("delivery_rate", "ios_push"), "numerator"]
    'sent - bounces'
    >>> bf.glossary("unsub")[["metric", "channel", "numerator", "denominator"]]
                 metric channel     numerator denominator
    0  unsubscribe_rate   email  unsubscribes   delivered
    """
    table = pd.DataFrame(
        [[getattr(rate, column) for column in _COLUMNS] for rate in RATES],
        columns=[*_COLUMNS],
    )
    if search is None:
        return table
    rows = [_row_of(metric, table) for metric in _found(search, [*table["metric"]])]
    return pd.DataFrame(rows, columns=[*_COLUMNS])


def _found(search: str, metrics: list[str]) -> list[str]:
    """Return the metrics that hold a text in their name, or are meant by it."""
    if not isinstance(search, str):
        raise TypeError(
            f"search={search!r} is no text: pass a part of a name, as 'open'; without "
            "it bf.glossary() lists all"
        )
    text, known, meant = spoken(search), list(dict.fromkeys(metrics)), meant_by(search)
    found = [
        name
        for name in known
        if name in meant or text in spoken(name) or text in spoken(metric_name(name))
    ]
    if not found:
        raise ValueError(
            f"no metric is called {search!r} ({nearest(text, known)}); bf.glossary() "
            "lists all"
        )
    return found


def _row_of(metric: str, table: pd.DataFrame) -> dict[str, object]:
    """Join a metric's rows: channels that divide alike stand together."""
    rows = table[table["metric"] == metric]
    unlike = [name for name in _COLUMNS if name not in {*_ALIKE, "channel"}]
    groups = rows.groupby(unlike, sort=False)["channel"]
    channels = groups.agg(lambda names: ", ".join(filter(None, names)))
    joined = channels.reset_index().astype(str).agg(_OR.join)
    first = {str(name): value for name, value in rows.iloc[0].items()}
    return first | {
        str(name): parts if len({*parts.split(_OR)}) > 1 else parts.split(_OR)[0]
        for name, parts in joined.items()
    }
