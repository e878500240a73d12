"""Lift: what is compared with what, by which method, and what is said of it."""

import warnings

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

import braze_frames as bf

from ..trials import BY_SEND, CONTROL, binomial, counts, response, trial, trials

METRIC = "conversion_rate_by_send_time"
ANYTIME = "conversion_rate"
COLUMNS = {
    "metric": "text",
    "control": "text",
    "numerator": "Float64",
    "denominator": "Float64",
    "rate": "float64",
    "control_numerator": "Float64",
    "control_denominator": "Float64",
    "control_rate": "float64",
    "diff": "float64",
    "diff_low": "float64",
    "diff_high": "float64",
    "lift": "float64",
    "lift_low": "float64",
    "lift_high": "float64",
    "incremental": "float64",
    "incremental_low": "float64",
    "incremental_high": "float64",
    "statistic": "float64",
    "p_value": "float64",
    "p_adjusted": "float64",
    "confidence": "float64",
    "significant": "boolean",
    "eff_days": "float64",
    "dispersion": "float64",
    "mde": "float64",
    "method": "text",
    "note": "text",
}
LIMITS = ["diff_low", "diff_high", "lift_low", "lift_high"]
UNKNOWN = [*LIMITS, "statistic", "p_value", "p_adjusted", "confidence"]


def quiet(df, *args, **options):
    """Compare without warnings, which other tests look at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.StatisticsWarning)
        return df.braze.lift(*args, **options)


def only(table):
    """Return the single row of a table."""
    assert len(table) == 1
    return table.iloc[0]


# --- the table ---


def test_columns_come_in_order_with_their_dtypes(month):
    table = quiet(month, METRIC)
    text = pd.Index(["text"]).dtype
    wanted = {name: text if kind == "text" else kind for name, kind in COLUMNS.items()}
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == {
        name: str(dtype) for name, dtype in wanted.items()
    }
    assert list(table) == list(COLUMNS)
    assert table.index.names == ["channel", "variation"]
    assert table.index.tolist() == [("email", "A"), ("email", "B")]
    assert table["control"].tolist() == [CONTROL, CONTROL]


def test_a_prior_adds_two_columns_before_the_method(month):
    table = quiet(month, METRIC, prior=(0.5, 0.5))
    names = list(COLUMNS)
    wanted = [*names[:-2], "prob_to_beat", "expected_loss", *names[-2:]]
    assert list(table) == wanted


def test_a_margin_adds_two_columns_before_the_method_and_changes_nothing_else(month):
    plain, table = quiet(month, METRIC), quiet(month, METRIC, margin=-0.02)
    names = list(COLUMNS)
    assert list(table) == [*names[:-2], "p_margin", "non_inferior", *names[-2:]]
    assert str(table["non_inferior"].dtype) == "boolean"
    pd.testing.assert_frame_equal(table[names], plain)


def test_several_campaigns_put_their_level_in_front(rng):
    arms = {"A": binomial(rng, 0.1, 100, 3), CONTROL: binomial(rng, 0.1, 100, 3)}
    table = quiet(trials({"x": arms, "y": arms}), METRIC)
    assert table.index.names == ["campaign", "channel", "variation"]
    assert table.index.tolist() == [("x", "email", "A"), ("y", "email", "A")]


def test_a_list_of_metrics_puts_the_metric_in_front():
    day = {"unique_recipients": 900, "conversions": 90, "revenue": 400.0}
    frame = bf.read_braze_series(response({"A": [day] * 9, CONTROL: [day] * 9}))
    table = quiet(frame, [ANYTIME, "revenue_per_recipient"])
    assert table.index.names == ["metric", "channel", "variation"]
    assert table.index.get_level_values("metric").tolist() == [
        ANYTIME,
        "revenue_per_recipient",
    ]
    assert "metric" not in table
    assert table["method"].tolist() == ["score", "day"]


def test_pairs_put_the_control_second_and_else_the_lower_rate(month):
    table = quiet(month, METRIC, pairs=True)
    assert table.index.names == ["channel", "variation", "control"]
    assert table.index.tolist() == [
        ("email", "A", "B"),
        ("email", "A", CONTROL),
        ("email", "B", CONTROL),
    ]
    assert "control" not in table
    assert table.loc[("email", "A", "B"), "lift"] > 0
    named = quiet(month, METRIC, "A", pairs=True)
    assert named.index.tolist()[:2] == [("email", "B", "A"), ("email", CONTROL, "A")]


def test_pairs_by_day_keep_the_order_of_the_whole_period():
    arms = {"A": [(90, 900), (10, 900)], "B": [(50, 900), (80, 900)]}
    table = quiet(trial(arms), METRIC, pairs=True, cumulative=True)
    assert table.index.droplevel("date").unique().tolist() == [("email", "B", "A")]
    assert table["lift"].iloc[0] < 0 < table["lift"].iloc[1]


def test_cumulative_gives_a_row_a_day_with_the_days_so_far(month):
    table = quiet(month, METRIC, cumulative=True)
    assert table.index.names == ["date", "channel", "variation"]
    days = month.index.get_level_values("date").unique()
    assert len(table) == 2 * len(days)
    assert table.index.is_monotonic_increasing
    for last in (days[0], days[9], days[-1]):
        until = quiet(month.loc[:last], METRIC)
        now = table.xs(last, level="date")
        pd.testing.assert_frame_equal(now, until)


def test_cumulative_days_are_those_of_each_campaign(rng):
    arms = {"A": binomial(rng, 0.1, 100, 3), CONTROL: binomial(rng, 0.1, 100, 3)}
    longer = {name: days + binomial(rng, 0.1, 100, 2) for name, days in arms.items()}
    table = quiet(trials({"x": arms, "y": longer}), METRIC, cumulative=True)
    assert table.index.names == ["campaign", "date", "channel", "variation"]
    assert table.groupby(level="campaign").size().tolist() == [3, 5]


# --- which control ---


def test_the_enrolled_are_the_control_whatever_their_name():
    entries = {
        "Kontrolle": counts([(5, 100)], enrolled=100),
        CONTROL: counts([(9, 100)], sent=100),
    }
    row = only(quiet(bf.read_braze_series(response(entries)), METRIC))
    assert row["control"] == "Kontrolle"


def test_each_campaign_can_have_a_control_of_its_own(rng):
    arms = {"A": binomial(rng, 0.1, 100, 1), "B": binomial(rng, 0.1, 100, 1)}
    frame = trials({"x": arms, "y": arms})
    table = quiet(frame, METRIC, {"x": "A", "y": "B"})
    assert table["control"].tolist() == ["A", "B"]
    part = quiet(frame, METRIC, {"x": "A"})
    assert part.loc["x", "control"].tolist() == ["A"]
    assert part.loc["y", "note"].str.contains("no control group found").all()


@pytest.mark.parametrize("control", [{"No such campaign": "A"}, {"x": "A", "z": "A"}])
def test_a_control_of_no_campaign_of_the_frame_is_refused(rng, control):
    arms = {"A": binomial(rng, 0.1, 100, 1), "B": binomial(rng, 0.1, 100, 1)}
    with pytest.raises(bf.FrameError, match=r"campaign '(No such|z).*'x', 'y'"):
        trials({"x": arms, "y": arms}).braze.lift(METRIC, control)
    with pytest.raises(bf.FrameError, match="no level campaign"):
        trial(arms).braze.lift(METRIC, control)


def test_a_control_can_be_named(month):
    table = quiet(month, METRIC, "B")
    assert table.index.get_level_values("variation").tolist() == ["A", CONTROL]
    assert set(table["control"]) == {"B"}


@pytest.mark.parametrize(
    ("arms", "options", "words"),
    [
        ({"A": [(1, 9)], "B": [(1, 9)]}, {}, "no control group found.*'A', 'B'"),
        ({"A": [(1, 9)], CONTROL: [(1, 9)]}, {"control": "a"}, "control='a'.*'A', 'Co"),
        ({"A": [(1, 9)]}, {}, "one variation only.*'A'"),
    ],
)
def test_a_frame_without_two_sides_is_refused(arms, options, words):
    with pytest.raises(bf.FrameError, match=words) as caught:
        trial(arms).braze.lift(METRIC, **options)
    assert isinstance(caught.value, ValueError)


def test_what_is_received_is_not_compared_with_who_receives_nothing():
    sent = {"sent": 100, "delivered": 99, "unique_opens": 30}
    entries = {
        "A": counts([(5, 100)], **sent),
        "B": counts([(5, 100)], **sent),
        CONTROL: counts([(4, 100)], enrolled=100),
    }
    frame = bf.read_braze_series(response(entries))
    with pytest.raises(bf.FrameError, match=r"receives nothing; .*conversion_rate"):
        frame.braze.lift("unique_open_rate")
    assert quiet(frame, METRIC)["p_value"].notna().all()
    table = quiet(frame, "unique_open_rate", "A")
    assert table.loc[("email", "B"), "p_value"] == 1
    silent = table.loc[("email", CONTROL)]
    assert silent[UNKNOWN].isna().all()
    assert "receives nothing" in silent["note"]


# --- methods ---


def test_one_day_is_the_pooled_test_of_statsmodels():
    row = only(quiet(trial({"A": [(60, 1000)], CONTROL: [(50, 900)]}), METRIC))
    z, p = proportions_ztest([60, 50], [1000, 900])
    assert row["method"] == "score"
    assert row["statistic"] == pytest.approx(z, rel=1e-12)
    assert row["p_value"] == pytest.approx(p, rel=1e-12)
    assert row["confidence"] == pytest.approx(1 - p, rel=1e-12)


def test_by_send_time_is_compared_day_by_day_as_cochran_mantel_haenszel(month):
    row = quiet(month, METRIC).loc[("email", "A")]
    failures = month["unique_recipients"] - month[BY_SEND]
    split = pd.DataFrame({"x": month[BY_SEND], "rest": failures}).astype(float)
    days = split.index.get_level_values("date").unique()
    oracle = StratifiedTable(
        [split.loc[(day, "email")].loc[["A", CONTROL]].to_numpy() for day in days]
    )
    assert row["method"] == "score, by day"
    assert row["statistic"] ** 2 == pytest.approx(
        oracle.test_null_odds(correction=False).statistic, rel=1e-9
    )
    assert row["lift"] == pytest.approx(oracle.riskratio_pooled - 1, rel=1e-9)


def test_conversions_of_another_day_are_compared_in_total(rng):
    arms = {"A": binomial(rng, 0.06, 500, 9), CONTROL: binomial(rng, 0.05, 500, 9)}
    frame = trial(arms, stat="conversions")
    assert only(quiet(frame, ANYTIME))["method"] == "score"
    forced = only(quiet(frame, ANYTIME, stratify="date"))
    assert forced["method"] == "score, by day"


def test_none_pools_what_would_go_day_by_day(month):
    row = quiet(month, METRIC, stratify=None).loc[("email", "A")]
    totals = month.groupby(level="variation").sum(numeric_only=True)
    sums = totals.loc[["A", CONTROL]]
    _, p = proportions_ztest(sums[BY_SEND], sums["unique_recipients"])
    assert row["method"] == "score"
    assert row["p_value"] == pytest.approx(p, rel=1e-9)
    assert row["lift"] == row["rate"] / row["control_rate"] - 1


def test_a_moving_split_makes_up_no_lift_by_default():
    # The variation gets most people just when rates are low: no effect on any day.
    arms = {
        "A": [(100, 1000), (90, 3000), (40, 4000)],
        CONTROL: [(400, 4000), (60, 2000), (10, 1000)],
    }
    default, pooled = (
        only(quiet(trial(arms), METRIC, stratify=how)) for how in ("auto", None)
    )
    assert default["lift"] == pytest.approx(0, abs=1e-12)
    assert default["p_value"] == pytest.approx(1)
    assert pooled["lift"] < -0.5
    assert pooled["significant"]


def test_over_days_a_moving_split_makes_up_no_lift_either():
    # No effect on any day; pooled over days it read -8.8 % with p = 0.
    day = np.arange(40)
    share, rate = 0.5 + 0.35 * day / 39, 0.06 - 0.03 * day / 39
    sizes = np.array([3000 * share, 3000 * (1 - share)]).round().astype(int)
    events = (sizes * rate).round().astype(int)
    rows = [list(zip(*pair, strict=True)) for pair in zip(events, sizes, strict=True)]
    arms = {"A": rows[0], CONTROL: rows[1]}
    for channel, options in (("email", {"se": "day"}), ("in_app_message", {})):
        frame = trial(arms, channel=channel)
        row = only(quiet(frame, METRIC, **options))
        assert row["method"] == "day, by day"
        assert row["lift"] == pytest.approx(0, abs=0.001)
        assert row["p_value"] > 0.5
        assert only(quiet(frame, METRIC, se="day", stratify=None))["lift"] < -0.08
    forced = only(quiet(trial(arms), METRIC, se="day", stratify="date"))
    assert forced["method"] == "day, by day"


def test_over_days_p_and_both_intervals_agree():
    # p was .031 while the difference's interval held 0.
    clicks = [[731, 456, 459, 342, 428], [522, 336, 295, 331, 407]]
    arms = {
        name: [(x, 2000) for x in row]
        for name, row in zip(("V", "W"), clicks, strict=True)
    }
    frame = trial(arms, stat="clicks", units="delivered")
    row = only(quiet(frame, "total_click_rate", "W"))
    assert row["p_value"] == pytest.approx(0.0313, abs=5e-5)
    assert row["diff_low"] > 0
    assert row["diff_low"] == pytest.approx(row["control_rate"] * row["lift_low"])


def test_incremental_is_the_difference_for_the_people_of_the_variation(month):
    table = quiet(month, METRIC)
    for end in ("", "_low", "_high"):
        wanted = table[f"diff{end}"] * table["denominator"].astype(float)
        pd.testing.assert_series_equal(
            table[f"incremental{end}"], wanted, check_names=False
        )
    apart = {"A": [(6, 50), (6, 60), (9, 900)], CONTROL: [(5, 50), (5, 50), (0, 0)]}
    row = only(quiet(trial(apart), METRIC))
    assert row["incremental"] == pytest.approx(110 * row["diff"])


def test_mde_is_what_the_error_finds_with_a_power_of_80_percent(month):
    row = quiet(month, METRIC).iloc[0]
    rest = [
        (1 - row[f"{arm}rate"]) / row[f"{arm}numerator"] for arm in ("", "control_")
    ]
    # z at .975 and at .8, as any table of the normal distribution has them.
    assert row["mde"] == pytest.approx((1.959964 + 0.841621) * sum(rest) ** 0.5)
    day = quiet(month, METRIC, se="day").iloc[0]
    error = np.log1p(day["lift"]) / day["statistic"]
    assert day["mde"] == pytest.approx((1.959964 + 0.841621) * error, rel=1e-5)
    wide = quiet(month, METRIC, deff=4).iloc[0]
    assert wide["mde"] == pytest.approx(2 * row["mde"])


def test_a_margin_asks_whether_the_variation_is_not_worse_by_more():
    # statsmodels: score test of p1/p0 against .95 of 52/6180 and 436/54088 gives
    # z = 0.6447, p = 0.2595.
    frame = trial({"A": [(52, 6180)], CONTROL: [(436, 54088)]})
    row = only(quiet(frame, METRIC, margin=-0.05))
    assert row["p_margin"] == pytest.approx(0.2595, abs=5e-5)
    assert not row["non_inferior"]
    assert only(quiet(frame, METRIC, margin=-0.5))["non_inferior"]
    assert only(quiet(frame, METRIC, margin=0.5))["non_inferior"]


def test_a_margin_is_the_limit_of_the_interval_with_twice_the_error(month):
    for options in ({}, {"se": "day"}, {"stratify": None}):
        low, high = quiet(month, METRIC, conf_level=0.9, **options)[
            ["lift_low", "lift_high"]
        ].iloc[0]
        for margin in (low, high):
            row = quiet(month, METRIC, margin=margin, **options).iloc[0]
            beyond = margin == high or margin < 0
            assert row["p_margin"] == pytest.approx(0.05 if beyond else 0.95)


def test_a_margin_that_nobody_fears_is_said(month):
    assert (quiet(month, METRIC, margin=-0.1)["note"] == "").all()
    notes = quiet(month, METRIC, margin=0.1)["note"]
    assert notes.str.contains("on the side that no one fears").all()
    lost = trial(
        {"A": [(50, 9000)], "B": [(60, 9000)]}, stat="unsubscribes", units="delivered"
    )
    note = quiet(lost, "unsubscribe_rate", "A", margin=-0.1)["note"].iloc[0]
    assert "on the side that no one fears" in note
    assert only(quiet(lost, "unsubscribe_rate", "A", margin=0.1))["note"] == ""


def test_a_margin_of_revenue_is_judged_over_days(rng):
    def arm(mean):
        amounts = rng.gamma(9, mean / 9, 20).round(2).tolist()
        return [{"unique_recipients": 100, "revenue": one} for one in amounts]

    frame = bf.read_braze_series(response({"A": arm(100), CONTROL: arm(100)}))
    row = only(quiet(frame, "revenue_per_recipient", margin=-0.5))
    assert row["method"] == "day"
    assert row["non_inferior"]


def test_a_margin_over_all_looks_is_more_careful(month):
    once, valid = (
        quiet(month, METRIC, margin=-0.1, sequential=looks) for looks in (False, True)
    )
    assert (valid["p_margin"] > once["p_margin"]).all()
    far = quiet(month, METRIC, margin=3.0, sequential=True)
    assert (far["p_margin"] < 0.001).all()


def test_the_kind_decides_about_the_error_not_the_data():
    day = {"unique_recipients": 90, "conversions": 9, "revenue": 40.0, "clicks": 3}
    day |= {"impressions": 90}
    entries = {"A": [day] * 8, CONTROL: [day] * 8}
    mail = bf.read_braze_series(response(entries))
    shown = bf.read_braze_series(response(entries, channel="in_app_message"))
    assert only(quiet(mail, ANYTIME))["method"] == "score"
    assert only(quiet(shown, ANYTIME))["method"] == "day"
    assert only(quiet(mail, "revenue_per_recipient"))["method"] == "day"
    assert only(quiet(mail, ANYTIME, se="day"))["method"] == "day"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"se": "binomial"}, "mean.*se='day'"),
        ({"stratify": "date"}, "mean.*stratify='date'"),
        ({"prior": (1, 1)}, "mean.*prior"),
    ],
)
def test_what_only_proportions_have_is_refused_elsewhere(options, words):
    day = {"unique_recipients": 90, "revenue": 40.0}
    frame = bf.read_braze_series(response({"A": [day] * 8, CONTROL: [day] * 8}))
    with pytest.raises(ValueError, match=words):
        frame.braze.lift("revenue_per_recipient", **options)


@pytest.mark.parametrize(
    "options",
    [
        {"stratify": "date", "prior": (1, 1)},
        {"margin": -1},
        {"margin": 0},
        {"margin": float("nan")},
        {"margin": "2%"},
        {"deff": float("inf")},
        {"conf_level": 95},
        {"conf_level": 0},
        {"conf_level": True},
        {"deff": 0.5},
        {"tau": 0},
        {"adjust": "sidak"},
        {"se": "hac"},
        {"stratify": "day"},
        {"prior": (0, 1)},
        {"prior": 1},
    ],
)
def test_wrong_arguments_are_refused_with_their_value(month, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        month.braze.lift(METRIC, **options)


def test_deff_widens_as_the_counts_divided_would(month):
    halved = trial(
        {
            "A": [(30, 500), (20, 400)],
            CONTROL: [(20, 450), (26, 380)],
        }
    )
    doubled = trial(
        {
            "A": [(60, 1000), (40, 800)],
            CONTROL: [(40, 900), (52, 760)],
        }
    )
    for how in ("auto", None):
        small = only(quiet(halved, METRIC, stratify=how))
        large = only(quiet(doubled, METRIC, stratify=how, deff=2))
        shown = [*LIMITS, "p_value"]
        pd.testing.assert_series_equal(small[shown], large[shown], check_names=False)
        assert large["numerator"] == 100


def test_a_prior_pools_and_says_who_is_probably_better(month):
    table = quiet(month, METRIC, prior=(0.5, 0.5))
    assert set(table["method"]) == {"score"}
    swapped = quiet(month, METRIC, "A", prior=(0.5, 0.5))
    beat = table.loc[("email", "A"), "prob_to_beat"]
    assert beat + swapped.loc[("email", CONTROL), "prob_to_beat"] == pytest.approx(1)


def test_holm_is_taken_within_a_test_and_missing_p_is_no_test(rng):
    arms = {name: binomial(rng, 0.05, 4000, 1) for name in "ABCD"}
    arms |= {"E": [(0, 0)], CONTROL: binomial(rng, 0.06, 4000, 1)}
    table = quiet(trial(arms), METRIC)
    p = table["p_value"].dropna()
    assert len(p) == 4
    for ours, theirs in (("holm", "holm"), ("bonferroni",) * 2, ("fdr_bh",) * 2):
        adjusted = quiet(trial(arms), METRIC, adjust=ours)["p_adjusted"]
        wanted = multipletests(p, method=theirs)[1]
        assert adjusted.dropna().to_numpy() == pytest.approx(wanted)
    assert table["significant"].isna().tolist() == table["p_value"].isna().tolist()
    several = quiet(trials({"x": arms, "y": arms}), METRIC)
    assert several.loc["x", "p_adjusted"].equals(table["p_adjusted"])


def test_sequential_is_wider_and_says_so(month):
    fixed, valid = quiet(month, METRIC), quiet(month, METRIC, sequential=True)
    assert set(valid["method"]) == {"score, by day, always valid"}
    assert (valid["lift_low"] < fixed["lift_low"]).all()
    assert (valid["lift_high"] > fixed["lift_high"]).all()
    assert (valid["p_value"] > fixed["p_value"]).all()
    assert valid["note"].str.contains("starts on a sending day").all()


def test_sequential_knows_nothing_before_the_first_success():
    frame = trial({"A": [(0, 0), (0, 50)], CONTROL: [(0, 0), (0, 50)]})
    row = only(quiet(frame, METRIC, sequential=True))
    assert row["p_value"] == 1
    assert row[["diff_low", "diff_high"]].tolist() == [-1, 1]
    assert row[["lift_low", "lift_high"]].isna().all()
    assert "starts on" not in row["note"]


def test_looks_over_days_start_when_there_are_enough(rng):
    def arm():
        revenue = rng.gamma(4, 20, 20).round(2)
        return [{"unique_recipients": 50, "revenue": float(one)} for one in revenue]

    frame = bf.read_braze_series(response({"A": arm(), CONTROL: arm()}))
    table = quiet(frame, "revenue_per_recipient", sequential=True, cumulative=True)
    known = table["p_value"].notna().tolist()
    assert known == [False] * 13 + [True] * 7
    assert "14 days" in table["note"].iloc[9]


# --- what is left out, and what is unknown ---


def test_a_day_that_one_side_lacks_is_left_out_for_both():
    full = counts([(5, 100), (6, 110), (7, 90)])
    lacking = [full[0], {"unique_recipients": 110}, full[2]]
    with_hole = bf.read_braze_series(response({"A": full, CONTROL: lacking}))
    without = with_hole.drop(pd.Timestamp("2026-03-03"), level="date")
    pd.testing.assert_frame_equal(quiet(with_hole, METRIC), quiet(without, METRIC))


def test_days_with_one_side_only_are_counted_in_the_note():
    arms = {"A": [(6, 50), (6, 60), (0, 0)], CONTROL: [(5, 50), (5, 50), (50, 1000)]}
    row = only(quiet(trial(arms), METRIC))
    assert "1000 units left out" in row["note"]
    assert row["control_numerator"] == 60
    cut = {name: days[:2] for name, days in arms.items()}
    assert row["p_value"] == only(quiet(trial(cut), METRIC))["p_value"]


def test_no_day_with_both_is_unknown_until_it_is_pooled():
    frame = trial({"A": [(6, 50), (0, 0)], CONTROL: [(0, 0), (50, 1000)]})
    row = only(quiet(frame, METRIC))
    assert row[[*LIMITS, "p_value", "lift", "diff"]].isna().all()
    assert row["note"] == "no day has both; stratify=None pools"
    assert only(quiet(frame, METRIC, stratify=None))["p_value"] < 1


def test_a_day_with_more_successes_than_units_pools_and_says_so():
    frame = trial({"A": [(60, 50), (5, 1000)], CONTROL: [(5, 70), (50, 1000)]})
    with pytest.warns(bf.StatisticsWarning, match="more successes than units.*A"):
        row = only(frame.braze.lift(METRIC))
    assert row["method"] == "score"
    assert "more successes than units on a day, so pooled" in row["note"]
    assert row["p_value"] < 1


def test_more_successes_than_units_in_all_is_no_proportion():
    frame = trial({"A": [(60, 50)], CONTROL: [(5, 100)]})
    row = only(quiet(frame, METRIC))
    assert row[UNKNOWN].isna().all()
    assert row["rate"] == 1.2
    assert "use se='day'" in row["note"]


def test_nobody_counted_is_unknown_and_never_zero():
    row = only(quiet(trial({"A": [(0, 0)], CONTROL: [(5, 100)]}), METRIC))
    assert row[[*UNKNOWN, "rate", "diff", "lift"]].isna().all()
    assert row["denominator"] == 0
    assert "a denominator is 0" in row["note"]


def test_a_stat_that_was_not_given_is_missing_not_zero():
    given, other = counts([(5, 100)] * 3), [{"unique_recipients": 100}] * 3
    frame = bf.read_braze_series(response({"A": other, "B": given, CONTROL: given}))
    row = quiet(frame, METRIC).loc[("email", "A")]
    assert pd.isna(row["numerator"])
    assert row[UNKNOWN].isna().all()
    assert "no day on which both have" in row["note"]


@pytest.mark.parametrize("stratify", ["auto", None])
def test_a_control_without_success_gives_a_one_sided_interval(stratify):
    arms = {"A": [(6, 1000)] * 2, "B": [(0, 1000)] * 2, CONTROL: [(0, 1000)] * 2}
    table = quiet(trial(arms), METRIC, stratify=stratify)
    some, none = table.loc[("email", "A")], table.loc[("email", "B")]
    assert np.isnan(some["lift"])
    assert some["lift_low"] > 0
    assert some["lift_high"] == np.inf
    assert "no upper limit" in some["note"]
    assert none[["lift", "lift_low", "lift_high"]].isna().all()
    assert (none["p_value"], none["confidence"]) == (1, 0)
    assert none["diff_low"] == pytest.approx(-none["diff_high"])


@pytest.mark.parametrize("options", [{}, {"se": "day"}, {"stratify": None}])
def test_nobody_converting_anywhere_is_no_difference_and_no_test(rng, options):
    arms = {
        "A": binomial(rng, 0.05, 900, 9),
        "B": [(0, 900)] * 9,
        "C": [(0, 900)] * 9,
    }
    table = quiet(trial(arms), METRIC, pairs=True, **options)
    none = table.loc[("email", "C", "B")]
    assert (none["p_value"], none["p_adjusted"], none["significant"]) == (1, 1, False)
    assert none[["lift", "lift_low", "lift_high"]].isna().all()
    if "se" not in options:
        # Holm over two comparisons: the one without a success is not counted.
        tested = table.drop(("email", "C", "B"))
        assert (tested["p_adjusted"] <= 2 * tested["p_value"] + 1e-15).all()


def test_all_successes_in_both_are_the_same():
    row = only(quiet(trial({"A": [(9, 9)], CONTROL: [(20, 20)]}), METRIC))
    assert (row["p_value"], row["confidence"], row["lift"]) == (1, 0, 0)


@pytest.mark.parametrize("days", [1, 3])
def test_days_without_replication_give_no_interval(days):
    day = {"unique_recipients": 90, "revenue": 40.0}
    frame = bf.read_braze_series(response({"A": [day] * days, CONTROL: [day] * days}))
    row = only(quiet(frame, "revenue_per_recipient"))
    assert row[[*LIMITS, "p_value"]].isna().all()
    assert row["lift"] == 0
    assert f"{days}.0 effective days" in row["note"]


def test_a_sum_of_zero_gives_no_interval_over_days():
    paid = [{"unique_recipients": 90, "revenue": float(n)} for n in range(9)]
    none = [{"unique_recipients": 90, "revenue": 0.0}] * 9
    frame = bf.read_braze_series(response({"A": paid, CONTROL: none}))
    row = only(quiet(frame, "revenue_per_recipient"))
    assert row[[*LIMITS, "p_value", "lift"]].isna().all()
    assert "is 0: no interval" in row["note"]


def test_events_that_come_before_any_unit_are_no_error():
    frame = trial({"A": [(3, 0), (60, 900)], CONTROL: [(0, 0), (50, 900)]})
    table = quiet(frame, METRIC, cumulative=True)
    assert table["p_value"].notna().tolist() == [False, True]


def test_zero_filled_days_before_the_launch_change_nothing(rng):
    def arm():
        return [
            {"unique_recipients": 50 + int(n), "revenue": float(n)}
            for n in rng.integers(20, 60, 12)
        ]

    arms = {"A": arm(), CONTROL: arm()}
    before = [{"unique_recipients": 0, "revenue": 0.0}] * 5
    longer = {name: before + days for name, days in arms.items()}
    short, long_ = (
        quiet(bf.read_braze_series(response(one)), "revenue_per_recipient")
        for one in (arms, longer)
    )
    pd.testing.assert_frame_equal(short, long_)


def test_the_enrolled_stand_in_where_nobody_received():
    entries = {
        "A": counts([(5, 100), (6, 100)], sent=100),
        CONTROL: [{"unique_recipients": 0, "enrolled": 90, BY_SEND: 4}] * 2,
    }
    row = only(quiet(bf.read_braze_series(response(entries)), METRIC))
    assert row["control_denominator"] == 180
    assert "divided by the enrolled" in row["note"]
    assert 0 < row["p_value"] <= 1


# --- what is refused ---


def test_an_unknown_metric_shows_the_nearest(month):
    with pytest.raises(bf.FrameError, match="nearest: conversion_rate"):
        month.braze.lift("conversion_rates")


def test_a_metric_of_no_channel_shows_what_there_is(month):
    with pytest.raises(bf.FrameError, match="email has no direct_open_rate.*unique_op"):
        month.braze.lift("direct_open_rate")


def test_a_frame_without_conversions_says_where_they_are(month):
    with pytest.raises(bf.FrameError, match='day level only.*grain="campaign"'):
        month.drop(columns=BY_SEND).braze.lift(METRIC)


def test_negative_counts_name_their_day():
    frame = trial({"A": [(5, 100), (-1, 100)], CONTROL: [(5, 100)] * 2})
    with pytest.raises(ValueError, match="2026-03-03, 'A': conversions_by_send_time"):
        frame.braze.lift(METRIC)


def test_rows_that_stand_twice_are_refused(month):
    with pytest.raises(bf.FrameError, match="stands twice"):
        pd.concat([month, month]).braze.lift(METRIC)


def test_no_rows_and_day_totals_are_refused(month):
    with pytest.raises(bf.FrameError, match="no rows"):
        month.iloc[:0].braze.lift(METRIC)
    days = bf.read_braze_series(
        {"data": [{"time": "2026-03-02", "messages": {}, "conversions": 3}]},
        grain="campaign",
    )
    with pytest.raises(bf.FrameError, match="grain='variation'"):
        days.braze.lift(ANYTIME)


def test_tests_that_cannot_be_compared_are_kept_with_their_reason():
    good = {"A": [(60, 1000)], CONTROL: [(50, 1000)]}
    frame = trials({"good": good, "lost": {"A": [(1, 9)], "B": [(1, 9)]}})
    with pytest.warns(
        bf.StatisticsWarning, match="1 of 2 tests.*lost, email"
    ) as caught:
        table = frame.braze.lift(METRIC)
    assert len(caught) == 1
    assert table.index.get_level_values("campaign").tolist() == ["good", "lost", "lost"]
    lost = table.loc["lost"]
    assert lost[UNKNOWN].isna().all(axis=None)
    assert lost["control"].isna().all()
    assert lost["note"].str.contains("no control group found").all()


def test_campaigns_with_one_variation_give_no_row():
    good = {"A": [(60, 1000)], CONTROL: [(50, 1000)]}
    table = quiet(trials({"good": good, "single": {"A": [(1, 9)]}}), METRIC)
    assert table.index.get_level_values("campaign").tolist() == ["good"]


def test_each_channel_is_compared_by_its_own_kind(rng):
    arms = {"A": binomial(rng, 0.06, 500, 9), CONTROL: binomial(rng, 0.05, 500, 9)}
    frame = pd.concat([trial(arms), trial(arms, channel="content_cards")]).sort_index()
    table = quiet(frame, METRIC)
    assert table.index.tolist() == [("content_cards", "A"), ("email", "A")]
    assert table["method"].tolist() == ["day, by day", "score, by day"]
    binomial_only = quiet(frame, METRIC, se="binomial")
    assert "ratio" in binomial_only.loc[("content_cards", "A"), "note"]


# --- it leaves things as they are ---


def test_frames_in_any_shape_answer_alike(month):
    wanted = quiet(month, METRIC)
    flat = month.reset_index().sample(frac=1, random_state=1)
    bare = month.copy()
    bare.attrs.clear()
    swapped = month.reorder_levels(["variation", "channel", "date"])
    for frame in (flat, bare, swapped, month.sort_index(ascending=False)):
        pd.testing.assert_frame_equal(quiet(frame, METRIC), wanted)


def test_the_frame_is_left_alone(month):
    copy = month.copy(deep=True)
    quiet(month, METRIC, cumulative=True, sequential=True)
    pd.testing.assert_frame_equal(month, copy)


def test_the_order_of_days_matters_only_to_daily_looks(rng):
    arms = {"A": binomial(rng, 0.1, 200, 8), CONTROL: binomial(rng, 0.1, 200, 8)}
    turned = {name: days[::-1] for name, days in arms.items()}
    there, back = (only(quiet(trial(one), METRIC)) for one in (arms, turned))
    assert there[LIMITS].tolist() == pytest.approx(back[LIMITS].tolist(), rel=1e-9)
