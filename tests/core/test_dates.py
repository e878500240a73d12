"""The same words mean the same day, wherever a day is taken."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import braze_frames as bf

from ..payloads import day, entry, response

TIMES = [
    *("2025-12-31", "2026-01-01", "2026-04-30", "2026-05-01", "2026-05-31"),
    *("2026-06-01", "2026-12-31", "2027-01-01"),
]
SOURCE = response(*(day(time, {"email": [entry("A", sent=1)]}) for time in TIMES))


def read(**span):
    """First and last day of what is read."""
    dates = bf.read_braze_series(SOURCE, **span).index.get_level_values("date")
    return str(dates.min().date()), str(dates.max().date())


MAY = ("2026-05-01", "2026-05-31")
YEAR = ("2026-01-01", "2026-12-31")


@pytest.mark.parametrize(
    ("word", "days"),
    [
        *(("2026-05", MAY), ("2026", YEAR), (" 2026-05 ", MAY)),
        *((pd.Period("2026-05"), MAY), (pd.Period("2026"), YEAR)),
        *((pd.Period("2026Q2"), ("2026-04-30", "2026-06-01")),),
        *((np.datetime64("2026-05"), MAY), (np.datetime64("2026"), YEAR)),
    ],
)
def test_months_and_years_are_their_first_day_as_start_and_last_as_end(word, days):
    assert read(start=word, end=word) == days


@pytest.mark.parametrize(
    "word",
    [
        *("2026-05-01", "2026-05-01T23:00", "2026-05-01 09:00:00+02:00"),
        *(dt.date(2026, 5, 1), dt.datetime(2026, 5, 1, 23), pd.Timestamp("2026-05-01")),
        *(np.datetime64("2026-05-01"), np.datetime64("2026-05-01T10:00", "ns")),
        *(pd.Period("2026-05-01"), pd.Timestamp("2026-05-01 23:00", tz="Asia/Seoul")),
    ],
)
def test_a_day_is_the_same_in_every_form(word):
    assert read(start=word, end=word) == ("2026-05-01", "2026-05-01")


@pytest.mark.parametrize(
    "word",
    [
        *("01/03/2026", "1 May 2026", "2026/05/01", "05-2026", "20260501", "May 2026"),
        *("2026-5-1", "2026-13", "2026-02-30", "today", "now", "", "2026-05-", "26"),
        *(20260501, 2026, 1.5, True, np.int64(2026), Decimal(2026), float("nan")),
        *(pd.NaT, pd.NA, [], "2026-05-01x"),
    ],
)
@pytest.mark.parametrize("name", ["start", "end"])
def test_numbers_and_other_orders_are_refused(name, word):
    with pytest.raises(ValueError, match=f"{name}="):
        read(**{name: word})


@pytest.mark.parametrize(
    ("length", "first"), [("12W", 84), ("84D", 84), ("1w", 7), (84, 84), ("365d", 365)]
)
def test_length_takes_weeks_and_days(length, first, sandbox, client):
    id_ = next(iter(sandbox.campaigns.values()))
    frame = bf.read_braze_series(id_, length=length, client=client, grain="campaign")
    assert len(frame) == first


@pytest.mark.parametrize("length", ["12 weeks", "3M", "1Y", "W", "12", "-1W", "1.5W"])
def test_a_length_in_other_words_says_what_to_write(length):
    with pytest.raises(ValueError, match="length=.*'12W'"):
        read(length=length)


def test_a_length_of_half_a_day_says_what_to_write():
    with pytest.raises(TypeError, match=r"length=30\.5 .*whole number of days"):
        read(length=30.5)


def test_until_is_an_end_too():
    frame = bf.read_braze_series(SOURCE)
    kept = frame.braze.settled(until="2026-05").index.get_level_values("date")
    assert str(kept.max().date()) == "2026-05-31"
    for word in ("01/06/2026", 2026):
        with pytest.raises(ValueError, match="until="):
            frame.braze.settled(until=word)


def test_before_is_a_start_and_as_of_an_end(sandbox, client, tmp_path):
    id_ = next(iter(sandbox.campaigns.values()))
    cache = bf.Cache(tmp_path)
    asked = {"client": client, "cache": cache, "grain": "campaign"}
    bf.read_braze_series(id_, start="2026-04", end="2026-06", **asked)
    then = bf.read_braze_series(id_, start="2026-06", as_of="2026-06", **asked)
    assert len(then) == 30
    cache.clear(before="2026-06")
    assert str(cache.info()["first"].iloc[0].date()) == "2026-06-01"
    with pytest.raises(ValueError, match="before="):
        cache.clear(before=2026)
