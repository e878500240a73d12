"""Sample-ratio mismatch: were people split as planned."""

import pandas as pd
import pytest
from scipy.stats import chisquare

import braze_frames as bf

from ..trials import CONTROL, response, trial


def test_the_split_is_tested_on_the_day_with_most_people():
    arms = {"A": [(0, 100), (0, 5000), (0, 90)], "B": [(0, 90), (0, 5123), (0, 100)]}
    table = trial(arms).braze.srm()
    row = table.loc["email"]
    # R: chisq.test(c(5000, 5123)) gives X-squared = 1.4945, p-value = 0.2215.
    assert row["date"] == pd.Timestamp("2026-03-03")
    assert row["total"] == 10123
    assert row["chi2"] == pytest.approx(1.4945, abs=5e-5)
    assert row["p_value"] == pytest.approx(0.2215, abs=5e-5)
    assert not row["mismatch"]
    assert [str(dtype) for dtype in table.dtypes][:-1] == [
        "datetime64[us]",
        "Int64",
        "float64",
        "Int64",
        "float64",
        "boolean",
    ]


def test_a_planned_split_may_be_in_any_unit():
    frame = trial({"A": [(0, 8000)], CONTROL: [(0, 2000)]})
    assert frame.braze.srm()["mismatch"].tolist() == [True]
    for planned in ({"A": 80, CONTROL: 20}, {"A": 0.8, CONTROL: 0.2}):
        row = frame.braze.srm(planned=planned).loc["email"]
        assert row["chi2"] == pytest.approx(0, abs=1e-12)
        # q = .8 of 10,000: (3.29 + .84) * sqrt(.16 / 10000) = 1.65 points.
        assert "off by 1.7 percentage points" in row["note"]


def test_new_people_are_tested_on_all_days_together(rng):
    # 52 to 48 of 120,000 in 60 days: one day shows it in 49 %, all days always.
    sizes = rng.poisson(2000, 60)
    first = rng.binomial(sizes, 0.52)
    arms = {
        "A": [(0, int(n)) for n in first],
        "B": [(0, int(n)) for n in sizes - first],
    }
    row = trial(arms).braze.srm(people="new").loc["email"]
    assert row["total"] == sizes.sum()
    assert row["mismatch"]
    assert pd.isna(row["date"])
    wanted = chisquare([first.sum(), (sizes - first).sum()])
    assert row["chi2"] == pytest.approx(wanted.statistic)


def test_the_same_people_are_not_taken_for_new_ones():
    arms = {"A": [(0, 1000)] * 9, "B": [(0, 1100)] * 9}
    row = trial(arms).braze.srm(people="new").loc["email"]
    assert pd.isna(row["p_value"])
    assert "the same people" in row["note"]
    assert "people='busiest'" in row["note"]


def test_who_is_tested_is_one_of_two_choices():
    with pytest.raises(ValueError, match="people='all'"):
        trial({"A": [(0, 9)], "B": [(0, 9)]}).braze.srm(people="all")


def test_the_people_of_the_control_are_its_enrolled():
    entries = {
        "A": [{"unique_recipients": 1000}],
        CONTROL: [{"unique_recipients": 0, "enrolled": 1000}],
    }
    frame = bf.read_braze_series(response(entries))
    assert frame.braze.srm()["total"].tolist() == [2000]


def test_true_counts_take_the_place_of_a_day():
    frame = trial({"A": [(0, 100)] * 3, "B": [(0, 100)] * 3})
    row = frame.braze.srm(counts={"B": 9000, "A": 1000}).loc["email"]
    assert pd.isna(row["date"])
    assert row["total"] == 10000
    assert row["mismatch"]


@pytest.mark.parametrize("argument", ["planned", "counts"])
@pytest.mark.parametrize(
    "numbers",
    [{"A": 1}, {"A": 1, "B": 1, "C": 1}, {"A": 0, "B": 0}, {"A": -1, "B": 2}],
)
def test_shares_must_name_each_variation_and_add_up(argument, numbers):
    frame = trial({"A": [(0, 100)], "B": [(0, 100)]})
    with pytest.raises(ValueError, match=argument):
        frame.braze.srm(**{argument: numbers})


def test_nobody_at_all_is_no_split():
    row = trial({"A": [(0, 0)], "B": [(0, 0)]}).braze.srm().loc["email"]
    assert pd.isna(row["p_value"])
    assert row["note"] == "no recipients on any day"
