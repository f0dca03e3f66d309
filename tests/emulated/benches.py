"""Emulated machines on which whole studies run, with the truth about each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from simulation.model import DeviceModel
from simulation.realtime import RealTimeDevice
from tests.emulated.household import household
from tests.emulated.nvml import emulated_driver
from tests.emulated.nvml.physics import CLASSIFIER
from tests.emulated.orin import DETECTOR, agx_orin_model
from tests.emulated.sysfs.machines.jetson import agx_orin
from tests.emulated.sysfs.namespace import covered
from tests.emulated.truth import Truth, measure_all
from tests.service.daemon_process import House
from tuner.study_record import Study

A100_BOUND_S, ORIN_BOUND_S = 0.045, 0.060
"""Well above the latency of the least energy: a busy machine runs tests as well."""

WITHOUT_PROCESS_KNOBS = """
[knobs."workload.cpu.cores"]
enabled = false

[knobs."workload.cpu.quota_percent"]
enabled = false
"""
"""The workload's process only waits for the emulated device: its share of the real CPU says nothing."""


@dataclass(frozen=True)
class EmulatedBench:
    """A daemon's files beside an emulated machine.

    Attributes:
        house: The daemon's files.
        model: The device's constants.
        profile: The workload.
        bound_s: The SLO.
        state: Returns all settings of the hardware, past every driver: what must be as before in the end.
    """

    house: House
    model: DeviceModel
    profile: str
    bound_s: float
    state: Callable[[], Mapping[str, object]]

    def truths(self, study: Study) -> list[Truth]:
        """Measures every configuration of a study's space exhaustively, in simulated time."""
        names = [parameter.id for parameter in study.space.parameters]
        choices = [parameter.choices for parameter in study.space.parameters]
        grid = (dict(zip(names, values, strict=True)) for values in itertools.product(*choices))
        return measure_all(self.model, self.profile, grid)


@contextmanager
def a100_bench(folder: Path) -> Iterator[EmulatedBench]:
    """An A100 behind the real NVML ABI."""
    with emulated_driver("a100") as driver:
        gpu = driver.gpus[0]
        with household(folder, [gpu.device], CLASSIFIER, A100_BOUND_S, driver.environment) as house:
            yield EmulatedBench(
                house, gpu.device.model, CLASSIFIER, A100_BOUND_S, lambda: settings_of(driver.control.truth())
            )


def settings_of(truth: Mapping[str, object]) -> dict[str, object]:
    """Returns what of a GPU's state was set by somebody."""
    set_by_somebody = (
        "core_lock_mhz",
        "memory_lock_mhz",
        "application_mhz",
        "limit_w",
        "persistence",
        "core_range_mhz",
    )
    return {name: truth[name] for name in set_by_somebody}


@contextmanager
def agx_orin_bench(folder: Path) -> Iterator[EmulatedBench]:
    """A Jetson AGX Orin whose kernel's files lie over the real ones, in a namespace of the daemon's own."""
    device = RealTimeDevice(agx_orin_model())
    machine = agx_orin(device)
    with (
        covered(machine.tree) as real,
        household(
            folder, [device], DETECTOR, ORIN_BOUND_S, inside=real.command(), config=WITHOUT_PROCESS_KNOBS
        ) as house,
    ):
        yield EmulatedBench(house, device.model, DETECTOR, ORIN_BOUND_S, lambda: settings_in(machine.content()))


def settings_in(content: Mapping[str, str]) -> dict[str, object]:
    """Returns what of a kernel's files is a setting: everything but what the hardware moves by itself."""
    moving = (
        "cur_freq",
        "target_freq",
        "cur_state",
        "/temp",
        "_input",
        "/load",
        "energy",
        "trans_stat",
        "time_in_state",
    )
    return {path: text for path, text in content.items() if not any(word in path for word in moving)}
