"""The acquisition against the integrals that it stands for."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.search.surrogates import prediction
from tuner.objective import Slo
from tuner.search import acquisition

SLOS = (Slo(99.0, 0.1),)
NORMAL = torch.distributions.Normal(torch.tensor(0.0, dtype=torch.float64), 1.0)
sds = st.floats(0.01, 0.5)


def chance(bound_s: float, latency_s: float, sd: float) -> float:
    return math.erfc(math.log(latency_s / bound_s) / sd / math.sqrt(2)) / 2


class TestFeasibility:
    @given(st.floats(0.05, 0.2), sds)
    def test_it_is_the_probability_of_a_latency_within_the_bound(self, latency_s: float, sd: float) -> None:
        found = acquisition.log_feasibility(prediction([latency_s], sd, 1.0, 0.1), SLOS)
        assert math.exp(found.item()) == pytest.approx(chance(0.1, latency_s, sd), abs=1e-12)

    @given(st.floats(0.05, 0.2), st.floats(0.1, 0.8), sds)
    def test_several_slos_hold_together(self, ttft_s: float, latency_s: float, sd: float) -> None:
        slos = (Slo(99.0, 0.1), Slo(50.0, 0.4))
        found = acquisition.log_feasibility(prediction([ttft_s, latency_s], sd, 1.0, 0.1), slos)
        expected = chance(0.1, ttft_s, sd) * chance(0.4, latency_s, sd)
        assert math.exp(found.item()) == pytest.approx(expected, abs=1e-12)

    def test_a_further_slo_never_makes_it_likelier(self) -> None:
        one = acquisition.log_feasibility(prediction([0.09], 0.1, 1.0, 0.1), SLOS)
        two = acquisition.log_feasibility(prediction([0.09, 0.01], 0.1, 1.0, 0.1), (*SLOS, Slo(99.0, 0.02)))
        assert two <= one

    def test_the_hopeless_keep_an_order(self) -> None:
        bad, worse = (acquisition.log_feasibility(prediction([one], 0.01, 1.0, 0.1), SLOS).item() for one in (1.0, 2.0))
        assert -math.inf < worse < bad


class TestImprovement:
    @given(st.floats(0.5, 2.0), st.floats(0.05, 0.5), st.floats(0.6, 1.6))
    def test_it_is_the_expected_fall_of_the_logarithm(self, energy_j: float, sd: float, incumbent_j: float) -> None:
        steps = torch.linspace(-9, 9, 2001, dtype=torch.float64)
        weights = NORMAL.log_prob(steps).exp() * (steps[1] - steps[0])
        improvement = (math.log(incumbent_j) - math.log(energy_j) - sd * steps).clamp_min(0.0)
        expected = float((improvement * weights).sum())
        found = acquisition.log_improvement(prediction([0.05], 0.1, energy_j, sd), math.log(incumbent_j))
        assert math.exp(found.item()) == pytest.approx(expected, rel=1e-3, abs=1e-9)

    def test_it_is_relative(self) -> None:
        small = acquisition.log_improvement(prediction([0.05], 0.1, 0.9, 0.05), 0.0)
        large = acquisition.log_improvement(prediction([0.05], 0.1, 900.0, 0.05), math.log(1000.0))
        torch.testing.assert_close(small, large)

    def test_the_hopeless_keep_an_order(self) -> None:
        bad, worse = (acquisition.log_improvement(prediction([0.05], 0.1, one, 0.01), 0.0).item() for one in (5.0, 6.0))
        assert -math.inf < worse < bad

    def test_each_candidate_may_have_an_energy_of_its_own_to_improve_on(self) -> None:
        candidate = prediction([0.05], 0.1, 1.0, 0.1)
        twice = type(candidate)(
            candidate.latency_means.repeat(1, 2),
            candidate.latency_sds.repeat(1, 2),
            candidate.energy_mean.repeat(2),
            candidate.energy_sd.repeat(2),
        )
        low, high = acquisition.log_improvement(twice, torch.tensor([-0.5, 0.5], dtype=torch.float64)).tolist()
        assert low == acquisition.log_improvement(candidate, -0.5).item()
        assert high == acquisition.log_improvement(candidate, 0.5).item()
        assert low < high
