"""Cumulative lift: each of its rows is the lift of the frame cut at that day."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import braze_frames as bf

METRIC = "conversion_rate_by_send_time"
ARMS = ("A", "B", "Control Group")
OPTIONS = (
    {},
    {"sequential": True},
    {"stratify": None, "sequential": True},
    {"metric": "conversion_rate"},
    {"se": "day"},
    {"se": "day", "stratify": None, "sequential": True},
    {"metric": "revenue_per_recipient"},
    {"metric": "revenue_per_recipient", "sequential": True, "deff": 1.2},
    {"margin": -0.02, "deff": 1.2},
    {"se": "day", "adjust": "fdr_bh", "margin": 0.02},
    {"prior": (0.5, 0.5)},
)


def draw_days(rng, days, units, rate, odd):
    """Return conversions and recipients, of shape (arms, days), NaN where missing."""
    share = np.linspace(*rng.uniform(0.3, 3, 2), days)
    n = np.stack([rng.poisson(units * share * size) for size in (1, 1, 0.4)])
    swing = np.exp(rng.normal(0, 0.3, days)) * rng.uniform(0.7, 1.3, (3, 1))
    x = rng.binomial(n, np.clip(rate * swing, 0, 1)).astype(float)
    x[rng.random(x.shape) < odd] = np.nan
    broken = rng.random(x.shape) < odd / 10
    return np.where(broken, n + 1.0, x), n


def frame_of(x, n, cuts):
    """Return a campaign for each cut, with the days before it."""
    parts = []
    for cut in cuts:
        dates = pd.date_range("2026-01-01", periods=cut).as_unit("us")
        names = [[f"{cut:04}"], dates, ["email"], [*ARMS]]
        levels = ["campaign", "date", "channel", "variation"]
        index = pd.MultiIndex.from_product(names, names=levels)
        bought, units = (part[:, :cut].T.ravel() for part in (x, n))
        columns = {
            "unique_recipients": pd.array(units, "Int64"),
            "conversions_by_send_time": pd.array(bought, "Int64"),
            "conversions": pd.array(bought, "Int64"),
            # Amounts that differ from day to day, and a refund now and then.
            "revenue": pd.array(bought * (units % 7 - 0.5), "Float64"),
        }
        parts.append(pd.DataFrame(columns, index=index).reset_index())
    # By columns: pandas 2.2 loses days in microseconds where it joins such an index.
    return pd.concat(parts, ignore_index=True).set_index(levels)


def compared(df, **options):
    """Return the rows of ``lift``, without saying of what days."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.StatisticsWarning)
        found = df.braze.lift(**{"metric": METRIC, **options})
    return found.reset_index("campaign", drop=True)


def assert_rows_are_those_of_cut_frames(x, n, options):
    """Compare days of a cumulative lift with the frame cut there."""
    days = x.shape[1]
    cuts = np.unique([*np.linspace(1, days, 12).astype(int), 2, 32, 33])
    so_far = compared(frame_of(x, n, [days]), cumulative=True, **options)
    dates = so_far.index.get_level_values("date").unique()[cuts - 1]
    so_far = so_far.loc[dates].droplevel("date")
    cut = compared(frame_of(x, n, cuts), **options)
    pd.testing.assert_frame_equal(so_far, cut, rtol=1e-8, atol=1e-8)


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(34, 300),
    st.sampled_from([3, 20, 300, 100_000]),
    st.sampled_from([0.002, 0.05, 0.5, 0.98]),
    st.sampled_from([0, 0.03]),
    st.sampled_from(OPTIONS),
)
def test_each_row_is_the_lift_of_the_days_so_far(seed, days, units, rate, odd, options):
    x, n = draw_days(np.random.default_rng(seed), days, units, rate, odd)
    assert_rows_are_those_of_cut_frames(x, n, options)


@pytest.mark.parametrize("options", [{}, {"sequential": True}, {"se": "day"}])
def test_limits_are_found_where_a_day_holds_one_success_or_none(options):
    n = np.full((3, 300), 20)
    x = np.random.default_rng(1).binomial(n, 0.05).astype(float)
    assert_rows_are_those_of_cut_frames(x, n, options)


@pytest.mark.parametrize("metric", [METRIC, "revenue_per_recipient"])
def test_limits_over_days_are_exact_where_few_days_hold_most(metric):
    rng = np.random.default_rng(2)
    n = rng.poisson(np.where(rng.random((3, 400)) < 0.01, 1e5, 100))
    n[:, 0] = 1_000_000
    x = rng.binomial(n, 0.05).astype(float)
    assert_rows_are_those_of_cut_frames(x, n, {"metric": metric, "se": "day"})
