"""The best so far: by rate, as the surrogate sees it, weighed by joules."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch

from tests.unit.search.devices import SERVED, Noise, server
from tests.unit.search.records import (
    SPACE,
    all_measured,
    energies_j,
    measured,
    objective,
    recorded,
    rejected,
    roofline,
)
from tests.unit.search.surrogates import ENCODING, EVERYTHING, surrogate_of
from tuner.configuration import Configuration
from tuner.objective import Objective, Scenario, Slo
from tuner.search.encoding import Encoding
from tuner.search.incumbents import Incumbents
from tuner.search.rates import RATE, with_rates
from tuner.trial import Trial

RATES_HZ = (10.0, 40.0, 80.0)
ASKED = Objective(Scenario.SERVER, (Slo(99.0, 0.2),), arrival_rates_hz=RATES_HZ, rate_shares=(0.7, 0.2, 0.1))
RATE_SPACE = with_rates(SERVED, ASKED)
RATE_ENCODING = Encoding(RATE_SPACE)
FAST = Configuration({"gpu.core.max_mhz": 1500, "cpu.cores": 4})
SLOW = Configuration({"gpu.core.max_mhz": 600, "cpu.cores": 2})


def incumbents_of(trials: Sequence[Trial]) -> Incumbents:
    return Incumbents(objective(), ENCODING, surrogate_of(trials), trials)


def served(*tried: tuple[Configuration, float]) -> list[Trial]:
    return [recorded(number, one, server(one, hz), ASKED, hz) for number, (one, hz) in enumerate(tried)]


def by_rate(trials: Sequence[Trial]) -> Incumbents:
    return Incumbents(ASKED, RATE_ENCODING, surrogate_of(trials, asked=ASKED, space=RATE_SPACE), trials)


def at_each_rate(configuration: Configuration) -> torch.Tensor:
    return RATE_ENCODING.encode(Configuration({**configuration, RATE: hz}) for hz in RATES_HZ)


class TestOneRate:
    def test_it_is_the_feasible_trial_of_least_energy(self) -> None:
        trials = all_measured(EVERYTHING[::3])
        best = min(
            (one for one in EVERYTHING[::3] if roofline(one).latencies_s[0] <= 0.1),
            key=lambda one: roofline(one).energy_j,
        )
        first = incumbents_of(trials).first
        assert first is not None
        assert first.configuration == best
        assert first.log_energy == pytest.approx(math.log(roofline(best).energy_j), abs=0.01)
        assert first.power_w == pytest.approx(roofline(best).energy_j * roofline(best).throughput_hz)

    def test_what_breaks_the_slo_or_was_rejected_is_none(self) -> None:
        infeasible = measured(0, EVERYTHING[0], bound_s=1e-4)
        found = incumbents_of([infeasible, rejected(1, EVERYTHING[1])])
        assert found.first is None
        assert found.proven == []
        assert not found.is_complete
        assert found.log_energies(ENCODING.encode(EVERYTHING)).isinf().all()

    def test_a_lucky_trial_is_not_believed(self) -> None:
        lucky = EVERYTHING[12]
        trials = all_measured(EVERYTHING[::2], Noise(roofline, 0.005, outlier=lucky, outlier_factor=0.5))
        readings_j = energies_j(trials)
        assert trials[readings_j.index(min(readings_j))].configuration == lucky
        first = incumbents_of(trials).first
        assert first is not None
        assert first.configuration != lucky

    def test_everything_counts_the_same(self) -> None:
        weights = incumbents_of(all_measured(EVERYTHING[::9])).log_weights(ENCODING.encode(EVERYTHING))
        assert torch.equal(weights, torch.zeros(SPACE.size, dtype=torch.float64))


class TestSeveralRates:
    def test_each_rate_has_its_own(self) -> None:
        trials = served((FAST, 10.0), (SLOW, 10.0), (FAST, 40.0), (FAST, 80.0))
        found = by_rate(trials)
        assert found.is_complete
        assert {one.configuration[RATE]: one.configuration["gpu.core.max_mhz"] for one in found.all} == {
            10.0: 600,
            40.0: 1500,
            80.0: 1500,
        }
        energies = found.log_energies(at_each_rate(SLOW)).exp().tolist()
        expected = [server(SLOW, 10.0).energy_j, server(FAST, 40.0).energy_j, server(FAST, 80.0).energy_j]
        assert energies == pytest.approx(expected, rel=0.02)

    def test_the_first_is_that_of_the_highest_rate_that_has_one(self) -> None:
        first = by_rate(served((FAST, 10.0), (FAST, 40.0))).first
        assert first is not None
        assert first.configuration[RATE] == 40.0

    def test_a_rate_without_one_is_to_be_improved_on_from_infinity(self) -> None:
        found = by_rate(served((FAST, 10.0)))
        assert not found.is_complete
        assert found.log_energies(at_each_rate(FAST)).isinf().tolist() == [False, True, True]

    def test_an_improvement_counts_as_many_joules_as_are_spent_at_its_rate(self) -> None:
        trials = served((FAST, 10.0), (FAST, 40.0), (FAST, 80.0))
        powers_w = [server(FAST, hz).energy_j * hz for hz in RATES_HZ]
        joules = [share * power_w for share, power_w in zip(ASKED.shares, powers_w, strict=True)]
        weights = by_rate(trials).log_weights(at_each_rate(SLOW)).exp().tolist()
        assert weights == pytest.approx([one / sum(joules) for one in joules])

    def test_a_rate_of_unknown_power_counts_as_one_of_usual_power(self) -> None:
        weights = by_rate(served((FAST, 10.0))).log_weights(at_each_rate(SLOW)).exp().tolist()
        assert weights == pytest.approx([0.7, 0.2, 0.1])
