"""``df.braze.change``: the last days against those before."""

import warnings
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

import braze_frames as bf

from ..trials import trial, trials

METRIC = "conversion_rate_by_send_time"
OPENS = "unique_open_rate"
COLUMNS = ["rate", "rate_before", "change", "change_low", "change_high", "p_value"]
COLUMNS += ["significant", "eff_days", "note"]


def known(frame, settled="2029-12-31", fetched="2030-01-31T12:00:00+00:00"):
    """Let a frame know which of its days are final."""
    frame.attrs["braze"] = {"settled_until": settled, "fetched_at": fetched}
    return frame


def days_of(rng, count, rate=0.1, units=1000):
    """Draw (events, units) for each day, with a pattern of weekdays."""
    volumes = rng.integers(units // 2, units, count)
    events = rng.binomial(volumes, rate * np.resize([1, 1.2, 0.8, 1, 1.5, 0.6], count))
    return [(int(x), int(n)) for x, n in zip(events, volumes, strict=True)]


def opens(days, **options):
    """Read a campaign of one variation: (unique opens, delivered) for each day."""
    return trial({"A": days}, stat="unique_opens", units="delivered", **options)


def by_hand(now, before, conf_level=0.95):
    """Work it out from the definition: leave out one pair of days after the other."""
    now, before = np.array(now, float), np.array(before, float)

    def log_ratio(keep):
        (y1, n1), (y0, n0) = now[keep].sum(axis=0), before[keep].sum(axis=0)
        return np.log(y1 / n1 / (y0 / n0))

    size = len(now)
    left = [log_ratio([d for d in range(size) if d != out]) for out in range(size)]
    error = np.sqrt((size - 1) / size * np.sum((left - np.mean(left)) ** 2))
    weights = now[:, 1] + before[:, 1]
    eff_days = weights.sum() ** 2 / (weights**2).sum()
    whole = log_ratio(list(range(size)))
    reach = student.ppf((1 + conf_level) / 2, eff_days - 1) * error
    p_value = 2 * student.sf(abs(whole) / error, eff_days - 1)
    limits = [np.expm1(whole + side * reach) for side in (0, -1, 1)]
    return [*limits, p_value, eff_days]


@pytest.mark.parametrize(
    ("last", "back"), [(28, 28), (7, 7), ("30D", 35), ("2W", 14), (np.int64(10), 14)]
)
def test_it_is_the_paired_jackknife_of_days_set_back_by_whole_weeks(rng, last, back):
    days = days_of(rng, 80)
    length = {"30D": 30, "2W": 14}.get(last, last)
    now = days[80 - length :]
    before = days[80 - length - back : 80 - back]
    found = known(opens(days)).braze.change(OPENS, last=last).iloc[0]
    wanted = by_hand(now, before)
    shown = found[["change", "change_low", "change_high", "p_value", "eff_days"]]
    np.testing.assert_allclose(shown.astype(float), wanted, rtol=1e-10)
    rates = [np.divide(*np.sum(part, axis=0)) for part in (now, before)]
    np.testing.assert_allclose([found["rate"], found["rate_before"]], rates)
    assert found["note"] == ""


def test_a_year_before_is_364_days_before(rng):
    days = days_of(rng, 400)
    found = known(opens(days)).braze.change(OPENS, to="year", conf_level=0.9)
    wanted = by_hand(days[-28:], days[-28 - 364 : -364], 0.9)
    shown = ["change", "change_low", "change_high", "p_value"]
    np.testing.assert_allclose(found[shown].iloc[0], wanted[:4], rtol=1e-10)
    now, before = found.attrs["braze"]["periods"].values()
    for day, earlier in zip(now, before, strict=True):
        apart = date.fromisoformat(day) - date.fromisoformat(earlier)
        assert apart == timedelta(364)


def test_conversions_end_on_the_last_settled_day_and_opens_on_the_last_whole_one(
    growing,
):
    for metric, last in ((METRIC, "2026-05-30"), (OPENS, "2026-06-29")):
        found = growing.braze.change(metric, last=14)
        assert found.attrs["braze"]["periods"]["now"][1] == last


def test_the_table_has_the_columns_and_levels_of_the_contract(frame):
    found = frame.braze.change(OPENS, last=14)
    assert list(found.columns) == COLUMNS
    assert found.index.names == ["channel", "variation"]
    assert "Control Group" not in found.index.get_level_values("variation")
    dtypes = found.dtypes
    assert set(dtypes[[*COLUMNS[:6], "eff_days"]].astype(str)) == {"float64"}
    assert dtypes["significant"] == "boolean"
    assert found["significant"].tolist() == (found["p_value"] < 0.05).tolist()


def test_groups_are_those_of_rates(rng):
    frame = known(
        trials(
            {
                "x": {"A": days_of(rng, 30), "B": days_of(rng, 30)},
                "y": {"A": days_of(rng, 30, 0.2)},
            }
        )
    )
    assert frame.braze.change(METRIC, last=14).index.names == [
        "campaign",
        "channel",
        "variation",
    ]
    for by in ("campaign", "variation", ["campaign", "variation"], "channel"):
        found = frame.braze.change(METRIC, last=14, by=by)
        periods = found.attrs["braze"]["periods"]["now"]
        part = frame[frame.index.get_level_values("date") >= periods[0]]
        rates = part.braze.rates(METRIC, by=by)
        pd.testing.assert_series_equal(found["rate"], rates, check_names=False)
    assert len(frame.braze.change(METRIC, last=14, by=[])) == 1


def test_too_few_days_before_give_nan_and_the_reason(rng):
    found = known(opens(days_of(rng, 30))).braze.change(OPENS).iloc[0]
    assert np.isnan(
        found[["change", "change_low", "change_high", "p_value"]].tolist()
    ).all()
    assert found["significant"] is pd.NA
    assert "effective days, fewer than 4" in found["note"]
    none = known(opens(days_of(rng, 28))).braze.change(OPENS).iloc[0]
    assert "read those days, too" in none["note"]
    assert none["rate"] > 0
    assert np.isnan(none["rate_before"])


def test_days_that_one_side_lacks_are_left_out_on_both_and_said(rng):
    days = days_of(rng, 40)
    found = known(opens(days)).braze.change(OPENS).iloc[0]
    assert found["note"] == "12 of 28 days are in both periods"
    np.testing.assert_allclose(
        found[["change", "change_low"]].astype(float),
        by_hand(days[28:], days[:12])[:2],
        rtol=1e-10,
    )


def test_days_without_a_send_may_be_zeros_or_missing_rows(rng):
    days = [
        day if n % 7 in (1, 4) else (0, 0) for n, day in enumerate(days_of(rng, 70))
    ]
    zeros = known(opens(days))
    sent = zeros[zeros["delivered"] > 0]
    columns = ["change", "change_low", "p_value", "eff_days"]
    one, other = (frame.braze.change(OPENS)[columns] for frame in (zeros, sent))
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize(
    ("events", "words"), [((0, 5), "no event from"), ((5, 0), "no event from")]
)
def test_periods_without_an_event_have_no_interval(events, words):
    now, before = ([(n, 100)] * 14 for n in events)
    found = known(opens([*before, *now])).braze.change(OPENS, last=14).iloc[0]
    assert words in found["note"]
    assert np.isnan(found["change_low"])
    assert found["change"] == -1 if not events[0] else np.isnan(found["change"])


def test_days_without_a_partner_are_not_compared(rng):
    long, short = opens(days_of(rng, 56)), opens(days_of(rng, 17))
    dates = short.index.levels[0] + pd.Timedelta("20D")
    short.index = short.index.set_levels(dates, level="date")
    frame = known(pd.concat({"long": long, "short": short}, names=["campaign"]))
    found = frame.braze.change(OPENS, by="campaign").loc["short"]
    assert np.isnan(found["change"])
    assert found["rate"] > 0
    assert found["rate_before"] > 0
    assert "has its weekday" in found["note"]


def test_weekdays_are_groups_with_days_of_their_own(rng):
    frame = known(opens(days_of(rng, 112)))
    found = frame.braze.change(OPENS, last="8W", by="weekday")
    assert found.index.tolist() == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert (found["note"] == "").all()
    assert found["change_low"].notna().all()
    few = frame.braze.change(OPENS, by="weekday")
    assert few["change"].isna().all()
    assert few["note"].str.contains(r"3\.\d effective days, fewer than 4").all()


def test_a_frame_that_knows_nothing_of_its_days_says_so_once(rng):
    frame = opens(days_of(rng, 60))
    with pytest.warns(bf.StatisticsWarning, match="which days are whole") as caught:
        found = frame.braze.change(OPENS)
    assert len(caught) == 1
    last = pd.Timestamp(frame.index[-1][0]).date().isoformat()
    assert found.attrs["braze"]["periods"]["now"][1] == last
    with pytest.warns(bf.StatisticsWarning, match="which days are settled"):
        trial({"A": days_of(rng, 60)}).braze.change(METRIC)


def test_people_of_several_channels_are_not_added_up(rng):
    channels = [trial({"A": days_of(rng, 14)}, channel=one) for one in ("email", "sms")]
    frame = known(pd.concat(channels))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = frame.braze.change(METRIC, by=[], last=7).iloc[0]
    assert [one.category for one in caught] == [bf.NonAdditiveWarning]
    assert np.isnan(found["change"])
    assert "several channels" in found["note"]
    apart = frame.braze.change(METRIC, by="channel", last=7)
    assert apart["change"].notna().all()


def test_day_totals_can_be_compared(sandbox, client):
    id_ = sandbox.campaigns["Welcome Email"]
    totals = bf.read_braze_series(id_, grain="campaign", client=client)
    found = totals.braze.change("conversion_rate", last="2W")
    assert len(found) == 1
    assert found["rate"].notna().all()


def test_the_frame_stays_as_it_was_and_rows_may_stand_in_any_order(frame):
    copy, about = frame.copy(deep=True), dict(frame.attrs["braze"])
    found = frame.braze.change(OPENS, last=14)
    pd.testing.assert_frame_equal(frame, copy)
    assert frame.attrs["braze"] == about
    mixed = frame.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(mixed.braze.change(OPENS, last=14), found)
    columns = frame.reset_index()
    columns.attrs = frame.attrs
    pd.testing.assert_frame_equal(columns.braze.change(OPENS, last=14), found)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"last": "1D"}, "less than a week"),
        ({"last": 6}, "less than a week"),
        ({"last": "4 weeks"}, "'28D' or '4W'"),
        ({"last": "1MS"}, "'28D' or '4W'"),
        ({"last": True}, "no number of days"),
        ({"last": 28.0}, "no number of days"),
        ({"last": None}, "no number of days"),
        ({"last": 10**30}, "up to ten years"),
        ({"last": -28}, "less than a week"),
        ({"to": "last month"}, "'previous', 'year'"),
        ({"last": 365, "to": "year"}, "overlap"),
        ({"by": "owner"}, "it has"),
        ({"conf_level": 95}, "share between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused(frame, options, words):
    with pytest.raises(ValueError, match=words):
        frame.braze.change(OPENS, **options)


def test_a_metric_is_one_that_the_frame_has(frame):
    with pytest.raises(bf.FrameError, match="nearest: unique_open_rate"):
        frame.braze.change("unique_open")
    with pytest.raises(TypeError, match="one metric at a time"):
        frame.braze.change([OPENS])
    with pytest.raises(bf.FrameError, match="no rows"):
        frame.iloc[:0].braze.change(OPENS)


def test_the_first_monday_meets_a_monday(rng):
    start = date(2026, 3, 2)
    days = [(1, 100)] * 42
    frame = known(opens(days, first=start))
    periods = frame.braze.change(OPENS, last=10).attrs["braze"]["periods"]
    first_now, first_before = (date.fromisoformat(one[0]) for one in periods.values())
    assert first_now - first_before == timedelta(14)
    assert periods["now"][1] == (start + timedelta(41)).isoformat()


def test_days_that_the_frame_holds_are_not_asked_for(rng):
    old = opens(days_of(rng, 56), first=date(2026, 3, 2))
    new = opens(days_of(rng, 7), first=date(2026, 4, 20))
    both = known(pd.concat({"old": old, "new": new}, names=["campaign"]))
    note = both.braze.change(OPENS, by="campaign").loc["new", "note"]
    assert note.startswith("nothing to divide by from 2026-03-02 to 2026-03-29")
    assert "read those days" not in note
