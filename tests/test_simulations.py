"""The short simulations, and proof that they can fail.

With fewer runs than ``simulations/run.py`` has, chance moves a share further: a bound
counts as kept within three standard errors, sqrt(p (1 - p) / runs) at the bound. All
draws are seeded.
"""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from braze_frames.stats.contrasts import Options, score_contrast

sys.path.insert(0, str(Path(__file__).with_name("simulations")))
rows, proportions, days, moving, looks, beliefs, change, sandbox_draws = (
    importlib.import_module(name)
    for name in (
        *("rows", "proportions", "days", "moving", "looks", "beliefs"),
        *("change", "sandbox_draws"),
    )
)
splits, young, alarms, many = (
    importlib.import_module(name) for name in ("splits", "young", "alarms", "many")
)

ERRORS = 3.0


@pytest.fixture
def rng():
    return np.random.default_rng(20260525)


def broken(found):
    """Return the rows that break their bounds."""
    return [row for row in found if not row.ok(ERRORS)]


def test_score_intervals_hold_the_truth_as_often_as_they_say(rng):
    assert broken(proportions.simulate(rng, runs=4000)) == []


def test_intervals_over_days_hold_the_truth_as_often_as_they_say(rng):
    assert broken(days.simulate(rng, runs=3000)) == []


def test_a_moving_split_invents_no_lift_by_day(rng):
    assert broken(moving.simulate(rng, runs=3000)) == []


def test_daily_looks_find_nothing_where_nothing_is(rng):
    assert broken(looks.simulate(rng, runs=1000)) == []


def test_beliefs_are_even_where_nothing_differs(rng):
    assert broken(beliefs.simulate(rng, runs=500)) == []


def test_changes_between_periods_hold_the_truth_as_often_as_they_say(rng):
    assert broken(change.simulate(rng, runs=1000)) == []


def test_the_sandbox_keeps_the_lift_it_promises():
    assert broken(sandbox_draws.simulate(draws=200)) == []


def test_within_days_no_split_makes_up_a_lift(rng):
    assert broken(splits.simulate(rng, runs=300, lengths=(7, 14))) == []


def test_young_days_mislead_where_arms_differ_in_speed_and_settled_ones_do_not(rng):
    assert broken(young.simulate(rng, runs=400)) == []


def test_days_and_people_are_doubted_with_reason(rng):
    assert broken(alarms.simulate(rng, runs=600)) == []


def test_many_tests_are_judged_together(rng):
    assert broken(many.simulate(rng, runs=60)) == []


# --- the check can fail ---


def test_pooled_totals_under_a_moving_split_break_the_bounds_of_coverage(rng):
    row = moving.pooled(rng, runs=1000)
    assert not row._replace(low=0.935, high=0.965).ok(ERRORS)


def test_daily_looks_at_a_fixed_test_break_the_bound_of_false_alarms(rng):
    still, moved = looks.steady(rng, 400), moving.draw(rng, 400, looks.DAYS)
    for row in looks.failures(still, moved):
        assert row.ok(ERRORS)
        assert not row._replace(low=0.0, high=looks.ALPHA).ok(ERRORS)


def test_a_flat_prior_with_a_small_control_breaks_the_bounds_of_beliefs(rng):
    flat = beliefs.calibration(rng, 500, 0.0005, beliefs.UNIFORM)
    assert not flat.ok(ERRORS)


def test_periods_that_are_not_paired_or_counted_alone_break_the_bounds(rng):
    drawn = change.draw(rng, 1000, 28, 0.3, 0.4)
    for hits in (change.unpaired(drawn), change.by_counts(drawn)):
        assert not rows.share("", hits, *change.BOUNDS).ok(ERRORS)


def test_intervals_that_are_too_short_break_the_bounds_of_coverage(rng):
    found = moving.draw(rng, 4000, 7)
    answer = score_contrast(found, Options(conf_level=0.92), by_day=True)
    hits = rows.covers(answer.lift_low, answer.lift_high, 0.0)
    assert not rows.share("", hits, 0.935, 0.965).ok(ERRORS)


# --- the simulations ask the package ---


@pytest.mark.parametrize("by_day", [False, True])
@pytest.mark.parametrize("sequential", [False, True])
def test_looks_have_the_p_values_of_score_contrast(rng, sequential, by_day):
    drawn, options = moving.draw(rng, 20, 12), Options(sequential=sequential)
    found = looks.p_values(drawn, options, by_day=by_day)
    for day in (1, 5, 12):
        so_far = type(drawn)(*(part[:, :day] for part in drawn))
        want = score_contrast(so_far, options, by_day=by_day).p_value
        np.testing.assert_allclose(found[:, day - 1], want, rtol=1e-9)
