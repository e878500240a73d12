"""A long answer is read some days at a time, as if it were read at once."""

import io
import json
import random
import re
import tracemalloc
import warnings
from datetime import date, timedelta

import orjson
import pandas as pd
import pytest

import braze_frames as bf
from braze_frames.core.json_text import PIECE

from ..payloads import ID, OTHER_ID, as_bytes, day, entry, response
from ..worlds import World, inhabited

# So many days of the entries below are some pieces long.
DAYS = 400
PADDING = {f"conversions{n}_by_send_time": 10**15 + n for n in (1, 2, 3)}


def time_of(n):
    """Return the n-th day."""
    return (date(2025, 1, 1) + timedelta(days=n)).isoformat()


def plain(n, rng):
    """Return what a test in two channels gives on a day."""
    names = ("A", "B", "Control Group")
    return [
        entry(name, f"{ID[:-1]}{number}", sent=n, clicks=rng.randrange(99), **PADDING)
        for number, name in enumerate(names)
    ]


def long_answer(spoil=lambda n, entries: entries, days=DAYS, **more):
    """Return an answer of so many days; ``spoil`` changes the entries of one."""
    rng = random.Random(0)
    series = [
        day(
            time_of(n),
            {"email": spoil(n, plain(n, rng)), "sms": plain(n, rng)},
            conversions=n,
            revenue=n / 4,
        )
        for n in range(days)
    ]
    return response(*series, **more)


def as_file(answer, **layout):
    """Return an answer as a file."""
    body = json.dumps(answer, **layout).encode()
    assert len(body) > 3 * PIECE
    return io.BytesIO(body)


def outcome(source, **options):
    """Return what a read gives, or its error's text, and the warnings.

    The name of the origin, which differs, is left out of them.
    """
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            found = bf.read_braze_series(source, **options)
        except bf.BrazeError as error:
            found = error
    texts = [str(one.message) for one in told]
    if isinstance(found, Exception):
        texts.append(f"{type(found).__name__}: {found}")
    return found, [re.sub(r"\b(file|response)\b", "", text) for text in texts]


def assert_same(answer, *, layout=None, **options):
    """Check that a file is read as the tree is that it decodes to."""
    found, texts = outcome(as_file(answer, **(layout or {})), **options)
    expected, other_texts = outcome(json.loads(json.dumps(answer)), **options)
    assert texts == other_texts
    if isinstance(expected, tuple):
        for one, other in zip(found, expected, strict=True):
            pd.testing.assert_frame_equal(one, other)
    elif not isinstance(expected, Exception):
        pd.testing.assert_frame_equal(found, expected)


def some(change):
    """Change the entries of every seventh day."""
    return lambda n, entries: change(n, entries) if n % 7 == 3 else entries


SPOILT = {
    "as they are": lambda _, entries: entries,
    "a variation less": some(lambda _, entries: entries[:2]),
    "other names": some(
        lambda n, entries: [e | {"variation_name": f"N{n}"} for e in entries]
    ),
    "no ids": some(
        lambda _, entries: [{**e, "variation_api_id": None} for e in entries]
    ),
    "nobody": lambda _, entries: [{k: e[k] for k in [*e][2:]} for e in entries],
    "holes": some(
        lambda n, entries: [dict([*e.items()][: 3 + n % 3]) for e in entries]
    ),
    "nulls": some(lambda _, entries: [e | {"sent": None} for e in entries]),
    "buttons": some(
        lambda n, entries: [e | {f"notif_button_1_T{n % 3}_click": n} for e in entries]
    ),
    "a button in all": lambda n, entries: [
        e | {"notif_button_1_Buy_click": n} for e in entries
    ],
    "unknown stats": some(lambda n, entries: [e | {"winks": n / 2} for e in entries]),
    "whole and broken": lambda n, entries: [
        e | {"winks": n if n < 300 else n + 0.5} for e in entries
    ],
    "no numbers": some(lambda _, entries: [e | {"winks": "many"} for e in entries]),
    "whole floats": some(lambda n, entries: [e | {"sent": float(n)} for e in entries]),
    "minus nothing": some(lambda _, entries: [e | {"revenue": -0.0} for e in entries]),
    "other order": some(
        lambda _, entries: [dict(reversed(e.items())) for e in entries]
    ),
    "twice": some(lambda _, entries: [*entries, entries[0]]),
    "none": some(lambda _, entries: []),
    "null": some(lambda _, entries: None),
    "the largest": some(
        lambda _, entries: [e | {"sent": 2**63 - 1} for e in entries[:1]]
    ),
}
REFUSED = {
    "too large": lambda _, entries: [entries[0] | {"sent": 2**63}],
    "least": lambda _, entries: [entries[0] | {"sent": -(2**63)}],
    "a half": lambda _, entries: [entries[0] | {"sent": 2.5}],
    "text": lambda _, entries: [entries[0] | {"sent": "7"}],
    "true": lambda _, entries: [entries[0] | {"sent": True}],
    "a number": lambda _, entries: [7],
    "an object": lambda _, entries: {"a": entries},
    "a name": lambda _, entries: [entries[0] | {"variation_name": 7}],
}


@pytest.mark.parametrize("grain", ["variation", "campaign", "element"])
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_long_answer_is_read_as_its_tree(spoil, grain):
    assert_same(long_answer(spoil), grain=grain)


@pytest.mark.parametrize(
    "span", [{"start": "2025-03"}, {"length": 9}, {"end": "2025-02"}]
)
def test_days_that_are_not_asked_for_are_left_out(span):
    assert_same(long_answer(SPOILT["buttons"]), grain="all", **span)


@pytest.mark.parametrize(
    "layout", [{"separators": (",", ":")}, {"indent": 1}, {"sort_keys": True}]
)
def test_it_may_be_laid_out_in_any_way(layout):
    assert_same(long_answer(), layout=layout)


@pytest.mark.parametrize("at", [5, 390])
@pytest.mark.parametrize("spoil", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_with_its_place(spoil, at):
    answer = long_answer(lambda n, entries: spoil(n, entries) if n == at else entries)
    assert_same(answer)
    assert_same(answer, start=time_of(at + 1), end=time_of(at + 3))


def test_a_file_that_is_cut_off_is_refused():
    body = as_bytes(long_answer())[:-100]
    with pytest.raises(bf.PayloadError, match="cut off"):
        bf.read_braze_series(io.BytesIO(body))


@pytest.mark.parametrize(
    "change",
    [
        {"time": time_of(390) + "T05:00:00Z"},
        {"time": time_of(389)},
        {"time": "soon"},
        {"campaign_id": OTHER_ID},
        {"messages": None},
        {"messages": {}},
        {"messages": 7},
        {"note": "restated"},
        {"sent": 3},
    ],
)
def test_a_late_day_that_is_unlike_the_others_is_seen(change):
    answer = long_answer()
    answer["data"][390] |= change
    assert_same(answer)


@pytest.mark.parametrize("more", [{"message": "x"}, {"errors": ["slow"]}, {"id": ID}])
def test_what_stands_around_the_days_is_seen(more):
    assert_same(long_answer(**more))


def test_lines_may_be_long_and_short_with_ids_and_without():
    short, other = (
        response(day(time_of(500), {"email": plain(1, random.Random(1))})),
        long_answer(),
    )
    lines = [as_bytes(one) for one in (other, short)]
    frame = bf.read_braze_series(io.BytesIO(b"\n".join(lines)))
    assert frame.index.get_level_values("date").nunique() == DAYS + 1
    named = [
        {**one, "campaign_id": id_} for one, id_ in ((short, ID), (other, OTHER_ID))
    ]
    lines = [as_bytes(one) for one in named]
    frame = bf.read_braze_series(io.BytesIO(b"\n".join(lines)))
    assert frame.groupby(level="campaign").size().to_dict() == {
        ID: 3,
        OTHER_ID: 6 * DAYS,
    }


def test_the_tree_of_an_answer_never_stands_in_memory_as_a_whole():
    body = as_file(long_answer(days=10 * DAYS)).getvalue()
    bf.read_braze_series(io.BytesIO(body))
    tracemalloc.start()
    frame = bf.read_braze_series(io.BytesIO(body))
    _, most = tracemalloc.get_traced_memory()
    del frame
    before, _ = tracemalloc.get_traced_memory()
    tree = orjson.loads(body)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(tree["data"]) == 10 * DAYS
    assert most < 0.6 * (after - before)


def test_the_api_may_answer_so_much():
    world = World("2026-01-31")
    rng = random.Random(0)
    channels = ("email", "sms", "ios_push", "web_push", "android_push")
    world.days[ID] = {
        time_of(n): day(messages={one: plain(n, rng) * 2 for one in channels})
        for n in range(300, 395)
    }
    answer = response(*(one | {"time": time} for time, one in world.days[ID].items()))
    with inhabited(world) as client:
        found = bf.read_braze_series(
            ID, client=client, start=time_of(300), end=time_of(394)
        )
    expected = bf.read_braze_series(as_file(answer))
    pd.testing.assert_frame_equal(found, expected, check_like=False)
