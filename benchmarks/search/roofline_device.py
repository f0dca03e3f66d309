"""A device that does not exist: roofline time, leakage and switching power, a cap that slows the core down.

It says nothing about how well a search does, only what a proposal costs: six knobs are enough for a million points.
"""

from __future__ import annotations

import math
import random

from knobs.contract import Provenance, Scope
from tuner.configuration import Configuration, ConfigurationSpace, Owner, Parameter, ParameterKind
from tuner.objective import Objective, Scenario, Slo
from tuner.search.contract import SearchTask
from tuner.trial import EnergyResult, Interval, LatencyResult, Measurement, Purpose, Trial, Verdict

CORE, BATCH, MEMORY, CPU, CORES, CAP = "core_mhz", "batch_size", "memory_mhz", "cpu_mhz", "cpu_cores", "cap_w"

PARAMETERS = (
    Parameter(CORE, "MHz", ParameterKind.CLOCK, tuple(range(300, 1300, 50)), Owner.KNOB),
    Parameter(BATCH, "items", ParameterKind.BATCH, (1, 2, 4, 8, 16), Owner.PERSISTENT),
    Parameter(MEMORY, "MHz", ParameterKind.CLOCK, tuple(range(800, 3300, 250)), Owner.KNOB),
    Parameter(CPU, "MHz", ParameterKind.CLOCK, tuple(range(400, 2400, 200)), Owner.KNOB),
    Parameter(CORES, "cores", ParameterKind.CORES, tuple(range(1, 11)), Owner.KNOB),
    Parameter(CAP, "W", ParameterKind.POWER_CAP, tuple(range(15, 65, 5)), Owner.KNOB),
)
SIZES = tuple(
    math.prod(len(parameter.choices) for parameter in PARAMETERS[:count]) for count in range(2, len(PARAMETERS) + 1)
)
"""Points of the spaces of the first two parameters, the first three, ..."""

_NOISE = 0.01


def space_of(points: int) -> ConfigurationSpace:
    """Returns the space with so many points, one of :data:`SIZES`."""
    return ConfigurationSpace(PARAMETERS[: SIZES.index(points) + 2])


def task_of(space: ConfigurationSpace) -> SearchTask:
    """Returns the task of finding the least energy at up to twice the latency of the baseline."""
    bound_s = 2.0 * _latency_s(baseline_of(space))
    return SearchTask(space, Objective(Scenario.SINGLE_STREAM, (Slo(50.0, bound_s),)), seed=0, max_trials=1_000_000)


def baseline_of(space: ConfigurationSpace) -> Configuration:
    """Returns the configuration with the smallest batch and everything else at its maximum."""
    return Configuration(
        {
            parameter.id: parameter.choices[0 if parameter.kind is ParameterKind.BATCH else -1]
            for parameter in space.parameters
        }
    )


def trials_of(task: SearchTask, count: int) -> list[Trial]:
    """Returns the baseline and so many random configurations less one, each measured once, with noise."""
    generator = random.Random(task.seed)
    configurations = [baseline_of(task.space)]
    while len(configurations) < count:
        drawn = Configuration({one.id: generator.choice(one.choices) for one in task.space.parameters})
        if drawn not in configurations:
            configurations.append(drawn)
    bound_s = task.objective.slos[0].bound_s
    return [_trial(number, one, bound_s, generator) for number, one in enumerate(configurations)]


def _trial(number: int, configuration: Configuration, bound_s: float, generator: random.Random) -> Trial:
    items = float(configuration[BATCH])
    latency_s = _latency_s(configuration) * generator.lognormvariate(0.0, _NOISE)
    power_w = _power_w(configuration) * generator.lognormvariate(0.0, _NOISE)
    energy_j = power_w * latency_s / items
    measurement = Measurement(
        energy=EnergyResult(
            energy_j,
            Interval(energy_j * (1.0 - 2.0 * _NOISE), energy_j * (1.0 + 2.0 * _NOISE)),
            Scope.BOARD,
            Provenance.SIMULATED,
            "roofline",
            power_w,
        ),
        latency=LatencyResult(*(latency_s,) * 5),
        slo_latency_s=latency_s,
        verdict=Verdict.FEASIBLE if latency_s <= bound_s else Verdict.INFEASIBLE,
        requests=500,
        queries=500,
        window_s=500 * latency_s,
        throughput_hz=items / latency_s,
    )
    purpose = Purpose.SEARCH if number else Purpose.BASELINE
    return Trial(number, configuration, purpose, measurement, None, "1970-01-01T00:00:00Z", 0.0)


def _latency_s(configuration: Configuration) -> float:
    items = float(configuration[BATCH])
    computing_s = 0.008 * items**0.9 / _core_ghz(configuration)
    moving_s = (0.004 + 0.003 * items) / _number(configuration, MEMORY) * 1e3
    preparing_s = 0.002 * items / (_number(configuration, CPU) * 1e-3) / _number(configuration, CORES) ** 0.7
    return preparing_s + max(computing_s, moving_s)


def _power_w(configuration: Configuration) -> float:
    cpu_w = 0.6 * _number(configuration, CORES) * (_number(configuration, CPU) * 1e-3) ** 2
    memory_w = 1.0 + 2.5 * _number(configuration, MEMORY) * 1e-3
    return 4.0 + cpu_w + memory_w + _core_w(_core_ghz(configuration))


def _core_ghz(configuration: Configuration) -> float:
    """Returns the clock that is delivered: the highest one not above the limit whose power the cap allows."""
    ghz = _number(configuration, CORE) * 1e-3
    while ghz > 0.1 and _core_w(ghz) > 0.8 * _number(configuration, CAP):
        ghz *= 0.98
    return ghz


def _core_w(ghz: float) -> float:
    volt = 0.6 + 0.4 * ghz**1.5
    return 3.0 * volt + 30.0 * ghz * volt**2


def _number(configuration: Configuration, name: str) -> float:
    """Returns a knob's value; what the space leaves out stands at its maximum."""
    default = next(parameter.choices[-1] for parameter in PARAMETERS if parameter.id == name)
    return float(configuration.get(name, default))
