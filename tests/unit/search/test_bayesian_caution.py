"""Our proposer while real traffic is served: no step that is likely to break an SLO, none too far."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.search.devices import PHASES, SERVED, Noise, server, two_phases
from tests.unit.search.records import (
    SPACE,
    Outcome,
    Physics,
    default_configuration,
    measured,
    roofline,
    search_task,
)
from tests.unit.search.studies import Study, explored, single_stream
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.objective import Objective, Scenario, Slo
from tuner.search.bayesian import BayesianProposer
from tuner.search.contract import LIVE_CAUTION, Caution, Proposal, SearchTask, Stop

DEVICES = [(SPACE, roofline, 0.1), (SPACE, roofline, 0.02), (PHASES, two_phases, 0.03), (PHASES, two_phases, 0.021)]


def cautious(space: ConfigurationSpace, physics: Physics, bound_s: float, caution: Caution = LIVE_CAUTION) -> Study:
    return explored(replace(single_stream(space, bound_s), caution=caution), physics, most=40)


def steps(space: ConfigurationSpace, one: Configuration, other: Configuration) -> int:
    return max(
        abs(parameter.choices.index(one[parameter.id]) - parameter.choices.index(other[parameter.id]))
        for parameter in space.parameters
    )


@pytest.mark.parametrize(("space", "physics", "bound_s"), DEVICES)
def test_no_slo_breaks_on_a_smooth_device_and_the_optimum_is_found(
    space: ConfigurationSpace, physics: Physics, bound_s: float
) -> None:
    study = cautious(space, physics, bound_s)
    assert study.violations == 0
    assert study.stop is not None
    assert study.regret(physics) <= 0.05


def test_under_noise_hardly_any_breaks() -> None:
    studies = [cautious(PHASES, Noise(two_phases, 0.02, seed), 0.03) for seed in range(2)]
    assert sum(study.violations for study in studies) <= 1


@pytest.mark.parametrize("max_steps", [1, 2])
@pytest.mark.parametrize(("space", "physics", "bound_s"), DEVICES)
def test_every_step_starts_from_what_is_proven(
    space: ConfigurationSpace, physics: Physics, bound_s: float, max_steps: int
) -> None:
    study = cautious(space, physics, bound_s, Caution(0.95, max_steps))
    for number, trial in enumerate(study.trials[1:], start=1):
        proven = [earlier.configuration for earlier in study.trials[:number] if earlier.is_feasible]
        assert min(steps(space, trial.configuration, one) for one in proven) <= max_steps


def test_it_stops_and_says_so_once_all_that_is_left_is_too_risky() -> None:
    baseline = Configuration({"gpu.core.max_mhz": 306, "batch_size": 1})
    bound_s = 1.001 * roofline(baseline).latencies_s[0]
    space = ConfigurationSpace(SPACE.parameters, pool=tuple(one for one in SPACE if one["gpu.core.max_mhz"] == 306))
    task = replace(search_task(space, bound_s=bound_s), caution=LIVE_CAUTION)
    outcome = BayesianProposer(task).propose([measured(0, baseline, bound_s=bound_s)])
    assert isinstance(outcome, Stop)
    assert "95%" in outcome.why


def quiet_server(configuration: Configuration) -> Outcome:
    """A server with little to do, which says so."""
    outcome = server(configuration, 10.0)
    return replace(outcome, idle_share=0.9)


def test_a_server_that_is_seen_idle_leaves_room_to_step_into() -> None:
    """Without that, it might be on the brink of its queue, and nothing is likely enough to hold the SLO."""
    bound_s = 2.0 * server(default_configuration(SERVED), 10.0).latencies_s[0]
    task = SearchTask(SERVED, Objective(Scenario.LIVE, (Slo(99.0, bound_s),)), 0, 40, caution=LIVE_CAUTION)
    silent = explored(task, lambda configuration: replace(quiet_server(configuration), idle_share=None))
    telling = explored(task, quiet_server)
    assert len(silent.trials) == 1
    assert len(telling.trials) > 4
    assert telling.violations == 0
    assert telling.regret(quiet_server) < 0.5 * silent.regret(quiet_server)


def test_what_held_the_slo_in_an_earlier_study_is_not_believed_to_hold_it_now() -> None:
    far = Configuration({"gpu.core.max_mhz": 306, "batch_size": 16})
    baseline = default_configuration(SPACE)
    earlier = tuple(measured(number, one, bound_s=10.0) for number, one in enumerate((baseline, far)))
    task = search_task(earlier=earlier)
    bold = BayesianProposer(task).propose([measured(0, baseline)])
    careful = BayesianProposer(replace(task, caution=LIVE_CAUTION)).propose([measured(0, baseline)])
    assert isinstance(bold, Proposal)
    assert bold.configuration == far
    assert isinstance(careful, Stop) or careful.configuration != far


def test_without_caution_longer_steps_are_taken() -> None:
    baseline = default_configuration(SPACE)
    bold = explored(search_task(), roofline).configurations[1]
    careful = cautious(SPACE, roofline, 0.1).configurations[1]
    assert steps(SPACE, baseline, careful) <= 2 < steps(SPACE, baseline, bold)
