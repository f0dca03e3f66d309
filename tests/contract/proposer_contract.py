"""What every proposer must do: subclass this with a fixture ``make_proposer``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from tests.unit.search.records import (
    SPACE,
    batch,
    clock,
    default_configuration,
    governor,
    measured,
    rejected,
    search_task,
)
from tuner.configuration import Configuration, ConfigurationSpace, OrderConstraint
from tuner.search.contract import Proposal, Proposer, SearchTask, Stop
from tuner.trial import Purpose, Trial

MakeProposer = Callable[[SearchTask], Proposer]

CLOCK_PAIRS = ConfigurationSpace(
    (clock("gpu.core.min_mhz", (300, 600, 900)), clock("gpu.core.max_mhz", (300, 600, 900)), batch((1, 4))),
    (OrderConstraint("gpu.core.min_mhz", "gpu.core.max_mhz"),),
)

SPACES = {
    "grid": SPACE,
    "one parameter": ConfigurationSpace((clock(),)),
    "one point": ConfigurationSpace((clock(choices=(900,)),)),
    "categories": ConfigurationSpace((clock(choices=(300, 600, 900)), governor())),
    "categories only": ConfigurationSpace((governor(),)),
    "constraint": CLOCK_PAIRS,
    "pool": ConfigurationSpace(SPACE.parameters, pool=tuple(SPACE)[::7]),
    "zero among the choices": ConfigurationSpace((clock(choices=(0, 300, 900)), batch())),
}


def run(proposer: Proposer, trials: Sequence[Trial], most: int = 100) -> tuple[list[Trial], Stop | None]:
    """Lets a proposer go on until it stops; returns all trials and the stop."""
    trials = list(trials)
    for _ in range(most):
        outcome = proposer.propose(trials)
        if isinstance(outcome, Stop):
            return trials, outcome
        trials.append(measured(len(trials), outcome.configuration))
    return trials, None


def next_configuration(proposer: Proposer, trials: Sequence[Trial]) -> Configuration:
    outcome = proposer.propose(trials)
    assert isinstance(outcome, Proposal)
    return outcome.configuration


in_each_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())
in_each_larger_space = pytest.mark.parametrize(
    "space", [pytest.param(space, id=name) for name, space in SPACES.items() if space.size > 1]
)


class ProposerContract:
    """The promises of :class:`tuner.search.contract.Proposer`."""

    @in_each_space
    def test_every_proposal_is_legal_and_new_and_the_search_ends(
        self, make_proposer: MakeProposer, space: ConfigurationSpace
    ) -> None:
        baseline = measured(0, default_configuration(space))
        trials, stop = run(make_proposer(search_task(space, max_trials=12)), [baseline])
        assert stop is not None
        assert stop.why.endswith(".")
        assert len(trials) <= 12
        assert all(trial.configuration in space for trial in trials)
        assert len({trial.configuration for trial in trials}) == len(trials)

    @in_each_space
    def test_it_stops_once_everything_has_been_tried(
        self, make_proposer: MakeProposer, space: ConfigurationSpace
    ) -> None:
        trials = [measured(number, configuration) for number, configuration in enumerate(space)]
        outcome = make_proposer(search_task(space, max_trials=1000)).propose(trials)
        assert isinstance(outcome, Stop)

    def test_it_stops_when_the_budget_is_spent(self, make_proposer: MakeProposer) -> None:
        trials = [measured(number, configuration) for number, configuration in enumerate(list(SPACE)[:5])]
        assert isinstance(make_proposer(search_task(max_trials=5)).propose(trials), Stop)
        assert isinstance(make_proposer(search_task(max_trials=6)).propose(trials), Proposal)

    def test_a_confirmation_is_not_charged_to_the_budget(self, make_proposer: MakeProposer) -> None:
        baseline = measured(0, default_configuration(SPACE))
        again = replace(baseline, number=1, purpose=Purpose.CONFIRMATION)
        assert isinstance(make_proposer(search_task(max_trials=2)).propose([baseline, again]), Proposal)

    def test_the_same_task_and_trials_give_the_same_answer(self, make_proposer: MakeProposer) -> None:
        trials, _ = run(make_proposer(search_task(max_trials=6)), [measured(0, default_configuration(SPACE))])
        for count in range(1, len(trials)):
            fresh = make_proposer(search_task(max_trials=6))
            assert next_configuration(fresh, trials[:count]) == trials[count].configuration

    def test_a_rejected_configuration_is_not_proposed_again(self, make_proposer: MakeProposer) -> None:
        space = ConfigurationSpace((clock(choices=(300, 600, 900)),))
        trials = [measured(0, Configuration({"gpu.core.max_mhz": 900}))]
        proposer = make_proposer(search_task(space))
        for number in (1, 2):
            trials.append(rejected(number, next_configuration(proposer, trials)))
        assert len({trial.configuration for trial in trials}) == 3
        assert isinstance(proposer.propose(trials), Stop)

    @in_each_larger_space
    def test_a_rejected_baseline_does_not_end_the_search(
        self, make_proposer: MakeProposer, space: ConfigurationSpace
    ) -> None:
        baseline = rejected(0, default_configuration(space))
        configuration = next_configuration(make_proposer(search_task(space)), [baseline])
        assert configuration in space
        assert configuration != baseline.configuration

    @in_each_larger_space
    def test_an_infeasible_baseline_does_not_end_the_search(
        self, make_proposer: MakeProposer, space: ConfigurationSpace
    ) -> None:
        baseline = measured(0, default_configuration(space), bound_s=1e-3)
        proposer = make_proposer(search_task(space, bound_s=1e-3))
        assert next_configuration(proposer, [baseline]) in space

    @in_each_space
    def test_a_baseline_outside_of_the_space_is_accepted(
        self, make_proposer: MakeProposer, space: ConfigurationSpace
    ) -> None:
        odd = {
            parameter.id: "unheard-of" if isinstance(parameter.choices[0], str) else 1234.5
            for parameter in space.parameters
        }
        proposer = make_proposer(search_task(space))
        assert next_configuration(proposer, [measured(0, Configuration(odd))]) in space
