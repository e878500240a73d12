"""Numbers of other programs and of printed tables, which ours must meet.

``oracles.json`` holds a case a line. Its ``source`` names who computed it, its
``published`` values are a printed table's, to the digits printed. "inf" is infinity and
null is NaN.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy.special import ndtri

import braze_frames as bf
from braze_frames.portfolio import random_effects
from braze_frames.stats import (
    bayes,
    chi_squared,
    contrasts,
    distributions,
    jackknife,
    multiplicity,
    scores,
)
from braze_frames.stats.contrasts import DailyCounts, Options

CASES = json.loads(
    Path(__file__).parents[1].joinpath("oracles.json").read_text(encoding="utf-8")
)


class Counts(NamedTuple):
    """Successes and units of variation and control, one a day or one in all."""

    x1: object
    n1: object
    x0: object
    n0: object

    def days(self):
        """Return them as one comparison over days."""
        return DailyCounts(
            *(np.atleast_2d(np.array(part, dtype=float)) for part in self)
        )

    def looks(self):
        """Return them as one comparison a look: the days so far."""
        (size,) = np.shape(self.x1)
        so_far = np.tri(size)
        return DailyCounts(*(so_far * np.array(part, dtype=float) for part in self))


# --- what each method of the file asks of the package ---


def wilson(x, n, conf_level):
    low, high = scores.wilson(np.array([x]), np.array([n]), conf_level)
    return {"low": low, "high": high}


def score(by_day):
    """Return how the score method is asked: a stratum a day, or the totals."""

    def ask(x1, n1, x0, n0, conf_level=0.95):
        days = Counts(x1, n1, x0, n0).days()
        options = Options(conf_level)
        return contrasts.score_contrast(days, options, by_day=by_day)

    return ask


def difference(by_day):
    def ask(**inputs):
        found = score(by_day)(**inputs)
        return {"estimate": found.diff, "low": found.diff_low, "high": found.diff_high}

    return ask


def ratio(by_day):
    def ask(x1, n1, x0, n0, conf_level):
        parts = (np.atleast_2d(np.array(part, float)) for part in (x1, n1, x0, n0))
        critical = np.array([distributions.critical_z(conf_level)])
        found, limits = scores.log_ratio(scores.Tables(*parts, by_day), critical)
        values = np.exp([found, limits.low, limits.high])
        return dict(zip(("estimate", "low", "high"), values, strict=True))

    return ask


def digits(**inputs):
    return score(by_day=False)(**inputs)._asdict()


def pooled_z(**inputs):
    found = score(by_day=False)(**inputs)
    p_value = found.p_value
    return {"z": found.statistic, "p_value": p_value, "confidence": 1 - p_value}


def by_day_rate_ratio(**inputs):
    return {"estimate": np.log1p(score(by_day=True)(**inputs).lift)}


def by_day_test(**inputs):
    found = score(by_day=True)(**inputs)
    return {"chi2": found.statistic**2, "p_value": found.p_value}


def homogeneity(x, n):
    bought = np.array(x, dtype=float)
    table = np.column_stack([bought, np.array(n) - bought])
    return chi_squared.homogeneity(table)._asdict()


def allocation(n1, n0):
    table = np.array([n1, n0], dtype=float).T
    return chi_squared.homogeneity(table[table.all(axis=1)])._asdict()


def goodness_of_fit(counts, planned):
    shares = np.array(planned or [1] * len(counts), dtype=float)
    return chi_squared.goodness_of_fit(np.array(counts, dtype=float), shares)._asdict()


def adjusted(p_values):
    p = np.array(p_values, dtype=float)
    return {
        how: multiplicity.adjust(p, how) for how in ("holm", "bonferroni", "fdr_bh")
    }


def day(y1, n1, y0, n0, conf_level):
    days = Counts(y1, n1, y0, n0).days()
    found = jackknife.jackknife(*days)
    answer = contrasts.day_contrast(days, found, Options(conf_level))
    return {
        **answer._asdict(),
        "log_ratio": found.log_ratio,
        "jack_se_log": found.log_error,
        "eff_days": found.eff_days,
    }


def day_by_day(y1, n1, y0, n0, conf_level=0.95):
    counts = Counts(y1, n1, y0, n0).days()
    days = counts.by_day(np.array([True]))
    found = jackknife.jackknife(*days)
    # R has no rule on few days: the estimates hold below four effective days, too.
    dispersion = found.log_error**2 / contrasts.log_variance(counts)
    answer = contrasts.day_contrast(days, found, Options(conf_level))._asdict()
    answer["incremental"] = answer["diff"] * counts.n1.sum()
    return {
        **answer,
        "log_ratio": found.log_ratio,
        "se": found.log_error,
        "eff_days": found.eff_days,
        "p": answer["p_value"],
        "dispersion": dispersion,
        "dispersion_p": chi_squared.dispersion_p(dispersion, found.eff_days),
    }


def within_strata(x, n):
    sides = (np.array(side, dtype=float).T for side in (x, n))
    found = chi_squared.differ_within_strata(*sides)
    return {**found._asdict(), "p": found.p_value}


def margin(x1, n1, x0, n0, margin):
    days, options = Counts(x1, n1, x0, n0).days(), Options(margin=margin)
    p_value = contrasts.score_contrast(days, options, by_day=False).p_margin
    z = ndtri(p_value)
    return {"p": p_value, "z": -z if margin < 0 else z}


def many_tests(x1, n1, x0, n0):
    days = DailyCounts(
        *(np.array(part, dtype=float)[:, None] for part in (x1, n1, x0, n0))
    )
    effects = np.log((days.y1 / days.n1) / (days.y0 / days.n0))[:, 0]
    variances = contrasts.log_variance(days)
    return random_effects.random_effects(effects, variances, 0.95)._asdict()


def same_people(n):
    found = chi_squared.same_people(np.array(n, dtype=float).T[None])
    return {**found._asdict(), "p_lower": found.p_value, "p_upper": 1 - found.p_value}


def boundary(z, r, conf_level):
    return distributions.always_valid(
        np.array([z]), np.array([r]), conf_level
    )._asdict()


def looks(by_day):
    def ask(tau, conf_level, **counts):
        days = Counts(**counts).looks()
        options = Options(conf_level, sequential=True, tau=tau)
        answer = contrasts.score_contrast(days, options, by_day=by_day)
        test = scores.null_test(tables_of(days, by_day))
        information = (tau * test.events) ** 2 / test.variance
        valid = distributions.always_valid(test.z, information, conf_level)
        return {**answer._asdict(), "critical": valid.critical}

    return ask


def tables_of(days, by_day):
    """Return what the score method looks at: a stratum a day, or one of all."""
    return scores.Tables(*(days if by_day else days.totals()), stratified=by_day)


def beta_binomial(x1, n1, x0, n0, prior):
    counts = [np.array([n], dtype=float) for n in (x1, n1, x0, n0)]
    found = bayes.beta_binomial(*counts, prior)
    swapped = bayes.beta_binomial(*counts[2:], *counts[:2], prior)
    return {**found._asdict(), "expected_loss_control": swapped.expected_loss}


def sample_size(rate, lift, **options):
    return bf.sample_size(rate, lift, **options)._asdict()


def mde(rate, n, **options):
    return bf.mde(rate, n, **options)._asdict()


ASK = {
    "wilson": wilson,
    "difference": difference(by_day=False),
    "ratio": ratio(by_day=False),
    "pooled_z": pooled_z,
    "digits": digits,
    "homogeneity": homogeneity,
    "goodness_of_fit": goodness_of_fit,
    "adjusted": adjusted,
    "by_day_difference": difference(by_day=True),
    "by_day_ratio": ratio(by_day=True),
    "by_day_risk_difference": difference(by_day=True),
    "by_day_rate_ratio": by_day_rate_ratio,
    "by_day_test": by_day_test,
    "allocation": allocation,
    "day": day,
    "day_by_day": day_by_day,
    "within_strata": within_strata,
    "margin": margin,
    "same_people": same_people,
    "random_effects": many_tests,
    "boundary": boundary,
    "looks_pooled": looks(by_day=False),
    "looks_by_day": looks(by_day=True),
    "beta_binomial": beta_binomial,
    "sample_size": sample_size,
    "mde": mde,
}


# --- the comparison ---


def numbers(values):
    """Read numbers of the file: "inf" is infinity, null NaN."""
    parts = values if isinstance(values, list) else [values]
    return np.array([np.nan if part is None else float(part) for part in parts])


def within(got, want, *, rel=0.0, abs=0.0):  # noqa: A002
    """Tell where numbers meet: both NaN, the same infinity, or near enough."""
    got = np.atleast_1d(np.asarray(got, dtype=float))
    with np.errstate(invalid="ignore"):
        near = np.abs(got - want) <= np.maximum(rel * np.abs(want), abs)
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    return np.where(np.isfinite(want), near, same)


def titles(cases):
    return [case["id"] for case in cases]


@pytest.mark.parametrize("case", CASES, ids=titles(CASES))
def test_other_programs_numbers_are_met(case):
    found = ASK[case["method"]](**case["inputs"])
    for name, values in case["expected"].items():
        want = numbers(values)
        assert np.shape(np.atleast_1d(found[name])) == want.shape, name
        assert within(found[name], want, **case["tolerance"]).all(), (
            f"{name}: {found[name]} is not {want} of {case['source']}"
        )


PRINTED = [case for case in CASES if "published" in case]


@pytest.mark.parametrize("case", PRINTED, ids=titles(PRINTED))
def test_printed_tables_are_met_to_their_digits(case):
    found = ASK[case["method"]](**case["inputs"])
    for name, text in zip(("low", "high"), case["published"], strict=True):
        digits = len(text.partition(".")[2])
        assert abs(float(found[name][0]) - float(text)) <= 0.5 * 10**-digits + 1e-9


LOOKS = [case for case in CASES if case["method"].startswith("looks")]


@pytest.mark.parametrize("case", LOOKS, ids=titles(LOOKS))
def test_limits_at_each_look_are_cut_at_the_critical_value_of_that_look(case):
    inputs, method = case["inputs"], case["method"]
    found = ASK[method](**inputs)
    counts = Counts(*(inputs[name] for name in Counts._fields))
    tables = tables_of(counts.looks(), by_day=method == "looks_by_day")
    _, limits = scores.difference(tables, numbers(case["expected"]["critical"]))
    assert within(found["diff_low"], limits.low, rel=1e-7).all()
    assert within(found["diff_high"], limits.high, rel=1e-7).all()


def test_each_case_is_asked_and_nothing_is_asked_that_has_no_case():
    assert {case["method"] for case in CASES} == {*ASK}
    assert len({*titles(CASES)}) == len(CASES)


def test_a_number_beyond_its_tolerance_is_noticed():
    assert within([1.0 + 9e-7], numbers([1]), rel=1e-6).all()
    assert not within([1.0 + 2e-6], numbers([1]), rel=1e-6).any()
    assert not within([np.nan, 5, np.nan], numbers([1, None, "inf"])).any()
    assert within([np.nan, np.inf], numbers([None, "inf"])).all()
