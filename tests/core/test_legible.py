"""Names made printable, short and distinct."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from braze_frames.core.names import legible, shorten


@given(st.lists(st.text(max_size=60)), st.integers(12, 30))
def test_whatever_the_names_they_are_short_printable_and_distinct(names, width):
    shown = shorten(names, width)
    assert list(shown) == list(dict.fromkeys(names))
    assert len({*shown.values()}) == len(shown)
    assert all(len(text) <= width and text.isprintable() for text in shown.values())
    assert all(text.strip() for text in shown.values())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("one\r\ntwo\x00\ttabs", "one two tabs"),
        ("\u202eright to left", "right to left"),
        ("\ud800 half a sign", "half a sign"),
        ("\u200b\n ", "(no name)"),
        ("שלום 你好 🎉", "שלום 你好 🎉"),
    ],
)
def test_signs_that_nobody_sees_are_left_out(name, shown):
    assert legible(name) == shown


def test_short_names_stay_as_they_are_and_others_keep_what_tells_them_apart():
    assert shorten(["A", "B"], 25) == {"A": "A", "B": "B"}
    long = [
        "Spring sale, newsletter, variation A",
        "Spring sale, newsletter, variation B",
    ]
    shown = shorten(long, 25).values()
    assert [text[-1] for text in shown] == ["A", "B"]
