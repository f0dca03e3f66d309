import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measuring.streams import autoregressive
from tuner.measuring.confidence import EnergyPerRequest, separate
from tuner.trial import Interval


def account_of(energies_j, items=100.0, duration_s=0.4):
    account = EnergyPerRequest()
    for energy_j in energies_j:
        account.add(float(energy_j), items, duration_s)
    return account


@given(st.lists(st.tuples(st.floats(0.1, 1e3), st.floats(0.1, 1e3)), min_size=1, max_size=50))
def test_the_ratio_is_all_joules_over_all_requests(pieces):
    account = EnergyPerRequest()
    for energy_j, items in pieces:
        account.add(energy_j, items, 0.4)
    assert account.ratio_j == pytest.approx(sum(e for e, _ in pieces) / sum(n for _, n in pieces))
    assert account.half_width_j() >= 0.0


def test_three_alike_pieces_claim_no_precision():
    assert account_of([10.0, 10.0, 10.0]).half_width_j() == math.inf
    assert account_of([10.0] * 5).half_width_j() == math.inf
    assert account_of([10.0, 10.01] * 5).half_width_j() < 0.01 * 0.1


def test_nothing_seen_is_nothing_known():
    account = EnergyPerRequest()
    assert account.ratio_j == 0.0
    assert account.half_width_j() == math.inf
    assert account.drift.half_width == math.inf


def test_a_window_without_requests_has_no_energy_per_request():
    account = account_of([10.0] * 10, items=0.0)
    assert account.ratio_j == 0.0
    assert account.half_width_j() == math.inf


def test_energy_that_follows_requests_is_known_at_once():
    account = EnergyPerRequest()
    for items in (100, 300, 50, 200, 120, 80, 250, 90):
        account.add(0.5 * items, items, 0.4)
    assert account.half_width_j() < 1e-6


@pytest.mark.parametrize("correlation", [0.0, 0.5])
@pytest.mark.parametrize("spread", [0.005, 0.03])
def test_the_interval_holds_the_truth_when_the_window_closes(correlation, spread):
    trials = 300
    energies_j = 1.0 + spread * autoregressive(np.random.default_rng(7), trials, 150, correlation)
    held = 0
    for trial in energies_j.tolist():
        account = EnergyPerRequest()
        for energy_j in trial:
            account.add(energy_j, 1.0, 0.4)
            if account.half_width_j() <= 0.02 * account.ratio_j:
                break
        held += abs(account.ratio_j - 1.0) <= account.half_width_j()
    assert held >= 0.93 * trials


def test_dependence_widens_the_interval():
    rng = np.random.default_rng(8)
    independent = account_of(10.0 + rng.standard_normal(200))
    dependent = account_of(10.0 + autoregressive(rng, 1, 200, 0.7)[0])
    assert dependent.half_width_j() > 1.5 * independent.half_width_j()


def test_drift_is_seen_and_noise_is_not_taken_for_it():
    noise = 0.1 * np.random.default_rng(9).standard_normal(40)
    level, rising = account_of(10.0 + noise).drift, account_of(10.0 + noise + np.linspace(0.0, 3.0, 40)).drift
    assert not level.is_significant
    assert rising.is_significant
    assert rising.change == pytest.approx(1.5 / 10.75, rel=0.1)


def test_noise_is_seldom_called_drift():
    rng = np.random.default_rng(10)
    drifts = [account_of(10.0 + autoregressive(rng, 1, 40, 0.5)[0]).drift for _ in range(300)]
    assert sum(drift.is_significant for drift in drifts) <= 0.06 * 300


def test_drift_of_a_long_window_is_found_in_merged_pieces():
    noise = 0.1 * np.random.default_rng(11).standard_normal(1000)
    account = account_of(10.0 + noise + np.linspace(0.0, 1.0, 1000))
    assert account.drift.is_significant
    assert account.drift.change == pytest.approx(0.5 / 10.25, rel=0.1)


def test_merged_pieces_are_halved_by_time():
    noise = 0.1 * np.random.default_rng(13).standard_normal(1000)
    account = account_of(10.0 + noise + np.repeat([0.0, 1.0], 500))
    assert account.drift.change == pytest.approx(0.1, abs=0.01)


def test_few_pieces_show_no_drift():
    assert not account_of([1.0, 2.0, 3.0, 4.0, 5.0]).drift.is_significant


@pytest.mark.parametrize("piece", [(1.0, 1.0, 0.0), (1.0, 1.0, -1.0), (math.nan, 1.0, 1.0), (1.0, math.inf, 1.0)])
def test_what_is_no_piece_is_refused(piece):
    with pytest.raises(ValueError, match="piece"):
        EnergyPerRequest().add(*piece)


def test_the_interval_is_around_the_ratio_and_not_below_zero():
    account = account_of([1.0, 30.0] * 5)
    interval = account.interval()
    assert interval.low == 0.0
    assert interval.high == pytest.approx(account.ratio_j + account.half_width_j())


def test_a_candidate_is_worse_only_if_the_intervals_part():
    assert separate(Interval(2.0, 3.0), Interval(1.0, 1.9))
    assert not separate(Interval(2.0, 3.0), Interval(1.0, 2.1))
    assert not separate(Interval(0.0, 1.0), Interval(2.0, 3.0))
    assert not separate(Interval(0.0, math.inf), Interval(1.0, 1.1))


def test_racing_hardly_ever_ends_a_candidate_that_is_as_good():
    rng, wrong = np.random.default_rng(12), 0
    for _ in range(200):
        incumbent, candidate = account_of(10.0 + rng.standard_normal(20)).interval(), EnergyPerRequest()
        for energy_j in (10.0 + rng.standard_normal(50)).tolist():
            candidate.add(energy_j, 100.0, 0.4)
            if separate(candidate.interval(), incumbent):
                wrong += 1
                break
    assert wrong <= 0.05 * 200
