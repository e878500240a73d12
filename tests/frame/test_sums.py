"""Sums that would leave something out, and sums of parts that make the whole."""

import warnings

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import braze_frames as bf
from braze_frames.frame.rates import RatesSteps
from braze_frames.frame.totals import TotalsSteps

from ..payloads import day, response
from ..trials import CONTROL, counts
from ..trials import response as arms

TOTALS = {"conversions": 3, "unique_recipients": 30, "revenue": 10.1}


def single(**totals):
    """One email variation, whose day totals are its own."""
    email = [{"variation_name": "A", "sent": 40, "delivered": 40}]
    return response(day("2026-03-02", {"email": email}, **totals))


def spread(**totals):
    """Two channels; day totals stand in no variation."""
    messages = {
        "email": [{"variation_name": "A", "sent": 10}],
        "ios_push": [{"variation_name": "P", "sent": 20}],
    }
    return response(day("2026-03-02", messages, **totals))


@pytest.fixture
def mixed():
    """A campaign on one channel and one on two."""
    return bf.read_braze_series({"One": single(**TOTALS), "Two": spread(**TOTALS)})


def test_a_sum_that_leaves_a_campaign_out_is_missing_and_named(mixed):
    told = 'conversions, revenue.*: Two gave day totals only.*grain="campaign"'
    with pytest.warns(bf.NonAdditiveWarning, match=told) as caught:
        totals = mixed.braze.totals(by=[])
    assert len(caught) == 1
    assert totals["sent"].tolist() == [70]
    assert totals[[*TOTALS]].isna().all(axis=None)


def test_groups_without_such_a_campaign_keep_their_sums(mixed):
    with pytest.warns(bf.NonAdditiveWarning):
        by_channel = mixed.braze.totals(by="channel")
    assert by_channel["conversions"].isna().tolist() == [True, True]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        by_campaign = mixed.braze.totals(by="campaign")
        mixed.braze.totals()
    assert by_campaign["conversions"].tolist() == [3, pd.NA]
    assert by_campaign["revenue"].tolist() == [10.1, pd.NA]


def test_day_totals_are_whole_at_the_campaign_grain():
    frame = bf.read_braze_series(
        {"One": single(**TOTALS), "Two": spread(**TOTALS)}, grain="campaign"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        totals = frame.braze.totals(by=[])
    assert totals["conversions"].tolist() == [6]
    assert totals["revenue"].tolist() == [20.2]


def test_one_warning_names_people_and_day_totals():
    cards = [{"variation_name": "C", "unique_clicks": 3}]
    email = [{"variation_name": "A", "unique_clicks": 3}]
    both = response(day("2026-03-02", {"email": email, "content_cards": cards}))
    frame = bf.read_braze_series({"One": single(**TOTALS), "Two": both})
    with pytest.warns(bf.NonAdditiveWarning, match="unique_clicks.*Two") as caught:
        frame.braze.totals(by=[])
    assert len(caught) == 1


def test_an_event_that_only_some_campaigns_have_is_added():
    more = TOTALS | {"conversions1": 2}
    frame = bf.read_braze_series({"One": single(**TOTALS), "Two": single(**more)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert frame.braze.totals(by=[])["conversions1"].tolist() == [2]


def test_a_slice_of_one_channel_still_leaves_the_campaign_out(mixed):
    email = mixed.xs("email", level="channel", drop_level=False)
    with pytest.warns(bf.NonAdditiveWarning, match="Two"):
        assert email.braze.totals(by=[])["conversions"].isna().all()


def test_a_rate_is_of_the_campaigns_that_give_both_sides(mixed):
    told = "conversion_rate: Two gave day totals only.*the rate is of the other"
    with pytest.warns(bf.NonAdditiveWarning, match=told) as caught:
        rates = mixed.braze.rates("conversion_rate", by=[])
    assert len(caught) == 1
    assert rates.tolist() == [0.1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mixed.braze.rates("delivery_rate", by=[]).tolist() == [1.0]
        apart = mixed.braze.rates("conversion_rate", by="campaign")
    assert apart.tolist() == pytest.approx([0.1, np.nan], nan_ok=True)


def test_own_columns_are_no_stats(mixed):
    ratio = (mixed["sent"] / (mixed["sent"] - 40)).astype("float64")
    own = mixed.assign(ratio=ratio, score=1.5, budget=7)
    assert np.isinf(own["ratio"]).any()
    own["unknown_count"] = pd.array([1, 2, 3], dtype="Int64")
    totals = own.braze.totals()
    assert {"ratio", "score", "budget"}.isdisjoint(totals)
    assert totals["unknown_count"].sum() == 6


def test_revenue_is_summed_to_the_cent():
    days = [day(f"2026-03-{n:02}", revenue=0.1) for n in range(2, 5)]
    frame = bf.read_braze_series(response(*days), grain="campaign")
    assert frame.braze.totals()["revenue"].tolist() == [0.3]


def test_a_rate_without_its_columns_names_them(mixed):
    with pytest.raises(bf.FrameError, match="unique_open_rate needs unique_opens,"):
        mixed.braze.rates("unique_open_rate")
    with pytest.raises(bf.FrameError, match="own needs clicks, which this frame lacks"):
        mixed.braze.rates({"own": ("clicks", "sent")})


def test_a_control_that_is_enrolled_has_the_rate_that_lift_shows():
    days = [(40, 1000), (50, 1000)]
    control = [(30, 900), (25, 800)]
    entries = {
        "A": counts(days, delivered=900),
        CONTROL: counts(control, units="enrolled"),
    }
    frame = bf.read_braze_series(arms(entries))
    metric = "conversion_rate_by_send_time"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.StatisticsWarning)
        lift = frame.braze.lift(metric, stratify=None).iloc[0]
    for ci in (None, 0.9):
        rates = frame.braze.rates([metric], by="variation", ci=ci)[metric]
        assert rates[CONTROL] == lift["control_rate"] == 55 / 1700
        assert rates["A"] == lift["rate"] == 0.045
    weekly = frame.braze.rates(metric, by="variation", freq="D")
    assert weekly.xs(CONTROL, level="variation").tolist() == [30 / 900, 25 / 800]
    assert frame.braze.totals(by="variation")["unique_recipients"].isna().tolist() == [
        False,
        True,
    ]


# --- parts ---

numbers = st.none() | st.integers(0, 50)
campaigns = st.dictionaries(
    st.sampled_from("UVWXYZ"),
    st.lists(
        st.tuples(
            st.integers(0, 20),
            st.sampled_from(["email", "content_cards", "ios_push", "telegram"]),
            st.sampled_from("AB"),
            st.fixed_dictionaries(
                {},
                optional={
                    name: st.integers(0, 50)
                    for name in ("sent", "delivered", "unique_clicks", "conversions")
                }
                | {"unique_recipients": st.integers(0, 90), "revenue": st.floats(0, 9)},
            ),
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda row: row[:3],
    ),
    min_size=2,
    max_size=4,
)


def frame_of(rows):
    """Return the frame of a campaign's rows: day, channel, variation, stats."""
    days = {}
    for at, channel, name, stats in rows:
        messages = days.setdefault(f"2026-03-{2 + at:02}", {})
        messages.setdefault(channel, []).append({"variation_name": name, **stats})
    return response(*(day(date, messages) for date, messages in days.items()))


def by_parts(steps, parts):
    """Answer of parts, as dask does."""
    return steps.finish(steps.merge([steps.partial(one) for one in parts]))


@settings(max_examples=30)
@given(
    campaigns,
    st.sampled_from([[], ["campaign"], ["channel"], ["variation"], ["weekday"], None]),
    st.sampled_from([None, "W", "MS", "10D", "2W"]),
)
def test_parts_of_whole_campaigns_make_the_whole(rows, by, freq):
    frame = bf.read_braze_series({name: frame_of(own) for name, own in rows.items()})
    if by == ["weekday"]:
        freq = None
    names = sorted(rows)
    parts = [
        frame[frame.index.get_level_values("campaign").isin(some)]
        for some in (names[:1], names[1:])
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.NonAdditiveWarning)
        whole = frame.braze.totals(by, freq)
        merged = by_parts(TotalsSteps(by, freq), parts)
        assert merged.attrs == whole.attrs
        pd.testing.assert_frame_equal(merged, whole)
        whole = frame.braze.rates(None, by, freq, ci=0.9)
        merged = by_parts(RatesSteps(None, by, freq, ci=0.9), parts)
        pd.testing.assert_frame_equal(merged, whole, rtol=1e-12)
