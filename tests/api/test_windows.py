"""Which days are asked, and at which moment a day ends."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import given

from braze_frames.api.windows import ending_at, plan_windows

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "Asia/Seoul",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
)
DATES = st.dates(date(2015, 1, 1), date(2035, 12, 31))


@given(DATES, st.integers(0, 2000))
def test_each_day_is_asked_once_in_the_fewest_windows(first, more):
    last = first + timedelta(days=more)
    windows = plan_windows(first, last)
    days = [
        window.first + timedelta(days=n)
        for window in windows
        for n in range(window.length)
    ]
    assert days == [first + timedelta(days=n) for n in range(more + 1)]
    assert len(windows) == -(-(more + 1) // 100)
    assert all(1 <= window.length <= 100 for window in windows)


@given(DATES, st.sampled_from(ZONES))
def test_a_day_ends_one_second_before_the_next_begins(day, tz):
    zone = ZoneInfo(tz)
    text = ending_at(day, zone)
    moment = datetime.fromisoformat(text).astimezone(UTC)
    assert text.startswith(f"{day}T23:59:59")
    assert moment.astimezone(zone).date() == day
    assert (moment + timedelta(seconds=1)).astimezone(zone).date() > day


@pytest.mark.parametrize(
    ("day", "tz", "ends"),
    [
        ("2026-03-28", "Europe/Berlin", "2026-03-28T23:59:59+01:00"),
        ("2026-03-29", "Europe/Berlin", "2026-03-29T23:59:59+02:00"),
        ("2026-10-25", "Europe/Berlin", "2026-10-25T23:59:59+01:00"),
        ("2026-03-08", "America/New_York", "2026-03-08T23:59:59-04:00"),
        ("2026-01-01", "America/St_Johns", "2026-01-01T23:59:59-03:30"),
        ("2026-06-30", "UTC", "2026-06-30T23:59:59+00:00"),
    ],
)
def test_the_offset_is_padded_and_right_on_days_when_clocks_change(day, tz, ends):
    assert ending_at(date.fromisoformat(day), ZoneInfo(tz)) == ends
