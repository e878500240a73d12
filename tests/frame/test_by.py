"""Grouping by anything: weekdays, own columns, Series; and whole periods."""

import warnings

import numpy as np
import pandas as pd
import pytest

import braze_frames as bf

from ..payloads import day, response

START = pd.Timestamp("2026-03-02")  # a Monday


def campaign(stats, days=17, **totals):
    """A response whose days all have these stats: channel → one variation's stats."""
    messages = {
        channel: [{"variation_name": "A", **one}] for channel, one in stats.items()
    }
    dates = pd.date_range(START, periods=days).strftime("%Y-%m-%d")
    return response(*(day(date, messages, **totals) for date in dates))


EMAIL = {"sent": 10, "delivered": 8, "unique_opens": 2}


@pytest.fixture
def two():
    """Two campaigns of email, of 17 days from a Monday on."""
    other = {"email": {"sent": 5, "delivered": 4, "unique_opens": 2}}
    return bf.read_braze_series({"X": campaign({"email": EMAIL}), "Y": campaign(other)})


def owned(df, owners):
    """Join an owner to each campaign."""
    meta = pd.DataFrame({"owner": owners}, index=pd.Index(["X", "Y"], name="campaign"))
    return df.join(meta, on="campaign")


def test_weekdays_are_in_their_order(two):
    sent = two.braze.totals(by="weekday")["sent"]
    assert list(sent.index) == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert sent.tolist() == [45] * 3 + [30] * 4
    assert two.loc[:, START : START + pd.Timedelta(days=1), :].braze.totals(
        by=["weekday", "channel"]
    ).index.tolist() == [("Mon", "email"), ("Tue", "email")]


def test_joined_columns_and_levels_of_ones_own_group(two):
    joined = owned(two, ["Ann", "Bob"])
    assert joined.braze.totals(by="owner")["sent"].to_dict() == {"Ann": 170, "Bob": 85}
    rates = joined.braze.rates("unique_open_rate", by="owner", ci=0.9)
    assert rates["unique_open_rate"].to_dict() == {"Ann": 0.25, "Bob": 0.5}
    level = joined.set_index("owner", append=True)
    pd.testing.assert_frame_equal(
        level.braze.rates(by="owner", freq="W"),
        joined.braze.rates(by="owner", freq="W"),
    )


def test_a_campaign_without_an_owner_is_not_lost(two):
    joined = owned(two, ["Ann", None])
    alone = joined.braze.totals(by="owner")["sent"]
    assert alone.tolist() == [170, 85]
    assert alone.index.isna().tolist() == [False, True]
    both = joined.braze.totals(by=["owner", "channel"])["sent"]
    assert both.index.get_level_values("owner").isna().tolist() == [False, True]


def test_categories_keep_their_order(two):
    sizes = pd.CategoricalDtype(["small", "large"], ordered=True)
    joined = owned(two, pd.array(["large", "small"], dtype=sizes))
    assert list(joined.braze.totals(by="owner").index) == ["small", "large"]


def test_a_series_groups_the_rows_that_it_belongs_to(two):
    early = pd.Series(np.arange(len(two)) % 2 == 0, index=two.index, name="even")
    found = two.braze.totals(by=early)["sent"]
    wanted = two["sent"].groupby(early).sum()
    assert found.to_dict() == wanted.to_dict()
    shuffled = early.sample(frac=1, random_state=0)
    assert two.braze.totals(by=["channel", shuffled])["sent"].tolist() == list(wanted)
    binned = two.braze.totals(by=pd.cut(two["sent"], [0, 7, 15]))["sent"]
    assert binned.tolist() == [85, 170]


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("sent", r"'sent' holds numbers.*pd.cut\(df\['sent'\], 4\)"),
        ("date", "by='date'.*freq='D'"),
        ("ownr", "by='ownr'.*campaign, channel, variation.*weekday"),
        (5, "by=5"),
        (pd.Series([1, 2], name="two"), "'two' has 2 values, and the frame 34 rows"),
        (pd.Series(["a"] * 34), r"another index.*set_axis\(df.index\)"),
    ],
)
def test_what_groups_nothing_is_refused(two, by, told):
    with pytest.raises(ValueError, match=told):
        two.braze.totals(by=by)


def test_numbers_in_a_series_are_no_groups(two):
    with pytest.raises(ValueError, match="'sent' holds numbers"):
        two.braze.rates("unique_open_rate", by=two["sent"])


@pytest.mark.parametrize("freq", ["W", "MS"])
def test_weekdays_and_periods_are_not_mixed(two, freq):
    with pytest.raises(ValueError, match=f"by='weekday'.*freq='{freq}'"):
        two.braze.totals(by="weekday", freq=freq)


def test_people_of_several_channels_are_not_added_whatever_groups_them():
    cards = {"sent": 4, "unique_clicks": 3, "unique_impressions": 4}
    both = campaign({"email": EMAIL | {"unique_clicks": 1}, "content_cards": cards})
    frame = owned(
        bf.read_braze_series({"X": both, "Y": campaign({"email": EMAIL})}), list("ab")
    )
    for by in ("weekday", "owner", frame["owner"].rename("channel")):
        with pytest.warns(bf.NonAdditiveWarning, match="unique_clicks") as caught:
            totals = frame.braze.totals(by=by)
        assert len(caught) == 1
        assert totals["unique_clicks"].isna().all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        apart = frame.braze.totals(by=["owner", "channel"])
    assert apart["unique_clicks"].tolist() == [51, 17, pd.NA]


# --- whole periods ---


@pytest.mark.parametrize(
    ("freq", "partial", "left"),
    [
        ("W", ["2026-03-22"], ["2026-03-08", "2026-03-15"]),
        ("MS", ["2026-03-01"], []),
        ("ME", ["2026-03-31"], []),
        ("7D", ["2026-03-16"], ["2026-03-02", "2026-03-09"]),
        ("W-TUE", ["2026-03-03", "2026-03-24"], ["2026-03-10", "2026-03-17"]),
        ("QS", ["2026-01-01"], []),
    ],
)
def test_periods_that_the_first_or_last_day_cuts_are_named(two, freq, partial, left):
    weeks = two.braze.totals(by=[], freq=freq)
    assert weeks.attrs["braze"]["partial"] == partial
    whole = two.braze.totals(by=[], freq=freq, whole=True)
    assert [str(date.date()) for date in whole.index] == left
    assert whole.attrs["braze"]["partial"] == []
    rates = two.braze.rates("unique_open_rate", by=[], freq=freq, whole=True, ci=0.9)
    assert rates.index.equals(whole.index)
    pd.testing.assert_frame_equal(whole, weeks.loc[whole.index])


def test_days_are_never_cut(two):
    assert two.braze.totals(freq="D").attrs["braze"]["partial"] == []
    assert "partial" not in two.braze.totals().attrs["braze"]


def test_whole_periods_need_periods(two):
    for verb in (two.braze.totals, two.braze.rates):
        with pytest.raises(ValueError, match="whole=True.*freq='W'"):
            verb(whole=True)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("week", "W"), ("month", "MS"), ("Monthly", "MS"), ("year", "YS")],
)
def test_what_people_call_a_period_is_told(two, said, meant):
    with pytest.raises(ValueError, match=f"freq='{said}'.*did you mean '{meant}'"):
        two.braze.totals(freq=said)


@pytest.mark.parametrize("kind", [pd.Index, np.array, pd.Categorical])
def test_a_value_for_each_row_is_asked_for_as_a_series(two, kind):
    days = list(two.index.get_level_values("date").day_name())
    with pytest.raises(ValueError, match=r"pass pd\.Series\(values, index=df\.index"):
        two.braze.totals(by=kind(days))
    by_channel = two.braze.totals(by=kind(["channel"]))
    pd.testing.assert_frame_equal(by_channel, two.braze.totals(by=["channel"]))
