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


def test_people_of_many_days_may_be_the_same_people(month):
    [text] = warned(month, METRIC)
    assert "same people" in text
    assert "A (28.0)" in text
    assert "deff=" in text
    assert warned(month, METRIC, deff=1.5) == []


def test_each_kind_of_doubt_is_said_once_with_up_to_five_names(rng):
    arms = {"A": binomial(rng, 0.3, 100, 9), CONTROL: binomial(rng, 0.3, 100, 9)}
    [text] = warned(trials(dict.fromkeys("abcdefg", arms)), METRIC)
    assert "a (9.0), b (9.0), c (9.0), d (9.0), e (9.0) and 2 more" in text


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

    [text] = warned(trial({"A": arm(), CONTROL: arm()}), METRIC, deff=1.01)
    assert "days differ more than counts alone would" in text
    assert "se='day'" in text


def test_a_split_that_moved_is_said_where_totals_are_compared():
    arms = {
        "A": [(50, 1000), (150, 3000), (200, 4000)],
        CONTROL: [(200, 4000), (100, 2000), (50, 1000)],
    }
    [text] = warned(trial(arms), METRIC, stratify=None, deff=1.01)
    assert "the split between variation and control moved" in text
    assert "A (60)" in text
    assert warned(trial(arms), METRIC, deff=1.01) == []


def test_days_that_still_grow_are_said_but_for_conversions_of_the_send(month):
    month.attrs["braze"] = {"settled_until": "2026-03-09"}
    [text] = warned(month.assign(conversions=month[BY_SEND]), ANYTIME, deff=1.01)
    assert "still grow" in text
    assert "A (20)" in text
    assert warned(month, METRIC, deff=1.01) == []
