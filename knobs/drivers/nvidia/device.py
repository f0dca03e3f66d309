"""One GPU's calls, typed, in NVML's own units; the driver's older and newer names of one thing behind one method."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any

from knobs.drivers.nvidia.errors import UnsupportedError, nvml_error
from knobs.drivers.nvidia.library import Handle, Library


class ClockDomain(IntEnum):
    """``nvmlClockType_t``."""

    GRAPHICS = 0
    SM = 1
    MEMORY = 2


class Architecture(IntEnum):
    """``nvmlDeviceArchitecture_t``, in the order of the generations; what is newer than these has a higher number."""

    MAXWELL = 3
    PASCAL = 4
    VOLTA = 5
    TURING = 6
    AMPERE = 7
    ADA = 8
    HOPPER = 9
    BLACKWELL = 10


class Reason(IntFlag):
    """Why clocks are lower than they could be: ``nvmlClocksEventReasons`` in nvml.h."""

    SOFTWARE_POWER_CAP = 0x4
    HARDWARE_SLOWDOWN = 0x8
    SYNC_BOOST = 0x10
    SOFTWARE_THERMAL = 0x20
    HARDWARE_THERMAL = 0x40
    HARDWARE_POWER_BRAKE = 0x80
    DISPLAY_CLOCK = 0x100


class FieldScope(IntEnum):
    """What a power field covers (``NVML_POWER_SCOPE_*``)."""

    GPU = 0
    MODULE = 1


@dataclass(frozen=True)
class Field:
    """One of NVML's numbered fields."""

    number: int
    scope: FieldScope = FieldScope.GPU


@dataclass(frozen=True)
class GpuProcess:
    """A process that uses a GPU; its memory is None where the driver does not tell."""

    pid: int
    memory_bytes: int | None


_UNION_MEMBERS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
"""By ``nvmlValueType_t``."""

_SENSOR_IN_THE_DIE = 0
_UNKNOWN_ARCHITECTURE = 0xFFFFFFFF


class Device:
    """One GPU of an open library. Every method raises :class:`NvmlError` where NVML refuses."""

    def __init__(self, library: Library, handle: Handle, label: str) -> None:
        """Asks nothing yet.

        Args:
            library: The library.
            handle: The GPU in it.
            label: The GPU's name in sentences: ``gpu0``.
        """
        self.label = label
        self._library = library
        self._handle = handle

    def exports(self, function: str) -> bool:
        """Tells whether the driver's library has a function at all; calls nothing."""
        return self._library.exports(function)

    def uuid(self) -> str:
        """Returns the identity that survives reboots and moves to another slot."""
        return str(self._ask("nvmlDeviceGetUUID", "the UUID"))

    def name(self) -> str:
        """Returns the product's name."""
        return str(self._ask("nvmlDeviceGetName", "the name"))

    def pci_address(self) -> str:
        """Returns the address on the PCI bus as NVML writes it: ``00000000:07:00.0``."""
        address = self._ask("nvmlDeviceGetPciInfo", "the PCI address").busId
        return address.decode() if isinstance(address, bytes) else str(address)

    def architecture(self) -> int:
        """Returns the :class:`Architecture`, or the number of a newer one; from the CUDA capability if need be."""
        try:
            number = int(self._ask("nvmlDeviceGetArchitecture", "the architecture"))
        except UnsupportedError:
            number = _UNKNOWN_ARCHITECTURE
        if number != _UNKNOWN_ARCHITECTURE:
            return number
        return _architecture_of(*self.compute_capability())

    def compute_capability(self) -> tuple[int, int]:
        """Returns CUDA's version of the GPU: ``(8, 0)``."""
        major, minor = self._ask("nvmlDeviceGetCudaComputeCapability", "the compute capability")
        return int(major), int(minor)

    def mig_enabled(self) -> bool:
        """Tells whether the GPU is cut into instances."""
        return bool(self._ask("nvmlDeviceGetMigMode", "the MIG mode")[0])

    def persistent(self) -> bool:
        """Tells whether the driver stays loaded while nobody uses the GPU."""
        return bool(self._ask("nvmlDeviceGetPersistenceMode", "the persistence mode"))

    def memory_clocks_mhz(self) -> tuple[int, ...]:
        """Returns the memory clocks that the driver lists, ascending."""
        return _ascending(self._ask("nvmlDeviceGetSupportedMemoryClocks", "the memory clocks"))

    def core_clocks_mhz(self, memory_mhz: int) -> tuple[int, ...]:
        """Returns the core clocks that the driver lists for a memory clock, ascending."""
        return _ascending(self._ask("nvmlDeviceGetSupportedGraphicsClocks", "the core clocks", memory_mhz))

    def clock_mhz(self, domain: ClockDomain) -> int:
        """Returns the clock at this instant."""
        return int(self._ask("nvmlDeviceGetClockInfo", f"the {domain.name.lower()} clock", int(domain)))

    def lock_core_mhz(self, low: int, high: int) -> None:
        """Holds the core clock within a range (Volta and newer)."""
        self._do("nvmlDeviceSetGpuLockedClocks", f"lock the core clock to {low}-{high} MHz", low, high)

    def unlock_core(self) -> None:
        """Takes the core clock's lock away, whoever set it."""
        self._do("nvmlDeviceResetGpuLockedClocks", "unlock the core clock")

    def lock_memory_mhz(self, low: int, high: int) -> None:
        """Holds the memory clock within a range (Ampere and newer)."""
        self._do("nvmlDeviceSetMemoryLockedClocks", f"lock the memory clock to {low}-{high} MHz", low, high)

    def unlock_memory(self) -> None:
        """Takes the memory clock's lock away, whoever set it."""
        self._do("nvmlDeviceResetMemoryLockedClocks", "unlock the memory clock")

    def application_clock_mhz(self, domain: ClockDomain) -> int:
        """Returns the clock at which applications are to run (data-centre GPUs)."""
        return int(self._ask("nvmlDeviceGetApplicationsClock", "the application clocks", int(domain)))

    def default_application_clock_mhz(self, domain: ClockDomain) -> int:
        """Returns the clock at which applications run after a reboot."""
        what = "the default application clocks"
        return int(self._ask("nvmlDeviceGetDefaultApplicationsClock", what, int(domain)))

    def reset_application_clocks(self) -> None:
        """Lets applications run at the clocks after a reboot."""
        self._do("nvmlDeviceResetApplicationsClocks", "reset the application clocks")

    def set_application_clocks_mhz(self, memory: int, core: int) -> None:
        """Sets the pair of clocks at which applications are to run."""
        action = f"set the application clocks to {core} MHz core, {memory} MHz memory"
        self._do("nvmlDeviceSetApplicationsClocks", action, memory, core)

    def power_limit_mw(self) -> int:
        """Returns the power limit that was set."""
        return int(self._ask("nvmlDeviceGetPowerManagementLimit", "the power limit"))

    def default_power_limit_mw(self) -> int:
        """Returns the power limit after a reboot."""
        return int(self._ask("nvmlDeviceGetPowerManagementDefaultLimit", "the default power limit"))

    def power_limit_range_mw(self) -> tuple[int, int]:
        """Returns the lowest and the highest power limit."""
        low, high = self._ask("nvmlDeviceGetPowerManagementLimitConstraints", "the range of the power limit")
        return int(low), int(high)

    def set_power_limit_mw(self, limit: int) -> None:
        """Sets the power limit."""
        self._do("nvmlDeviceSetPowerManagementLimit", f"set the power limit to {limit / 1000:g} W", limit)

    def energy_mj(self) -> int:
        """Returns the millijoules used since the driver was loaded (Volta and newer)."""
        return int(self._ask("nvmlDeviceGetTotalEnergyConsumption", "the energy counter"))

    def power_usage_mw(self) -> int:
        """Returns the power: of this instant up to GA100, the mean of the last second on newer GPUs (nvml.h)."""
        return int(self._ask("nvmlDeviceGetPowerUsage", "the power"))

    def fields(self, wanted: Sequence[Field]) -> dict[Field, float]:
        """Returns the numbered fields that this GPU has a value for now."""
        answers = zip(wanted, self._field_answers(wanted), strict=True)
        return {field: _number(answer) for field, answer in answers if answer.nvmlReturn == 0}

    def field(self, wanted: Field) -> float:
        """Returns one numbered field."""
        answer = self._field_answers([wanted])[0]
        if answer.nvmlReturn != 0:
            raise nvml_error(f"read field {wanted.number} of {self.label}", answer.nvmlReturn)
        return _number(answer)

    def _field_answers(self, wanted: Sequence[Field]) -> Any:
        pairs = [(field.number, int(field.scope)) for field in wanted]
        return self._ask("nvmlDeviceGetFieldValues", f"the fields {[field.number for field in wanted]}", pairs)

    def clock_reasons(self) -> Reason:
        """Returns why clocks are lower than they could be at this instant."""
        what = "the reasons for its clocks"
        try:
            bits = self._ask("nvmlDeviceGetCurrentClocksEventReasons", what)
        except UnsupportedError:
            bits = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons", what)
        return Reason(int(bits))

    def temperature_c(self) -> float:
        """Returns the temperature of the die."""
        try:
            return float(self._ask("nvmlDeviceGetTemperature", "the temperature", _SENSOR_IN_THE_DIE))
        except UnsupportedError:
            return float(self._ask("nvmlDeviceGetTemperatureV", "the temperature", _SENSOR_IN_THE_DIE))

    def utilization(self) -> float:
        """Returns the share of time in which the GPU worked, over the driver's own sampling period."""
        return float(self._ask("nvmlDeviceGetUtilizationRates", "the utilization").gpu) / 100

    def processes(self) -> tuple[GpuProcess, ...]:
        """Returns the processes that compute on the GPU or draw, each once; what is not told is left out.

        One that does both, or computes through the multi-process service, is in several of NVML's lists.
        """
        memory_by_pid: dict[int, int | None] = {}
        for kind in ("Compute", "MPSCompute", "Graphics"):
            for process in self._processes(kind):
                told = (memory_by_pid.get(process.pid), process.memory_bytes)
                memory_by_pid[process.pid] = max((memory for memory in told if memory is not None), default=None)
        return tuple(GpuProcess(pid, memory_bytes) for pid, memory_bytes in memory_by_pid.items())

    def _processes(self, kind: str) -> Iterator[GpuProcess]:
        for version in ("_v3", "_v2"):
            try:
                listed = self._ask(f"nvmlDeviceGet{kind}RunningProcesses{version}", "the running processes")
            except UnsupportedError:
                continue
            yield from (GpuProcess(int(process.pid), process.usedGpuMemory) for process in listed)
            return

    def _ask(self, function: str, what: str, *arguments: object) -> Any:
        return self._library.call(function, f"read {what} of {self.label}", self._handle, *arguments)

    def _do(self, function: str, action: str, *arguments: object) -> None:
        self._library.call(function, f"{action} of {self.label}", self._handle, *arguments)


def _number(answer: Any) -> float:
    """The member of the union that ``nvmlFieldValue_t`` says is filled."""
    return float(getattr(answer.value, _UNION_MEMBERS[answer.valueType]))


def _ascending(listed: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(listed)))


def _architecture_of(major: int, minor: int) -> Architecture:
    """The architecture of a CUDA compute capability, as far back as it matters here."""
    capabilities = {(9, 0): Architecture.HOPPER, (8, 9): Architecture.ADA, (7, 5): Architecture.TURING}
    by_major = {6: Architecture.PASCAL, 7: Architecture.VOLTA, 8: Architecture.AMPERE}
    newest = Architecture.BLACKWELL if major > max(by_major) else Architecture.MAXWELL
    return capabilities.get((major, minor), by_major.get(major, newest))
