"""What trials are measured on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from knobs.contract import KnobSpec, MeterSpec, Reading
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.objective import Objective, Scenario
from tuner.ports import Hardware, Workload


@dataclass(frozen=True)
class Bench:
    """The machine, the workload and the question asked of them.

    Attributes:
        hardware: The keeper.
        workload: The runner.
        objective: What is asked for.
        space: What is searched.
        knobs: The machine's knobs, those that are not explored included.
        meter: The meter in use.
        is_watched: Whether devices say something about themselves while load flows.
        batch_wait_s: How long a batch that is not full waits for more items, under ``server``.
        notes: What the adapter says about how this workload is measured, in sentences.
    """

    hardware: Hardware
    workload: Workload
    objective: Objective
    space: ConfigurationSpace
    knobs: tuple[KnobSpec, ...]
    meter: MeterSpec
    is_watched: bool = False
    batch_wait_s: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether it is real traffic that is served meanwhile."""
        return self.objective.scenario is Scenario.LIVE

    def at(self, arrival_rate_hz: float | None) -> Bench:
        """Returns the same bench, asked of one of the objective's arrival rates alone."""
        return replace(self, objective=self.objective.at(arrival_rate_hz))

    def sample(self) -> Reading:
        """Returns a reading of the meter.

        Raises:
            DeviceError: It does not answer.
        """
        return self.hardware.sample([self.meter.id])[self.meter.id]


def present_configuration(bench: Bench) -> Configuration:
    """Returns the values that the parameters of the space have now.

    Raises:
        DeviceError: A knob cannot be read.
    """
    serving = bench.workload.current()
    others = [parameter.id for parameter in bench.space.parameters if not parameter.is_knob]
    return Configuration(bench.hardware.read(bench.space.knob_ids) | {name: serving[name] for name in others})
