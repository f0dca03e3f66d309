"""What a model of the device says a network costs at each batch size: a file that predictions write and studies read.

It holds numbers only. The network is looked into by whoever makes the file, with their own rights; the daemon reads
figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from knobs.contract import Provenance, Scope
from tuner.configuration import Configuration, ConfigurationSpace, ParameterKind
from tuner.errors import BadInputError
from tuner.objective import Objective, Scenario
from tuner.record_file import read_record
from tuner.search.contract import Forecast

_PACED = (Scenario.SERVER, Scenario.LIVE)


@dataclass(frozen=True)
class BatchForecast:
    """One query of so many requests.

    Attributes:
        batch_size: Requests in the query.
        latency_s: How long it takes.
        energy_per_request_j: Joules per request.
        latency_sd: Standard deviation of the logarithm of the latency.
        energy_sd: Standard deviation of the logarithm of the energy.
    """

    batch_size: int
    latency_s: float
    energy_per_request_j: float
    latency_sd: float
    energy_sd: float

    @property
    def throughput_hz(self) -> float:
        """Requests per second, one query after the other."""
        return self.batch_size / self.latency_s


@dataclass(frozen=True)
class ForecastFile:
    """All that was predicted of one network on one device, at the values that its knobs had.

    Attributes:
        model: How the network was named.
        scope: What a joule covers.
        provenance: Of the joules that the predictions were learned from.
        batches: One forecast for each batch size.
    """

    model: str
    scope: Scope
    provenance: Provenance
    batches: tuple[BatchForecast, ...]

    def at(self, baseline: Configuration, space: ConfigurationSpace) -> tuple[Forecast, ...]:
        """Returns what it says of a space's configurations: those of the baseline with each batch size.

        Args:
            baseline: The values that the machine has now, and had when the predictions were learned.
            space: The space. One without a batch leaves the baseline alone, and only if its batch is known to be one.
        """
        name = next((one.id for one in space.parameters if one.kind is ParameterKind.BATCH), None)
        known = baseline.only([parameter.id for parameter in space.parameters])
        if name is None:
            return tuple(_forecast(known, one) for one in self.batches if one.batch_size == 1)
        return tuple(_forecast(Configuration({**known, name: one.batch_size}), one) for one in self.batches)


def read_forecast_file(path: Path) -> ForecastFile:
    """Reads a file of forecasts.

    Raises:
        BadInputError: It cannot be read, or is no such file.
    """
    file = read_record(path, ForecastFile, "file of forecasts", "wattune predict forecasts")
    _check(path, file.batches)
    return file


def check_forecastable(objective: Objective, what: str) -> None:
    """Checks that a scenario can be forecast.

    Raises:
        BadInputError: Requests come at a rate of their own: how long the device idles between them is not known from
            the network.
    """
    if objective.scenario in _PACED:
        raise BadInputError(
            f"{what} cannot be used under the scenario '{objective.scenario}': they tell what a query costs, not what "
            "the device draws between queries."
        )


def _forecast(configuration: Configuration, one: BatchForecast) -> Forecast:
    return Forecast(
        configuration, one.latency_s, one.energy_per_request_j, one.throughput_hz, one.latency_sd, one.energy_sd
    )


def _check(path: Path, batches: Sequence[BatchForecast]) -> None:
    if not batches:
        raise BadInputError(f"{path} holds no forecast.")
    if len({one.batch_size for one in batches}) != len(batches):
        raise BadInputError(f"{path} holds a batch size twice.")
    for one in batches:
        figures = (one.batch_size, one.latency_s, one.energy_per_request_j, one.latency_sd, one.energy_sd)
        if not all(0 < figure < math.inf for figure in figures):
            raise BadInputError(f"{path} is wrong at batch size {one.batch_size}: every figure must be above zero.")
