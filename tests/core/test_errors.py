"""Warnings stand at the user's line, however that line is run."""

import pytest

import braze_frames as bf

CALL = "frame.braze.totals(by=[])"


def test_code_without_a_module_is_warned_as_any_other(shop):
    with pytest.warns(bf.NonAdditiveWarning) as told:
        exec(compile(CALL, "a cell", "exec"), {"frame": shop})  # noqa: S102
    assert {warning.filename for warning in told} == {"a cell"}
