"""Campaigns of all lengths in one frame are answered as each is alone."""

import warnings

import numpy as np
import pandas as pd
import pytest

import braze_frames as bf

METRIC = "conversion_rate_by_send_time"
VERBS = {
    "lift": lambda df: df.braze.lift(METRIC),
    "over days": lambda df: df.braze.lift(METRIC, se="day", cumulative=True),
    "winner": lambda df: df.braze.winner(METRIC),
    "srm": lambda df: df.braze.srm(),
    "rates": lambda df: df.braze.rates(METRIC, ci=0.95, se="day"),
    "tests": lambda df: df.braze.tests(METRIC)[["rate", "lift_low", "verdict"]],
}


def campaign(name, days, rng):
    """Return a test of two variations and a control."""
    dates = pd.date_range("2024-01-01", periods=days)  # in pandas' own unit, to concat
    levels = [[name], dates, ["email"], ["A", "B", "Control Group"]]
    names = ["campaign", "date", "channel", "variation"]
    index = pd.MultiIndex.from_product(levels, names=names)
    units = rng.integers(50, 90, len(index))
    bought = rng.binomial(units, 0.2)
    columns = {"unique_recipients": units, "conversions_by_send_time": bought}
    return pd.DataFrame(columns, index=index, dtype="Int64")


@pytest.mark.parametrize("verb", VERBS)
def test_one_that_runs_for_years_among_many_of_days_is_answered_as_alone(verb):
    rng = np.random.default_rng(0)
    lengths = {f"{n:03}": 2 + n % 9 for n in range(130)} | {"050": 400, "099": 90}
    each = {name: campaign(name, days, rng) for name, days in lengths.items()}
    df = pd.concat(each.values()).sample(frac=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.StatisticsWarning)
        whole = VERBS[verb](df)
        alone = {name: VERBS[verb](each[name]) for name in ("049", "050", "099")}
    assert [*whole.index.unique("campaign")] == [*each]
    for name, own in alone.items():
        found = whole.xs(name, level="campaign", drop_level=False)
        pd.testing.assert_frame_equal(found, own, rtol=1e-12)
