"""The made-up campaigns: what they hold, how they grow, and that their truths hold."""

import dataclasses
import json
import math
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from braze_frames.sandbox.campaign import ShopCampaign
from braze_frames.sandbox.series import last_send, series, truth
from braze_frames.sandbox.shop import CAMPAIGNS
from braze_frames.schema.channels import (
    CHANNELS,
    CONTROL_NAME,
    DAY_TOTALS,
    ELEMENT_KEY,
    ELEMENTS,
    EXPORT,
)
from braze_frames.schema.rates import RATES

TODAY = date(2026, 6, 30)
NAMED = {campaign.name: campaign for campaign in CAMPAIGNS}
BY_NAME = [pytest.param(campaign, id=campaign.name) for campaign in CAMPAIGNS]


def days_of(
    campaign: ShopCampaign, first: date, length: int, today: date = TODAY
) -> list:
    return series(campaign, first, first + timedelta(length - 1), today)


def whole_life(campaign: ShopCampaign) -> list:
    """All days of a campaign, long after its last send."""
    last = campaign.last or TODAY
    ended = dataclasses.replace(campaign, last=last)
    day = last + timedelta(40)
    return series(ended, campaign.launch, day, today=day + timedelta(40))


def entries(rows: list) -> list[tuple[str, dict]]:
    return [
        (channel, entry)
        for row in rows
        for channel, found in row["messages"].items()
        for entry in found
    ]


def sums(campaign: ShopCampaign, rows: list) -> dict[tuple[str, str], Counter]:
    """Sums by channel and variation; a lone variation's totals stand at day level."""
    total: dict[tuple[str, str], Counter] = {}
    for channel, entry in entries(rows):
        label = entry.get("variation_name", entry["variation_api_id"])
        counts = total.setdefault((channel, label), Counter())
        counts.update({k: v for k, v in entry.items() if not isinstance(v, str)})
    if len(total) == 1:
        for row in rows:
            counts.update({k: row[k] for k in DAY_TOTALS})
    return total


def evaluate(expression: str, counts: Counter) -> float:
    whole, *parts = (counts[stat] for stat in expression.split(" - "))
    return whole - sum(parts)


def cells(rows: list) -> dict[tuple, float]:
    """All numbers, by day, channel, variation and stat."""
    found = {}
    for row in rows:
        totals = {k: v for k, v in row.items() if k not in ("time", "messages")}
        parts = [("", "", totals)]
        for channel, entry in entries([row]):
            parts.append((channel, entry["variation_api_id"], entry))
        for channel, variation, counts in parts:
            for stat, value in counts.items():
                if not isinstance(value, str):
                    found[row["time"], channel, variation, stat] = value
    return found


# --- what there is ---


def test_every_channel_that_the_endpoint_documents_has_all_its_stats_somewhere():
    documented = [channel for channel in CHANNELS if channel.source == EXPORT]
    seen: dict[str, set] = {}
    for campaign in CAMPAIGNS:
        for channel, entry in entries(days_of(campaign, date(2026, 6, 1), 1)):
            seen.setdefault(channel, set()).update(entry)
    assert set(seen) == {channel.name for channel in documented}
    for channel in documented:
        assert set(channel.stats) <= seen[channel.name]


def test_names_and_ids_are_unique_and_ids_are_uuids():
    ids = [campaign.id for campaign in CAMPAIGNS]
    ids += [c.variation_id(arm) for c in CAMPAIGNS for arm in c.arms]
    assert len(set(ids)) == len(ids)
    assert {len(text) for text in ids} == {36}
    assert len(NAMED) == len(CAMPAIGNS)


@pytest.mark.parametrize("campaign", BY_NAME)
def test_a_campaign_is_sent_on_its_first_and_its_last_day(campaign):
    assert campaign.week[campaign.launch.weekday()] > 0
    if campaign.last:
        assert last_send(campaign, campaign.last + timedelta(99)) == campaign.last
    assert last_send(campaign, campaign.launch - timedelta(1)) is None


def test_a_test_names_its_variations_and_carries_stats_of_its_own():
    campaign = NAMED["Basket Reminder: Subject Test"]
    [row] = days_of(campaign, date(2026, 4, 1), 1)
    first, second, control = row["messages"]["email"]
    assert first["variation_name"] == "Still Thinking?"
    assert second["unique_recipients"] == second["sent"] > 0
    assert set(control) == {
        "variation_name",
        "variation_api_id",
        "enrolled",
        *DAY_TOTALS,
    }
    assert control["variation_name"] == CONTROL_NAME
    assert control["enrolled"] == control["unique_recipients"] > 0


def test_a_single_variation_has_an_id_only_and_totals_at_day_level():
    [row] = days_of(NAMED["Welcome Email"], date(2026, 4, 1), 1)
    [entry] = row["messages"]["email"]
    assert "variation_name" not in entry
    assert not set(entry) & set(DAY_TOTALS)
    assert row["messages"]["sms"] == []
    assert row["unique_recipients"] == entry["sent"] > 0


def test_a_push_story_counts_clicks_on_elements_with_typed_titles():
    campaign = NAMED["Weekend Deals: Push Story"]
    [(_, entry)] = entries(days_of(campaign, date(2026, 6, 11), 1))
    matches = filter(None, map(ELEMENT_KEY.fullmatch, entry))
    found = {match.groups(): entry[match.string] for match in matches}
    assert {key[0] for key in found} == set(ELEMENTS)
    assert ("carousel_slide", "2", "Café_Set_2") in found
    assert all(clicks > 0 for clicks in found.values())


def test_people_reached_on_several_channels_count_once_at_day_level():
    campaign = NAMED["Summer Collection"]
    [row] = days_of(campaign, date(2026, 6, 9), 1)
    sent = [entry["sent"] for _, entry in entries([row])]
    assert len(sent) == 5
    assert max(sent) <= row["unique_recipients"] < sum(sent)


# --- numbers that agree ---


@pytest.mark.parametrize("campaign", BY_NAME)
def test_counts_agree_with_each_other_today_too(campaign):
    for channel, entry in entries(days_of(campaign, date(2026, 5, 1), 61)):
        if "enrolled" in entry:
            continue
        if channel == "email":
            assert entry["delivered"] + entry["bounces"] == entry["sent"]
            assert entry["unique_opens"] <= entry["opens"]
            assert entry["unique_clicks"] <= entry["unique_opens"]
            assert entry["machine_open"] <= entry["opens"]
        if channel == "sms":
            lost = entry["rejected"] + entry["delivery_failed"]
            assert entry["delivered"] + lost == entry["sent"]
        if channel.endswith("_push"):
            assert entry["direct_opens"] <= entry["total_opens"]
            assert entry["bounces"] <= entry["sent"]


@pytest.mark.parametrize("campaign", [c for c in CAMPAIGNS if c.tested])
def test_day_totals_of_a_test_are_the_sums_of_its_variations(campaign):
    for row in days_of(campaign, date(2026, 5, 1), 61):
        parts = [entry for _, entry in entries([row])]
        for stat in DAY_TOTALS:
            total = math.fsum(part[stat] for part in parts)
            assert row[stat] == pytest.approx(total, abs=0.005)


@pytest.mark.parametrize("campaign", BY_NAME)
def test_over_a_whole_life_both_ways_to_date_conversions_agree(campaign):
    rows = whole_life(campaign)
    for name in ("conversions", "conversions1", "conversions2", "conversions3"):
        by_event = sum(row[name] for row in rows)
        assert by_event == sum(row[f"{name}_by_send_time"] for row in rows)


def test_days_before_the_launch_after_the_end_and_after_today_are_zero():
    blast = NAMED["Midsummer Flash Sale"]
    rows = days_of(blast, date(2026, 6, 1), 100, today=date(2026, 6, 22))
    busy = {time for (time, *_), value in cells(rows).items() if value}
    assert len(rows) == 100
    assert busy == {f"2026-06-{day}" for day in (19, 20, 21, 22)}
    assert not any(cells(days_of(blast, date(1, 1, 1), 2)).values())
    assert not any(cells(days_of(blast, date(9999, 12, 30), 2)).values())


@given(st.integers(0, 400), st.integers(1, 100), st.sampled_from(CAMPAIGNS))
def test_numbers_do_not_depend_on_the_days_asked_for(start, length, campaign):
    first = date(2025, 12, 1) + timedelta(start)
    one_by_one = [
        row for n in range(length) for row in days_of(campaign, first + timedelta(n), 1)
    ]
    assert days_of(campaign, first, length) == one_by_one


def test_another_process_draws_the_same_numbers_and_another_seed_others():
    code = (
        "import json; from datetime import date;"
        "from braze_frames.sandbox.series import series;"
        "from braze_frames.sandbox.shop import CAMPAIGNS;"
        "day = date(2026, 6, 26);"
        "print(json.dumps([series(c, day, day, day) for c in CAMPAIGNS]))"
    )
    answer = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    day = date(2026, 6, 26)
    here = [series(campaign, day, day, day) for campaign in CAMPAIGNS]
    assert json.loads(answer.stdout) == here
    assert [series(campaign, day, day, day, seed=1) for campaign in CAMPAIGNS] != here


# --- numbers that grow ---


@pytest.mark.parametrize("campaign", BY_NAME)
def test_counts_only_grow_as_today_moves_and_stand_still_after_31_days(campaign):
    first = date(2026, 6, 8)
    settled = cells(days_of(campaign, first, 14, today=date(2027, 1, 1)))
    before = dict.fromkeys(settled, 0)
    for step in range(46):
        today = first + timedelta(step)
        now = cells(days_of(campaign, first, 14, today=today))
        assert now.keys() == settled.keys()
        assert all(now[key] >= before[key] for key in now)
        for key in now:
            if (today - date.fromisoformat(key[0])).days >= 31:
                assert now[key] == settled[key]
        before = now


def test_conversions_by_send_time_still_come_in_after_weeks():
    campaign = NAMED["Basket Reminder: Subject Test"]
    day = date(2026, 5, 4)
    seen = [
        days_of(campaign, day, 1, today=day + timedelta(age))[0]
        for age in (0, 7, 21, 31)
    ]
    by_send = [row["conversions_by_send_time"] for row in seen]
    assert by_send == sorted(set(by_send))
    by_event = [row["conversions"] for row in seen]
    assert by_event[1] == by_event[3]


def test_opens_of_a_blast_arrive_over_seven_days():
    campaign = NAMED["Midsummer Flash Sale"]
    rows = days_of(campaign, date(2026, 6, 19), 9, today=date(2026, 9, 1))
    opens = [row["messages"]["email"][0]["unique_opens"] for row in rows]
    assert opens[:7] == sorted(opens[:7], reverse=True)
    assert min(opens[:7]) > 0
    assert opens[7:] == [0, 0]


def test_the_week_has_a_rhythm():
    rows = days_of(NAMED["Points Expire Soon: Photo Test"], date(2026, 3, 16), 84)
    sent = Counter()
    for row in rows:
        sent[date.fromisoformat(row["time"]).weekday()] += row["unique_recipients"]
    assert max(sent[5], sent[6]) < 0.7 * min(sent[day] for day in range(5))


# --- truths ---


@pytest.mark.parametrize("campaign", [c for c in CAMPAIGNS if c.drift == (1.0, 1.0)])
def test_settled_numbers_approach_the_true_rates(campaign):
    true = truth(campaign)
    total = sums(campaign, whole_life(campaign))
    assert list(true.index) == list(total)
    checked = 0
    for rate in RATES:
        for (channel, variation), counts in total.items():
            if rate.channel != channel or rate.metric not in true:
                continue
            value = true.loc[(channel, variation), rate.metric]
            if math.isnan(value):
                continue
            base = evaluate(rate.denominator, counts)
            spread = {
                "proportion": 1 - value,
                "ratio": 3,
                "mean": 2 * campaign.order_value,
            }[rate.kind]
            bound = 5 * math.sqrt(base * value * spread)
            found = evaluate(rate.numerator, counts)
            assert abs(found - base * value) <= bound + 0.5
            checked += 1
    assert checked >= len(total)


def test_all_rates_of_a_channel_have_a_truth():
    for campaign in CAMPAIGNS:
        true = truth(campaign)
        whole = campaign.tested or len(campaign.arms) == 1
        for rate in RATES:
            if rate.channel not in campaign.channels:
                continue
            if "unique_recipients" in rate.denominator and not whole:
                assert rate.metric not in true
            else:
                assert true.loc[rate.channel][rate.metric].notna().any()


def test_the_subject_test_has_a_true_lift_and_the_layout_test_has_none():
    lifts = truth(NAMED["Basket Reminder: Subject Test"])["conversion_rate"]
    by_name = lifts.droplevel("channel")
    assert by_name["10% Off Your Basket"] == pytest.approx(
        1.2 * by_name["Control Group"]
    )
    same = truth(NAMED["Newsletter: Layout Test"])
    assert (same.nunique() == 1).all()


def test_control_receives_nothing_and_converts_all_the_same():
    true = truth(NAMED["Back in Stock: Push Test"]).droplevel("channel")
    assert math.isnan(true.loc["Control Group", "direct_open_rate"])
    assert true.loc["Control Group", "conversion_rate"] == 0.05
    assert true.loc["Control Group", "conversion2_rate"] == 0


def test_in_the_rollout_the_share_grows_the_rate_falls_and_nothing_has_an_effect():
    campaign = NAMED["Picked For You: Rollout"]
    rows = whole_life(campaign)[:92]
    weeks = [sums(campaign, part) for part in (rows[:7], rows[-7:])]
    shares, rates = [], []
    for week in weeks:
        message, control = week.values()
        both = message["unique_recipients"] + control["unique_recipients"]
        shares.append(message["unique_recipients"] / both)
        rates.append(message["conversions_by_send_time"] / message["unique_recipients"])
    assert shares == pytest.approx([0.513, 0.837], abs=0.02)
    assert rates == pytest.approx([0.059, 0.031], abs=0.005)
    true = truth(campaign)["conversion_rate_by_send_time"]
    assert true.nunique() == 1
    pooled = [
        counts["conversions_by_send_time"] / counts["unique_recipients"]
        for counts in sums(campaign, rows).values()
    ]
    assert pooled[0] < true.iloc[0] < pooled[1]


def test_the_truth_of_the_rollout_is_the_mean_over_the_same_days_for_both():
    campaign = NAMED["Picked For You: Rollout"]
    rows = whole_life(campaign)[:92]
    people = sum(row["unique_recipients"] for row in rows)
    true = truth(campaign)["conversion_rate_by_send_time"]
    for place in (0, 1):
        mean = 0.0
        for row in rows:
            entry = row["messages"]["email"][place]
            rate = entry["conversions_by_send_time"] / entry["unique_recipients"]
            mean += rate * row["unique_recipients"] / people
        assert mean == pytest.approx(true.iloc[place], rel=0.05)


def test_the_broken_split_is_50_to_43():
    campaign = NAMED["Points Expire Soon: Photo Test"]
    photo, text = sums(campaign, whole_life(campaign)).values()
    assert photo["sent"] / text["sent"] == pytest.approx(50 / 43, rel=0.02)


def test_the_countdown_converts_sooner_than_its_control():
    campaign = NAMED["Last Chance: Countdown Test"]
    day = date(2026, 5, 4)
    shares = []
    for place in (0, 1):
        young, old = (
            days_of(campaign, day, 7, today=today)
            for today in (day + timedelta(9), date(2027, 1, 1))
        )
        counts = [
            sum(
                row["messages"]["email"][place]["conversions_by_send_time"]
                for row in rows
            )
            for rows in (young, old)
        ]
        shares.append(counts[0] / counts[1])
    assert shares[0] > 1.5 * shares[1]
    true = truth(campaign)["conversion_rate"].droplevel("channel")
    assert true["Countdown"] == pytest.approx(1.10 * true["Control Group"])


def test_the_deals_days_differ_by_more_than_chance():
    campaign = NAMED["Deal of the Day: Picture Test"]
    rows = days_of(campaign, date(2026, 4, 1), 60, today=date(2027, 1, 1))
    chi2 = 0.0
    for place in (0, 1):
        entries_ = [row["messages"]["email"][place] for row in rows]
        people = [entry["unique_recipients"] for entry in entries_]
        buyers = [entry["conversions_by_send_time"] for entry in entries_]
        mean = sum(buyers) / sum(people)
        chi2 += sum(
            (x - n * mean) ** 2 / (n * mean * (1 - mean))
            for x, n in zip(buyers, people, strict=True)
        )
    # chi-squared of 118 degrees of freedom: 2 per degree has p below 1e-8.
    assert chi2 > 2 * 118


def test_the_streaks_players_are_the_same_every_day():
    campaign = NAMED["Streak Reminder: Tone Test"]
    rows = days_of(campaign, date(2026, 4, 13), 63)
    sizes = [
        [entry["unique_recipients"] for _, entry in entries([row])] for row in rows
    ]
    # 80 % of a pool of 1,000 in each arm: never more, and a binomial's swing at most.
    for arm in zip(*sizes, strict=True):
        assert max(arm) <= 1000
        assert sum(arm) / len(arm) == pytest.approx(800, rel=0.02)
