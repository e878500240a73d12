"""What a made-up campaign is: its messages, events, people, and trees of stats.

A channel is a tree of stats: each stat is drawn from another one, down from the people
who got the message. So counts agree with each other, and true rates can be worked out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal
from uuid import UUID, uuid5

from braze_frames.schema.channels import CONTROL_NAME

SHOP = UUID("5b1f0c5e-6f0e-4f43-9d0c-0a7c51a3e6d2")
PEOPLE = "unique_recipients"


@dataclass(frozen=True, slots=True)
class ShopStep:
    """One stat, drawn from its parent.

    ``share``: each of the parent is counted with probability ``value``; ``more``: the
    parent and ``value`` more of each on average; ``rest``: a difference of two stats.
    ``lags`` spreads the counts over the days after the send.
    """

    stat: str
    how: Literal["share", "more", "rest"]
    parent: str
    value: float = 1.0
    lags: tuple[float, ...] = (1.0,)


@dataclass(frozen=True, slots=True)
class Arm:
    """One message: a variation of one channel, or the control group.

    ``effects`` multiply the values of the named stats; ``last_share`` is the share
    that the arm's part of the audience moves to until the last day. Who converts does
    so ``pace`` times as soon as others.
    """

    channel: str
    name: str
    share: float = 1.0
    last_share: float | None = None
    effects: Mapping[str, float] = field(default_factory=dict)
    pace: float = 1.0

    @property
    def is_control(self) -> bool:
        """Whether the arm receives nothing."""
        return self.name == CONTROL_NAME


@dataclass(frozen=True, slots=True)
class Event:
    """One conversion event: which, how many of the recipients, within how many days."""

    type: str
    rate: float
    window: int
    custom_event_name: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ShopCampaign:
    """One campaign of the shop.

    ``audience`` is the mean number of recipients of a day with a weight of 1 in
    ``week``; ``events`` are one to four; ``drift`` is what the conversion rates are
    multiplied with on the first and on the last day. In a ``tested`` campaign the arms
    share the audience; else each arm reaches its own share of it, and conversions
    stand at day level only. ``arm_noise`` is the standard deviation of the log of an
    arm's conversion rates from day to day. With ``regulars`` the same people get it
    every day: on each day that share of a fixed pool, which was split once.
    """

    name: str
    description: str
    tags: tuple[str, ...]
    schedule_type: str
    launch: date
    audience: int
    arms: tuple[Arm, ...]
    events: tuple[Event, ...]
    last: date | None = None
    week: tuple[float, ...] = (1.0,) * 7
    tested: bool = False
    order_value: float = 40.0
    drift: tuple[float, float] = (1.0, 1.0)
    arm_noise: float = 0.0
    regulars: float = 0.0
    more_steps: tuple[ShopStep, ...] = ()
    empty_channels: tuple[str, ...] = ()
    has_message: bool = True
    archived: bool = False

    @property
    def id(self) -> str:
        """The UUID of the campaign, made from its name."""
        return str(uuid5(SHOP, self.name))

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels, each once, in the order of the arms."""
        return tuple(dict.fromkeys(arm.channel for arm in self.arms))

    def variation_id(self, arm: Arm) -> str:
        """Return the UUID of one arm."""
        return str(uuid5(UUID(self.id), f"{arm.channel}/{arm.name}"))

    def steps(self, channel: str) -> tuple[ShopStep, ...]:
        """Return the tree of stats of one channel, the campaign's own at its end."""
        return (*TREES[channel], *self.more_steps)


# Unique opens are counted for 7 days; who opens a push at all does so soon.
WEEK_OF_OPENS = (0.62, 0.20, 0.08, 0.04, 0.03, 0.02, 0.01)
DAYS_OF_TAPS = (0.80, 0.12, 0.05, 0.03)
EMAIL = (
    ShopStep("sent", "share", PEOPLE),
    ShopStep("bounces", "share", "sent", 0.012),
    ShopStep("delivered", "rest", "sent - bounces"),
    ShopStep("unique_opens", "share", "delivered", 0.28, WEEK_OF_OPENS),
    ShopStep("opens", "more", "unique_opens", 0.35),
    ShopStep("machine_open", "share", "opens", 0.42),
    ShopStep("machine_amp_open", "share", "opens", 0.004),
    ShopStep("unique_clicks", "share", "unique_opens", 0.11),
    ShopStep("clicks", "more", "unique_clicks", 0.25),
    ShopStep("unsubscribes", "share", "unique_opens", 0.006),
    ShopStep("reported_spam", "share", "unique_opens", 0.0008),
)
SMS = (
    ShopStep("sent", "share", PEOPLE),
    ShopStep("sent_to_carrier", "share", "sent", 0.985),
    ShopStep("delivery_failed", "rest", "sent - sent_to_carrier"),
    ShopStep("delivered", "share", "sent_to_carrier", 0.96),
    ShopStep("rejected", "rest", "sent_to_carrier - delivered"),
    ShopStep("undelivered", "share", "rejected"),
    ShopStep("clicks", "share", "delivered", 0.06, DAYS_OF_TAPS),
    ShopStep("opt_out", "share", "delivered", 0.006, DAYS_OF_TAPS),
    ShopStep("help", "share", "delivered", 0.002, DAYS_OF_TAPS),
)
WHATS_APP = (
    ShopStep("sent", "share", PEOPLE),
    ShopStep("delivered", "share", "sent", 0.95),
    ShopStep("failed", "rest", "sent - delivered"),
    ShopStep("read", "share", "delivered", 0.68, DAYS_OF_TAPS),
)
CONTENT_CARDS = (
    ShopStep("sent", "share", PEOPLE),
    ShopStep("unique_impressions", "share", "sent", 0.42, WEEK_OF_OPENS),
    ShopStep("total_impressions", "more", "unique_impressions", 0.8),
    ShopStep("unique_clicks", "share", "unique_impressions", 0.09),
    ShopStep("total_clicks", "more", "unique_clicks", 0.2),
    ShopStep("unique_dismissals", "share", "unique_impressions", 0.12),
    ShopStep("total_dismissals", "more", "unique_dismissals", 0.03),
)
IN_APP = (
    ShopStep("impressions", "more", PEOPLE, 0.3),
    ShopStep("clicks", "share", "impressions", 0.15),
    ShopStep("first_button_clicks", "share", "impressions", 0.11),
    ShopStep("second_button_clicks", "share", "impressions", 0.05),
)
WEBHOOK = (
    ShopStep("sent", "share", PEOPLE),
    ShopStep("errors", "share", "sent", 0.008),
)


def _push(bounced: float, opened: float, influenced: float) -> tuple[ShopStep, ...]:
    return (
        ShopStep("sent", "more", PEOPLE, 0.12),
        ShopStep("bounces", "share", "sent", bounced),
        ShopStep("delivered", "rest", "sent - bounces"),
        ShopStep("direct_opens", "share", "delivered", opened, DAYS_OF_TAPS),
        ShopStep("total_opens", "more", "direct_opens", influenced),
        ShopStep("body_clicks", "share", "direct_opens", 0.7),
    )


TREES = {
    "email": EMAIL,
    "ios_push": _push(0.02, 0.045, 0.6),
    "android_push": _push(0.04, 0.060, 0.5),
    "kindle_push": _push(0.03, 0.030, 0.4),
    "web_push": _push(0.06, 0.025, 0.0),
    "android_china_push": _push(0.05, 0.040, 0.0),
    "windows_phone8_push": _push(0.12, 0.020, 0.0),
    "windows_universal_push": _push(0.05, 0.022, 0.0),
    "sms": SMS,
    "whats_app": WHATS_APP,
    "content_cards": CONTENT_CARDS,
    "in_app_message": IN_APP,
    "trigger_in_app_message": IN_APP,
    "webhook": WEBHOOK,
}
