"""A read through the cache equals the read without it, whatever the API says when."""

import tempfile
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import braze_frames as bf

from ..payloads import CHANNELS, ID, VALUES, days
from ..worlds import World, inhabited

GRAINS = ("variation", "campaign", "element")
START = date(2026, 3, 1)
SETTLE = 3


def read(id_, client, **options):
    """Read all grains, or return the error."""
    try:
        return bf.read_braze_series(id_, client=client, grain="all", **options)
    except bf.PayloadError as error:
        return error


def assert_same(found, expected):
    """Compare all grains, or that both are refused."""
    if isinstance(expected, Exception):
        assert isinstance(found, type(expected)), expected
        return
    for one, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(one, other)


@st.composite
def histories(draw):
    """What an account says as days go by: only days that are not settled change."""
    channels = draw(st.lists(CHANNELS, min_size=1, max_size=2, unique=True))
    some = st.lists(st.sampled_from(list(VALUES)), max_size=4, unique=True)
    shapes = {channel: draw(some) for channel in channels}
    age, steps, contents = draw(st.integers(1, 4)), [], {}
    for _ in range(draw(st.integers(1, 3))):
        for n in range(age + 1):
            day = str(START + timedelta(days=n))
            if day not in contents or age - n < SETTLE:
                contents[day] = draw(days(day, shapes))
        first = draw(st.integers(0, age))
        last = draw(st.integers(first, age))
        steps.append((age, dict(contents), first, last))
        age += draw(st.integers(1, 3))
    return steps


@pytest.mark.filterwarnings("ignore::braze_frames.PayloadWarning")
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_a_read_with_the_cache_equals_the_read_without_it(history):
    world = World(str(START))
    with inhabited(world) as client, tempfile.TemporaryDirectory() as folder:
        cache = bf.Cache(folder, settle_days=SETTLE)
        for age, contents, first, last in history:
            world.move_to(str(START + timedelta(days=age)))
            world.days[ID] = contents
            span = {
                "start": START + timedelta(days=first),
                "end": START + timedelta(days=last),
            }
            expected = read(ID, client, **span)
            assert_same(read(ID, client, cache=cache, **span), expected)
            world.asked.clear()
            assert_same(read(ID, client, cache=cache, **span), expected)
            assert not world.asked or isinstance(expected, Exception)
