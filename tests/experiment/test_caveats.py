"""Caveats: what puts a comparison in doubt is said, once a kind and with numbers."""

import warnings

import numpy as np

import braze_frames as bf

from ..trials import BY_SEND, CONTROL, binomial, response, trial, trials

METRIC = "conversion_rate_by_send_time"
ANYTIME = "conversion_rate"


def warned(df, *args, **options):
    """Return the texts of the warnings of one call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        df.braze.lift(*args, **options)
    assert {one.category for one in caught} <= {bf.StatisticsWarning}
    assert all(one.filename == __file__ for one in caught)
    return [str(one.message) for one in caught]


def test_a_large_single_send_warns_of_nothing():
    assert warned(trial({"A": [(600, 9000)], CONTROL: [(500, 9000)]}), METRIC) == []


def test_a_sound_test_warns_of_nothing(sound):
    assert warned(sound, METRIC) == []


def test_the_same_people_every_day_are_said_with_how_often_one_is_counted(month):
    # Each arm has as many people on all days: new people would not split so evenly.
    [text] = warned(month, METRIC)
    assert "are the same people" in text
    assert "100% of the people on each of 28 days" in text
    assert "about 28.0 times" in text
    assert "deff= near 1 + (times counted - 1) x rho" in text
    assert warned(month, METRIC, deff=1.5) == []


def test_lift_warns_of_the_same_people_exactly_when_check_finds_them(rng):
    for same in (True, False):
        sizes = [1000] * 14 if same else rng.poisson(1000, 14).tolist()
        other = [1000] * 14 if same else rng.poisson(1000, 14).tolist()
        arms = {
            "A": [(int(rng.binomial(n, 0.05)), n) for n in sizes],
            CONTROL: [(int(rng.binomial(n, 0.05)), n) for n in other],
        }
        frame = trial(arms)
        said = any("same people" in text for text in warned(frame, METRIC))
        assert said == ("repeated_users" in frame.braze.check()["code"].tolist())
        assert said == same


def test_each_kind_of_doubt_is_said_once_with_up_to_five_names():
    arms = {"A": [(9, 900)], CONTROL: [(1, 100)]}
    [text] = warned(trials(dict.fromkeys("abcdefg", arms)), METRIC)
    assert "a (1.0), b (1.0), c (1.0), d (1.0), e (1.0) and 2 more" in text


def test_few_expected_successes_are_said():
    [text] = warned(trial({"A": [(9, 900)], CONTROL: [(1, 100)]}), METRIC)
    assert "fewer than 5 successes are expected in the control: A (1.0)" in text


def test_few_days_are_said():
    day = {"unique_recipients": 90, "revenue": 40.0}
    frame = bf.read_braze_series(response({"A": [day] * 6, CONTROL: [day] * 6}))
    texts = warned(frame, "revenue_per_recipient", deff=1.1)
    assert ["fewer than 7 sending days" in text for text in texts] == [True]


def test_noise_between_days_is_said(rng):
    def arm(days=28):
        rates = 0.05 * np.exp(rng.normal(0, 0.3, days))
        return [(int(rng.binomial(5000, rate)), 5000) for rate in rates]

    frame = trial({"A": arm(), CONTROL: arm()})
    [text] = warned(frame, METRIC, deff=1.01)
    assert "days differ more than counts alone would" in text
    assert "se='day'" in text
    assert warned(frame, METRIC, deff=1.01, se="day") == []


def test_a_lift_whose_days_swing_together_is_no_noise(rng):
    # On the difference's scale 91 % of such frames were called noisy; the log scale
    # takes the shared swing out (seed 1 is one of them).
    swing = 0.05 * np.exp(np.random.default_rng(1).normal(0, 0.4, 30))
    arms = {}
    for name, rates in (("A", 1.5 * swing), (CONTROL, swing)):
        sizes = rng.poisson(2000, 30).tolist()
        days = zip(sizes, rates, strict=True)
        arms[name] = [(int(rng.binomial(n, rate)), n) for n, rate in days]
    assert warned(trial(arms), METRIC) == []
    assert trial(arms).braze.check().empty


def test_a_split_that_moved_is_said_where_totals_are_compared():
    arms = {
        "A": [(50, 1000), (150, 3000), (200, 4000)],
        CONTROL: [(200, 4000), (100, 2000), (50, 1000)],
    }
    remedies = {
        "stratify": ("Leave out stratify=None", {"stratify": None}),
        "prior": ("Leave out prior=", {"prior": (0.5, 0.5)}),
    }
    for remedy, options in remedies.values():
        [text] = warned(trial(arms), METRIC, **options, deff=1.01)
        assert "the split between variation and control moved" in text
        assert "A (60)" in text
        assert remedy in text
    assert warned(trial(arms), METRIC, deff=1.01) == []
    [text] = warned(trial(arms, stat="conversions"), ANYTIME, deff=1.01)
    assert "Restrict to days with the same split" in text
    assert METRIC not in text


def test_days_that_still_grow_are_said_of_conversions_of_the_send_too(month):
    # A message pulls purchases forward, a control buys evenly: young days invent lift.
    month.attrs["braze"] = {"settled_until": "2026-03-09"}
    for frame, metric in (
        (month.assign(conversions=month[BY_SEND]), ANYTIME),
        (month, METRIC),
    ):
        [text] = warned(frame, metric, deff=1.01)
        assert "still grow" in text
        assert "A (20)" in text
        assert "df.braze.settled()" in text


def test_each_campaign_has_its_own_young_days(rng):
    arms = {"A": binomial(rng, 0.1, 300, 9), CONTROL: binomial(rng, 0.1, 300, 9)}
    frame = trials({"quick": arms, "slow": arms})
    frame.attrs["braze"] = {
        "settled_until": "2026-03-04",
        "settled": {"quick": "2026-03-10"},
    }
    [text] = warned(frame, METRIC, deff=1.01)
    assert "slow (6)" in text
    assert "quick" not in text
    kept = frame.braze.settled().groupby(level="campaign").size()
    assert kept.to_dict() == {"quick": 18, "slow": 6}
