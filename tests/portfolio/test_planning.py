"""``df.braze.sample_size`` and ``mde``: the next test, planned from the last."""

import numpy as np
import pandas as pd
import pytest

import braze_frames as bf

from ..trials import CONTROL, trial, trials

METRIC = "conversion_rate_by_send_time"
OPENS = "unique_open_rate"


def known(frame, settled="2029-12-31", fetched="2030-01-31T12:00:00+00:00"):
    """Let a frame know which of its days are final."""
    frame.attrs["braze"] = {"settled_until": settled, "fetched_at": fetched}
    return frame


def test_rate_people_and_variations_come_from_the_frame():
    arms = {"A": [(60, 1000)] * 20, "B": [(70, 1000)] * 20, CONTROL: [(50, 500)] * 20}
    plan = known(trial(arms)).braze.sample_size(METRIC, 0.05)
    wanted = bf.sample_size(0.1, 0.05, ratio=2, comparisons=2, daily=500)
    assert plan[:3] == wanted
    assert plan.base_rate == pytest.approx(0.1)
    assert (plan.daily, plan.comparisons) == (2500, 2)


def test_what_is_found_in_the_days_of_the_frame_or_in_others():
    arms = {"A": [(60, 1000)] * 20, CONTROL: [(50, 1000)] * 20}
    frame = known(trial(arms))
    assert frame.braze.mde(METRIC)[:2] == pytest.approx(bf.mde(0.05, 20_000))
    found = frame.braze.mde(METRIC, days=7, power=0.9)
    assert found[:2] == pytest.approx(bf.mde(0.05, 7000, power=0.9))
    assert found.days == 7


def test_days_without_a_send_take_part_in_the_pace():
    arms = {
        "A": [(70, 700), *[(0, 0)] * 6] * 4,
        CONTROL: [(70, 700), *[(0, 0)] * 6] * 4,
    }
    plan = known(trial(arms)).braze.sample_size(METRIC, 0.1)
    assert plan.daily == pytest.approx(200)


def test_waiting_for_conversions_is_told_apart_from_sending(growing):
    plan = growing.braze.sample_size(METRIC, 0.1)
    assert plan.waiting == 31, "settled until 2026-05-30, read on 2026-06-30"
    assert growing.braze.mde(METRIC, days=14).waiting == 31
    opens = growing.braze.sample_size(OPENS, 0.1)
    assert opens.waiting == 0
    assert opens.comparisons == 1, "the control gets nothing to open"
    settled = growing.braze.settled()
    assert plan.base_rate == pytest.approx(
        settled.braze.rates(METRIC, by="variation")[CONTROL]
    )


def test_one_variation_is_planned_as_two_halves():
    plan = known(trial({"A": [(100, 1000)] * 14})).braze.sample_size(METRIC, 0.1)
    assert plan[:3] == bf.sample_size(0.1, 0.1, daily=500)


def test_without_a_control_variations_are_compared_in_pairs():
    arms = {name: [(100, 1000)] * 14 for name in "ABCD"}
    plan = known(trial(arms)).braze.sample_size(METRIC, 0.1)
    assert plan.comparisons == 6
    assert plan[:3] == bf.sample_size(0.1, 0.1, comparisons=6, daily=1000)


def test_what_is_given_wins_over_the_frame():
    arms = {"A": [(60, 1000)] * 20, CONTROL: [(50, 1000)] * 20}
    plan = known(trial(arms)).braze.sample_size(METRIC, 0.1, ratio=3, comparisons=2)
    wanted = bf.sample_size(0.05, 0.1, ratio=3, comparisons=2, daily=2000 / 7)
    assert plan[:3] == wanted


def test_several_campaigns_are_rows_with_their_reasons():
    arms = {"A": [(60, 1000)] * 20, CONTROL: [(50, 1000)] * 20}
    none = {"A": [(0, 1000)] * 20, CONTROL: [(0, 1000)] * 20}
    frame = known(trials({"x": arms, "y": none}))
    found = frame.braze.sample_size(METRIC, 0.1)
    assert found.index.names == ["campaign", "channel"]
    assert found.loc["x", "control"].item() == bf.sample_size(0.05, 0.1).control
    assert found.loc["y", "control"].isna().all()
    assert "no base rate" in found.loc["y", "note"].item()
    lifts = frame.braze.mde(METRIC)
    assert np.isnan(lifts.loc["y", "lift"].item())
    assert lifts.dtypes["days"] == "Int64"


def test_a_frame_that_knows_nothing_of_its_days_says_so():
    frame = trial({"A": [(60, 1000)] * 20, CONTROL: [(50, 1000)] * 20})
    with pytest.warns(bf.StatisticsWarning, match="which days are settled"):
        assert frame.braze.sample_size(METRIC, 0.1).waiting == 31


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lift": 10}, r"10 is \+1000 %; did you mean 0\.10\?"),
        ({"lift": 0}, "^lift=0 leaves nothing to find"),
        ({"lift": -1}, "^lift=-1 leaves no rate"),
        ({"lift": "10%"}, "^lift='10%' is no number"),
        ({"lift": 0.1, "power": 80}, "power=80"),
        ({"lift": 0.1, "comparisons": 0}, "comparisons=0"),
        ({"lift": 0.1, "deff": 0.5}, "deff=0.5"),
    ],
)
def test_what_cannot_be_is_refused(growing, options, words):
    with pytest.raises(ValueError, match=words):
        growing.braze.sample_size(METRIC, **options)


@pytest.mark.parametrize("days", [0, -1, True, "14", float("nan"), float("inf")])
def test_days_are_a_number_of_days(growing, days):
    with pytest.raises(ValueError, match="no number of days"):
        growing.braze.mde(METRIC, days=days)


def test_what_is_no_share_of_people_says_why(growing):
    with pytest.raises(ValueError, match="no share of people but a mean"):
        growing.braze.sample_size("revenue_per_recipient", 0.1)
    with pytest.raises(ValueError, match="too few to find any lift"):
        growing.braze.mde(METRIC, days=0.0001)
    totals = pd.DataFrame(
        {"conversions": [1]}, index=pd.DatetimeIndex(["2026-03-01"], name="date")
    )
    with pytest.raises(bf.FrameError, match="no variations to compare"):
        totals.braze.mde("conversion_rate")


def test_an_absurd_lift_is_asked_back_without_a_rate_that_nobody_gave():
    frame = known(trial({"A": [(60, 1000)] * 9, CONTROL: [(50, 1000)] * 9}))
    with pytest.raises(ValueError, match=r"^lift=10 is a share: 10 is \+1000 %"):
        frame.braze.sample_size(METRIC, 10)
