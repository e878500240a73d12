"""Until when numbers are settled, and what to do where a frame does not know."""

import pytest

import braze_frames as bf

from ..trials import CONTROL, trial


def test_a_frame_that_lost_its_attrs_is_told_a_day_of_its_own():
    frame = trial({"A": [(1, 10)] * 40})
    with pytest.raises(bf.FrameError, match=r"until=\"2026-03-10\".*last day less 31"):
        frame.braze.settled()
    with pytest.raises(bf.FrameError, match=r"out\.attrs\.update\(df\.attrs\)"):
        frame.braze.settled()
    assert len(frame.braze.settled(until="2026-03-10")) == 9


def test_a_day_that_was_told_is_known_from_then_on_and_none_that_was_known_is_lost():
    frame = trial({"A": [(5, 100)] * 40, CONTROL: [(4, 100)] * 40})
    told = frame.braze.settled(until="2026-03-10")
    assert told.attrs["braze"]["settled_until"] == "2026-03-10"
    assert "settled_until" not in frame.attrs.get("braze", {})
    with pytest.warns(bf.StatisticsWarning, match="same people") as caught:
        told.braze.tests("conversion_rate_by_send_time")
    assert len(caught) == 1, "and none that says that nothing is known of its days"
    frame.attrs["braze"] = {"settled_until": "2026-03-11"}
    earlier = frame.braze.settled(until="2026-03-05")
    assert earlier.attrs["braze"]["settled_until"] == "2026-03-11"


def test_what_a_merge_loses_is_carried_over_by_one_line():
    frame = trial({"A": [(1, 10)] * 40})
    frame.attrs["braze"] = {"settled_until": "2026-03-11"}
    out = frame.reset_index().merge(frame.reset_index()[["date"]])
    out.attrs.clear()
    out.attrs.update(frame.attrs)
    assert len(out.braze.settled()) == 10
