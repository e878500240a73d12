"""How long to run a test: what other programs say, and what is refused."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

import braze_frames as bf

SHARES = st.floats(0.001, 0.6)


def test_days_hold_the_smaller_group_and_two_weeks():
    # R: power.prop.test(p1 = 0.02, p2 = 0.022, power = 0.8) gives n = 80681.4.
    assert bf.sample_size(0.02, 0.1, daily=4000) == (80682, 80682, 21)
    assert bf.sample_size(0.02, 0.1, daily=10**6).days == 14
    assert bf.sample_size(0.02, 0.1).days is None
    small = bf.sample_size(0.02, 0.1, ratio=9, daily=1000)
    assert small.variation == pytest.approx(9 * small.control, abs=9)
    assert small.days == -(-small.control // 1000)


def test_several_comparisons_share_the_error():
    one, four = (bf.sample_size(0.05, 0.1, comparisons=n) for n in (1, 4))
    assert four == bf.sample_size(0.05, 0.1, conf_level=1 - 0.05 / 4)
    assert four.control > one.control


def test_people_who_count_many_times_are_needed_in_larger_numbers():
    once, many = (bf.sample_size(0.02, 0.1, deff=deff) for deff in (1.0, 1.5))
    # R's 80681.4 for one, times 1.5.
    assert (once.control, many.control) == (80682, 121023)
    with pytest.raises(ValueError, match="deff"):
        bf.sample_size(0.02, 0.1, deff=0.9)


@given(SHARES, st.floats(0.02, 0.5), st.floats(0.2, 5))
def test_what_is_found_is_what_was_planned_for(rate, lift, ratio):
    size = bf.sample_size(rate, lift, ratio=ratio)
    found = bf.mde(rate, size.control, ratio=ratio)
    assert found.lift <= lift * (1 + 1e-9)
    assert found.rate == pytest.approx(rate * (1 + found.lift))
    assert bf.mde(rate, size.control * 0.9, ratio=ratio).lift > lift * 0.999


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"rate": 2, "lift": 0.1}, "rate=2"),
        ({"rate": 0.02, "lift": 0}, "lift=0"),
        ({"rate": 0.6, "lift": 1}, "rate of 1.2"),
        # No lift of -1 or less leaves a rate, whatever the rate: none is told.
        ({"rate": 0.02, "lift": -2}, "^lift=-2 leaves no rate.*mean -0.02"),
        ({"rate": 0.02, "lift": -1}, "^lift=-1 leaves no rate"),
        ({"rate": 0.02, "lift": "10%"}, "^lift='10%' is no number; write 0.10"),
        ({"rate": 0.02, "lift": float("nan")}, "lift=nan"),
        ({"rate": 0.02, "lift": 0.1, "power": 80}, "power=80"),
        ({"rate": 0.02, "lift": 0.1, "conf_level": 95}, "conf_level=95"),
        ({"rate": 0.02, "lift": 0.1, "ratio": 0}, "ratio=0"),
        ({"rate": 0.02, "lift": 0.1, "ratio": float("inf")}, "ratio=inf"),
        ({"rate": 0.02, "lift": 0.1, "comparisons": 0}, "comparisons=0"),
        ({"rate": 0.02, "lift": 0.1, "daily": 0}, "daily=0"),
    ],
)
def test_what_cannot_be_is_refused_with_its_value(arguments, word):
    with pytest.raises(ValueError, match=word):
        bf.sample_size(**arguments)


@pytest.mark.parametrize(
    ("lift", "words"),
    [
        (10, r"10 is \+1000 %; did you mean 0\.10\?"),
        (2.5, r"2\.5 is \+250 %; did you mean 0\.025\?"),
        (-5, r"-5 is -500 %; did you mean -0\.05\?"),
    ],
)
def test_percents_are_asked_back(lift, words):
    with pytest.raises(ValueError, match=words):
        bf.sample_size(0.02, lift)


@pytest.mark.parametrize("n", [0, -5, 2, float("nan")])
def test_too_few_units_find_nothing(n):
    with pytest.raises(ValueError, match="n="):
        bf.mde(0.02, n)
