"""Findings: each kind is found where it is, and nowhere else."""

import warnings

import numpy as np
import pandas as pd
import pytest

import braze_frames as bf

from ..trials import BY_SEND, CONTROL, binomial, counts, response, trial, trials

TEXT = str(pd.Index(["text"]).dtype)
COLUMNS = {
    **dict.fromkeys(["code", "severity"], TEXT),
    "campaigns": "Int64",
    **dict.fromkeys(["campaign", "channel", "variation"], TEXT),
    **dict.fromkeys(["first", "last"], "datetime64[us]"),
    "detail": TEXT,
}
BROKEN = {
    "Picked For You: Rollout",
    "Points Expire Soon: Photo Test",
    "Deal of the Day: Picture Test",
    "Streak Reminder: Tone Test",
}


def codes(df, **options):
    """Return the codes found, without warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return df.braze.check(**options)["code"].tolist()


def people(rng, mean, days):
    """Draw the recipients of days that reach other people each time."""
    return rng.poisson(mean, days).tolist()


@pytest.fixture
def clean(rng):
    """A sound test: new people every day, an even split, settled days."""
    days = people(rng, 900, 20), people(rng, 900, 20)
    arms = [[(int(rng.binomial(n, 0.05)), n) for n in one] for one in days]
    entries = {
        "A": counts(arms[0], sent=900, bounces=9, delivered=890, opens=300),
        CONTROL: counts(arms[1]),
    }
    return bf.read_braze_series(response(entries))


def test_a_clean_campaign_gives_none(clean):
    table = clean.braze.check()
    assert table.empty
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == COLUMNS


@pytest.fixture(scope="module")
def shop():
    """All campaigns of the sandbox: variations and day totals, up to settled days."""
    with bf.Sandbox() as sandbox, sandbox.connect() as client:
        found = bf.read_braze_series(
            sandbox.campaigns, start="2026-03-02", grain="all", client=client
        )
    return found.variations.braze.settled(), found.campaigns.braze.settled()


def test_sound_campaigns_of_the_sandbox_give_no_finding(shop):
    variations, totals = shop
    for name in variations.braze.campaigns:
        if name not in BROKEN:
            one = variations.xs(name, level="campaign", drop_level=False)
            days = totals.xs(name, level="campaign", drop_level=False)
            assert codes(one, campaigns=days) == [], name


def test_broken_campaigns_of_the_sandbox_are_found(shop):
    variations, _ = shop
    moved = variations.xs("Picked For You: Rollout", level="campaign")
    assert codes(moved) == ["allocation_change"]
    split = variations.xs("Points Expire Soon: Photo Test", level="campaign")
    planned = {"With Photo": 50, "Text Only": 50}
    assert codes(split, planned=planned) == ["sample_ratio_mismatch"]
    deals = variations.xs("Deal of the Day: Picture Test", level="campaign")
    assert set(codes(deals)) == {"overdispersion"}
    players = variations.xs("Streak Reminder: Tone Test", level="campaign")
    assert codes(players) == ["repeated_users"]


def test_days_that_still_grow_are_found_as_the_sandbox_is_read(sandbox, client):
    id_ = sandbox.campaigns["Basket Reminder: Subject Test"]
    frame = bf.read_braze_series(id_, length=60, client=client)
    table = frame.braze.check().set_index("code")
    assert table.index.tolist() == ["partial_today", "unsettled_days"]
    assert table.loc["partial_today", "first"] == pd.Timestamp("2026-06-30")
    assert table.loc["unsettled_days", "first"] == pd.Timestamp("2026-05-31")
    assert "31 days after 2026-05-30" in table.loc["unsettled_days", "detail"]
    frame.attrs.clear()
    assert codes(frame) == []


def test_missing_days_are_found(clean):
    lost = ["2026-03-05", "2026-03-06", "2026-03-11"]
    days = clean.drop(pd.to_datetime(lost), level="date")
    [row] = days.braze.check().to_dict("records")
    assert (row["code"], row["severity"]) == ("missing_days", "warning")
    assert row["first"] == pd.Timestamp("2026-03-05")
    assert row["last"] == pd.Timestamp("2026-03-11")
    assert "3 days between 2026-03-02 and 2026-03-21" in row["detail"]


def test_rows_that_one_variation_lacks_are_found(clean):
    rows = clean.drop((pd.Timestamp("2026-03-05"), "email", "A"))
    [row] = rows.braze.check().to_dict("records")
    assert (row["code"], row["variation"]) == ("missing_days", "A")
    assert row["first"] == row["last"] == pd.Timestamp("2026-03-05")


def test_campaigns_have_their_own_days(rng):
    arms = {"A": binomial(rng, 0.1, 300, 1)}
    early, late = trial(arms), trial(arms, first=pd.Timestamp("2026-04-01").date())
    assert codes(pd.concat({"x": early, "y": late}, names=["campaign"])) == []


def day_totals(frame, **changed):
    """Return day totals that agree with the variations, but for what is changed."""
    stats = [BY_SEND, "unique_recipients"]
    return frame[stats].groupby(level="date").sum().assign(**changed)


def test_totals_that_disagree_are_found(clean):
    agreed = day_totals(clean)
    assert codes(clean, campaigns=agreed) == []
    wrong = agreed.copy()
    wrong.loc["2026-03-07", BY_SEND] += 1
    [row] = clean.braze.check(campaigns=wrong).to_dict("records")
    assert (row["code"], row["severity"]) == ("totals_disagree", "error")
    assert row["first"] == row["last"] == pd.Timestamp("2026-03-07")
    assert f"{wrong.loc['2026-03-07', BY_SEND]}" in row["detail"]


def test_totals_without_the_control_agree_too(clean):
    sent = clean.drop(CONTROL, level="variation")
    assert codes(clean, campaigns=day_totals(sent)) == []


def test_totals_must_be_day_totals_of_the_same_levels(clean):
    with pytest.raises(bf.FrameError, match='grain="campaign"'):
        clean.braze.check(campaigns=clean)
    joined = pd.concat({"x": day_totals(clean)}, names=["campaign"])
    with pytest.raises(bf.FrameError, match="level campaign"):
        clean.braze.check(campaigns=joined)
    both = pd.concat({"x": clean}, names=["campaign"])
    assert codes(both, campaigns=joined) == []


def test_a_split_that_was_not_planned_is_found(clean):
    assert codes(clean, planned={"A": 1, CONTROL: 1}) == []
    [row] = clean.braze.check(planned={"A": 2, CONTROL: 1}).to_dict("records")
    assert (row["code"], row["severity"]) == ("sample_ratio_mismatch", "error")
    with pytest.raises(ValueError, match="planned"):
        clean.braze.check(planned={"A": 1})


def test_a_split_that_moved_is_found():
    frame = trial(
        {
            "A": [(50, 1000), (60, 1200), (150, 3000)],
            CONTROL: [(50, 1000), (60, 1190), (50, 1010)],
        }
    )
    [row] = frame.braze.check().to_dict("records")
    assert (row["code"], row["severity"]) == ("allocation_change", "warning")
    assert "25 percentage points" in row["detail"]


def test_a_control_that_got_messages_is_found():
    entries = {
        "A": counts([(50, 1000)], sent=1000),
        CONTROL: counts([(50, 1000)], enrolled=1000, sent=7),
    }
    frame = bf.read_braze_series(response(entries))
    [row] = frame.braze.check().to_dict("records")
    assert (row["code"], row["variation"]) == ("control_was_sent", CONTROL)
    assert "sent = 7" in row["detail"]


def test_a_control_with_nobody_is_found():
    frame = trial({"A": [(50, 1000)], "B": [(50, 1000)], CONTROL: [(0, 0)]})
    assert "zero_control" in codes(frame)


def test_small_counts_are_found():
    frame = trial({"A": [(9, 900)], CONTROL: [(1, 100)]})
    [row] = frame.braze.check().to_dict("records")
    assert (row["code"], row["severity"]) == ("small_counts", "warning")
    assert "1.0 conversions" in row["detail"]


def test_noise_between_days_is_found(rng):
    def arm():
        rates = 0.05 * np.exp(rng.normal(0, 0.3, 28))
        sizes = people(rng, 5000, 28)
        return [(int(rng.binomial(n, p)), n) for n, p in zip(sizes, rates, strict=True)]

    found = trial({"A": arm(), CONTROL: arm()}).braze.check()
    assert found["code"].tolist() == ["overdispersion"]
    assert "'A' and 'Control Group'" in found["detail"][0]


def test_the_same_people_every_day_are_found(rng):
    fixed = {name: binomial(rng, 0.05, 1000, 14) for name in ("A", CONTROL)}
    [row] = trial(fixed).braze.check().to_dict("records")
    assert row["code"] == "repeated_users"
    assert "counted about 14.0 times" in row["detail"]
    # New people of a rate-limited send: the same number each day, split anew.
    split = rng.binomial(2000, 0.5, 14)
    halves = {"A": [(50, n) for n in split], CONTROL: [(50, 2000 - n) for n in split]}
    drawn = {name: [(x, int(n)) for x, n in arm] for name, arm in halves.items()}
    assert "repeated_users" not in codes(trial(drawn))


def test_the_same_people_in_a_weekly_rhythm_are_found(rng):
    # 80 % of 1,500 people of each arm on 28 days, half as many at weekends.
    weekly = np.tile([1, 1, 1, 1, 1, 0.5, 0.5], 4)
    arms = {
        name: [(60, int(n)) for n in rng.binomial(1500, 0.8 * weekly)]
        for name in ("A", CONTROL)
    }
    assert "repeated_users" in codes(trial(arms))


def test_days_are_judged_within_a_campaign_not_in_the_whole_frame(rng):
    def arm(noise):
        rates = 0.05 * np.exp(rng.normal(0, noise, 28))
        sizes = people(rng, 2000, 28)
        return [(int(rng.binomial(n, p)), n) for n, p in zip(sizes, rates, strict=True)]

    noisy = {"A": arm(0.2), CONTROL: arm(0.2)}
    alone = codes(trial(noisy))
    assert alone == ["overdispersion"]
    sound = {f"sound {n}": {"A": arm(0), CONTROL: arm(0)} for n in range(4)}
    table = trials({"noisy": noisy, **sound}).braze.check()
    assert table["campaign"].tolist() == ["noisy"]


def test_what_several_campaigns_have_is_one_row():
    small = {"A": [(9, 900)], CONTROL: [(1, 100)]}
    [row] = trials(dict.fromkeys("abcdefg", small)).braze.check().to_dict("records")
    assert (row["code"], row["campaigns"]) == ("small_counts", 7)
    assert row["campaign"] == "a, b, c, d, e and 2 more"
    assert row["channel"] == "email"
    assert row["detail"].startswith("in 7 campaigns; a: 1.0 conversions")


def test_more_clicks_than_opens_are_found():
    sent = {"variation_name": "A", "delivered": 90, "unique_opens": 6}
    sent["unique_clicks"] = 8
    frame = bf.read_braze_series(
        {"data": [{"time": "2026-03-02", "messages": {"email": [sent]}}]}
    )
    [row] = frame.braze.check().to_dict("records")
    assert (row["code"], row["variation"]) == ("clicks_exceed_opens", "A")
    assert "8 unique clicks and 6 unique opens" in row["detail"]


def test_shares_above_one_are_found():
    sent = {"variation_name": "A", "sent": 10, "delivered": 9, "unique_opens": 12}
    frame = bf.read_braze_series(
        {"data": [{"time": "2026-03-02", "messages": {"email": [sent]}}]}
    )
    [row] = frame.braze.check().to_dict("records")
    assert (row["code"], row["variation"]) == ("successes_exceed_units", "A")
    assert "unique_open_rate is 12 of 9" in row["detail"]


def test_opens_made_by_machines_are_found():
    opens = {"variation_name": "A", "opens": 10, "machine_open": 6}
    frame = bf.read_braze_series(
        {"data": [{"time": "2026-03-02", "messages": {"email": [opens]}}]}
    )
    [row] = frame.braze.check().to_dict("records")
    assert (row["code"], row["severity"]) == ("machine_opens", "info")
    assert "60% of 10 opens" in row["detail"]


def test_findings_come_worst_first(clean):
    frame = clean.drop(pd.Timestamp("2026-03-05"), level="date")
    frame.attrs["braze"] = {"settled_until": "2026-03-10"}
    table = frame.braze.check(planned={"A": 2, CONTROL: 1})
    assert table["severity"].tolist() == ["error", "warning", "info"]


def test_day_totals_alone_have_their_days_looked_at(clean):
    days = day_totals(clean).drop(pd.Timestamp("2026-03-05"))
    assert codes(days) == ["missing_days"]


def test_frames_in_any_shape_are_looked_at_alike(clean):
    frame = clean.drop(pd.Timestamp("2026-03-05"), level="date")
    flat = frame.reset_index().sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(flat.braze.check(), frame.braze.check())


def test_no_rows_are_nothing_to_look_at(clean):
    with pytest.raises(bf.FrameError, match="no rows"):
        clean.iloc[:0].braze.check()


def test_campaigns_are_named(rng):
    found = trials({"x": {"A": [(9, 900)], CONTROL: [(1, 100)]}}).braze.check()
    assert found["campaign"].tolist() == ["x"]


# --- settled ---


def test_settled_drops_what_still_grows(clean):
    clean.attrs["braze"] = {"settled_until": "2026-03-10"}
    assert clean.braze.settled().index.get_level_values("date").max() == pd.Timestamp(
        "2026-03-10"
    )
    earlier = clean.braze.settled(until="2026-03-04")
    assert len(earlier) == 6
    flat = clean.reset_index().braze.settled(until="2026-03-04")
    assert len(flat) == 6
    assert clean.braze.settled(until=pd.Timestamp("2026-03-04")).equals(earlier)


def test_settled_needs_to_know_until_when(clean):
    with pytest.raises(bf.FrameError, match="attrs.*until="):
        clean.braze.settled()
    with pytest.raises(ValueError, match="until="):
        clean.braze.settled(until="someday")
