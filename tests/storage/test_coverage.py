"""Which stored days are asked again, and in which windows."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from braze_frames.api.windows import MOST_DAYS, plan_days
from braze_frames.payload.batch import Span
from braze_frames.storage.coverage import (
    Coverage,
    FreshnessPolicy,
    fetch_again,
    fetched_now,
    from_runs,
    in_all,
    last_settled,
    moment_of,
    no_days,
    runs_of,
    what_to_fetch,
)

TERMS = FreshnessPolicy(31, timedelta(hours=1))
FIRST = date(2026, 1, 1)
EPOCH = date(1970, 1, 1)
STATES = st.lists(st.sampled_from(["missing", "open", "settled"]), max_size=400)


def number(day):
    """Return a day as days since 1970."""
    return (date.fromisoformat(day) - EPOCH).days


def fetched(first, last, at):
    """Return the coverage of days that were fetched at a moment."""
    days = np.arange(number(first), number(last) + 1)
    return fetched_now(days, moment_of(datetime.fromisoformat(at)))


def missing(coverage, first, last, now, terms=TERMS):
    """Return the asked days that must be fetched."""
    span = Span(number(first), number(last))
    need = what_to_fetch(coverage, span, now, terms)
    return [str(EPOCH + timedelta(days=int(d) + span.first)) for d in found(need)]


def found(need):
    """Return the places of the days that must be fetched."""
    assert not (need.missing & need.settled).any()
    return np.flatnonzero(need.missing)


def noon(day, zone=UTC):
    """Return noon of a day."""
    return datetime.combine(date.fromisoformat(day), time(12), zone)


def places(windows):
    """Return the days in windows, as days after the first one asked."""
    return [
        (window.first - FIRST).days + n
        for window in windows
        for n in range(window.length)
    ]


def fewest(wanted):
    """Return how many windows these days need: from the first on, one after another."""
    count, end = 0, -1
    for day in wanted:
        if day > end:
            count, end = count + 1, day + MOST_DAYS - 1
    return count


@given(STATES)
def test_windows_hold_all_missing_days_and_are_the_fewest(states):
    wanted = [n for n, state in enumerate(states) if state == "missing"]
    windows = plan(states)
    assert set(wanted) <= set(places(windows))
    assert len(windows) == fewest(wanted)
    assert len(places(windows)) == len(set(places(windows)))
    assert places(windows) == sorted(places(windows))


@given(STATES)
def test_no_window_begins_or_ends_with_a_settled_day_or_leaves_what_is_asked(states):
    for window in plan(states):
        assert 1 <= window.length <= MOST_DAYS
        for end in (window.first, window.last):
            assert states[(end - FIRST).days] != "settled"


@given(st.lists(st.sampled_from(["missing", "open"]), max_size=MOST_DAYS))
def test_a_window_that_is_opened_anyway_takes_all_open_days_within_reach(states):
    windows = plan(states)
    if "missing" in states:
        assert places(windows) == list(range(len(states)))
    else:
        assert windows == []


def plan(states):
    """Plan windows for days in these states."""
    return plan_days(
        FIRST,
        [state == "missing" for state in states],
        [state == "settled" for state in states],
    )


def test_a_day_never_seen_is_missing():
    stored = fetched("2026-01-01", "2026-01-03", "2026-06-30T12:00+00:00")
    now = noon("2026-06-30")
    assert missing(stored, "2026-01-03", "2026-01-05", now) == [
        "2026-01-04",
        "2026-01-05",
    ]
    assert missing(no_days(), "2026-01-03", "2026-01-03", now) == ["2026-01-03"]


@pytest.mark.parametrize(
    ("age", "asked_again"), [(0, True), (30, True), (31, False), (400, False)]
)
def test_a_day_is_settled_by_its_age_at_the_last_fetch(age, asked_again):
    day = date(2026, 6, 30) - timedelta(days=age)
    stored = fetched(str(day), str(day), "2026-06-30T12:00+00:00")
    later = missing(stored, str(day), str(day), noon("2027-06-30"))
    assert bool(later) == asked_again


def test_a_day_that_may_change_is_asked_again_only_after_max_age():
    stored = fetched("2026-06-29", "2026-06-29", "2026-06-30T12:00+00:00")
    for minutes, again in ((0, False), (60, False), (61, True)):
        now = noon("2026-06-30") + timedelta(minutes=minutes)
        assert bool(missing(stored, "2026-06-29", "2026-06-29", now)) == again


def test_today_is_never_settled():
    stored = fetched("2026-06-30", "2026-06-30", "2026-06-30T23:59:59+00:00")
    terms = FreshnessPolicy(0, timedelta(0))
    assert missing(stored, "2026-06-30", "2026-06-30", noon("2026-07-01"), terms)


def test_the_age_of_a_day_is_that_in_the_companys_time_zone():
    stored = fetched("2026-05-31", "2026-05-31", "2026-06-30T23:30+00:00")
    for tz, again in (("UTC", True), ("Asia/Seoul", False)):
        now = noon("2026-07-30", ZoneInfo(tz))
        assert bool(missing(stored, "2026-05-31", "2026-05-31", now)) == again


def test_a_fetch_that_lies_in_the_future_proves_nothing():
    stored = fetched("2026-05-01", "2026-06-29", "2030-01-01T12:00+00:00")
    now = noon("2026-06-30")
    assert missing(stored, "2026-05-30", "2026-06-01", now) == [
        "2026-05-31",
        "2026-06-01",
    ]


@st.composite
def coverages(draw):
    """Stored days with moments of their own."""
    days = sorted(draw(st.sets(st.integers(0, 60), max_size=30)))
    moments = st.integers(0, 4)
    seen = [draw(moments) for _ in days]
    last = [first + draw(moments) for first in seen]
    return Coverage(*(np.array(part, dtype=np.int64) for part in (days, seen, last)))


def as_dict(coverage):
    """Return day → (seen, fetched)."""
    days, *moments = (part.tolist() for part in coverage)
    return dict(zip(days, zip(*moments, strict=True), strict=True))


@given(coverages())
def test_runs_give_the_coverage_back(coverage):
    assert as_dict(from_runs(runs_of(coverage))) == as_dict(coverage)


@given(coverages(), st.sets(st.integers(0, 60)), st.integers(0, 20))
def test_fetching_again_keeps_every_day_and_when_it_was_first_seen(old, days, moment):
    new = fetched_now(np.array(sorted(days), dtype=np.int64), moment)
    before, after = as_dict(old), as_dict(fetch_again(old, new))
    expected = before | {
        day: (min(before.get(day, (moment,))[0], moment), moment) for day in days
    }
    assert after == expected
    assert list(after) == sorted(after)


@given(coverages(), coverages())
def test_a_day_that_a_file_lacks_or_has_older_counts_as_such(one, other):
    both = as_dict(in_all([one, other]))
    first, second = as_dict(one), as_dict(other)
    assert both == {
        day: (max(first[day][0], second[day][0]), min(first[day][1], second[day][1]))
        for day in sorted(first.keys() & second.keys())
    }


def test_what_is_settled_ends_before_the_first_day_that_is_not():
    stored = fetched("2026-05-01", "2026-06-30", "2026-06-30T12:00+00:00")
    assert last_settled(stored, "UTC", TERMS) == number("2026-05-30")
    young = fetched("2026-06-01", "2026-06-30", "2026-06-30T12:00+00:00")
    assert last_settled(young, "UTC", TERMS) is None
    old = fetched("2026-01-01", "2026-01-31", "2026-06-30T12:00+00:00")
    assert last_settled(old, "UTC", TERMS) == number("2026-01-31")
