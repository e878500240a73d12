"""Frames of made-up tests, read through the front door."""

from datetime import date, timedelta

import pandas as pd

import braze_frames as bf

CONTROL = "Control Group"
BY_SEND = "conversions_by_send_time"
FIRST = date(2026, 3, 2)


def response(arms, *, channel="email", first=FIRST):
    """Return a response: variation → a stat object for each day, None for no entry."""
    days = max(len(entries) for entries in arms.values())
    data = []
    for n in range(days):
        entries = [
            {"variation_name": name, "variation_api_id": name.lower(), **of_days[n]}
            for name, of_days in arms.items()
            if of_days[n] is not None
        ]
        day = (first + timedelta(n)).isoformat()
        data.append({"time": day, "messages": {channel: entries}})
    return {"data": data}


def counts(days, *, stat=BY_SEND, units="unique_recipients", **more):
    """Return a stat object for each (successes, units) of a day."""
    return [{units: n, stat: x, **more} for x, n in days]


def trial(arms, *, stat=BY_SEND, units="unique_recipients", **options):
    """Read a test: variation → (successes, units) for each day."""
    entries = {
        name: counts(days, stat=stat, units=units) for name, days in arms.items()
    }
    return bf.read_braze_series(response(entries, **options))


def trials(campaigns, **options):
    """Read several tests: campaign → variation → (successes, units) for each day."""
    return pd.concat(
        {name: trial(arms, **options) for name, arms in campaigns.items()},
        names=["campaign"],
    )


def binomial(rng, rate, units, days):
    """Draw (successes, units) for each day."""
    return [(int(rng.binomial(units, rate)), units) for _ in range(days)]
