"""Until when numbers are settled, and what to do where a frame does not know."""

import pytest

import braze_frames as bf

from ..trials import trial


def test_a_frame_that_lost_its_attrs_is_told_a_day_of_its_own():
    frame = trial({"A": [(1, 10)] * 40})
    with pytest.raises(bf.FrameError, match=r"until=\"2026-03-10\".*last day less 31"):
        frame.braze.settled()
    with pytest.raises(bf.FrameError, match=r"out\.attrs\.update\(df\.attrs\)"):
        frame.braze.settled()
    assert len(frame.braze.settled(until="2026-03-10")) == 9


def test_what_a_merge_loses_is_carried_over_by_one_line():
    frame = trial({"A": [(1, 10)] * 40})
    frame.attrs["braze"] = {"settled_until": "2026-03-11"}
    out = frame.reset_index().merge(frame.reset_index()[["date"]])
    out.attrs.clear()
    out.attrs.update(frame.attrs)
    assert len(out.braze.settled()) == 10
