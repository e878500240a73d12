"""Warnings stand at the user's line, however that line is run."""

import pytest

import braze_frames as bf

CLICKS = [{"variation_name": "A", "unique_clicks": 3}]
DAY = {"time": "2026-06-01", "messages": {"email": CLICKS, "content_cards": CLICKS}}


def test_code_without_a_module_is_warned_as_any_other():
    frame = bf.read_braze_series({"data": [DAY]})
    cell = compile("frame.braze.totals(by=[])", "a cell", "exec")
    with pytest.warns(bf.NonAdditiveWarning) as told:
        exec(cell, {"frame": frame})  # noqa: S102
    assert {warning.filename for warning in told} == {"a cell"}
