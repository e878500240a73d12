"""Rates: ratios of sums by each channel's own definition, with intervals."""

import warnings

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from statsmodels.stats.proportion import proportion_confint

import braze_frames as bf
from braze_frames.schema.channels import STAT

from ..payloads import day as day_of
from ..trials import BY_SEND, CONTROL, counts, response, trial

EMAIL = {"sent": 100, "delivered": 90, "unique_opens": 27, "clicks": 9, "opens": 40}
CARDS = {"sent": 50, "total_impressions": 60, "unique_impressions": 30}
CARDS |= {"total_clicks": 6, "unique_clicks": 5}
PUSH = {"sent": 80, "bounces": 5, "direct_opens": 6, "total_opens": 9, "body_clicks": 3}
SMS = {"sent": 40, "delivered": 38, "rejected": 2, "clicks": 4, "opt_out": 1}


def read(*days):
    """Read days: channel → stat objects, from 2026-03-02 on."""
    data = [
        {"time": f"2026-03-{2 + n:02}", "messages": messages}
        for n, messages in enumerate(days)
    ]
    return bf.read_braze_series({"data": data})


@pytest.fixture
def mixed():
    """A day of four channels, one variation each."""
    return read(
        {
            "email": [{"variation_name": "A", **EMAIL}],
            "content_cards": [{"variation_name": "A", **CARDS}],
            "ios_push": [{"variation_name": "A", **PUSH}],
            "sms": [{"variation_name": "A", **SMS}],
        }
    )


def test_one_name_gives_a_series_and_a_list_gives_a_frame(mixed):
    one = mixed.braze.rates("unique_open_rate")
    assert one.name == "unique_open_rate"
    assert one.dtype == "float64"
    both = mixed.braze.rates(["unique_open_rate", "direct_open_rate"])
    assert list(both) == ["unique_open_rate", "direct_open_rate"]
    assert both.index.equals(mixed.braze.totals().index)


def test_each_channel_has_its_own_definition(mixed):
    rates = mixed.braze.rates(["total_click_rate", "total_open_rate"], by="channel")
    assert rates["total_click_rate"].to_dict() == pytest.approx(
        {"content_cards": 6 / 60, "email": 9 / 90, "ios_push": np.nan, "sms": 4 / 38},
        nan_ok=True,
    )
    assert rates["total_open_rate"].to_dict() == pytest.approx(
        {"content_cards": np.nan, "email": 40 / 90, "ios_push": 9 / 75, "sms": np.nan},
        nan_ok=True,
    )


def test_every_rate_of_the_glossary_is_a_ratio_of_its_stats():
    stats = {}
    for n, name in enumerate(sorted({*STAT}), start=3):
        stats[name] = float(n) if name == "revenue" else n * 7
    table = bf.glossary()
    for channel, rows in table[table["channel"] != ""].groupby("channel"):
        frame = read({channel: [{"variation_name": "A", **stats}]})
        rates = frame.braze.rates().loc[(channel, "A")]
        assert set(rates.index) == set(rows["metric"])
        for row in rows.itertuples():
            wanted = pd.eval(row.numerator, local_dict=stats) / pd.eval(
                row.denominator, local_dict=stats
            )
            assert rates[row.metric] == pytest.approx(wanted), (channel, row.metric)


def test_channels_are_put_together_by_sums_not_by_means(mixed):
    rate = mixed.braze.rates("total_click_rate", by=[])
    assert rate.tolist() == [pytest.approx((9 + 6 + 4) / (90 + 60 + 38))]


def test_periods_divide_sums_not_daily_rates():
    frame = trial({"A": [(9, 10), (1, 90)]})
    weeks = frame.braze.rates("conversion_rate_by_send_time", freq="W")
    assert weeks.tolist() == [0.1]
    assert weeks.index.names == ["date", "channel", "variation"]


def test_a_row_that_lacks_one_side_counts_on_neither():
    full = {"variation_name": "A", "delivered": 100, "unique_opens": 30}
    lacking = {"variation_name": "A", "delivered": 900}
    frame = read({"email": [full]}, {"email": [lacking]})
    assert frame.braze.rates("unique_open_rate").tolist() == [0.3]


def test_nothing_divided_by_nothing_is_unknown_and_never_infinite():
    frame = trial({"A": [(0, 0)], "B": [(3, 0)], "C": [(0, 4)]})
    rates = frame.braze.rates("conversion_rate_by_send_time")
    assert rates.tolist() == pytest.approx([np.nan, np.nan, 0.0], nan_ok=True)


def test_a_rate_above_one_is_shown_as_it_is():
    frame = trial({"A": [(30, 20)]}, stat="conversions")
    assert frame.braze.rates("conversion_rate", freq="D").tolist() == [1.5]


def test_a_stat_that_was_not_given_is_unknown(mixed):
    rates = mixed.drop(columns="opens").braze.rates("total_open_rate", by="channel")
    assert np.isnan(rates["email"])
    assert rates["ios_push"] == 9 / 75
    assert "machine_open_rate" not in mixed.braze.rates()


def test_undelivered_stands_in_where_rejected_is_not_given():
    new = {"variation_name": "A", "sent": 100, "rejected": 4, "undelivered": 9}
    old = {"variation_name": "A", "sent": 100, "undelivered": 2}
    frame = read({"sms": [new]}, {"sms": [old]})
    assert frame.braze.rates("rejection_rate").tolist() == [0.03]


def test_people_of_several_channels_are_not_divided():
    email = {"variation_name": "A", "delivered": 90, "unique_clicks": 9}
    frame = read(
        {"email": [email], "content_cards": [{"variation_name": "A", **CARDS}]},
        {"email": [email | {"variation_name": "B"}]},
    )
    with pytest.warns(bf.NonAdditiveWarning, match="unique_clicks") as caught:
        rates = frame.braze.rates("unique_click_rate", by="variation")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert rates.to_dict() == pytest.approx({"A": np.nan, "B": 0.1}, nan_ok=True)


def test_people_of_one_channel_are_divided_whatever_else_there_is(mixed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mixed.braze.rates("unique_open_rate", by=[]).tolist() == [0.3]


def test_own_rates_are_sums_and_differences_of_stats(mixed):
    rates = mixed.braze.rates(
        {
            "lost": ("sent - delivered", "sent"),
            "active": ("opens+clicks", "sent - bounces"),
        },
        by="channel",
    )
    assert list(rates) == ["lost", "active"]
    assert rates.loc["email", "lost"] == 0.1
    assert rates["active"].isna().all(), "no channel gives all four stats"


def test_own_rates_may_use_stats_that_nobody_documents():
    frame = read({"banner": [{"variation_name": "A", "views": 50, "odd-name": 5}]})
    rates = frame.braze.rates({"odd": ("odd-name", "views")})
    assert rates["odd"].tolist() == [0.1]


@pytest.mark.parametrize(
    "formula",
    [
        "",
        "sent *  2",
        "2 * sent",
        "sent -",
        "- sent",
        "sent bounces",
        "sent -- sent",
        5,
    ],
)
def test_what_is_no_formula_is_refused(mixed, formula):
    with pytest.raises(ValueError, match="no (formula|stat)"):
        mixed.braze.rates({"x": (formula, "sent")})


def test_code_is_never_run(mixed):
    with pytest.raises(ValueError, match="no (formula|stat)"):
        mixed.braze.rates({"x": ("__import__('os').getcwd()", "sent")})


@pytest.mark.parametrize("pair", ["unique_open_rate", ("sent",), ("sent", "sent", "x")])
def test_own_rates_are_pairs(mixed, pair):
    with pytest.raises(ValueError, match="pair"):
        mixed.braze.rates({"x": pair})


def test_unknown_names_show_the_nearest(mixed):
    with pytest.raises(ValueError, match="nearest: unique_open_rate"):
        mixed.braze.rates("unique_open_rat")
    with pytest.raises(ValueError, match="'delivred'.*nearest: delivered"):
        mixed.braze.rates({"x": ("delivred", "sent")})


def test_a_rate_that_no_channel_has_shows_what_there_is():
    frame = read({"sms": [{"variation_name": "A", **SMS}]})
    with pytest.raises(bf.FrameError, match="sms has no unique_open_rate.*opt_out"):
        frame.braze.rates("unique_open_rate")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("CTR", "did you mean unique_click_rate or"),
        ("Open Rate", "did you mean unique_open_rate or"),
        ("cvr", "did you mean conversion_rate"),
        ("UNIQUE_OPEN_RATE", r"did you mean unique_open_rate\?"),
        ("revenue", r"totals\(\)\['revenue'\]"),
    ],
)
def test_what_people_call_a_metric_is_told(mixed, asked, told):
    with pytest.raises(bf.FrameError, match=f"{asked!r} is no metric.*{told}"):
        mixed.braze.rates(asked)


def test_what_asks_for_no_metric_is_told_how_to_ask(mixed):
    with pytest.raises(TypeError, match="metrics=5 is no metric: pass a name"):
        mixed.braze.rates(5)
    with pytest.raises(ValueError, match=r"metrics=\[\] asks for nothing"):
        mixed.braze.rates([])
    with pytest.raises(bf.FrameError, match="7 is no metric"):
        mixed.braze.rates(["unique_open_rate", 7])


@pytest.mark.parametrize("channel", ["banner", "line", "kakao_talk", "rcs", "telegram"])
def test_conversions_have_rates_in_any_channel_that_counts_them(channel):
    people = {"unique_recipients": 50, "conversions": 4, "revenue": 10.0}
    frame = read({channel: [{"variation_name": "A", **people}]})
    assert frame.braze.rates().to_dict("records") == [
        {"conversion_rate": 0.08, "revenue_per_recipient": 0.2}
    ]
    with pytest.raises(bf.FrameError, match=f"{channel} has no spam_rate.*conversion"):
        frame.braze.rates("spam_rate")


@pytest.mark.parametrize(
    ("channel", "stats", "metric", "rate"),
    [
        (
            "banner",
            {"unique_clicks": 7, "unique_impressions": 48},
            "unique_click_rate",
            7 / 48,
        ),
        ("line", {"unique_opens": 30, "delivered": 60}, "unique_open_rate", 0.5),
        ("line", {"total_opens": 45, "delivered": 60}, "total_open_rate", 0.75),
        ("kakao_talk", {"clicks": 12, "sent": 100}, "total_click_rate", 0.12),
        ("rcs", {"rejected": 4, "sent": 100}, "rejection_rate", 0.04),
    ],
)
def test_newer_channels_have_rates(channel, stats, metric, rate):
    frame = read({channel: [{"variation_name": "A", **stats}]})
    assert frame.braze.rates(metric).tolist() == [rate]


def test_people_who_saw_a_banner_daily_are_not_added_over_channels():
    seen = {"variation_name": "A", "unique_daily_impressions": 5}
    frame = read({"banner": [seen], "other_banner": [seen]})
    with pytest.warns(bf.NonAdditiveWarning, match="unique_daily_impressions"):
        total = frame.braze.totals(by=[])
    assert total["unique_daily_impressions"].isna().all()


def test_results_say_their_units(mixed):
    own = {"a": ("revenue", "sent"), "b": ("opens", "sent")}
    rates = mixed.assign(revenue=2.5).braze.rates(own, ci=0.9)
    units = rates.attrs["braze"]["units"]
    assert units == {
        f"{name}{end}": unit
        for name, unit in (("a", "USD"), ("b", "share"))
        for end in ("", "_low", "_high")
    }
    one = mixed.braze.rates("unique_open_rate")
    assert one.attrs["braze"]["units"] == {"unique_open_rate": "share"}
    frame = bf.read_braze_series(response({"A": counts([(4.0, 10)], stat="revenue")}))
    units = frame.braze.totals().attrs["braze"]["units"]
    assert units == {"unique_recipients": "count", "revenue": "USD"}


def test_conversions_that_exist_at_day_level_only_say_so(mixed):
    with pytest.raises(bf.FrameError, match='day level only.*grain="campaign"'):
        mixed.braze.rates("conversion_rate")


def test_day_totals_have_rates_of_their_own():
    day = {"time": "2026-03-02", "messages": {}, "conversions": 3}
    day |= {"unique_recipients": 60, "revenue": 90.0}
    frame = bf.read_braze_series({"data": [day]}, grain="campaign")
    rates = frame.braze.rates()
    assert rates.to_dict("records") == [
        {"conversion_rate": 0.05, "revenue_per_recipient": 1.5}
    ]
    joined = pd.concat({"x": frame}, names=["campaign"])
    assert joined.braze.rates("conversion_rate").to_dict() == {"x": 0.05}
    with pytest.raises(bf.FrameError, match="the campaign grain has no unique_open"):
        frame.braze.rates("unique_open_rate")


def test_an_empty_frame_gives_an_empty_answer():
    frame = bf.read_braze_series({"data": []})
    assert frame.braze.rates().empty
    assert frame.braze.rates("unique_open_rate").empty


# --- intervals ---


def test_proportions_have_wilsons_interval():
    rates = trial({"A": [(9, 40)]}).braze.rates("conversion_rate_by_send_time", ci=0.9)
    names = ["", "_low", "_high"]
    assert list(rates) == [f"conversion_rate_by_send_time{name}" for name in names]
    low, high = proportion_confint(9, 40, alpha=0.1, method="wilson")
    assert rates.iloc[0].tolist() == pytest.approx([9 / 40, low, high], rel=1e-9)


def test_a_proportion_above_one_has_no_interval():
    rates = trial({"A": [(30, 20)]}, stat="conversions").braze.rates(
        "conversion_rate", ci=0.95
    )
    assert rates.iloc[0].tolist() == pytest.approx([1.5, np.nan, np.nan], nan_ok=True)


def test_other_kinds_take_the_swing_between_days():
    days = [(4.0, 10), (9.0, 12), (7.0, 9), (12.0, 14), (8.0, 11)]
    entries = {"A": counts(days, stat="revenue")}
    frame = bf.read_braze_series(response(entries))
    found = frame.braze.rates("revenue_per_recipient", ci=0.95).iloc[0]
    y, n = (np.array(part) for part in zip(*days, strict=True))
    left = np.log((y.sum() - y) / (n.sum() - n))
    error = np.sqrt(len(y) - 1) * left.std()
    from scipy.stats import t

    reach = t.ppf(0.975, n.sum() ** 2 / (n**2).sum() - 1) * error
    rate = y.sum() / n.sum()
    wanted = [rate, rate * np.exp(-reach), rate * np.exp(reach)]
    assert found.tolist() == pytest.approx(wanted, rel=1e-9)


def test_less_than_four_effective_days_have_no_interval():
    entries = {
        "A": counts([(4.0, 10), (5.0, 10), (6.0, 1000), (1.0, 9)], stat="revenue")
    }
    frame = bf.read_braze_series(response(entries))
    found = frame.braze.rates("revenue_per_recipient", ci=0.95).iloc[0]
    assert found.notna().tolist() == [True, False, False]


def test_own_rates_take_the_swing_between_days():
    frame = trial({"A": [(4, 10), (9, 12), (7, 9), (12, 14), (8, 11)]})
    own = frame.braze.rates({"own": (BY_SEND, "unique_recipients")}, ci=0.95)
    wilson = frame.braze.rates("conversion_rate_by_send_time", ci=0.95)
    assert own.iloc[0, 0] == wilson.iloc[0, 0]
    assert own.iloc[0, 1] != pytest.approx(wilson.iloc[0, 1])


def test_the_longer_run_of_a_proportion_takes_the_swing_between_days():
    frame = trial({"A": [(4, 10), (9, 12), (7, 9), (12, 14), (8, 11)]})
    metric = "conversion_rate_by_send_time"
    days = frame.braze.rates(metric, ci=0.95, se="day")
    own = frame.braze.rates({metric: (BY_SEND, "unique_recipients")}, ci=0.95)
    pd.testing.assert_frame_equal(days, own)
    people = frame.braze.rates([metric], ci=0.95)
    assert people.iloc[0, 0] == days.iloc[0, 0]
    assert people.iloc[0, 1] != pytest.approx(days.iloc[0, 1])
    with pytest.raises(ValueError, match="se='binomal'.*'auto', 'day'"):
        frame.braze.rates(metric, se="binomal")


@pytest.mark.parametrize("ci", [95, 0, 1, -0.5, "0.95", True, np.nan])
def test_a_level_that_is_no_share_is_refused(mixed, ci):
    with pytest.raises(ValueError, match="ci="):
        mixed.braze.rates("unique_open_rate", ci=ci)


# --- it leaves things as they are ---


def test_frames_in_any_shape_answer_alike(mixed):
    wanted = mixed.braze.rates(freq="D")
    flat = mixed.reset_index().sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(flat.braze.rates(freq="D"), wanted)
    copy = mixed.copy(deep=True)
    copy.attrs.clear()
    pd.testing.assert_frame_equal(copy.braze.rates(freq="D"), wanted)
    pd.testing.assert_frame_equal(copy, mixed)


def test_campaigns_keep_their_level(mixed):
    joined = pd.concat({"x": mixed, "y": mixed}, names=["campaign"])
    rates = joined.braze.rates("unique_open_rate")
    assert rates.index.names == ["campaign", "channel", "variation"]
    assert joined.braze.rates("unique_open_rate", by=[]).tolist() == [0.3]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 20),
            st.sampled_from("AB"),
            st.none() | st.integers(0, 2**40),
            st.none() | st.integers(0, 2**40),
        ),
        min_size=1,
        max_size=20,
        unique_by=lambda row: row[:2],
    )
)
def test_rates_equal_the_plain_way(rows):
    days = {}
    for at, name, opens, delivered in rows:
        stats = {"unique_opens": opens, "delivered": delivered}
        entry = {stat: n for stat, n in stats.items() if n is not None}
        days.setdefault(at, []).append({"variation_name": name, **entry})
    data = [
        day_of(f"2026-03-{2 + at:02}", {"email": entries})
        for at, entries in days.items()
    ]
    frame = bf.read_braze_series({"data": data})
    assume({"unique_opens", "delivered"} <= {*frame})
    both = frame[["unique_opens", "delivered"]].dropna().astype("int64")
    keys = [pd.Grouper(level="date", freq="W"), "channel", "variation"]
    sums = both.groupby(keys).sum()
    wanted = (sums["unique_opens"] / sums["delivered"]).replace(np.inf, np.nan)
    rates = frame.braze.rates("unique_open_rate", freq="W").dropna()
    assert rates.to_dict() == pytest.approx(wanted.dropna().to_dict())


def test_the_control_has_no_rates_of_what_it_does_not_receive():
    entries = {
        "A": counts([(5, 90)], delivered=90, unique_opens=9),
        CONTROL: counts([(4, 90)], enrolled=90),
    }
    rates = bf.read_braze_series(response(entries)).braze.rates()
    assert np.isnan(rates.loc[("email", CONTROL), "unique_open_rate"])
    assert rates.loc[("email", CONTROL), "conversion_rate_by_send_time"] == 4 / 90
