"""The sandbox's tests, drawn many times: does the lift's interval hold the truth?"""

import warnings
from datetime import timedelta

from rows import covers, share

import braze_frames as bf
from braze_frames.sandbox.series import series, truth
from braze_frames.sandbox.shop import CAMPAIGNS

METRIC = "conversion_rate_by_send_time"
CONTROL = "Control Group"
TESTS = ("Basket Reminder: Subject Test", "Picked For You: Rollout")
LONG_AFTER = timedelta(365)


def simulate(first_seed=0, draws=2000, tests=TESTS):
    """Return rows: one for each variation of the tests."""
    named = {campaign.name: campaign for campaign in CAMPAIGNS}
    seeds = range(first_seed, first_seed + draws)
    return [row for name in tests for row in _test(named[name], seeds)]


def _test(campaign, seeds):
    found = _lifts(campaign, seeds)
    true = truth(campaign)[METRIC].groupby("variation").first()
    rows = []
    for name, lifts in found.groupby("variation", sort=False):
        lift = true[name] / true[CONTROL] - 1
        hits = covers(lifts["lift_low"], lifts["lift_high"], lift)
        what = f"sandbox, {name!r}, lift {lift:+.0%}: coverage"
        rows.append(share(what, hits, 0.93, 0.97))
    return rows


def _lifts(campaign, seeds):
    """Compare all draws in one call, long after all has arrived."""
    last = campaign.last or campaign.launch + timedelta(27)
    today = last + LONG_AFTER
    answers = {
        f"draw {seed}": {"data": _series(campaign, last, today, seed)} for seed in seeds
    }
    frame = bf.read_braze_series(answers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bf.StatisticsWarning)
        return frame.braze.lift(METRIC)


def _series(campaign, last, today, seed):
    return series(campaign, campaign.launch, last, today, seed=seed)
