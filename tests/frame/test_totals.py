"""Totals: exact sums over levels and periods, refused where they mean nothing."""

import warnings

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

import braze_frames as bf

MONDAY = pd.Timestamp("2026-03-02")


def make_frame(rows):
    """Read rows of (day, channel, variation, stats) through the front door."""
    days = {}
    for day, channel, variation, stats in rows:
        messages = days.setdefault(day, {})
        entry = {"variation_name": variation, **stats}
        messages.setdefault(channel, []).append(entry)
    data = [{"time": day, "messages": messages} for day, messages in days.items()]
    return bf.read_braze_series({"data": data})


@pytest.fixture
def two_channels():
    """Two days, two channels, two variations of email."""
    return make_frame(
        [
            ("2026-03-02", "email", "A", {"sent": 10, "unique_opens": 4}),
            ("2026-03-02", "email", "B", {"sent": 20, "unique_opens": 5}),
            ("2026-03-02", "sms", "A", {"sent": 7, "clicks": 1}),
            ("2026-03-09", "email", "A", {"sent": 30, "unique_opens": 6}),
        ]
    )


def test_totals_keep_all_levels_when_by_is_not_given(two_channels):
    totals = two_channels.braze.totals()
    assert totals.index.names == ["channel", "variation"]
    assert totals.loc[("email", "A")].tolist()[:2] == [40, 10]


def test_totals_of_nothing_kept_is_one_row(two_channels):
    totals = two_channels.drop(columns="unique_opens").braze.totals(by=[])
    assert totals["sent"].tolist() == [67]


def test_by_takes_one_name_or_a_list_in_the_order_given(two_channels):
    assert two_channels.braze.totals(by="variation").index.name == "variation"
    both = two_channels.braze.totals(by=["variation", "channel"])
    assert both.index.names == ["variation", "channel"]


def test_weeks_have_pandas_labels_and_empty_weeks_are_left_out():
    frame = make_frame(
        [("2026-03-02", "email", "A", {"sent": 1}), ("2026-03-30", "email", "A", {})]
    )
    weeks = frame.braze.totals(by=[], freq="W")
    assert weeks.index.name == "date"
    assert [str(day.date()) for day in weeks.index] == ["2026-03-08", "2026-04-05"]
    assert weeks["sent"].tolist() == [1, pd.NA]


def test_periods_come_before_the_other_levels_and_after_campaign(two_channels):
    joined = pd.concat({"x": two_channels, "y": two_channels}, names=["campaign"])
    totals = joined.braze.totals(by=["campaign", "channel"], freq="MS")
    assert totals.index.names == ["campaign", "date", "channel"]
    assert two_channels.braze.totals(freq="MS").index.names[0] == "date"


def test_counts_beyond_2_to_the_53_add_up_exactly():
    big = 2**53 + 1
    frame = make_frame(
        [(f"2026-03-0{n}", "email", "A", {"sent": big}) for n in (1, 2, 3)]
    )
    assert frame.braze.totals()["sent"].tolist() == [3 * big]


def test_a_sum_outside_64_bits_is_refused():
    frame = make_frame(
        [(f"2026-03-0{n}", "email", "A", {"sent": 2**62}) for n in (1, 2)]
    )
    with pytest.raises(bf.PayloadError, match="sent.*64 bits"):
        frame.braze.totals()


def test_a_stat_that_no_row_gave_is_missing_and_a_given_zero_is_zero(two_channels):
    totals = two_channels.fillna({"clicks": 0}).braze.totals(by="channel")
    assert totals["clicks"].tolist() == [0, 1]
    assert two_channels.braze.totals(by="channel")["clicks"].isna().tolist() == [
        True,
        False,
    ]


def test_unique_counts_of_several_channels_are_not_added():
    frame = make_frame(
        [
            ("2026-03-02", "email", "A", {"sent": 1, "unique_clicks": 4}),
            ("2026-03-02", "content_cards", "A", {"sent": 2, "unique_clicks": 5}),
            ("2026-03-02", "email", "B", {"sent": 3, "unique_clicks": 6}),
        ]
    )
    with pytest.warns(bf.NonAdditiveWarning, match="unique_clicks") as caught:
        totals = frame.braze.totals(by="variation")
    assert len(caught) == 1
    assert totals["unique_clicks"].tolist() == [pd.NA, 6]
    assert totals["sent"].tolist() == [3, 3]


def test_unique_counts_add_over_days_variations_and_campaigns(two_channels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert two_channels.braze.totals(by=[])["unique_opens"].tolist() == [15]
        joined = pd.concat({"x": two_channels, "y": two_channels}, names=["campaign"])
        assert joined.braze.totals(by=[])["unique_opens"].tolist() == [30]


@pytest.mark.parametrize("freq", ["h", "12h", "36h", "min"])
def test_periods_that_are_no_whole_days_are_refused(two_channels, freq):
    with pytest.raises(ValueError, match=f"freq='{freq}'.*whole number of days"):
        two_channels.braze.totals(freq=freq)


@pytest.mark.parametrize("freq", ["fortnight", "", "-1W", 7])
def test_periods_that_are_none_are_refused(two_channels, freq):
    with pytest.raises(ValueError, match="freq="):
        two_channels.braze.totals(freq=freq)


def test_a_level_that_the_frame_lacks_is_refused(two_channels):
    with pytest.raises(ValueError, match="by='campaign'.*channel, variation"):
        two_channels.braze.totals(by="campaign")


def test_rows_that_stand_twice_are_refused_with_the_way_to_join(two_channels):
    twice = pd.concat([two_channels, two_channels])
    with pytest.raises(bf.FrameError, match=r'pd.concat\(\{.*names=\["campaign"\]'):
        twice.braze.totals()


def test_merged_cells_of_a_spreadsheet_are_told(two_channels):
    merged = two_channels.reset_index()
    merged.loc[1, "channel"] = None
    with pytest.raises(bf.FrameError, match="channel.*merge_cells=False.*ffill"):
        merged.braze.totals()


@pytest.mark.parametrize(
    ("rename", "told"),
    [
        ({"variation": "Variante"}, "rename_axis.*'Variante': 'variation'"),
        ({"variation": "test group"}, "rename_axis.*'test group': 'variation'"),
    ],
)
def test_a_renamed_level_is_told_how_to_get_its_name_back(two_channels, rename, told):
    with pytest.raises(bf.FrameError, match=told):
        two_channels.rename_axis(index=rename).braze.totals()
    with pytest.raises(bf.FrameError, match=r"rename\(columns=\{'Date': 'date'\}"):
        two_channels.reset_index().rename(columns={"date": "Date"}).braze.totals()


def test_a_label_in_the_place_of_campaigns_is_told_where_it_belongs(two_channels):
    joined = pd.concat({"x": two_channels, "y": two_channels}, names=["campaign"])
    owned = joined.rename(index={"x": "Ann", "y": "Ann"}, level="campaign")
    with pytest.raises(
        bf.FrameError, match=r'join\(owners, on="campaign"\).*by="owner"'
    ):
        owned.braze.totals()


def test_levels_may_be_columns_in_any_order(two_channels):
    flat = two_channels.reset_index()
    shuffled = flat[flat.columns[::-1]].sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(
        two_channels.braze.totals(freq="W"), shuffled.braze.totals(freq="W")
    )


def test_rows_in_no_order_give_the_same_sums(two_channels):
    shuffled = two_channels.sample(frac=1, random_state=3)
    assert not shuffled.index.is_monotonic_increasing
    pd.testing.assert_frame_equal(
        two_channels.braze.totals(freq="W"), shuffled.braze.totals(freq="W")
    )
    with pytest.raises(bf.FrameError, match="2026-03-09.*email, A.*stands twice"):
        pd.concat([shuffled, two_channels.tail(1)]).braze.totals()


def test_labels_that_a_slice_no_longer_uses_never_overflow_the_codes():
    size = 100_000
    names = [f"{n:05}" for n in range(size)]
    days = pd.date_range("1900-01-01", periods=size, unit="us")
    last, codes = size - 1, [[0, 1, size - 1]] * 4
    index = pd.MultiIndex(
        levels=[names, days, names, names],
        codes=codes,
        names=["campaign", "date", "channel", "variation"],
    )
    frame = pd.DataFrame({"sent": pd.array([1, 2, 3], dtype="Int64")}, index=index)
    frame = frame.iloc[[2, 0, 1]]
    totals = frame.braze.totals()
    assert totals["sent"].to_dict() == {
        (names[n],) * 3: sent for n, sent in ((0, 1), (1, 2), (last, 3))
    }
    with pytest.raises(bf.FrameError, match="stands twice"):
        pd.concat([frame, frame.head(1)]).braze.totals()


def test_day_totals_add_up_by_period():
    days = [
        {
            "time": f"2026-03-0{n}",
            "messages": {},
            "unique_recipients": n,
            "revenue": 0.5,
        }
        for n in (1, 2)
    ]
    frame = bf.read_braze_series({"data": days}, grain="campaign")
    totals = frame.braze.totals(freq="MS")
    assert totals.index.names == ["date"]
    assert totals["unique_recipients"].tolist() == [3]
    assert totals["revenue"].tolist() == [1.0]


def test_totals_are_the_same_without_attrs(two_channels):
    before = two_channels.braze.totals()
    two_channels.attrs.clear()
    pd.testing.assert_frame_equal(before, two_channels.braze.totals())


def test_totals_leave_the_frame_alone(two_channels):
    copy = two_channels.copy(deep=True)
    two_channels.braze.totals(freq="W")
    pd.testing.assert_frame_equal(two_channels, copy)


@pytest.mark.parametrize("dtype", ["int64[pyarrow]", "float64", "Int32"])
def test_totals_take_whatever_numbers_a_frame_came_to_hold(two_channels, dtype):
    turned = two_channels.astype({"sent": dtype})
    wanted = two_channels.braze.totals()["sent"].tolist()
    assert turned.braze.totals()["sent"].tolist() == wanted


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.sampled_from(["email", "sms"]),
            st.sampled_from("AB"),
            st.none() | st.integers(-(2**40), 2**40),
        ),
        min_size=1,
        max_size=30,
        unique_by=lambda row: row[:3],
    )
)
def test_totals_equal_pandas_own_sums(rows):
    frame = make_frame(
        [
            (str((MONDAY + pd.Timedelta(days=day)).date()), channel, name, {"sent": n})
            for day, channel, name, n in rows
        ]
    )
    if "sent" not in frame:
        return
    by_week = frame["sent"].groupby(
        [pd.Grouper(level="date", freq="W"), "channel", "variation"]
    )
    expected = by_week.sum(min_count=1)
    totals = frame.braze.totals(freq="W")["sent"]
    assert totals.index.tolist() == expected.index.tolist()
    assert np.array_equal(totals.isna(), expected.isna())
    assert totals.dropna().tolist() == expected.dropna().tolist()
