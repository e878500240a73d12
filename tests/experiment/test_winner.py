"""Winner: do the variations differ at all."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency
from statsmodels.stats.contingency_tables import StratifiedTable

import braze_frames as bf

from ..trials import BY_SEND, CONTROL, counts, response, trial, trials

METRIC = "conversion_rate_by_send_time"


def test_of_totals_the_winner_is_pearsons_chi_squared(month):
    month = month.rename(columns={BY_SEND: "conversions"})
    table = month.braze.winner("conversion_rate")
    sums = month.groupby(level="variation").sum(numeric_only=True)
    grid = np.array(
        [sums["conversions"], sums["unique_recipients"] - sums["conversions"]], float
    )
    oracle = chi2_contingency(grid, correction=False)
    row = table.loc["email"]
    assert row["chi2"] == pytest.approx(oracle.statistic)
    assert row["p_value"] == pytest.approx(oracle.pvalue)
    assert (row["variations"], row["df"]) == (3, 2)
    assert row["min_expected"] == pytest.approx(oracle.expected_freq.min())
    assert row["best"] == (sums["conversions"] / sums["unique_recipients"]).idxmax()
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == {
        "variations": "Int64",
        "chi2": "float64",
        "df": "Int64",
        "p_value": "float64",
        "best": str(pd.Index(["text"]).dtype),
        "significant": "boolean",
        "min_expected": "float64",
        "note": str(pd.Index(["text"]).dtype),
    }


def test_by_send_time_the_winner_is_found_within_the_days(month):
    # Of two variations the test is Cochran, Mantel & Haenszel's.
    two = month.drop("B", level="variation")
    row = two.braze.winner().loc["email"]
    failures = two["unique_recipients"] - two[BY_SEND]
    split = pd.DataFrame({"x": two[BY_SEND], "rest": failures}).astype(float)
    days = split.index.get_level_values("date").unique()
    oracle = StratifiedTable([split.loc[(day, "email")].to_numpy() for day in days])
    wanted = oracle.test_null_odds(correction=False)
    assert row["chi2"] == pytest.approx(wanted.statistic)
    assert row["p_value"] == pytest.approx(wanted.pvalue)
    assert (row["best"], row["df"]) == ("A", 1)


def test_a_moving_split_makes_no_winner():
    # No effect on any day: the totals differ, as the split moves while rates fall.
    arms = {
        "A": [(100, 1000), (90, 3000), (40, 4000)],
        CONTROL: [(400, 4000), (60, 2000), (10, 1000)],
    }
    row = trial(arms).braze.winner().loc["email"]
    assert row["p_value"] == pytest.approx(1)
    assert not row["significant"]
    assert pd.isna(row["best"])


@pytest.mark.parametrize("days", [1, 5])
def test_nobody_converting_is_no_winner(days):
    arms = {"A": [(0, 900)] * days, CONTROL: [(0, 800)] * days}
    with pytest.warns(bf.StatisticsWarning, match="chi-squared is rough"):
        row = trial(arms).braze.winner().loc["email"]
    assert (row["chi2"], row["p_value"], row["significant"]) == (0, 1, False)
    assert pd.isna(row["best"])


def test_the_control_takes_part_in_conversions_only():
    sent = {"sent": 100, "delivered": 100, "unique_opens": 30}
    entries = {
        "A": counts([(15, 100)], **sent),
        "B": counts([(25, 100)], **sent),
        CONTROL: counts([(14, 100)], enrolled=100),
    }
    frame = bf.read_braze_series(response(entries))
    assert frame.braze.winner(METRIC)["variations"].tolist() == [3]
    assert frame.braze.winner("unique_open_rate")["variations"].tolist() == [2]


def test_what_counts_many_times_has_no_winner():
    day = {"unique_recipients": 90, "revenue": 40.0}
    frame = bf.read_braze_series(response({"A": [day], CONTROL: [day]}))
    row = frame.braze.winner("revenue_per_recipient").loc["email"]
    assert row[["chi2", "p_value", "min_expected"]].isna().all()
    assert "a mean" in row["note"]


def test_a_split_that_moved_is_warned_of_as_totals_are_compared():
    arms = {"A": [(50, 1000), (150, 3000)], CONTROL: [(200, 4000), (50, 1000)]}
    frame = trial(arms, stat="conversions")
    with pytest.warns(
        bf.StatisticsWarning, match=r"split .* moved.*email \(55\).*same"
    ):
        frame.braze.winner("conversion_rate")
    assert trial(arms).braze.winner(METRIC)["significant"].tolist() == [False]


def test_small_expected_counts_are_warned_of_once():
    arms = {"A": [(1, 90)], CONTROL: [(2, 90)]}
    with pytest.warns(bf.StatisticsWarning, match=r"x, email \(1.5\)") as caught:
        trials({"x": arms, "y": arms}).braze.winner(METRIC)
    assert len(caught) == 1
