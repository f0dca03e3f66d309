"""Spaces, tasks and trials for the tests of the search."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Outcome:
    """What a made-up device does in one configuration.

    Attributes:
        latencies_s: Latency at the percentile of each SLO.
        energy_j: Energy per request.
        throughput_hz: Requests per second.
        idle_share: Share of time without work, where the device tells.
    """

    latencies_s: tuple[float, ...]
    energy_j: float
    throughput_hz: float
    idle_share: float | None = None

    def scaled(self, latency: float = 1.0, energy: float = 1.0) -> Outcome:
        """Returns the outcome of heavier or lighter work."""
        latencies_s = tuple(latency * one for one in self.latencies_s)
        return Outcome(latencies_s, energy * self.energy_j, self.throughput_hz / latency)


Physics = Callable[[Configuration], Outcome]


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


def roofline(configuration: Mapping[str, Value]) -> Outcome:
    """A device whose energy has its minimum at a middle clock; every parameter but clock and batch changes little."""
    clock_ghz = max(float(configuration.get("gpu.core.max_mhz", 1000)), 10.0) / 1000
    items = float(configuration.get("batch_size", 1))
    others = 0.02 * sum(len(str(value)) for value in configuration.values())
    latency_s = 0.004 + 0.006 * items / clock_ghz
    power_w = 6.0 + others + 12.0 * clock_ghz * (0.6 + 0.4 * clock_ghz) ** 2
    return Outcome((latency_s,), power_w * latency_s / items, items / latency_s)


def measurement(outcome: Outcome, asked: Objective) -> Measurement:
    """What a long window would say of an outcome, and whether every SLO holds."""
    latencies_s, energy_j = outcome.latencies_s, outcome.energy_j
    holds = all(latency_s <= slo.bound_s for slo, latency_s in zip(asked.slos, latencies_s, strict=True))
    return Measurement(
        energy=EnergyResult(
            energy_j,
            Interval(energy_j * 0.99, energy_j * 1.01),
            Scope.GPU,
            Provenance.SIMULATED,
            "test",
            energy_j * outcome.throughput_hz,
        ),
        latency=LatencyResult(*[latencies_s[0]] * 5),
        slo_latency_s=latencies_s[0],
        verdict=Verdict.FEASIBLE if holds else Verdict.INFEASIBLE,
        requests=500,
        queries=500,
        window_s=1.0,
        throughput_hz=outcome.throughput_hz,
        slo_latencies_s=latencies_s,
        idle_share=outcome.idle_share,
    )


def recorded(
    number: int,
    configuration: Configuration,
    outcome: Outcome,
    asked: Objective,
    rate_hz: float | None = None,
    purpose: Purpose | None = None,
    energy_j: float | None = None,
) -> Trial:
    """A measured trial; ``energy_j`` is what the trial took, everything included."""
    purpose = purpose or (Purpose.SEARCH if number else Purpose.BASELINE)
    return Trial(
        number,
        configuration,
        purpose,
        measurement(outcome, asked),
        None,
        "2026-01-01T00:00:00+00:00",
        1.0,
        energy_j=energy_j,
        arrival_rate_hz=rate_hz,
    )


def measured(
    number: int,
    configuration: Configuration,
    physics: Physics = roofline,
    bound_s: float = BOUND_S,
    purpose: Purpose | None = None,
) -> Trial:
    return recorded(number, configuration, physics(configuration), objective(bound_s), purpose=purpose)


def all_measured(configurations: Iterable[Configuration], physics: Physics = roofline) -> list[Trial]:
    return [measured(number, configuration, physics) for number, configuration in enumerate(configurations)]


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


def optimum_j(space: ConfigurationSpace, physics: Physics = roofline, asked: Objective | None = None) -> float:
    """Least energy of what holds every SLO; infinite if nothing does."""
    slos = (asked or objective()).slos
    return min(
        (
            outcome.energy_j
            for outcome in map(physics, space)
            if all(latency_s <= slo.bound_s for slo, latency_s in zip(slos, outcome.latencies_s, strict=True))
        ),
        default=math.inf,
    )


def energies_j(trials: Sequence[Trial]) -> list[float]:
    """Returns the energy per request of each trial that holds every SLO; infinite for the others."""
    return [
        trial.measurement.energy.per_request_j if trial.measurement is not None and trial.is_feasible else math.inf
        for trial in trials
    ]
