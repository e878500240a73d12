"""The results table of all tests: what is compared, judged and said."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

import braze_frames as bf

from ..trials import BY_SEND, CONTROL, binomial, counts, response, trial, trials

METRIC = "conversion_rate_by_send_time"
COLUMNS = [
    *("control", "rate", "control_rate", "lift", "lift_low", "lift_high"),
    *("p_adjusted", "significant"),
    *("incremental", "incremental_low", "incremental_high"),
    *("p_portfolio", "shrunk", "verdict", "note"),
]
REVENUE = [f"revenue_incremental{end}" for end in ("", "_low", "_high")]
SENT = {"sent": 1000, "delivered": 1000}


def quiet(df, *args, **options):
    """Ask without warnings, which other tests look at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.StatisticsWarning)
        return df.braze.tests(*args, **options)


@pytest.fixture
def many(rng):
    """Four tests with a control, of which two have an effect, on one day each."""
    lifts = {"a": 1.0, "b": 1.4, "c": 1.0, "d": 0.7}
    return trials(
        {
            name: {
                "A": binomial(rng, 0.05 * lift, 9000, 1),
                CONTROL: binomial(rng, 0.05, 9000, 1),
            }
            for name, lift in lifts.items()
        }
    )


def test_the_table_has_its_columns_in_order(many):
    table = quiet(many)
    assert list(table) == COLUMNS
    assert table.index.names == ["campaign", "channel", "variation"]
    assert table["significant"].dtype == "boolean"


def test_the_numbers_are_those_of_lift(many):
    table, lift = quiet(many), many.braze.lift(METRIC)
    shared = [name for name in COLUMNS[:-4] if name in lift]
    pd.testing.assert_frame_equal(table[shared], lift[shared])


def test_verdicts_say_better_worse_and_what_could_have_been_found(many):
    verdicts = quiet(many).droplevel(["channel", "variation"])["verdict"]
    assert verdicts["b"].startswith(f"better than {CONTROL!r}: lift +")
    assert verdicts["d"].startswith(f"worse than {CONTROL!r}: lift ")
    assert verdicts["a"].startswith("no difference found")
    mde = many.braze.lift(METRIC)["mde"].iloc[0]
    assert (
        f"the smallest that could have been found is {100 * mde:.1f}" in verdicts["a"]
    )


def test_fewer_unsubscribes_are_better():
    entries = {
        name: counts([(x, 9000)], stat="unsubscribes", units="delivered")
        for name, x in (("A", 50), ("B", 150))
    }
    table = quiet(bf.read_braze_series(response(entries)), "unsubscribe_rate")
    [row] = table.reset_index().to_dict("records")
    assert (row["variation"], row["control"]) == ("B", "A")
    assert row["verdict"].startswith("worse than 'A'")


def test_p_values_are_adjusted_over_all_tests(many):
    p_values = many.braze.lift(METRIC)["p_value"]
    wanted = multipletests(p_values, method="fdr_bh")[1]
    assert quiet(many)["p_portfolio"].to_numpy() == pytest.approx(wanted)


def test_lifts_are_shrunk_as_metafor_does():
    # R metafor 3.8-1, rma(method="REML", test="knha"), blup(): case portfolio-20.
    path = Path(__file__).parents[1] / "oracles.json"
    cases = {one["id"]: one for one in json.loads(path.read_text(encoding="utf-8"))}
    inputs, wanted = (cases["portfolio-20"][part] for part in ("inputs", "expected"))
    rows = zip(*(inputs[name] for name in ("x1", "n1", "x0", "n0")), strict=True)
    frame = trials(
        {
            f"{number:02}": {"A": [(x1, n1)], CONTROL: [(x0, n0)]}
            for number, (x1, n1, x0, n0) in enumerate(rows)
        }
    )
    table = quiet(frame)
    assert np.log1p(table["shrunk"]).tolist() == pytest.approx(wanted["shrunk"])
    summary = table.attrs["braze"]["portfolio"]
    assert summary["tests"] == 20
    assert summary["lift"] == pytest.approx(np.expm1(wanted["mean"]))
    assert summary["lift_low"] == pytest.approx(np.expm1(wanted["low"]))
    assert summary["prediction_high"] == pytest.approx(np.expm1(wanted["pred_high"]))
    assert summary["tau2"] == pytest.approx(wanted["tau2"], rel=1e-6)
    assert (summary["q"], summary["q_p"]) == pytest.approx((wanted["q"], wanted["q_p"]))
    assert json.loads(json.dumps(summary)) == summary


def test_one_test_alone_says_nothing_of_all(month):
    table = quiet(month)
    assert table[["p_portfolio", "shrunk"]].isna().all(axis=None)
    assert table["note"].str.contains("fewer than 3 comparisons").all()
    summary = table.attrs["braze"]["portfolio"]
    assert summary.pop("tests") == 2
    assert set(summary.values()) == {None}


def test_a_test_without_control_is_compared_in_pairs_and_says_so(rng):
    arms = {
        name: binomial(rng, rate, 9000, 1)
        for name, rate in zip("ABC", (0.05, 0.06, 0.07), strict=True)
    }
    table = quiet(trial(arms))
    assert len(table) == 3
    assert table["note"].str.startswith("no control, so compared in pairs").all()
    assert (table["rate"] >= table["control_rate"]).all()
    lift = trial(arms).braze.lift(METRIC, pairs=True)
    assert table["p_adjusted"].tolist() == lift["p_adjusted"].tolist()


def test_subject_lines_are_compared_with_each_other_as_the_control_gets_none(rng):
    def opens(rate):
        return int(rng.binomial(1000, rate))

    entries = {
        "A": counts([(50, 1000)], unique_opens=opens(0.3), **SENT),
        "B": counts([(50, 1000)], unique_opens=opens(0.4), **SENT),
        CONTROL: counts([(50, 1000)], enrolled=1000),
    }
    frame = bf.read_braze_series(response(entries))
    [row] = quiet(frame, "unique_open_rate").reset_index().to_dict("records")
    assert (row["variation"], row["control"]) == ("B", "A")
    assert "can't have this metric, so compared in pairs" in row["note"]
    one = frame.drop("B", level="variation")
    [row] = quiet(one, "unique_open_rate").reset_index().to_dict("records")
    assert row["variation"] == "A"
    wanted = f"cannot be compared because {CONTROL!r} receives nothing"
    assert row["verdict"] == wanted


def test_revenue_is_said_where_it_is_given(rng):
    def days(rate):
        rows = binomial(rng, rate, 900, 9)
        amounts = rng.gamma(9, 30, 9).round(2).tolist()
        return [
            {"unique_recipients": n, BY_SEND: x, "revenue": amount}
            for (x, n), amount in zip(rows, amounts, strict=True)
        ]

    frame = bf.read_braze_series(response({"A": days(0.06), CONTROL: days(0.05)}))
    table = quiet(frame)
    assert list(table) == [*COLUMNS[:-4], *REVENUE, *COLUMNS[-4:]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.StatisticsWarning)
        revenue = frame.braze.lift("revenue_per_recipient")
    assert table[REVENUE].to_numpy().tolist() == [
        revenue[["incremental", "incremental_low", "incremental_high"]].iloc[0].tolist()
    ]


def test_revenue_under_a_split_that_moved_is_doubted_in_its_row(rng):
    # No effect on any day: 2 USD a head early, 1 USD late, when most get the message.
    def days(sizes):
        worth = [2.0] * 7 + [1.0] * 7
        noise = rng.normal(1, 0.02, 14)
        return [
            {"unique_recipients": n, BY_SEND: n // 20, "revenue": round(n * usd * x, 2)}
            for n, usd, x in zip(sizes, worth, noise, strict=True)
        ]

    arms = {"A": days([1000] * 7 + [4000] * 7), CONTROL: days([4000] * 7 + [1000] * 7)}
    frame = bf.read_braze_series(response(arms))
    with pytest.warns(bf.StatisticsWarning) as caught:
        [row] = frame.braze.tests(settled=False).to_dict("records")
    assert any("the split between" in str(one.message) for one in caught)
    assert row["revenue_incremental_high"] < 0
    assert "revenue_per_recipient: the split moved" in row["note"]
    assert row["verdict"].startswith("no difference found")


def test_settled_days_are_read_unless_all_are_asked_for(month):
    month.attrs["braze"] = {"settled_until": "2026-03-09"}
    table = quiet(month)
    part = quiet(month.loc[:"2026-03-09"], settled=False)
    assert table["lift"].tolist() == part["lift"].tolist()
    assert table.attrs["braze"]["settled_only"]
    assert quiet(month, settled=False)["lift"].tolist() != part["lift"].tolist()


def test_a_test_of_young_days_only_is_not_lost(many):
    many.attrs["braze"] = {
        "settled_until": "2026-01-01",
        "settled": {"b": "2026-12-31", "c": "2026-12-31"},
    }
    table = quiet(many)
    assert table.index.get_level_values("campaign").tolist() == ["a", "b", "c", "d"]
    young = table.loc[["a", "d"]]
    assert young["verdict"].str.contains("all its days still grow").all()
    assert young["lift"].isna().all()
    assert table.loc["b", "lift"].notna().all()


def test_a_frame_that_does_not_know_is_read_whole_with_one_warning(many):
    many.attrs.clear()
    with pytest.warns(bf.StatisticsWarning, match="does not know") as caught:
        table = many.braze.tests()
    assert len(caught) == 1
    assert "out.attrs.update(df.attrs)" in str(caught[0].message)
    assert len(table) == 4


@pytest.mark.parametrize("several", [False, True])
def test_no_test_is_an_empty_table_and_one_warning(several):
    frame = trial({"A": [(5, 100)]})
    frame = pd.concat({"x": frame}, names=["campaign"]) if several else frame
    with pytest.warns(bf.StatisticsWarning, match="there is no test") as caught:
        table = frame.braze.tests(settled=False)
    assert len(caught) == 1
    assert table.empty
    assert list(table) == COLUMNS
    levels = ["channel", "variation"]
    assert table.index.names == (["campaign", *levels] if several else levels)


def test_an_unknown_metric_is_refused(many):
    with pytest.raises(bf.FrameError, match="nearest"):
        many.braze.tests("conversion_rates", settled=False)
