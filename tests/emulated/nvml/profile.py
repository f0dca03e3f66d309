"""What an emulated card is: the facts in which cards differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch

from simulation.model import DeviceModel
from tests.emulated.nvml.codes import Architecture, ReturnCode, Scope
from tests.emulated.nvml.physics import device_model


@dataclass(frozen=True)
class PowerLimits:
    """Power limits in W. A card without them (``None`` in the profile) has a limit nobody can see."""

    lowest_w: float
    default_w: float
    highest_w: float


@dataclass(frozen=True)
class PowerSensor:
    """How a card measures power.

    Attributes:
        energy_period_s: The energy counter moves once in this time.
        period_s: The sensor measures once in this time ...
        seen_s: ... and sees this much of it. A100 and H100: 25 ms of every 100 ms (arXiv 2312.02741).
        usage_averaged: Whether ``nvmlDeviceGetPowerUsage`` is the mean of the last second (Ampere and later, not
            GA100) instead of the last measurement; such cards have the field POWER_AVERAGE too.
    """

    energy_period_s: float = 0.1
    period_s: float = 0.1
    seen_s: float = 0.1
    usage_averaged: bool = True


@dataclass(frozen=True)
class GpuProfile:
    """A card.

    Attributes:
        name: As ``nvmlDeviceGetName`` says it.
        architecture: As ``nvmlDeviceGetArchitecture`` says it.
        compute_capability: Major and minor number.
        pci_device_id: Device and vendor, ``0x20B210DE``.
        memory_gib: Size of its memory.
        clocks_mhz: Core clocks, descending, by memory clock, descending.
        limit_w: The power limit it has by default, seen or not.
        limits: The power limits that can be seen and set.
        demand: What it would draw at the highest clocks without a limit, over its default limit.
        application_clocks_mhz: Default application clocks (memory, core); None: it has none (GeForce).
        compute_memory_mhz: The highest memory clock under CUDA, where it is not the highest (P2 of GeForce).
        memory_reads_off_mhz: How far the memory clock that is read lies from the one that is listed.
        parks: Whether all clocks sink to the lowest when idle (P8), below the lower end of a lock too (seen on an
            L4). ASSUMED: cards that are always in P0 keep to the lock.
        sensor: How it measures power.
        module_fields: Whether power fields exist for the module only (scope 1), as on Grace Hopper.
        module_extra_w: What the module draws besides the GPU.
        mig_capable: Whether it has a MIG mode.
        mig_enabled: Whether MIG is on: utilization is not available then.
        silent: Whether every call about clocks, power, load and temperature is "not supported" (Jetson's nvgpu).
        refusals: Further functions, or patterns of names, that are refused, and the return code.
        branch: The branch of the driver that is usual for it.
        call_s: How long a call takes.
    """

    name: str
    architecture: Architecture
    compute_capability: tuple[int, int]
    pci_device_id: int
    memory_gib: int
    clocks_mhz: dict[int, tuple[int, ...]]
    limit_w: float
    limits: PowerLimits | None
    demand: float = 1.1
    application_clocks_mhz: tuple[int, int] | None = None
    compute_memory_mhz: int | None = None
    memory_reads_off_mhz: int = 0
    parks: bool = False
    sensor: PowerSensor = PowerSensor()
    module_fields: bool = False
    module_extra_w: float = 0.0
    mig_capable: bool = False
    mig_enabled: bool = False
    silent: bool = False
    refusals: Mapping[str, int] = field(default_factory=dict)
    branch: int = 570
    call_s: float = 0.0

    @property
    def memory_clocks_mhz(self) -> tuple[int, ...]:
        """Memory clocks, descending."""
        return tuple(self.clocks_mhz)

    @property
    def all_core_clocks_mhz(self) -> tuple[int, ...]:
        """All core clocks of all memory clocks, descending."""
        return tuple(sorted({clock for clocks in self.clocks_mhz.values() for clock in clocks}, reverse=True))

    @property
    def field_scope(self) -> Scope:
        """The scope in which power fields exist."""
        return Scope.MODULE if self.module_fields else Scope.GPU

    def model(self) -> DeviceModel:
        """Returns its physics."""
        return device_model(
            self.name,
            tuple(map(float, reversed(self.all_core_clocks_mhz))),
            tuple(map(float, reversed(self.memory_clocks_mhz))),
            self.limit_w,
            self.demand,
        )

    def refusal(self, function: str) -> int | None:
        """Returns the code with which a function is refused: "not supported" where the card lacks what it is about."""
        refusals = {**self.refusals, **dict.fromkeys(self._unsupported(), ReturnCode.NOT_SUPPORTED)}
        return next((code for pattern, code in refusals.items() if fnmatch(function, pattern)), None)

    def _unsupported(self) -> list[str]:
        patterns: list[str] = []
        if self.silent:
            patterns.extend(_ALL_BUT_IDENTITY)
        if self.architecture < Architecture.VOLTA:
            patterns.extend(("*GpuLockedClocks", "*TotalEnergyConsumption"))
        if self.architecture < Architecture.AMPERE:
            patterns.append("*MemoryLockedClocks")
        if self.limits is None:
            patterns.extend(("*PowerManagementLimit*", "*PowerManagementDefaultLimit", "*EnforcedPowerLimit"))
        if self.application_clocks_mhz is None:
            patterns.append("*ApplicationsClock*")
        if not self.mig_capable:
            patterns.append("*MigMode")
        if self.mig_enabled:
            patterns.append("*UtilizationRates")
        return patterns


_ALL_BUT_IDENTITY = (
    "nvmlDeviceSet*",
    "nvmlDeviceReset*",
    "*Clock*",
    "*Power*",
    "*Energy*",
    "*FieldValues",
    "*Temperature*",
    "*Utilization*",
    "*Performance*",
    "*Persistence*",
    "*Processes*",
    "*MemoryInfo*",
    "*Violation*",
    "*Architecture",
    "*Serial",
)
