"""Our proposer when the whole trade of energy for latency is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest

from tests.unit.search.devices import PHASES, Noise, two_phases
from tests.unit.search.records import SPACE, Physics, roofline
from tests.unit.search.studies import explored, single_stream
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.search import stopping
from tuner.search.contract import Goal
from tuner.search.front import Point, hypervolume, non_dominated


def points(configurations: Iterable[Configuration], physics: Physics) -> list[Point]:
    outcomes = map(physics, configurations)
    return [(math.log(one.latencies_s[0]), math.log(one.energy_j)) for one in outcomes]


def share(space: ConfigurationSpace, physics: Physics, tried: list[Configuration], bound_s: float) -> float:
    """Which part of the true front's hypervolume within the SLO the tried configurations have."""
    everything = points(space, physics)
    reference = (math.log(bound_s), max(energy for _, energy in everything))
    found, all_of_it = (hypervolume(non_dominated(some), reference) for some in (points(tried, physics), everything))
    return found / all_of_it


@pytest.mark.parametrize("sd", [0.0, 0.01])
@pytest.mark.parametrize(
    ("space", "physics", "bound_s"), [(SPACE, roofline, 0.1), (SPACE, roofline, 0.03), (PHASES, two_phases, 0.03)]
)
def test_nine_tenths_of_the_front_are_known_within_twenty_trials(
    space: ConfigurationSpace, physics: Physics, bound_s: float, sd: float
) -> None:
    task = replace(single_stream(space, bound_s), goal=Goal.FRONT)
    study = explored(task, Noise(physics, sd), most=20)
    assert share(space, physics, study.configurations, bound_s) >= 0.9


def test_it_stops_once_the_front_hardly_grows() -> None:
    study = explored(replace(single_stream(PHASES, 0.03), goal=Goal.FRONT), two_phases)
    assert study.stop is not None
    assert "Pareto front" in study.stop.why


@pytest.mark.parametrize(("space", "physics", "bound_s"), [(SPACE, roofline, 0.1), (PHASES, two_phases, 0.03)])
def test_its_end_of_least_energy_is_found_as_well(space: ConfigurationSpace, physics: Physics, bound_s: float) -> None:
    """That end is what will be recommended."""
    study = explored(replace(single_stream(space, bound_s), goal=Goal.FRONT), physics, most=14)
    assert study.regret(physics) <= 0.02


def test_a_front_that_hardly_grows_is_no_reason_to_stop_while_energy_may_still_be_saved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stopping, "WORTHWHILE_FRONT_GAIN", math.inf)
    task = replace(single_stream(PHASES, 0.03), goal=Goal.FRONT)
    assert len(explored(task, Noise(two_phases, 0.05)).trials) > stopping.FEWEST_TRIALS


def test_it_knows_more_of_the_front_than_a_search_for_least_energy() -> None:
    for_energy = single_stream(SPACE, 0.1)
    shares = [
        share(SPACE, roofline, explored(task, roofline, most=9, heeds_stop=False).configurations, 0.1)
        for task in (for_energy, replace(for_energy, goal=Goal.FRONT))
    ]
    assert shares[1] > shares[0]


def test_while_nothing_holds_the_slo_that_comes_first() -> None:
    slowest = Configuration({"gpu.core.max_mhz": 306, "batch_size": 16})
    task = replace(single_stream(SPACE, 0.012), goal=Goal.FRONT)
    study = explored(task, roofline, most=6, baseline=slowest, heeds_stop=False)
    assert any(trial.is_feasible for trial in study.trials)
