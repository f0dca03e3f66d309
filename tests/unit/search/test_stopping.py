"""Why a search ends, and when it does not."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from tests.unit.search.records import SPACE, all_measured, measured, rejected, search_task
from tuner.search import stopping
from tuner.search.contract import Caution, Stop
from tuner.search.incumbents import Incumbent, Incumbents
from tuner.search.stopping import FEWEST_TRIALS, UNLIKELY, WORTHWHILE_FRONT_GAIN, WORTHWHILE_GAIN, Outlook
from tuner.search.surrogate import Surrogate
from tuner.trial import Purpose, Trial

ENOUGH = all_measured(list(SPACE)[:FEWEST_TRIALS])
FEW = ENOUGH[:-1]
TASK = search_task(bound_s=0.1)
SHORTLIST = torch.zeros(2, 2, dtype=torch.float64)
HOLDS, BREAKS = math.log(0.05), math.log(0.2)


class TestBudget:
    def test_it_is_spent_by_everything_but_further_looks(self) -> None:
        task = replace(TASK, max_trials=3)
        again = replace(measured(2, next(iter(SPACE))), purpose=Purpose.CONFIRMATION)
        reference = replace(again, purpose=Purpose.REFERENCE)
        assert stopping.budget_spent(task, [*ENOUGH[:2], again, reference]) is None
        assert stopping.budget_spent(task, ENOUGH[:3]) == Stop("The budget of 3 trials is spent.")

    def test_a_rejected_trial_counts(self) -> None:
        task = replace(TASK, max_trials=2)
        assert stopping.budget_spent(task, [ENOUGH[0], rejected(1, next(iter(SPACE)))]) is not None


class TestRisk:
    def test_it_names_what_was_asked_for(self) -> None:
        assert "with 95%" in stopping.too_risky(Caution(0.95, 2)).why


class TestFront:
    def test_a_front_that_hardly_grows_is_known(self) -> None:
        known = stopping.front_known(ENOUGH, WORTHWHILE_FRONT_GAIN / 2)
        assert known is not None
        assert "Pareto front" in known.why

    def test_one_that_grows_or_was_hardly_looked_at_is_not(self) -> None:
        assert stopping.front_known(ENOUGH, WORTHWHILE_FRONT_GAIN * 2) is None
        assert stopping.front_known(FEW, 0.0) is None


class TestNothingToGain:
    def test_a_small_chance_to_save_ends_it(self) -> None:
        stop = stopping.nothing_to_gain(TASK, ENOUGH, Outlook(UNLIKELY / 2, 100.0))
        assert stop is not None
        assert f"save a further {WORTHWHILE_GAIN:.0%}" in stop.why

    def test_a_small_chance_of_anything_that_holds_the_slos_ends_it_and_says_so(self) -> None:
        stop = stopping.nothing_to_gain(TASK, ENOUGH, Outlook(UNLIKELY / 2, None))
        assert stop is not None
        assert "to hold the SLO" in stop.why

    @pytest.mark.parametrize("saved_w", [None, 100.0])
    def test_a_fair_chance_keeps_it_going(self, saved_w: float | None) -> None:
        assert stopping.nothing_to_gain(TASK, ENOUGH, Outlook(2 * UNLIKELY, saved_w)) is None

    def test_too_few_measured_trials_are_never_enough(self) -> None:
        few = [*FEW, *(rejected(len(FEW) + number, one) for number, one in enumerate(list(SPACE)[20:30]))]
        assert stopping.nothing_to_gain(TASK, few, Outlook(0.0, 0.0)) is None


class TestHorizon:
    @staticmethod
    def costing(energy_j: float | None) -> list[Trial]:
        return [replace(trial, energy_j=energy_j) for trial in ENOUGH]

    def test_a_trial_that_costs_more_than_it_may_save_ends_it(self) -> None:
        task = replace(TASK, horizon_s=3600.0)
        assert stopping.nothing_to_gain(task, self.costing(3600.0), Outlook(1.0, 1.01)) is None
        stop = stopping.nothing_to_gain(task, self.costing(3600.0), Outlook(1.0, 0.99))
        assert stop == Stop("A further trial costs more than it may save within 1 hours.")

    def test_a_longer_horizon_makes_it_worth_while(self) -> None:
        task = replace(TASK, horizon_s=7200.0)
        assert stopping.nothing_to_gain(task, self.costing(3600.0), Outlook(1.0, 0.99)) is None

    def test_the_mean_of_what_trials_took_counts(self) -> None:
        task = replace(TASK, horizon_s=3600.0)
        mixed = [*self.costing(None)[:-2], *self.costing(1800.0)[:1], *self.costing(5400.0)[:1]]
        assert stopping.nothing_to_gain(task, mixed, Outlook(1.0, 1.01)) is None
        assert stopping.nothing_to_gain(task, mixed, Outlook(1.0, 0.99)) is not None

    def test_unknown_costs_and_savings_end_nothing(self) -> None:
        assert stopping.nothing_to_gain(TASK, self.costing(None), Outlook(1.0, 0.0)) is None
        assert stopping.nothing_to_gain(TASK, self.costing(1e9), Outlook(1.0, None)) is None


@dataclass
class Foreseen:
    """Stands in for a surrogate, and for incumbents: the draws are given."""

    latencies: Tensor
    energies: Tensor
    log_energy: float | None = 0.0
    power_w: float = 50.0

    def sample(self, features: Tensor, count: int, seed: int) -> tuple[Tensor, Tensor]:
        repeats = -(-count // len(self.energies))
        return self.latencies.repeat(repeats, 1, 1), self.energies.repeat(repeats, 1)

    @property
    def is_complete(self) -> bool:
        return self.log_energy is not None

    @property
    def all(self) -> tuple[Incumbent, ...]:
        return (Incumbent(cast(Any, None), self.log_energy or 0.0, self.power_w),)

    def log_energies(self, features: Tensor) -> Tensor:
        assert self.log_energy is not None
        return torch.full((len(features),), self.log_energy, dtype=torch.float64)


def look(draws: list[list[tuple[float, float]]], log_energy: float | None = 0.0) -> Outlook:
    """Looks ahead where each draw is one log latency and log energy a candidate."""
    values = torch.tensor(draws, dtype=torch.float64)
    foreseen = Foreseen(values[:, None, :, 0], values[:, :, 1], log_energy)
    return stopping.look_ahead(TASK, cast(Surrogate, foreseen), cast(Incumbents, foreseen), SHORTLIST, 0)


class TestLookAhead:
    def test_any_candidate_may_be_the_one_that_saves(self) -> None:
        outlook = look([[(HOLDS, -0.5), (HOLDS, 0.5)], [(HOLDS, 0.5), (HOLDS, -0.5)]])
        assert outlook.probability == 1.0
        assert outlook.saved_w == pytest.approx(50.0 * -math.expm1(-0.5))

    def test_what_breaks_an_slo_saves_nothing(self) -> None:
        outlook = look([[(BREAKS, -0.5), (HOLDS, 0.5)], [(HOLDS, -0.5), (BREAKS, -9.0)]])
        assert outlook.probability == 0.5
        assert outlook.saved_w == pytest.approx(50.0 * -math.expm1(-0.5) / 2)

    def test_a_saving_that_is_not_worth_while_is_none(self) -> None:
        assert look([[(HOLDS, -0.01), (HOLDS, 0.0)]]).probability == 0.0
        assert look([[(HOLDS, -0.03), (HOLDS, 0.0)]]).probability == 1.0

    def test_without_an_incumbent_the_chance_to_hold_the_slos_counts(self) -> None:
        draws = [[(BREAKS, 0.0), (HOLDS, 5.0)], [(BREAKS, 0.0), (BREAKS, 0.0)]]
        assert look(draws, log_energy=None) == Outlook(0.5, None)
