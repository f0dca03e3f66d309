"""Energy of NVIDIA GPUs: the driver's own counter of millijoules, or else the power at an instant.

Source: nvml.h, and for what the sensors see "Part-time Power Measurements" (arXiv 2312.02741). The counter moves in
steps, so that its readings count from step to step. ``nvmlDeviceGetPowerUsage`` is the mean of the last second on
GPUs after GA100 and lags behind by as much: it is used on older ones only, where it is the power at an instant.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from knobs.contract import Absence, NoValueError, Scope
from knobs.drivers.nvidia.device import Architecture, Device, Field, FieldScope
from knobs.drivers.nvidia.errors import NvmlError, UnsupportedError
from knobs.drivers.nvidia.gpu import Gpu
from knobs.meters.sampling import CounterSource, PowerSource, Source, SourceFacts

ENERGY = "energy"
POWER = "power"

_THOUSANDTHS = 1000
_POWER_INSTANT = 186
_GA100 = (8, 0)

_STEP_S = 0.1
_VOLTA_STEP_S = 0.02
_ACCURACY = 0.05
"""NVML documents 5 % for power; nothing better is stated for the counter."""

_PART_TIME_DUTY = 0.25
"""GA100 and GH100 look for 25 ms of every 100 ms (arXiv 2312.02741)."""


class NvmlEnergyCounter:
    """The energy of one GPU since its driver was loaded."""

    def __init__(self, device: Device) -> None:
        """Reads nothing yet."""
        self._device = device

    def read_j(self) -> float:
        """Returns the joules counted.

        Raises:
            DeviceError: The GPU does not answer.
        """
        return self._device.energy_mj() / _THOUSANDTHS


class NvmlPower:
    """The power of one GPU at an instant."""

    def __init__(self, read_mw: Callable[[], float]) -> None:
        """Reads nothing yet.

        Args:
            read_mw: Returns milliwatts.
        """
        self._read_mw = read_mw

    def read_w(self) -> float:
        """Returns the watts.

        Raises:
            DeviceError: The GPU does not answer.
        """
        return self._read_mw() / _THOUSANDTHS


def nvml_source(gpu: Gpu, device_set: str) -> Source | Absence:
    """Returns the best source of a GPU's energy, or why there is none.

    Args:
        gpu: The GPU.
        device_set: What the meter's id begins with: ``gpu``.
    """
    counter = NvmlEnergyCounter(gpu.device)
    trouble = _refusal(counter.read_j)
    if trouble is None:
        return CounterSource(_counter_facts(gpu, device_set), counter.read_j)
    for field_scope in (FieldScope.GPU, FieldScope.MODULE):
        power = NvmlPower(partial(gpu.device.field, Field(_POWER_INSTANT, field_scope)))
        if _refusal(power.read_w) is None:
            return PowerSource(_power_facts(gpu, device_set, field_scope), power.read_w)
    power = NvmlPower(gpu.device.power_usage_mw)
    if _usage_is_instantaneous(gpu) and _refusal(power.read_w) is None:
        return PowerSource(_power_facts(gpu, device_set, FieldScope.GPU), power.read_w)
    return Absence(
        f"{device_set}.{ENERGY}",
        f"the {gpu.make.name} has no counter of energy and no power at an instant: {trouble.reason}",
        "measure at the wall plug, or use a GPU from Volta on",
    )


def _refusal(read: Callable[[], float]) -> NvmlError | None:
    """Why a source cannot be read; a value that is missing just now is no reason."""
    try:
        read()
    except NoValueError:
        return None
    except NvmlError as error:
        return error
    return None


def _usage_is_instantaneous(gpu: Gpu) -> bool:
    if gpu.make.architecture != Architecture.AMPERE:
        return gpu.make.architecture < Architecture.AMPERE
    try:
        return gpu.device.compute_capability() == _GA100
    except UnsupportedError:
        return False


def _counter_facts(gpu: Gpu, device_set: str) -> SourceFacts:
    return SourceFacts(
        id=f"{device_set}.{ENERGY}",
        scope=Scope.GPU,
        device=device_set,
        update_period_s=_VOLTA_STEP_S if gpu.make.architecture == Architecture.VOLTA else _STEP_S,
        resolution=1 / _THOUSANDTHS,
        accuracy=_ACCURACY,
        note=_note(gpu, FieldScope.GPU),
    )


def _power_facts(gpu: Gpu, device_set: str, field_scope: FieldScope) -> SourceFacts:
    return SourceFacts(
        id=f"{device_set}.{POWER}",
        scope=Scope.GPU if field_scope is FieldScope.GPU else Scope.BOARD,
        device=device_set,
        update_period_s=_STEP_S,
        resolution=1 / _THOUSANDTHS,
        accuracy=_ACCURACY,
        duty=_PART_TIME_DUTY if _looks_part_time(gpu) else 1.0,
        note=_note(gpu, field_scope),
    )


def _looks_part_time(gpu: Gpu) -> bool:
    if gpu.make.architecture == Architecture.HOPPER:
        return True
    return gpu.make.architecture == Architecture.AMPERE and _usage_is_instantaneous(gpu)


def _note(gpu: Gpu, field_scope: FieldScope) -> str:
    if field_scope is FieldScope.MODULE:
        return "Covers the whole module, its CPU and memory included."
    return "Covers the whole GPU, all its MIG instances included." if gpu.mig else "Covers the whole board of the GPU."
