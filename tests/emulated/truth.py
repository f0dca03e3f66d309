"""What every configuration of an emulated device truly costs, measured exhaustively in simulated time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from knobs.contract import Value
from simulation.model import DeviceModel
from simulation.realtime import RealTimeDevice

_WARM_UP_BATCHES = 12
_BATCHES = 12


@dataclass(frozen=True)
class Truth:
    """One configuration's energy per item and latency of a batch, without noise."""

    configuration: Mapping[str, Value]
    energy_j: float
    latency_s: float


class _SimulatedTime:
    def __init__(self) -> None:
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def measure_all(model: DeviceModel, profile: str, configurations: Iterable[Mapping[str, Value]]) -> list[Truth]:
    """Measures configurations, back to back, each once its clocks have settled.

    Args:
        model: The device.
        profile: The workload.
        configurations: Values by parameter id; those that the device lacks are left alone.
    """
    quiet = replace(model, noise=replace(model.noise, batch_sd=0.0, speed_sd=0.0, power_sd=0.0, stall_probability=0.0))
    return [_measure(quiet, profile, configuration) for configuration in configurations]


def _measure(model: DeviceModel, profile: str, configuration: Mapping[str, Value]) -> Truth:
    time = _SimulatedTime()
    device = RealTimeDevice(model, clock=time.clock, sleep=time.sleep)
    _set(device, model, configuration)
    items = int(configuration.get("serving.batch_size", 1))
    for _ in range(_WARM_UP_BATCHES):
        device.infer(profile, items)
    before = device.observe()
    for _ in range(_BATCHES):
        device.infer(profile, items)
    after = device.observe()
    return Truth(
        configuration=configuration,
        energy_j=(after.energy_j - before.energy_j) / (_BATCHES * items),
        latency_s=(after.time_s - before.time_s) / _BATCHES,
    )


def _set(device: RealTimeDevice, model: DeviceModel, configuration: Mapping[str, Value]) -> None:
    low_mhz = float(configuration.get("gpu.core.min_mhz", model.core_clocks_mhz[0]))
    device.set_core_range(low_mhz, float(configuration.get("gpu.core.max_mhz", model.core_clocks_mhz[-1])))
    for knob_id in ("memory.max_mhz", "gpu.memory.max_mhz"):
        if knob_id in configuration:
            device.set_memory(float(configuration[knob_id]))
    if "cpu.core.max_mhz" in configuration:
        device.set_cpu_max(float(configuration["cpu.core.max_mhz"]))
    if "gpu.power.limit_w" in configuration:
        device.set_power_cap(float(configuration["gpu.power.limit_w"]))


def least_energy(truths: Iterable[Truth], latency_bound_s: float) -> Truth:
    """Returns the configuration of least energy among those within a bound on latency."""
    return min((truth for truth in truths if truth.latency_s <= latency_bound_s), key=lambda truth: truth.energy_j)
