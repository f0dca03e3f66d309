"""Spaces, tasks and trials for the tests of the search."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from knobs.contract import Provenance, Scope
from tuner.configuration import Configuration, ConfigurationSpace, Owner, Parameter, ParameterKind, Value
from tuner.objective import Objective, Scenario, Slo
from tuner.search.contract import EarlierStudy, SearchTask
from tuner.trial import (
    EnergyResult,
    Interval,
    LatencyResult,
    Measurement,
    Purpose,
    Rejection,
    RejectionCause,
    Trial,
    Verdict,
)

CLOCKS_MHZ = (306, 408, 510, 612, 714, 816, 918, 1020, 1122, 1224, 1300)
BATCHES = (1, 2, 4, 8, 16)
BOUND_S = 0.1

Physics = Callable[[Configuration], tuple[float, float]]
"""Configuration to latency of a batch in seconds and energy per request in joules."""


def clock(name: str = "gpu.core.max_mhz", choices: tuple[Value, ...] = CLOCKS_MHZ) -> Parameter:
    return Parameter(name, "MHz", ParameterKind.CLOCK, choices, Owner.KNOB)


def batch(choices: tuple[Value, ...] = BATCHES) -> Parameter:
    return Parameter("batch_size", "items", ParameterKind.BATCH, choices, Owner.STUDY_ONLY)


def governor() -> Parameter:
    return Parameter("cpu.governor", "", ParameterKind.CATEGORY, ("ondemand", "performance", "schedutil"), Owner.KNOB)


SPACE = ConfigurationSpace((clock(), batch()))


def objective(bound_s: float = BOUND_S) -> Objective:
    return Objective(Scenario.SINGLE_STREAM, (Slo(99.0, bound_s),))


def search_task(
    space: ConfigurationSpace = SPACE,
    bound_s: float = BOUND_S,
    seed: int = 0,
    max_trials: int = 30,
    earlier: tuple[Trial, ...] = (),
) -> SearchTask:
    return SearchTask(space, objective(bound_s), seed, max_trials, (EarlierStudy(earlier),) if earlier else ())


def roofline(configuration: Mapping[str, Value]) -> tuple[float, float]:
    """A device whose energy has its minimum at a middle clock; every parameter but clock and batch changes little."""
    clock_ghz = max(float(configuration.get("gpu.core.max_mhz", 1000)), 10.0) / 1000
    items = float(configuration.get("batch_size", 1))
    others = 0.02 * sum(len(str(value)) for value in configuration.values())
    latency_s = 0.004 + 0.006 * items / clock_ghz
    power_w = 6.0 + others + 12.0 * clock_ghz * (0.6 + 0.4 * clock_ghz) ** 2
    return latency_s, power_w * latency_s / items


def measurement(latency_s: float, energy_j: float, items: float = 1.0, bound_s: float = BOUND_S) -> Measurement:
    throughput_hz = items / latency_s
    return Measurement(
        energy=EnergyResult(
            energy_j,
            Interval(energy_j * 0.99, energy_j * 1.01),
            Scope.GPU,
            Provenance.SIMULATED,
            "test",
            energy_j * throughput_hz,
        ),
        latency=LatencyResult(latency_s, latency_s, latency_s, latency_s, latency_s),
        slo_latency_s=latency_s,
        verdict=Verdict.FEASIBLE if latency_s <= bound_s else Verdict.INFEASIBLE,
        requests=500,
        queries=500,
        window_s=1.0,
        throughput_hz=throughput_hz,
    )


def measured(
    number: int,
    configuration: Configuration,
    physics: Physics = roofline,
    bound_s: float = BOUND_S,
    purpose: Purpose | None = None,
) -> Trial:
    latency_s, energy_j = physics(configuration)
    items = float(configuration.get("batch_size", 1))
    purpose = purpose or (Purpose.SEARCH if number else Purpose.BASELINE)
    result = measurement(latency_s, energy_j, items, bound_s)
    return Trial(number, configuration, purpose, result, None, "2026-01-01T00:00:00+00:00", 1.0)


def rejected(number: int, configuration: Configuration) -> Trial:
    purpose = Purpose.SEARCH if number else Purpose.BASELINE
    rejection = Rejection(RejectionCause.NOT_VERIFIED, "The clock read back differs.")
    return Trial(number, configuration, purpose, None, rejection, "2026-01-01T00:00:00+00:00", 1.0)


def default_configuration(space: ConfigurationSpace) -> Configuration:
    """Returns a legal configuration as a machine has it: the last clock, the first batch."""
    candidates = list(space)
    return max(
        candidates,
        key=lambda one: sum(
            float(one[parameter.id]) * (-1 if parameter.kind is ParameterKind.BATCH else 1)
            for parameter in space.parameters
            if parameter.kind is not ParameterKind.CATEGORY
        ),
    )


def optimum_j(space: ConfigurationSpace, physics: Physics = roofline, bound_s: float = BOUND_S) -> float:
    outcomes = [physics(configuration) for configuration in space]
    return min((energy_j for latency_s, energy_j in outcomes if latency_s <= bound_s), default=math.inf)
