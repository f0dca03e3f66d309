"""Whole searches on made-up devices."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tests.unit.search.records import Outcome, Physics, default_configuration, energies_j, optimum_j, recorded
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.objective import Objective, Scenario, Slo
from tuner.search.bayesian import BayesianProposer
from tuner.search.contract import Proposal, SearchTask, Stop
from tuner.trial import Trial

RatedPhysics = Callable[[Configuration, float | None], Outcome]


@dataclass(frozen=True)
class Study:
    """What a search did.

    Attributes:
        task: What was asked for.
        trials: The baseline and all that was proposed.
        stop: Why it ended; None if it was cut off.
    """

    task: SearchTask
    trials: list[Trial]
    stop: Stop | None

    @property
    def configurations(self) -> list[Configuration]:
        return [trial.configuration for trial in self.trials]

    @property
    def best(self) -> Configuration:
        """The feasible configuration that read least energy."""
        energies = energies_j(self.trials)
        return self.trials[energies.index(min(energies))].configuration

    @property
    def violations(self) -> int:
        return sum(not trial.is_feasible for trial in self.trials[1:])

    def regret(self, physics: Physics) -> float:
        """How much more energy than the optimum the best takes in truth."""
        true_j = min(
            (
                physics(trial.configuration).energy_j
                for trial in self.trials
                if optimum_j(ConfigurationSpace((), pool=(trial.configuration,)), physics, self.task.objective)
                < math.inf
            ),
            default=math.inf,
        )
        return true_j / optimum_j(self.task.space, physics, self.task.objective) - 1


def explored(
    task: SearchTask, physics: Physics, most: int = 30, baseline: Configuration | None = None, heeds_stop: bool = True
) -> Study:
    """Lets our proposer search a device until it stops, or for so many trials."""
    return explored_at_rates(task, lambda configuration, _: physics(configuration), most, baseline, heeds_stop)


def explored_at_rates(
    task: SearchTask,
    physics: RatedPhysics,
    most: int = 30,
    baseline: Configuration | None = None,
    heeds_stop: bool = True,
) -> Study:
    """Searches a device that answers differently at each arrival rate; the baseline is measured at the highest."""
    baseline, highest_hz = baseline or default_configuration(task.space), task.objective.rates_hz[-1]
    trials = [recorded(0, baseline, physics(baseline, highest_hz), task.objective, highest_hz)]
    proposer = BayesianProposer(task)
    while len(trials) < most:
        advice = proposer.advise(trials)
        if advice.proposal is None or (heeds_stop and advice.stop is not None):
            return Study(task, trials, advice.stop)
        trials.append(_measured(len(trials), advice.proposal, physics, task.objective))
    return Study(task, trials, None)


def _measured(number: int, proposal: Proposal, physics: RatedPhysics, asked: Objective) -> Trial:
    rate_hz = proposal.arrival_rate_hz
    return recorded(number, proposal.configuration, physics(proposal.configuration, rate_hz), asked, rate_hz)


def single_stream(space: ConfigurationSpace, *bounds_s: float, max_trials: int = 100) -> SearchTask:
    slos = tuple(Slo(99.0, bound_s) for bound_s in bounds_s)
    return SearchTask(space, Objective(Scenario.SINGLE_STREAM, slos), 0, max_trials)
