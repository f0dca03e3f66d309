import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.measuring.confidence.student import student_t, time_uniform_t


def test_student_t_agrees_with_published_tables():
    published = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 10: 2.228, 30: 2.042}
    for degrees, value in published.items():
        assert student_t(degrees) == pytest.approx(value, rel=0.01)
    assert student_t(0) == math.inf


def test_other_quantiles_agree_with_published_tables():
    published = {1: 6.314, 2: 2.920, 3: 2.353, 5: 2.015, 20: 1.725}
    for degrees, value in published.items():
        assert student_t(degrees, 0.95) == pytest.approx(value, rel=0.01)


def test_four_observations_allow_no_statement_that_holds_at_all_times():
    assert time_uniform_t(4) == math.inf
    assert time_uniform_t(1) == math.inf
    assert time_uniform_t(5) < 9.0


def test_the_likelihood_ratio_at_the_factor_is_the_inverse_error():
    """Gonen et al., "The Bayesian two-sample t test", The American Statistician 59(3), 2005, for one sample."""
    for count in (5, 8, 30, 200):
        t, freedom, spread = time_uniform_t(count, 0.05), count - 1, 1.0 + count
        ratio = ((1 + t * t / freedom) / (1 + t * t / (freedom * spread))) ** (count / 2) / math.sqrt(spread)
        assert ratio == pytest.approx(20.0)


def test_looking_after_every_observation_errs_no_more_often_than_stated():
    trials, looks = 1500, 120
    values = np.random.default_rng(5).standard_normal((trials, looks))
    was_outside = np.zeros(trials, dtype=bool)
    for count in range(2, looks + 1):
        seen = values[:, :count]
        t = np.abs(seen.mean(axis=1)) / (seen.std(axis=1, ddof=1) / math.sqrt(count))
        was_outside |= t > time_uniform_t(count, 0.05)
    # Three standard errors above the bound; and not so few that the bound would be of no use.
    assert 0.01 < was_outside.mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)


@given(st.floats(5.0, 1e4), st.floats(1.01, 3.0))
def test_a_surer_interval_is_wider_and_at_least_as_wide_as_that_of_one_look(count, factor):
    assert time_uniform_t(count, 0.05 / factor) > time_uniform_t(count, 0.05) > student_t(int(count) - 1)
