"""Responses for the benchmarks, from a generator with its own seed.

``clean`` entries of a channel all carry the same keys; in ``harsh`` ones 3 % of the
entries miss one to three keys and 0.5 % hold a null.
"""

import json
import random
import uuid
from datetime import date, timedelta

CONVERSIONS = [
    f"conversions{event}{suffix}"
    for event in ("", "1", "2", "3")
    for suffix in ("", "_by_send_time")
]
PUSH = ["sent", "direct_opens", "total_opens", "bounces", "body_clicks"]
STATS = {
    "email": [
        *("sent", "opens", "machine_open", "unique_opens", "machine_amp_open"),
        *("clicks", "unique_clicks", "unsubscribes", "bounces", "delivered"),
        "reported_spam",
    ],
    "ios_push": PUSH,
    "sms": [
        *("sent", "sent_to_carrier", "delivered", "rejected", "delivery_failed"),
        *("clicks", "opt_out", "help"),
    ],
    "content_cards": [
        *("sent", "total_impressions", "unique_impressions", "total_clicks"),
        *("unique_clicks", "total_dismissals", "unique_dismissals"),
    ],
    "trigger_in_app_message": [
        *("impressions", "clicks", "first_button_clicks", "second_button_clicks"),
    ],
}
CHANNELS = list(STATS)


def response(
    seed, *, harsh=False, days=100, variations=5, start=date(2026, 1, 1), channels=1
):
    """Return one response as bytes: a test with a control, ``variations`` in all."""
    rng = random.Random(f"{seed}-{harsh}")
    first = seed % len(CHANNELS)
    ids = [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(9)]
    data = [
        {
            "time": (start + timedelta(days=day)).isoformat(),
            "messages": {
                channel: [
                    spoil(
                        entry(rng, channel, ids[n], n, n == variations - 1), rng, harsh
                    )
                    for n in range(variations)
                ]
                for channel in (CHANNELS * 2)[first : first + channels]
            },
            **dict.fromkeys(CONVERSIONS, rng.randrange(1000)),
            "unique_recipients": rng.randrange(10_000),
            "revenue": round(rng.random() * 9_000, 2),
        }
        for day in range(days)
    ]
    return json.dumps({"message": "success", "data": data}).encode()


def entry(rng, channel, variation, number, control):
    """Return one stat object."""
    stats = ["enrolled"] if control else STATS[channel]
    return {
        "variation_name": "Control Group" if control else f"Variant {number + 1}",
        "variation_api_id": variation,
        **{stat: rng.randrange(100_000) for stat in stats},
        **{stat: rng.randrange(1_000) for stat in CONVERSIONS},
        "unique_recipients": rng.randrange(100_000),
        "revenue": round(rng.random() * 9_000, 2),
    }


def spoil(row, rng, harsh):
    """Take 1 to 3 keys from 3 % of the rows, put a null into 0.5 %."""
    if harsh and rng.random() < 0.03:
        for key in rng.sample(list(row)[2:], rng.randint(1, 3)):
            del row[key]
    if harsh and rng.random() < 0.005:
        row[rng.choice(list(row)[2:])] = None
    return row


def campaign(seed, *, harsh=False, windows=5, **shape):
    """Return the windows of one campaign, each 100 days."""
    first = date(2025, 1, 1)
    return [
        response(seed, harsh=harsh, start=first + timedelta(days=100 * n), **shape)
        for n in range(windows)
    ]
