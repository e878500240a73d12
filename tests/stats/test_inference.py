"""Intervals and tests: they agree with each other, with symmetry and with others."""

import warnings
from decimal import Decimal, localcontext

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

import braze_frames as bf
from braze_frames.stats.chi_squared import homogeneity
from braze_frames.stats.contrasts import (
    DailyCounts,
    Options,
    day_contrast,
    score_contrast,
)
from braze_frames.stats.distributions import always_valid
from braze_frames.stats.jackknife import jackknife
from braze_frames.stats.multiplicity import adjust, adjust_families
from braze_frames.stats.scores import wilson

TABLES = 10_000
TIE = 1e-9
Z = stats.norm.isf(0.025)


def draw_tables(days, *, size=TABLES, seed=20260525):
    """Draw comparisons from very small to middling, a few days without one arm."""
    rng = np.random.default_rng(seed)
    units = np.floor(10 ** rng.uniform(0, 4.3, size=(2, size, days)))
    units *= (rng.random(units.shape) > 0.05) | (days == 1)
    swing = np.exp(rng.normal(0, 0.3, size=(size, days)))
    rate0 = np.clip(10 ** rng.uniform(-4, 0, size=(size, 1)) * swing, 0, 1)
    effect = np.exp(rng.normal(0, 0.3, size=(size, 1)))
    rate1 = np.clip(rate0 * effect, 0, 1)
    x1, x0 = rng.binomial(units.astype(int), [rate1, rate0]).astype(float)
    return DailyCounts(x1, units[0], x0, units[1])


def draw_ratios(days, *, size=500, seed=7, units=None):
    """Draw ratios over days: shared swings of the days, own ones of the arms."""
    rng = np.random.default_rng(seed)
    drawn = np.floor(10 ** rng.uniform(2, 4, size=(2, size, days)))
    n1, n0 = drawn if units is None else np.full(drawn.shape, float(units))
    swing = rng.normal(0, 0.4, size=(size, days))
    own = rng.normal(0, 0.15, size=(2, size, days))
    own[0] += rng.normal(0, 0.1, size=(size, 1))
    y1, y0 = rng.poisson([n1, n0] * np.exp(swing + own) * 0.3).astype(float)
    return DailyCounts(y1, n1, y0, n0)


def one_table(x1, n1, x0, n0):
    """Return one comparison of one day."""
    return DailyCounts(*(np.array([[part]], dtype=float) for part in (x1, n1, x0, n0)))


def swapped(days):
    """Return the same days with the arms the other way round."""
    return DailyCounts(days.y0, days.n0, days.y1, days.n1)


def outside(low, high):
    """Tell where 0 is outside an interval; an unknown one holds everything."""
    return (low > 0) | (high < 0)


def same(got, want, *, rel=0.0, absolute=0.0):
    """Tell whether arrays meet, infinities and NaN included."""
    return np.allclose(got, want, rtol=rel, atol=absolute, equal_nan=True)


# --- one decision: p, both intervals ---


@pytest.mark.parametrize("deff", [1.0, 3.0])
@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize(("days", "by_day"), [(1, False), (5, True)])
def test_p_value_and_both_intervals_decide_alike(days, by_day, sequential, deff):
    tables = draw_tables(days)
    options = Options(sequential=sequential, deff=deff)
    found = score_contrast(tables, options, by_day=by_day)
    significant = found.p_value < 0.05
    assert 0.01 < significant.mean() < 0.5
    clear = np.abs(found.p_value - 0.05) > TIE
    decided = outside(found.diff_low, found.diff_high)
    assert (decided == significant)[clear].all()
    known = ~np.isnan(found.lift_low)
    decided = outside(found.lift_low, found.lift_high)
    assert (decided == significant)[clear & known].all()
    assert not significant[~known].any()


@pytest.mark.parametrize("sequential", [False, True])
def test_p_value_and_lift_interval_over_days_decide_alike(sequential):
    days = draw_ratios(28)
    options = Options(sequential=sequential)
    found = day_contrast(days, jackknife(*days), options)
    significant = found.p_value < 0.05
    assert 0 < significant.sum() < 250
    decided = outside(found.lift_low, found.lift_high)
    assert (decided == significant)[np.abs(found.p_value - 0.05) > TIE].all()


def test_over_days_p_and_the_difference_decide_alike():
    days = draw_ratios(28)
    found = day_contrast(days, jackknife(*days), Options())
    decided = outside(found.diff_low, found.diff_high)
    clear = np.abs(found.p_value - 0.05) > TIE
    assert (decided == (found.p_value < 0.05))[clear].all()


@given(st.integers(10, 10**8), st.integers(0, 400), st.integers(0, 400))
def test_swapped_arms_keep_their_digits_near_0_and_near_100_percent(units, one, other):
    one, other = min(one, units), min(other, units)
    for x1, x0 in ((one, other), (units - one, units - other)):
        here = score_contrast(one_table(x1, units, x0, units), Options(), by_day=False)
        there = score_contrast(one_table(x0, units, x1, units), Options(), by_day=False)
        for low, high in ((here, there), (there, here)):
            if np.isfinite(high.lift_high[0]):
                product = (1 + low.lift_low) * (1 + high.lift_high)
                assert same(product, 1.0, absolute=1e-12)
            assert same(low.diff_low, -high.diff_high, absolute=1e-12)


@pytest.mark.parametrize(("days", "by_day"), [(1, False), (5, True)])
def test_estimates_lie_in_their_intervals_and_these_in_what_is_possible(days, by_day):
    found = score_contrast(draw_tables(days), Options(), by_day=by_day)
    known = ~np.isnan(found.diff)
    assert (found.diff_low <= found.diff + 1e-12)[known].all()
    assert (found.diff <= found.diff_high + 1e-12)[known].all()
    assert found.diff_low[known].min() >= -1
    assert found.diff_high[known].max() <= 1
    known = ~np.isnan(found.lift)
    ratios = [1 + part[known] for part in (found.lift_low, found.lift, found.lift_high)]
    assert (ratios[0] <= ratios[1] * (1 + 1e-12)).all()
    assert (ratios[1] <= ratios[2] * (1 + 1e-12)).all()
    assert ratios[0].min() >= 0


# --- symmetry ---


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize(("days", "by_day"), [(1, False), (5, True)])
def test_swapped_arms_negate_the_difference_and_invert_the_ratio(
    days, by_day, sequential
):
    tables, options = draw_tables(days), Options(sequential=sequential)
    here = score_contrast(tables, options, by_day=by_day)
    there = score_contrast(swapped(tables), options, by_day=by_day)
    assert same(here.diff_low, -there.diff_high, absolute=1e-9)
    assert same(here.diff_high, -there.diff_low, absolute=1e-9)
    assert same(here.p_value, there.p_value, rel=1e-9)
    for one, other in ((here, there), (there, here)):
        inverse = 1 / (1 + other.lift_high)
        assert same(1 + one.lift_low, inverse, rel=1e-8, absolute=1e-15)


def test_swapped_arms_negate_and_invert_over_days_too():
    days = draw_ratios(14)
    here = day_contrast(days, jackknife(*days), Options())
    other = swapped(days)
    there = day_contrast(other, jackknife(*other), Options())
    assert same(here.p_value, there.p_value, rel=1e-9)
    assert same(1 + here.lift_low, 1 / (1 + there.lift_high), rel=1e-9)


def test_over_days_the_difference_is_the_lift_at_the_controls_rate():
    # The limits of both come from one test since they are: before, p and the
    # difference's limits contradicted each other in 3 to 6 % of comparisons.
    days = draw_ratios(14)
    found = day_contrast(days, jackknife(*days), Options())
    rate = days.y0.sum(axis=1) / days.n0.sum(axis=1)
    assert same(found.diff_low, rate * found.lift_low, rel=1e-9)
    assert same(found.diff_high, rate * found.lift_high, rel=1e-9)


@pytest.mark.parametrize("currency", [0.01, 160.0])
def test_another_currency_scales_the_difference_and_leaves_lift_and_p(currency):
    days = draw_ratios(14)
    other = days._replace(y1=days.y1 * currency, y0=days.y0 * currency)
    here = day_contrast(days, jackknife(*days), Options())
    there = day_contrast(other, jackknife(*other), Options())
    for name in ("diff", "diff_low", "diff_high"):
        scaled = getattr(here, name) * currency
        assert same(getattr(there, name), scaled, rel=1e-8, absolute=1e-12 * currency)
    for name in ("lift", "lift_low", "lift_high", "statistic", "p_value"):
        assert same(getattr(there, name), getattr(here, name), rel=1e-8, absolute=1e-9)


def test_the_order_of_days_is_irrelevant():
    order = np.random.default_rng(3).permutation(14)
    tables, ratios = draw_tables(14, size=500), draw_ratios(14)
    for by_day in (False, True):
        here = score_contrast(tables, Options(), by_day=by_day)
        there = score_contrast(
            DailyCounts(*(part[:, order] for part in tables)), Options(), by_day=by_day
        )
        assert all(
            same(*pair, rel=1e-9, absolute=1e-10)
            for pair in zip(here, there, strict=True)
        )
    mixed = DailyCounts(*(part[:, order] for part in ratios))
    here = day_contrast(ratios, jackknife(*ratios), Options())
    there = day_contrast(mixed, jackknife(*mixed), Options())
    assert all(same(*pair, rel=1e-9) for pair in zip(here, there, strict=True))


def test_days_without_one_arm_say_nothing_by_day():
    tables = draw_tables(4, size=500)
    alone = np.full((500, 1), 50.0), np.full((500, 1), 100.0)
    none = np.zeros((500, 1))
    extra = (*alone, none, none)
    longer = DailyCounts(*(np.hstack(pair) for pair in zip(tables, extra, strict=True)))
    here = score_contrast(tables, Options(), by_day=True)
    there = score_contrast(longer, Options(), by_day=True)
    assert all(
        same(*pair, rel=1e-9, absolute=1e-10) for pair in zip(here, there, strict=True)
    )


# --- edges ---

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize("by_day", [False, True])
@pytest.mark.parametrize(
    ("counts", "diff", "lift", "lift_low", "lift_high", "p_value"),
    [
        ((5, 100, 0, 100), 0.05, NAN, "finite", INF, "finite"),
        ((0, 100, 5, 100), -0.05, -1, -1, "finite", "finite"),
        ((0, 100, 0, 90), 0, NAN, NAN, NAN, 1),
        ((100, 100, 90, 90), 0, 0, "finite", "finite", 1),
        ((1, 1, 0, 1), 1, NAN, "finite", INF, "finite"),
        ((1, 1, 1, 1), 0, 0, "finite", "finite", 1),
        ((0, 1, 0, 1), 0, NAN, NAN, NAN, 1),
        ((30, 100, 20, 100), 0.1, 0.5, "finite", "finite", "finite"),
    ],
)
def test_tables_without_successes_or_failures_have_the_limits_they_can_have(
    counts, by_day, diff, lift, lift_low, lift_high, p_value
):
    found = score_contrast(one_table(*counts), Options(), by_day=by_day)
    assert same(found.diff, diff, absolute=1e-12)
    assert same(found.lift, lift, absolute=1e-12)
    limits = {"lift_low": lift_low, "lift_high": lift_high, "p_value": p_value}
    for name, want in limits.items():
        got = getattr(found, name)[0]
        assert np.isfinite(got) if want == "finite" else same(got, want), name
    assert -1 <= found.diff_low[0] <= found.diff_high[0] <= 1


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("by_day", [False, True])
@pytest.mark.parametrize("counts", [(0, 0, 5, 100), (5, 100, 0, 0), (0, 0, 0, 0)])
def test_an_arm_without_units_leaves_all_unknown(counts, by_day, sequential):
    options = Options(sequential=sequential)
    found = score_contrast(one_table(*counts), options, by_day=by_day)
    assert all(np.isnan(part).all() for part in found)


def test_more_successes_than_units_leave_the_estimates_alone():
    found = score_contrast(one_table(120, 100, 60, 100), Options(), by_day=False)
    assert same(found.diff, 0.6)
    assert same(found.lift, 1.0)
    unknown = found._replace(diff=np.array([NAN]), lift=np.array([NAN]))
    assert all(np.isnan(part).all() for part in unknown)


@pytest.mark.parametrize("by_day", [False, True])
def test_looks_without_information_know_nothing_but_what_is_possible(by_day):
    for counts in ((0, 100, 0, 90), (100, 100, 90, 90)):
        options = Options(sequential=True)
        found = score_contrast(one_table(*counts), options, by_day=by_day)
        assert (found.p_value, found.diff_low, found.diff_high) == (1, -1, 1)
        assert np.isnan([found.lift_low, found.lift_high]).all()


def lift_of(*counts):
    """Compare one day of a variation and its control through the frame."""
    names = ("conversions", "unique_recipients")
    arms = [
        {"variation_name": name} | dict(zip(names, pair, strict=True))
        for name, pair in (("A", counts[:2]), ("Control Group", counts[2:]))
    ]
    day = {"time": "2026-03-02", "messages": {"email": arms}}
    frame = bf.read_braze_series({"data": [day]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.StatisticsWarning)
        return frame.braze.lift("conversion_rate").iloc[0]


@pytest.mark.parametrize("counts", [(0, 100, 0, 100), (100, 100, 100, 100)])
def test_equal_rates_without_variance_have_p_1_and_confidence_0(counts):
    row = lift_of(*counts)
    assert (row["p_value"], row["confidence"]) == (1, 0)
    assert not row["significant"]


def test_what_is_no_proportion_has_its_rates_and_a_note_only():
    row = lift_of(120, 100, 60, 100)
    assert (row["rate"], row["control_rate"], row["lift"]) == (1.2, 0.6, 1.0)
    unknown = ["diff_low", "diff_high", "lift_low", "lift_high", "p_value"]
    assert row[[*unknown, "confidence", "significant"]].isna().all()
    assert "more successes than units" in row["note"]


def test_a_lift_on_nothing_is_nan_with_its_reason():
    row = lift_of(5, 100, 0, 100)
    assert pd.isna(row["lift"])
    assert row["lift_high"] == INF
    assert row["lift_low"] > -1
    assert "no upper limit" in row["note"]


def test_two_arms_without_success_have_no_lift_and_no_limits_of_it():
    row = lift_of(0, 100, 0, 90)
    assert row[["lift", "lift_low", "lift_high"]].isna().all()
    assert row["diff_low"] < 0 < row["diff_high"]
    assert "any lift fits" in row["note"]


@pytest.mark.parametrize("counts", [(0, 0, 5, 100), (5, 100, 0, 0)])
def test_a_denominator_of_nothing_leaves_all_but_the_counts_unknown(counts):
    row = lift_of(*counts)
    unknown = ["diff", "diff_low", "diff_high", "lift", "lift_low", "lift_high"]
    assert row[[*unknown, "p_value", "p_adjusted", "confidence"]].isna().all()
    assert pd.isna(row["significant"])
    assert "a denominator is 0" in row["note"]


# --- people who count many times ---


@given(st.floats(1, 50))
def test_deff_divides_the_counts_of_a_table(deff):
    found = score_contrast(
        one_table(560, 700, 480, 800), Options(deff=deff), by_day=False
    )
    fewer = one_table(560 / deff, 700 / deff, 480 / deff, 800 / deff)
    want = score_contrast(fewer, Options(), by_day=False)
    assert all(same(*pair, rel=1e-9) for pair in zip(found, want, strict=True))
    plain = score_contrast(one_table(560, 700, 480, 800), Options(), by_day=False)
    assert same(found.statistic, plain.statistic / np.sqrt(deff), rel=1e-9)
    assert same([found.diff, found.lift], [plain.diff, plain.lift], rel=1e-9)


@pytest.mark.parametrize("deff", [1.5, 2.0, 30.0])
def test_deff_by_day_leaves_the_estimates_and_shortens_no_interval(deff):
    tables = draw_tables(5, size=500)
    plain = score_contrast(tables, Options(), by_day=True)
    found = score_contrast(tables, Options(deff=deff), by_day=True)
    assert same([found.diff, found.lift], [plain.diff, plain.lift], rel=1e-9)
    known = ~np.isnan(plain.diff_low)
    assert (found.diff_low <= plain.diff_low + 1e-9)[known].all()
    assert (found.diff_high >= plain.diff_high - 1e-9)[known].all()
    assert (found.p_value >= plain.p_value - 1e-9)[known].all()


@given(st.floats(1, 50))
def test_deff_multiplies_the_variance_over_days(deff):
    days = draw_ratios(14, size=3)
    swings = jackknife(*days)
    plain = day_contrast(days, swings, Options())
    found = day_contrast(days, swings, Options(deff=deff))
    wide = np.log1p(found.lift_high) - np.log1p(found.lift_low)
    narrow = np.log1p(plain.lift_high) - np.log1p(plain.lift_low)
    assert same(wide, narrow * np.sqrt(deff), rel=1e-9)
    assert same([found.diff, found.lift], [plain.diff, plain.lift], rel=1e-12)


# --- other programs ---

COUNTS = st.integers(1, 10**7).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.just(n))
)
SHARES = st.floats(1e-12, 1)


@given(COUNTS, st.floats(0.5, 0.999))
def test_wilson_is_that_of_statsmodels(counts, conf_level):
    x, n = counts
    low, high = wilson(np.array([x]), np.array([n]), conf_level)
    want = proportion_confint(x, n, alpha=1 - conf_level, method="wilson")
    assert same([low[0], high[0]], want, rel=1e-9, absolute=1e-12)
    assert 0 <= low[0] <= x / n <= high[0] * (1 + 1e-12)


@pytest.mark.parametrize(("x", "n"), [(0, 0), (5, 4), (-1, 4), (np.nan, 4), (1, NAN)])
def test_wilson_of_what_is_no_proportion_is_nan(x, n):
    limits = wilson(np.array([x]), np.array([n]), 0.95)
    assert np.isnan(limits).all()


@settings(max_examples=10)  # statsmodels takes .1 s for each of Holm's
@given(st.lists(SHARES, min_size=1, max_size=12))
def test_adjusted_p_values_are_those_of_statsmodels(p_values):
    for method in ("holm", "bonferroni", "fdr_bh"):
        want = multipletests(p_values, method=method)[1]
        assert same(adjust(np.array(p_values), method), want, rel=1e-9)


@given(st.lists(SHARES | st.just(NAN), max_size=12))
def test_a_missing_p_value_stays_so_and_is_no_test(p_values):
    p = np.array(p_values, dtype=float)
    known = ~np.isnan(p)
    for method in ("holm", "bonferroni", "fdr_bh", "none"):
        adjusted = adjust(p, method)
        assert np.isnan(adjusted[~known]).all()
        assert same(adjusted[known], adjust(p[known], method))


@given(st.lists(st.tuples(SHARES, st.integers(0, 3)), min_size=1, max_size=12))
def test_families_are_adjusted_each_for_itself(tests):
    p, family = (np.array(part) for part in zip(*tests, strict=True))
    found = adjust_families(p, family, "holm")
    for number in set(family):
        own = family == number
        assert same(found[own], adjust(p[own], "holm"))


@given(COUNTS, COUNTS)
def test_the_pooled_test_is_the_z_test_of_statsmodels(one, other):
    (x1, n1), (x0, n0) = one, other
    found = score_contrast(one_table(x1, n1, x0, n0), Options(), by_day=False)
    if 0 < x1 + x0 < n1 + n0:
        z, p = proportions_ztest([x1, x0], [n1, n0])
        assert same(found.statistic, z, rel=1e-7, absolute=1e-7)
        assert same(found.p_value, p, rel=1e-6, absolute=1e-9)
    else:
        assert same([found.statistic, found.p_value], [[0], [1]])


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=2, max_size=6))
def test_the_test_by_day_is_the_cmh_test_of_statsmodels(strata):
    table = np.array([[x1, n1, x0, n0] for (x1, n1), (x0, n0) in strata], dtype=float)
    x1, n1, x0, n0 = table.T
    days = DailyCounts(*(part[None] for part in (x1, n1, x0, n0)))
    found = score_contrast(days, Options(), by_day=True)
    split = np.array([[x1, n1 - x1], [x0, n0 - x0]])
    mixed = ((x1 + x0) > 0) & (x1 + x0 < n1 + n0)
    if mixed.any():
        want = StratifiedTable(split[..., mixed]).test_null_odds(correction=False)
        assert same(found.statistic**2, want.statistic, rel=1e-6, absolute=1e-7)
        assert same(found.p_value, want.pvalue, rel=1e-5, absolute=1e-8)
    else:
        assert same([found.statistic, found.p_value], [[0], [1]])


@given(
    st.lists(
        st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), min_size=2, max_size=6
    )
)
def test_homogeneity_is_that_of_scipy(rows):
    table = np.array(rows, dtype=float)
    found = homogeneity(table)
    want = stats.chi2_contingency(table, correction=False)
    assert found.df == want.dof
    assert same(found.chi2, want.statistic, rel=1e-8, absolute=1e-9)
    assert same(found.p_value, want.pvalue, rel=1e-6)
    assert same(found.min_expected, want.expected_freq.min())


@pytest.mark.parametrize("table", [[[5, 5]], [[5, 0], [9, 0]], [[0, 0], [1, 2]]])
def test_homogeneity_of_one_row_or_column_is_nan(table):
    found = homogeneity(np.array(table, dtype=float))
    assert np.isnan([found.chi2, found.p_value]).all()


# --- looks ---


@given(st.floats(0.01, 1e4), st.floats(0.5, 0.999))
def test_p_value_at_the_critical_value_is_alpha(information, conf_level):
    ask = always_valid
    critical = ask(np.array([0.0]), np.array([information]), conf_level).critical
    found = ask(critical, np.array([information]), conf_level)
    assert same(found.p_value, 1 - conf_level, rel=1e-9)
    assert critical[0] > stats.norm.isf((1 - conf_level) / 2)


@pytest.mark.parametrize(("length", "known"), [(13, False), (14, True)])
def test_looks_over_days_start_at_fourteen_days(length, known):
    days = draw_ratios(length, size=50, units=900)
    found = day_contrast(days, jackknife(*days), Options(sequential=True))
    limits = (found.diff_low, found.diff_high, found.lift_low, found.lift_high)
    assert (np.isfinite([*limits, found.p_value]) == known).all()
    assert np.isfinite([found.diff, found.lift]).all()


def test_looks_over_days_need_ten_effective_days():
    days = draw_ratios(20, size=50, units=900)
    uneven = days._replace(n1=days.n1 * (1 + 30 * (np.arange(20) == 4)))
    swings = jackknife(*uneven)
    assert (swings.eff_days < 10).all()
    found = day_contrast(uneven, swings, Options(sequential=True))
    assert np.isnan([found.p_value, found.lift_low, found.diff_high]).all()


@pytest.mark.parametrize("events", [0.2, 1, 3])
def test_looks_over_days_with_few_events_have_limits_in_order_and_finite(events):
    y1, y0 = np.random.default_rng(0).poisson(events, (2, 500, 14)).astype(float)
    units = np.full((500, 14), 1000.0)
    days = DailyCounts(y1, units, y0, units)
    found = day_contrast(days, jackknife(*days), Options(sequential=True))
    limits = (found.diff_low, found.diff_high, found.lift_low, found.lift_high)
    assert not np.isinf(limits).any()
    known = ~np.isnan(found.diff_low)
    assert (found.diff_low <= found.diff)[known].all()
    assert (found.diff <= found.diff_high)[known].all()
    known = ~np.isnan(found.lift_low)
    assert (found.lift_low <= found.lift)[known].all()
    assert (found.lift <= found.lift_high)[known].all()


# --- days ---


def test_days_of_nothing_are_no_days():
    days = draw_ratios(10, size=50)
    nothing = np.zeros((50, 4))
    longer = DailyCounts(*(np.hstack([nothing, part]) for part in days))
    here = jackknife(*days)
    there = jackknife(*longer)
    assert all(same(*pair, rel=1e-9) for pair in zip(here, there, strict=True))


@pytest.mark.parametrize(("length", "known"), [(3, False), (4, True)])
def test_an_interval_over_days_needs_four_effective_days(length, known):
    days = draw_ratios(length, size=50, units=900)
    found = day_contrast(days, jackknife(*days), Options())
    limits = (found.diff_low, found.diff_high, found.lift_low, found.lift_high)
    assert (np.isfinite([*limits, found.p_value]) == known).all()
    assert np.isfinite([found.diff, found.lift]).all()


def test_a_day_that_holds_all_of_an_arm_leaves_the_interval_unknown():
    days = draw_ratios(10, size=1)
    y1 = np.zeros_like(days.y1)
    y1[0, 3] = 40
    found = day_contrast(days._replace(y1=y1), jackknife(y1, *days[1:]), Options())
    assert np.isfinite([found.diff, found.lift]).all()
    assert np.isnan([found.lift_low, found.diff_high, found.p_value]).all()


# --- a hundred million units ---


def exact_z(theta, counts, *, is_ratio):
    """Return the score statistic at 40 digits, its likelihood solved by bisection."""
    x1, n1, x0, n0 = (Decimal(int(part)) for part in counts)

    def other(rate):
        return rate * theta if is_ratio else rate + theta

    def slope(rate):
        pull = (x1 - n1 * other(rate)) / (other(rate) * (1 - other(rate)))
        push = (x0 - n0 * rate) / (rate * (1 - rate))
        return pull * (theta if is_ratio else 1) + push

    low = Decimal(0) if is_ratio else max(Decimal(0), -theta)
    high = min(Decimal(1), 1 / theta if is_ratio else 1 - theta)
    for _ in range(130):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    factor = theta**2 if is_ratio else 1
    variance = other(low) * (1 - other(low)) / n1 + factor * low * (1 - low) / n0
    distance = x1 / n1 - (theta * x0 / n0 if is_ratio else x0 / n0 + theta)
    return distance / variance.sqrt()


@pytest.mark.parametrize(
    "counts",
    [
        (300, 10**8, 260, 10**8),
        (300, 10**8, 26, 10**7),
        (50_020_000, 10**8, 50_000_000, 10**8),
        (99_999_700, 10**8, 99_999_600, 10**8),
        (5, 90_000, 1, 10_000),
        (9 * 10**7, 10**8, 40, 100),
    ],
)
def test_limits_are_exact_to_a_hundred_million_units(counts):
    found = score_contrast(one_table(*counts), Options(), by_day=False)
    limits = [
        (found.diff_low, False, 1),
        (found.diff_high, False, -1),
        (1 + found.lift_low, True, 1),
        (1 + found.lift_high, True, -1),
    ]
    with localcontext() as context:
        context.prec = 40
        for limit, is_ratio, side in limits:
            step = abs(Decimal(limit[0])) * Decimal("1e-6")
            ends = (Decimal(limit[0]) - step, Decimal(limit[0]) + step)
            z = [float(exact_z(end, counts, is_ratio=is_ratio)) for end in ends]
            assert min(z) < side * Z < max(z)


def test_many_days_of_a_hundred_million_units_keep_their_digits():
    small = draw_tables(28, size=20, seed=5)
    scale = 1e8 / max(part.max() for part in small)
    large = DailyCounts(*(np.floor(part * scale) for part in small))
    found = score_contrast(large, Options(), by_day=True)
    assert np.isfinite([found.diff_low, found.lift_high, found.statistic]).all()
    significant = found.p_value < 0.05
    assert (outside(found.diff_low, found.diff_high) == significant).all()
    assert (outside(found.lift_low, found.lift_high) == significant).all()
