"""What each parameter is found to do on made-up devices, whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.unit.search.devices import (
    GPU_MHZ,
    PHASES,
    SERVED,
    WITH_USELESS_KNOB,
    Noise,
    accelerator,
    dynamic_power_w,
    server,
)
from tests.unit.search.records import (
    SPACE,
    Outcome,
    batch,
    clock,
    default_configuration,
    governor,
    measured,
    rejected,
    roofline,
    search_task,
)
from tests.unit.search.studies import Study, explored, explored_at_rates, single_stream
from tuner.configuration import Configuration, ConfigurationSpace, OrderConstraint, Value
from tuner.effect_summary import Relevance, knee, relevance
from tuner.objective import Objective, Scenario, Slo
from tuner.parameter_effect import ParameterEffect
from tuner.search.bayesian import BayesianProposer
from tuner.search.client import SearchClient, SearchError
from tuner.search.contract import EarlierStudy, SearchTask
from tuner.search.effects import MOST_CHOICES
from tuner.search.random_search import RandomProposer
from tuner.trial import Purpose

TRIALS = 15
_ONE_PERCENT = 0.01


def pipelined(configuration: Mapping[str, Value]) -> Outcome:
    """Pre-processes on the CPU while it infers on the accelerator: the slower of the two sets the pace."""
    cpu_ghz, gpu_ghz = (float(configuration[name]) / 1000 for name in ("cpu.max_mhz", "gpu.core.max_mhz"))
    first_s, second_s = 0.010 / cpu_ghz, 0.001 + 0.008 / gpu_ghz
    latency_s = max(first_s, second_s)
    joules = (
        6.0 * latency_s
        + dynamic_power_w(cpu_ghz, 2.5, 0.7, 0.7) * first_s
        + dynamic_power_w(gpu_ghz, 9.0, 0.5, 0.9) * second_s
    )
    return Outcome((latency_s,), joules, 1 / latency_s)


def by_parameter(study: Study) -> dict[str, ParameterEffect]:
    return {effect.parameter: effect for effect in BayesianProposer(study.task).effects(study.trials)}


def effects_of_one(space: ConfigurationSpace, configuration: Configuration) -> dict[str, ParameterEffect]:
    """Effects after one trial of a device whose physics do not matter."""
    task = search_task(space)
    return by_parameter(Study(task, [measured(0, configuration)], None))


@pytest.mark.parametrize("seed", range(3))
def test_a_knob_that_does_nothing_is_found_out(seed: int) -> None:
    task = single_stream(WITH_USELESS_KNOB, 0.03)
    effects = by_parameter(explored(task, Noise(accelerator, _ONE_PERCENT, seed), most=TRIALS, heeds_stop=False))
    assert relevance(effects["gpu.copy.max_mhz"]) is Relevance.DOES_NOT_MATTER
    assert relevance(effects["gpu.core.max_mhz"]) is Relevance.MATTERS


@pytest.mark.parametrize("seed", range(3))
def test_a_clock_is_found_to_gain_nothing_once_another_phase_is_the_bottleneck(seed: int) -> None:
    task = single_stream(PHASES, 0.03)
    study = explored(task, Noise(pipelined, _ONE_PERCENT, seed), most=TRIALS, heeds_stop=False)
    effect = by_parameter(study)["cpu.max_mhz"]
    found = knee(effect, PHASES.parameters[0])
    beside = study.trials[effect.through].configuration
    latencies_s = [pipelined({**beside, "cpu.max_mhz": choice}).latencies_s[0] for choice in effect.choices]
    true_place = next(place for place, one in enumerate(latencies_s) if one < 1.0001 * latencies_s[-1])
    assert 1 < true_place < len(latencies_s) - 2
    assert found is not None
    assert abs(effect.choices.index(found.value) - true_place) <= 1


@pytest.mark.parametrize("seed", range(3))
def test_intervals_mostly_hold_the_truth(seed: int) -> None:
    study = explored(single_stream(PHASES, 0.03), Noise(pipelined, _ONE_PERCENT, seed), most=TRIALS, heeds_stop=False)
    held = []
    for effect in by_parameter(study).values():
        beside = study.trials[effect.through].configuration
        origin = pipelined(beside)
        for choice, latency, energy in zip(effect.choices, effect.latency_ratios, effect.energy_ratios, strict=True):
            true = pipelined({**beside, effect.parameter: choice})
            held += [
                latency.interval.low <= true.latencies_s[0] / origin.latencies_s[0] <= latency.interval.high,
                energy.interval.low <= true.energy_j / origin.energy_j <= energy.interval.high,
            ]
    assert sum(held) >= 0.8 * len(held)


def test_lines_go_through_the_incumbent_which_is_one() -> None:
    study = explored(search_task(), roofline)
    effects = by_parameter(study)
    assert effects.keys() == {"gpu.core.max_mhz", "batch_size"}
    for effect in effects.values():
        through = study.trials[effect.through]
        assert through.configuration == study.best
        place = effect.choices.index(through.configuration[effect.parameter])
        for ratio in (effect.latency_ratios[place], effect.energy_ratios[place], effect.latency_left[-1]):
            assert ratio.median == pytest.approx(1.0, abs=1e-3)
            assert ratio.interval.high - ratio.interval.low < 2e-3


def test_what_is_left_to_gain_is_counted_to_the_fastest_choice_above() -> None:
    effect = by_parameter(explored(search_task(), roofline))["gpu.core.max_mhz"]
    medians = [ratio.median for ratio in effect.latency_ratios]
    for place, left in enumerate(effect.latency_left):
        assert left.median == pytest.approx(min(medians[place:]) / medians[place], rel=0.01)


def test_values_that_were_measured_are_counted_those_of_earlier_studies_too() -> None:
    first, other = default_configuration(SPACE), Configuration({"gpu.core.max_mhz": 714, "batch_size": 1})
    alone = BayesianProposer(search_task()).effects([measured(0, first)])
    task = SearchTask(SPACE, search_task().objective, 0, 30, (EarlierStudy((measured(0, other),)),))
    assert [effect.tried for effect in alone] == [1, 1]
    assert [effect.tried for effect in BayesianProposer(task).effects([measured(0, first)])] == [2, 1]


def test_only_legal_choices_lie_on_a_line() -> None:
    low, high = (clock(f"gpu.core.{end}_mhz", GPU_MHZ) for end in ("min", "max"))
    space = ConfigurationSpace((low, high), (OrderConstraint(low.id, high.id),))
    effects = effects_of_one(space, Configuration({low.id: 600, high.id: 1200}))
    assert effects[low.id].choices == tuple(mhz for mhz in GPU_MHZ if mhz <= 1200)
    assert effects[high.id].choices == tuple(mhz for mhz in GPU_MHZ if mhz >= 600)


def test_a_pools_lines_are_its_points() -> None:
    points = [(918, 1), (918, 4), (612, 1), (306, 4)]
    pool = tuple(Configuration({"gpu.core.max_mhz": mhz, "batch_size": items}) for mhz, items in points)
    effects = effects_of_one(ConfigurationSpace((clock(), batch()), pool=pool), pool[0])
    assert effects["gpu.core.max_mhz"].choices == (612, 918)
    assert effects["batch_size"].choices == (1, 4)


def test_a_parameter_without_a_choice_has_no_effect() -> None:
    space = ConfigurationSpace((clock(), batch((4,))))
    assert effects_of_one(space, default_configuration(space)).keys() == {"gpu.core.max_mhz"}


def test_a_long_line_is_thinned_from_end_to_end() -> None:
    clocks = tuple(range(210, 1980, 15))
    (effect,) = effects_of_one(ConfigurationSpace((clock(choices=clocks),)), Configuration({clock().id: 1965})).values()
    assert len(set(effect.choices)) == MOST_CHOICES
    assert (effect.choices[0], effect.choices[-1]) == (clocks[0], clocks[-1])
    assert list(effect.choices) == sorted(effect.choices)
    assert max(map(int, effect.choices[1:])) - min(map(int, effect.choices)) <= 1965 - 210


def test_categories_have_an_effect() -> None:
    space = ConfigurationSpace((clock(), governor()))
    effect = effects_of_one(space, default_configuration(space))["cpu.governor"]
    assert effect.choices == governor().choices


def test_a_baseline_beyond_the_choices_has_lines_all_the_same() -> None:
    odd = Configuration({"gpu.core.max_mhz": 1377, "batch_size": 3})
    effects = effects_of_one(SPACE, odd)
    assert [effects[parameter.id].choices for parameter in SPACE.parameters] == [
        parameter.choices for parameter in SPACE.parameters
    ]


def test_the_arrival_rate_is_no_parameter_and_lines_lie_at_the_highest_that_has_an_incumbent() -> None:
    rates_hz = (40.0, 120.0)
    asked = Objective(Scenario.SERVER, (Slo(99.0, 0.05),), arrival_rates_hz=rates_hz)
    study = explored_at_rates(
        SearchTask(SERVED, asked, 0, 30), lambda one, rate_hz: server(one, rate_hz or 0.0), most=8, heeds_stop=False
    )
    effects = by_parameter(study)
    assert effects.keys() == {parameter.id for parameter in SERVED.parameters}
    highest_hz = max(trial.arrival_rate_hz or 0.0 for trial in study.trials if trial.is_feasible)
    assert {study.trials[effect.through].arrival_rate_hz for effect in effects.values()} == {highest_hz}


def test_where_nothing_holds_the_slo_lines_go_through_what_comes_closest() -> None:
    study = explored(search_task(bound_s=1e-3), roofline, most=6, heeds_stop=False)
    latencies_s = [roofline(one).latencies_s[0] for one in study.configurations]
    through = {effect.through for effect in by_parameter(study).values()}
    assert through == {latencies_s.index(min(latencies_s))}


@pytest.mark.parametrize("bound_s", [1e-3, 0.0102])
def test_lines_go_through_the_first_look_at_a_configuration(bound_s: float) -> None:
    """A later look at the baseline is no trial of its own, even if it was the better one."""
    configuration = Configuration({"gpu.core.max_mhz": 1000, "batch_size": 1})
    again = measured(1, configuration, lambda one: roofline(one).scaled(0.99), bound_s, Purpose.REFERENCE)
    slow, held = measured(0, configuration, lambda one: roofline(one).scaled(1.03), bound_s), again.is_feasible
    assert (slow.is_feasible, held) == (False, bound_s > 1e-3)
    effects = BayesianProposer(search_task(bound_s=bound_s)).effects([slow, again])
    assert {effect.through for effect in effects} == {0}


def test_nothing_is_known_before_anything_was_measured() -> None:
    assert BayesianProposer(search_task()).effects([]) == ()
    assert BayesianProposer(search_task()).effects([rejected(0, default_configuration(SPACE))]) == ()


def test_a_search_without_a_model_knows_no_effects() -> None:
    assert RandomProposer(search_task()).effects([measured(0, default_configuration(SPACE))]) == ()


def test_the_worker_tells_the_same_and_a_failure_is_an_error() -> None:
    search = SearchClient()
    try:
        search.begin(search_task())
        trials = [measured(0, default_configuration(SPACE)), measured(1, next(iter(SPACE)), purpose=Purpose.SEARCH)]
        assert search.effects(trials) == BayesianProposer(search_task()).effects(trials)
        broken = measured(1, next(iter(SPACE)), lambda _: Outcome((0.01,), -1.0, 100.0))
        with pytest.raises(SearchError, match="search failed"):
            search.effects([trials[0], broken])
    finally:
        search.close()
