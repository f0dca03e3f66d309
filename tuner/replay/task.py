"""A measured table as something to be searched: space, objective, starting point, and a trial for any of its points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from knobs.contract import Provenance, Scope
from simulation.measured_table import Point, Task
from tuner.configuration import Configuration, ConfigurationSpace, Owner, Parameter, ParameterKind, Value
from tuner.errors import BadInputError
from tuner.objective import Objective, Scenario, Slo
from tuner.replay.disturbance import EXACT, Deviation
from tuner.replay.row import TaskKey
from tuner.trial import (
    EnergyResult,
    Interval,
    LatencyResult,
    Measurement,
    Purpose,
    Trial,
    Verdict,
)

_PERCENTILE = 50.0
"""A table has one latency a point, its mean: the SLO is put on the middle of the distribution."""

_KIND_OF_UNIT = {
    "MHz": ParameterKind.CLOCK,
    "W": ParameterKind.POWER_CAP,
    "cores": ParameterKind.CORES,
    "items": ParameterKind.BATCH,
}

_KIND_IN_NAME = {
    "batch": ParameterKind.BATCH,
    "thread": ParameterKind.THREADS,
    "core": ParameterKind.CORES,
    "instance": ParameterKind.INSTANCES,
    "quota": ParameterKind.QUOTA,
    "cap": ParameterKind.POWER_CAP,
    "limit": ParameterKind.POWER_CAP,
    "clock": ParameterKind.CLOCK,
}


class ReplayTask:
    """One device and workload of a measured table under one SLO.

    Attributes:
        table: The measured points.
        slo: The SLO's bound as a multiple of the fastest latency in the table.
        space: The table's points as a pool.
        objective: The SLO in seconds.
        start: The configuration of trial 0.
        feasible: The points that hold the SLO.
        optimum_j: The least energy among them, infinite if there is none.
    """

    def __init__(self, table: Task, slo: float) -> None:
        """Prepares the space.

        Args:
            table: The measured points.
            slo: Multiple of the fastest latency that is still allowed.

        Raises:
            BadInputError: A column's kind cannot be told from its unit and name.
        """
        self.table = table
        self.slo = slo
        self._points = {Configuration(point.values): point for point in table.points}
        self.space = _space(table.knobs, tuple(self._points))
        bound_s = slo * min(point.latency_s for point in table.points)
        self.objective = Objective(Scenario.SINGLE_STREAM, (Slo(_PERCENTILE, bound_s),))
        self.start = _nearest_to_defaults(self.space)
        self.feasible = tuple(point for point in table.points if point.latency_s <= bound_s)
        self.optimum_j = min((point.energy_j for point in self.feasible), default=math.inf)

    @property
    def name(self) -> str:
        """The table, the device, the workload and the SLO in one line."""
        return f"{self.table.dataset.name}, {self.table.device}, {self.table.workload}, {self.slo:g} x"

    @property
    def key(self) -> TaskKey:
        """What the rows of this task know it by."""
        return (self.table.dataset.name, self.table.device, self.table.workload, self.slo)

    def energy_j(self, configuration: Configuration) -> float:
        """Returns the table's energy per request.

        Raises:
            ValueError: The table has no such point.
        """
        return self._point(configuration).energy_j

    def latency_s(self, configuration: Configuration) -> float:
        """Returns the table's latency.

        Raises:
            ValueError: The table has no such point.
        """
        return self._point(configuration).latency_s

    def holds_slo(self, configuration: Configuration) -> bool:
        """Tells whether the table's latency is within the bound.

        Raises:
            ValueError: The table has no such point.
        """
        return self.latency_s(configuration) <= self.objective.slos[0].bound_s

    def trial(self, number: int, configuration: Configuration, deviation: Deviation = EXACT) -> Trial:
        """Returns what a measurement says of one configuration as a trial.

        Args:
            number: Of the trial; 0 is the baseline.
            configuration: One of the table's.
            deviation: By how much the measurement is off.

        Raises:
            ValueError: The table has no such point.
        """
        purpose = Purpose.SEARCH if number else Purpose.BASELINE
        measurement = self._measurement(self._point(configuration), deviation)
        return Trial(number, configuration, purpose, measurement, None, "1970-01-01T00:00:00Z", 0.0)

    def _point(self, configuration: Configuration) -> Point:
        point = self._points.get(configuration)
        if point is None:
            raise ValueError(f"The table has no point {configuration}.")
        return point

    def _measurement(self, point: Point, deviation: Deviation) -> Measurement:
        energy_j, latency_s = point.energy_j * deviation.energy, point.latency_s * deviation.latency
        throughput_hz = self._items(point.values) / latency_s
        return Measurement(
            energy=EnergyResult(
                per_request_j=energy_j,
                interval=Interval(energy_j / deviation.interval_factor, energy_j * deviation.interval_factor),
                scope=Scope.BOARD,
                provenance=Provenance.MEASURED,
                meter=self.table.dataset.name,
                mean_power_w=energy_j * throughput_hz,
            ),
            latency=LatencyResult(*(latency_s,) * 5),
            slo_latency_s=latency_s,
            verdict=Verdict.FEASIBLE if latency_s <= self.objective.slos[0].bound_s else Verdict.INFEASIBLE,
            requests=1,
            queries=1,
            window_s=latency_s,
            throughput_hz=throughput_hz,
        )

    def _items(self, values: Mapping[str, Value]) -> float:
        """Returns the items in one batch: latency is a batch's, energy an item's."""
        batches = [parameter.id for parameter in self.space.parameters if parameter.kind is ParameterKind.BATCH]
        return math.prod(float(values[batch]) for batch in batches)


def parameter_kind(column: str, unit: str, values: Sequence[Value]) -> ParameterKind:
    """Tells what a column physically is.

    Args:
        column: Its name.
        unit: Its unit, as ``dataset.toml`` gives it.
        values: Its values.

    Raises:
        BadInputError: Neither unit nor name says it.
    """
    if any(isinstance(value, str) for value in values):
        return ParameterKind.CATEGORY
    if unit in _KIND_OF_UNIT:
        return _KIND_OF_UNIT[unit]
    for part, kind in _KIND_IN_NAME.items():
        if part in column:
            return kind
    raise BadInputError(
        f"What the column '{column}' in '{unit}' is cannot be told: "
        f"give it one of the units {', '.join(_KIND_OF_UNIT)} or a name with {', '.join(_KIND_IN_NAME)} in it."
    )


def _space(knobs: Mapping[str, str], pool: tuple[Configuration, ...]) -> ConfigurationSpace:
    parameters = []
    for column, unit in knobs.items():
        choices = {configuration[column] for configuration in pool}
        kind = parameter_kind(column, unit, tuple(choices))
        ordered = tuple(sorted(choices, key=str if kind is ParameterKind.CATEGORY else float))
        parameters.append(Parameter(column, unit, kind, ordered, Owner.KNOB))
    return ConfigurationSpace(tuple(parameters), pool=pool)


def _nearest_to_defaults(space: ConfigurationSpace) -> Configuration:
    """Returns the point nearest to smallest batch and everything else at its maximum, each range scaled to 1."""

    def distance(configuration: Configuration) -> float:
        return math.hypot(*(_distance(parameter, configuration[parameter.id]) for parameter in space.parameters))

    return min(space, key=distance)


def _distance(parameter: Parameter, value: Value) -> float:
    """Returns how far a value is from the default, as a part of the range; any category is as good as another."""
    if parameter.kind is ParameterKind.CATEGORY:
        return 0.0
    low, high = float(parameter.choices[0]), float(parameter.choices[-1])
    default = low if parameter.kind is ParameterKind.BATCH else high
    return abs(float(value) - default) / ((high - low) or 1.0)
