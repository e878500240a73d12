"""The made-up shop's campaigns as rows: what is sent, to whom, to what effect."""

from datetime import date

from braze_frames.sandbox.campaign import Arm, Event, ShopCampaign, ShopStep
from braze_frames.schema.channels import CONTROL_NAME

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
        "Last Chance: Countdown Test",
        "A countdown makes people buy at once who would have bought anyway: its young"
        " days look better than they are.",
        ("promotion", "test"),
        TRIGGERED,
        date(2026, 3, 10),
        2600,
        (
            Arm("email", "Countdown", 0.5, effects={"conversions": 1.10}, pace=6.0),
            Arm("email", CONTROL, 0.5),
        ),
        (_purchase(0.05, 30),),
        week=SHOPPING,
        tested=True,
    ),
    ShopCampaign(
        "Deal of the Day: Picture Test",
        "Another deal each day, which suits one picture or the other: days differ by"
        " more than chance.",
        ("promotion", "test"),
        TRIGGERED,
        date(2026, 3, 18),
        4000,
        (
            Arm("email", "Photo", 0.4, effects={"conversions": 1.08}),
            Arm("email", "Drawing", 0.4),
            Arm("email", CONTROL, 0.2),
        ),
        (_purchase(0.06, 7),),
        week=SHOPPING,
        tested=True,
        arm_noise=0.2,
    ),
    ShopCampaign(
        "Streak Reminder: Tone Test",
        "The same players are reminded every day: they are counted again and again.",
        ("loyalty", "test", "app"),
        TRIGGERED,
        date(2026, 4, 13),
        1600,
        (
            Arm("email", "Friendly", 0.5, effects={"conversions": 1.06}),
            Arm("email", CONTROL, 0.5),
        ),
        (_custom("streak_kept", 0.30, 1),),
        last=date(2026, 6, 14),
        tested=True,
        regulars=0.8,
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
