"""Long JSON is taken apart before it is decoded, and never into something else."""

import json
from itertools import chain

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from braze_frames.core.json_text import taken_apart

# What looks like a border between two objects, or like an end.
TEXTS = st.sampled_from(
    ['{"time"', '},{"time":"x"', '"', "\\", "]", "],", "}", '","data":[', "é", ""]
)
LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(0, 1) | TEXTS
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["time", "data", "a"]) | TEXTS, inner)
    ),
    max_leaves=6,
)
DAYS = st.fixed_dictionaries({"time": TEXTS}, optional={"a": VALUES, "data": VALUES})
ANSWERS = st.tuples(
    st.fixed_dictionaries({}, optional={"message": TEXTS}),
    st.lists(DAYS | DAYS | VALUES, max_size=6),
    st.dictionaries(st.sampled_from(["message", "errors", "data"]), VALUES),
)
LAYOUTS = st.fixed_dictionaries(
    {
        "indent": st.none() | st.integers(0, 2),
        "separators": st.sampled_from([None, (",", ":"), (" , ", " : ")]),
    }
)
SIZES = st.sampled_from([1, 5, 20, 60])


def whole(text, size):
    """Put together what was taken apart; None where it was not."""
    apart = taken_apart(text, "data", size)
    if apart is None:
        return None
    try:
        days = [day for piece in apart.pieces for day in piece]
    except orjson.JSONDecodeError:
        return None
    return {**apart.around, "data": days}


@given(ANSWERS, LAYOUTS, SIZES)
def test_pieces_are_what_the_whole_is(answer, layout, size):
    before, days, behind = answer
    text = json.dumps({**before, "data": days, **behind}, **layout).encode()
    assert whole(text, size) in (None, orjson.loads(text))


@given(ANSWERS, SIZES, st.data())
def test_a_text_that_is_no_json_is_none_in_pieces_either(answer, size, data):
    before, days, behind = answer
    text = bytearray(json.dumps({**before, "data": days, **behind}).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = start + data.draw(st.integers(0, 2))
        text[start:end] = data.draw(
            st.sampled_from(
                [b"", *(b',{}[]":0 '[n : n + 1] for n in range(9)), b'{"time"']
            )
        )
    found = whole(bytes(text), size)
    try:
        assert found in (None, orjson.loads(bytes(text)))
    except orjson.JSONDecodeError:
        assert found is None


@pytest.mark.parametrize("layout", [{}, {"separators": (",", ":")}, {"indent": 2}])
@pytest.mark.parametrize("key", ["time", "conversions"])
def test_each_piece_is_as_long_as_was_asked_for(layout, key):
    days = [{key: n, "messages": {"email": [{"sent": n}]}} for n in range(100)]
    text = json.dumps({"message": "success", "data": days}, **layout).encode()
    around, pieces = taken_apart(text, "data", 1000)
    found = [*pieces]
    assert around == {"message": "success", "data": []}
    assert [*chain.from_iterable(found)] == days
    assert len(found) == pytest.approx(len(text) / 1000, rel=0.3)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[1]",
        b'{"data": []}',
        b'{"data": {"time": 1}}',
        b'{"data": [1, {"time": 1}]}',
        b'{"errors": [], "data": [{"time": 1}]}',
        b'{"data": [{"time": 1}], "data": [{"time": 2}]}',
        b'{"data": [{"time": 1}], "data": 2}',
        b'{"data": [{"time": 1}',
        b'{"data": [{"time": 1} {"time": 2}]}',
        b'{"data": [{"time": 1}, {"time": 2},]}',
        b'{"data": [{"time": 1}, 2{"time": 2}]}',
        b'{"other": {"data": [{"time": 1}]}}',
    ],
)
def test_what_is_another_text_is_left_to_who_reads_the_whole(text):
    assert whole(text, 1) is None
