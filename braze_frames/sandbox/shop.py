"""The made-up shop's campaigns as rows: what is sent, to whom, to what effect."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from braze_frames.sandbox.campaign import Arm, Event, ShopCampaign, ShopStep

# Weights of Monday to Sunday.
WEEKS = {
    "daily": (1.0,) * 7,
    "shopping": (0.95, 0.90, 0.90, 0.95, 1.10, 1.15, 1.05),
    "office": (1.20, 1.25, 1.20, 1.15, 1.10, 0.60, 0.50),
    "tuesday_friday": (0.0, 1.1, 0.0, 0.0, 0.9, 0.0, 0.0),
    "thursday": (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0),
}
# What conversion events are called in rows; the others are custom events.
EVENT_TYPES = {"purchase": "Makes Purchase", "open": "Opens App"}


def _campaign(
    name: str,
    description: str,
    facts: str,
    arms: Sequence[str],
    events: str,
    **more: Any,
) -> ShopCampaign:
    """Return a campaign of a row.

    ``facts``: how it is sent, its week, its first day (``…`` and its last), the
    audience of a day, and tags. ``arms``: channel, share (``…`` and the last one), name
    (``:`` and what is multiplied). ``events``: name, rate and days of each.
    """
    schedule, week, days, audience, *tags = facts.split()
    first, _, last = days.partition("…")
    return ShopCampaign(
        *(name, description, tuple(tags), schedule, date.fromisoformat(first)),
        int(audience),
        tuple(map(_arm, arms)),
        tuple(map(_event, events.split(", "))),
        last=date.fromisoformat(last) if last else None,
        week=WEEKS[week],
        tested="test" in tags,
        **more,
    )


def _arm(row: str) -> Arm:
    channel, shares, named = row.split(" ", 2)
    name, _, told = named.partition(": ")
    pairs = (word.split() for word in told.split(", ") if word)
    effects = {stat: float(times) for stat, times in pairs}
    pace = effects.pop("pace", 1.0)
    share, _, last = shares.partition("…")
    moved = float(last) if last else None
    return Arm(channel, name, float(share), moved, effects, pace)


def _event(row: str) -> Event:
    name, rate, window = row.split()
    type_ = EVENT_TYPES.get(name, "Performs Custom Event")
    own = None if name in EVENT_TYPES else name
    return Event(type_, float(rate), int(window), own)


def _taps(*rows: str) -> tuple[ShopStep, ...]:
    """Return slides and buttons, each with the share of those who opened that taps."""
    pairs = (row.rsplit(" ", 1) for row in rows)
    return tuple(
        ShopStep(f"{key}_click", "share", "direct_opens", float(share))
        for key, share in pairs
    )


CAMPAIGNS = (
    _campaign(
        "Welcome Email",
        "Greets everyone who opens an account.",
        "action_based shopping 2023-05-02 480 onboarding",
        ("email 1 Hello and Thank You",),
        "purchase 0.05 14, profile_completed 0.22 7",
        empty_channels=("sms",),
    ),
    _campaign(
        "Order Updates",
        "Tells where a parcel is, by text message; the warehouse hears of it too.",
        "api_triggered office 2024-09-16 900 service",
        (
            "sms 0.55 Parcel On Its Way",
            "whats_app 0.4 Parcel On Its Way",
            "webhook 0.95 Warehouse Notice",
        ),
        "parcel_tracked 0.31 3",
        order_value=18.0,
    ),
    _campaign(
        "App Tour",
        "Shows new users around the app.",
        "action_based shopping 2025-04-07 650 onboarding app",
        ("in_app_message 1 Three Steps",),
        "tour_finished 0.38 1, purchase 0.03 7",
        order_value=25.0,
    ),
    _campaign(
        "Winter Clearance",
        "Last winter's stock; over.",
        "time_based tuesday_friday 2025-12-30…2026-01-30 5200 promotion",
        ("email 1 Up to 60% Off",),
        "purchase 0.034 7",
        archived=True,
    ),
    _campaign(
        "Newsletter: Layout Test",
        "One column or two. The layouts do the same.",
        "time_based tuesday_friday 2026-02-03…2026-05-29 7500 newsletter test",
        ("email 0.4 One Column", "email 0.4 Two Columns", "email 0.2 Control Group"),
        "purchase 0.025 7, wishlist_added 0.06 7",
    ),
    _campaign(
        "Picked For You: Rollout",
        "The test that was rolled out while it ran: its share grows from 50% to"
        " 85%, demand falls, and the message itself changes nothing.",
        "action_based shopping 2026-03-01…2026-05-31 3000 recommendations test",
        ("email 0.5…0.85 Picked For You", "email 0.5…0.15 Control Group"),
        "purchase 0.06 7",
        drift=(1.0, 0.5),
    ),
    _campaign(
        "Basket Reminder: Subject Test",
        "Reminds of a full basket. Naming the discount sells more.",
        "action_based shopping 2026-03-02 2700 basket test",
        (
            "email 0.4 Still Thinking?: conversions 1.06, conversions1 1.05",
            "email 0.4 10% Off Your Basket: unique_opens 1.18, unique_clicks 1.25,"
            " conversions 1.2, conversions1 1.3, revenue 0.95",
            "email 0.2 Control Group",
        ),
        "purchase 0.04 30, checkout_started 0.08 7, open 0.15 3, wishlist_added"
        " 0.02 14",
    ),
    _campaign(
        "Points Expire Soon: Photo Test",
        "Planned half and half; a filter takes people away from one half.",
        "time_based office 2026-03-16…2026-06-14 2400 loyalty test",
        ("email 0.5 With Photo: unique_clicks 1.1", "email 0.43 Text Only"),
        "points_redeemed 0.09 14, purchase 0.03 14",
        order_value=32.0,
    ),
    _campaign(
        "Back in Stock: Push Test",
        "Says that a watched article is there again.",
        "action_based shopping 2026-03-09 1800 stock test app",
        (
            "ios_push 0.45 Back in Stock: conversions 1.15",
            "ios_push 0.45 Only a Few Left: direct_opens 1.3, conversions 1.4",
            "ios_push 0.1 Control Group",
        ),
        "purchase 0.05 3, open 0.24 1",
        order_value=55.0,
    ),
    _campaign(
        "First Order Coupon: In-App Test",
        "Offers a coupon to those who have not bought yet.",
        "action_based shopping 2026-04-01 1300 onboarding test app",
        (
            "trigger_in_app_message 0.4 Coupon on Top: first_button_clicks 1.25,"
            " conversions 1.3",
            "trigger_in_app_message 0.4 Coupon Below: conversions 1.1",
            "trigger_in_app_message 0.2 Control Group",
        ),
        "purchase 0.07 7, coupon_copied 0.12 1",
        order_value=28.0,
        has_message=False,
    ),
    _campaign(
        "Member Offers: Card Test",
        "Offers on the home screen, for members.",
        "time_based office 2026-04-06 2000 loyalty test app",
        (
            "content_cards 0.45 Big Picture: unique_clicks 1.2",
            "content_cards 0.45 Small Picture",
            "content_cards 0.1 Control Group",
        ),
        "purchase 0.035 14",
    ),
    _campaign(
        "Last Chance: Countdown Test",
        "A countdown makes people buy at once who would have bought anyway: its"
        " young days look better than they are.",
        "action_based shopping 2026-03-10 2600 promotion test",
        ("email 0.5 Countdown: conversions 1.1, pace 6", "email 0.5 Control Group"),
        "purchase 0.05 30",
    ),
    _campaign(
        "Deal of the Day: Picture Test",
        "Another deal each day, which suits one picture or the other: days"
        " differ by more than chance.",
        "action_based shopping 2026-03-18 4000 promotion test",
        (
            "email 0.4 Photo: conversions 1.08",
            "email 0.4 Drawing",
            "email 0.2 Control Group",
        ),
        "purchase 0.06 7",
        arm_noise=0.2,
    ),
    _campaign(
        "Streak Reminder: Tone Test",
        "The same players are reminded every day: they are counted again and again.",
        "action_based daily 2026-04-13…2026-06-14 1600 loyalty test app",
        ("email 0.5 Friendly: conversions 1.06", "email 0.5 Control Group"),
        "streak_kept 0.3 1",
        regulars=0.8,
    ),
    _campaign(
        "Weekend Deals: Push Story",
        "Three deals to leaf through, every Thursday.",
        "time_based thursday 2026-04-16 6000 promotion app",
        ("ios_push 1 Three Deals",),
        "purchase 0.02 3",
        more_steps=_taps(
            "carousel_slide_1_Beach Towels 0.2",
            "carousel_slide_2_Café_Set_2 0.12",
            "carousel_slide_3_$5 & Less 0.16",
            "notif_button_0_Shop Now 0.3",
            "notif_button_1_Später 0.08",
        ),
    ),
    _campaign(
        "App Update Notice",
        "Asks users of older devices to update the app.",
        "time_based office 2026-04-20 1100 service app",
        (
            "kindle_push 0.3 Please Update",
            "android_china_push 0.45 Please Update",
            "windows_phone8_push 0.08 Please Update",
            "windows_universal_push 0.35 Please Update",
        ),
        "app_updated 0.17 14",
        order_value=12.0,
    ),
    _campaign(
        "Summer Collection",
        "The new collection, on every channel a customer has.",
        "time_based tuesday_friday 2026-05-05 4200 promotion collection",
        (
            "email 0.8 Made for the Sun",
            "ios_push 0.35 Made for the Sun",
            "android_push 0.4 Made for the Sun",
            "web_push 0.15 Made for the Sun",
            "sms 0.1 Made for the Sun",
        ),
        "purchase 0.045 7, wishlist_added 0.07 7",
        order_value=62.0,
    ),
    _campaign(
        "Midsummer Flash Sale",
        "One day, one message to everyone.",
        "time_based daily 2026-06-19…2026-06-19 48000 promotion",
        ("email 1 Today Only",),
        "purchase 0.028 7",
        order_value=47.0,
    ),
)
