"""The made-up shop's campaigns as rows of data: what is sent, to whom, to what effect.

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
    that the arm's part of the audience moves to until the last day.
    """

    channel: str
    name: str
    share: float = 1.0
    last_share: float | None = None
    effects: Mapping[str, float] = field(default_factory=dict)

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
    stand at day level only.
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


# Weights of Monday to Sunday.
SHOPPING = (0.95, 0.90, 0.90, 0.95, 1.10, 1.15, 1.05)
OFFICE = (1.20, 1.25, 1.20, 1.15, 1.10, 0.60, 0.50)
TUESDAY_AND_FRIDAY = (0.0, 1.1, 0.0, 0.0, 0.9, 0.0, 0.0)
THURSDAY = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
CONTROL = CONTROL_NAME
TRIGGERED = "action_based"
PLANNED = "time_based"
BY_API = "api_triggered"


def _purchase(rate: float, window: int) -> Event:
    return Event("Makes Purchase", rate, window)


def _custom(name: str, rate: float, window: int) -> Event:
    return Event("Performs Custom Event", rate, window, name)


CAMPAIGNS = (
    ShopCampaign(
        "Welcome Email",
        "Greets everyone who opens an account.",
        ("onboarding",),
        TRIGGERED,
        date(2023, 5, 2),
        480,
        (Arm("email", "Hello and Thank You"),),
        (_purchase(0.05, 14), _custom("profile_completed", 0.22, 7)),
        week=SHOPPING,
        empty_channels=("sms",),
    ),
    ShopCampaign(
        "Order Updates",
        "Tells where a parcel is, by text message; the warehouse hears of it too.",
        ("service",),
        BY_API,
        date(2024, 9, 16),
        900,
        (
            Arm("sms", "Parcel On Its Way", 0.55),
            Arm("whats_app", "Parcel On Its Way", 0.40),
            Arm("webhook", "Warehouse Notice", 0.95),
        ),
        (_custom("parcel_tracked", 0.31, 3),),
        week=OFFICE,
        order_value=18.0,
    ),
    ShopCampaign(
        "App Tour",
        "Shows new users around the app.",
        ("onboarding", "app"),
        TRIGGERED,
        date(2025, 4, 7),
        650,
        (Arm("in_app_message", "Three Steps"),),
        (_custom("tour_finished", 0.38, 1), _purchase(0.03, 7)),
        week=SHOPPING,
        order_value=25.0,
    ),
    ShopCampaign(
        "Winter Clearance",
        "Last winter's stock; over.",
        ("promotion",),
        PLANNED,
        date(2025, 12, 30),
        5200,
        (Arm("email", "Up to 60% Off"),),
        (_purchase(0.034, 7),),
        last=date(2026, 1, 30),
        week=TUESDAY_AND_FRIDAY,
        archived=True,
    ),
    ShopCampaign(
        "Newsletter: Layout Test",
        "One column or two. The layouts do the same.",
        ("newsletter", "test"),
        PLANNED,
        date(2026, 2, 3),
        7500,
        (
            Arm("email", "One Column", 0.4),
            Arm("email", "Two Columns", 0.4),
            Arm("email", CONTROL, 0.2),
        ),
        (_purchase(0.025, 7), _custom("wishlist_added", 0.06, 7)),
        last=date(2026, 5, 29),
        week=TUESDAY_AND_FRIDAY,
        tested=True,
    ),
    ShopCampaign(
        "Picked For You: Rollout",
        "The test that was rolled out while it ran: its share grows from 50% to 85%,"
        " demand falls, and the message itself changes nothing.",
        ("recommendations", "test"),
        TRIGGERED,
        date(2026, 3, 1),
        3000,
        (
            Arm("email", "Picked For You", 0.50, 0.85),
            Arm("email", CONTROL, 0.50, 0.15),
        ),
        (_purchase(0.06, 7),),
        last=date(2026, 5, 31),
        week=SHOPPING,
        tested=True,
        drift=(1.0, 0.5),
    ),
    ShopCampaign(
        "Basket Reminder: Subject Test",
        "Reminds of a full basket. Naming the discount sells more.",
        ("basket", "test"),
        TRIGGERED,
        date(2026, 3, 2),
        2700,
        (
            Arm(
                "email",
                "Still Thinking?",
                0.4,
                effects={"conversions": 1.06, "conversions1": 1.05},
            ),
            Arm(
                "email",
                "10% Off Your Basket",
                0.4,
                effects={
                    "unique_opens": 1.18,
                    "unique_clicks": 1.25,
                    "conversions": 1.20,
                    "conversions1": 1.30,
                    "revenue": 0.95,
                },
            ),
            Arm("email", CONTROL, 0.2),
        ),
        (
            _purchase(0.040, 30),
            _custom("checkout_started", 0.08, 7),
            Event("Opens App", 0.15, 3),
            _custom("wishlist_added", 0.02, 14),
        ),
        week=SHOPPING,
        tested=True,
    ),
    ShopCampaign(
        "Points Expire Soon: Photo Test",
        "Planned half and half; a filter takes people away from one half.",
        ("loyalty", "test"),
        PLANNED,
        date(2026, 3, 16),
        2400,
        (
            Arm("email", "With Photo", 0.50, effects={"unique_clicks": 1.10}),
            Arm("email", "Text Only", 0.43),
        ),
        (_custom("points_redeemed", 0.09, 14), _purchase(0.03, 14)),
        last=date(2026, 6, 14),
        week=OFFICE,
        tested=True,
        order_value=32.0,
    ),
    ShopCampaign(
        "Back in Stock: Push Test",
        "Says that a watched article is there again.",
        ("stock", "test", "app"),
        TRIGGERED,
        date(2026, 3, 9),
        1800,
        (
            Arm("ios_push", "Back in Stock", 0.45, effects={"conversions": 1.15}),
            Arm(
                "ios_push",
                "Only a Few Left",
                0.45,
                effects={"direct_opens": 1.30, "conversions": 1.40},
            ),
            Arm("ios_push", CONTROL, 0.10),
        ),
        (_purchase(0.05, 3), Event("Opens App", 0.24, 1)),
        week=SHOPPING,
        tested=True,
        order_value=55.0,
    ),
    ShopCampaign(
        "First Order Coupon: In-App Test",
        "Offers a coupon to those who have not bought yet.",
        ("onboarding", "test", "app"),
        TRIGGERED,
        date(2026, 4, 1),
        1300,
        (
            Arm(
                "trigger_in_app_message",
                "Coupon on Top",
                0.4,
                effects={"first_button_clicks": 1.25, "conversions": 1.30},
            ),
            Arm(
                "trigger_in_app_message",
                "Coupon Below",
                0.4,
                effects={"conversions": 1.10},
            ),
            Arm("trigger_in_app_message", CONTROL, 0.2),
        ),
        (_purchase(0.07, 7), _custom("coupon_copied", 0.12, 1)),
        week=SHOPPING,
        tested=True,
        order_value=28.0,
        has_message=False,
    ),
    ShopCampaign(
        "Member Offers: Card Test",
        "Offers on the home screen, for members.",
        ("loyalty", "test", "app"),
        PLANNED,
        date(2026, 4, 6),
        2000,
        (
            Arm("content_cards", "Big Picture", 0.45, effects={"unique_clicks": 1.2}),
            Arm("content_cards", "Small Picture", 0.45),
            Arm("content_cards", CONTROL, 0.10),
        ),
        (_purchase(0.035, 14),),
        week=OFFICE,
        tested=True,
    ),
    ShopCampaign(
        "Weekend Deals: Push Story",
        "Three deals to leaf through, every Thursday.",
        ("promotion", "app"),
        PLANNED,
        date(2026, 4, 16),
        6000,
        (Arm("ios_push", "Three Deals"),),
        (_purchase(0.02, 3),),
        week=THURSDAY,
        more_steps=(
            ShopStep(
                "carousel_slide_1_Beach Towels_click", "share", "direct_opens", 0.20
            ),
            ShopStep(
                "carousel_slide_2_Café_Set_2_click", "share", "direct_opens", 0.12
            ),
            ShopStep("carousel_slide_3_$5 & Less_click", "share", "direct_opens", 0.16),
            ShopStep("notif_button_0_Shop Now_click", "share", "direct_opens", 0.30),
            ShopStep("notif_button_1_Später_click", "share", "direct_opens", 0.08),
        ),
    ),
    ShopCampaign(
        "App Update Notice",
        "Asks users of older devices to update the app.",
        ("service", "app"),
        PLANNED,
        date(2026, 4, 20),
        1100,
        (
            Arm("kindle_push", "Please Update", 0.30),
            Arm("android_china_push", "Please Update", 0.45),
            Arm("windows_phone8_push", "Please Update", 0.08),
            Arm("windows_universal_push", "Please Update", 0.35),
        ),
        (_custom("app_updated", 0.17, 14),),
        week=OFFICE,
        order_value=12.0,
    ),
    ShopCampaign(
        "Summer Collection",
        "The new collection, on every channel a customer has.",
        ("promotion", "collection"),
        PLANNED,
        date(2026, 5, 5),
        4200,
        (
            Arm("email", "Made for the Sun", 0.80),
            Arm("ios_push", "Made for the Sun", 0.35),
            Arm("android_push", "Made for the Sun", 0.40),
            Arm("web_push", "Made for the Sun", 0.15),
            Arm("sms", "Made for the Sun", 0.10),
        ),
        (_purchase(0.045, 7), _custom("wishlist_added", 0.07, 7)),
        week=TUESDAY_AND_FRIDAY,
        order_value=62.0,
    ),
    ShopCampaign(
        "Midsummer Flash Sale",
        "One day, one message to everyone.",
        ("promotion",),
        PLANNED,
        date(2026, 6, 19),
        48000,
        (Arm("email", "Today Only"),),
        (_purchase(0.028, 7),),
        last=date(2026, 6, 19),
        order_value=47.0,
    ),
)
