"""One GPU as facts, read once; what the driver does not tell is left empty, never guessed."""

from __future__ import annotations

from dataclasses import dataclass

from knobs.drivers.nvidia.device import Architecture, Device
from knobs.drivers.nvidia.errors import UnsupportedError, told
from knobs.drivers.nvidia.pci import kernel_address

ONE_STEP_MHZ = 15
"""The usual distance between two core clocks; a delivered clock may be off by as much."""

_NONE: tuple[int, ...] = ()


@dataclass(frozen=True)
class PowerRange:
    """The power limits that the driver accepts, in milliwatts."""

    low_mw: int
    default_mw: int
    high_mw: int


@dataclass(frozen=True)
class Make:
    """What two GPUs must have in common to be set alike.

    Attributes:
        name: The product's name.
        architecture: Its generation (:class:`Architecture`); 0 where the driver does not tell.
        memory_clocks_mhz: All memory clocks, ascending.
        full_memory_clocks_mhz: Those at which the core reaches its highest clock, or one step less. The lowest memory
            clocks of many GPUs come with a few core clocks only, so that they silently cap the core (L4: at 405 MHz
            to 645 of 2040 MHz).
        core_clocks_mhz: The core clocks at the highest memory clock, ascending.
        power: The power limits; None where the driver does not let them be set.
    """

    name: str
    architecture: int
    memory_clocks_mhz: tuple[int, ...]
    full_memory_clocks_mhz: tuple[int, ...]
    core_clocks_mhz: tuple[int, ...]
    power: PowerRange | None


@dataclass(frozen=True)
class Gpu:
    """One GPU.

    Attributes:
        device: Its calls.
        index: Its place in NVML's order, which may change from boot to boot.
        uuid: Its identity, which does not.
        pci: Its address on the PCI bus as the kernel writes it (``0000:07:00.0``); empty where it has none.
        make: What it has in common with others of its kind.
        mig: Whether it is cut into instances.
        persistent: Whether the driver stays loaded while nobody uses it; None where that cannot be told.
    """

    device: Device
    index: int
    uuid: str
    pci: str
    make: Make
    mig: bool
    persistent: bool | None

    @classmethod
    def read(cls, device: Device, index: int) -> Gpu:
        """Reads the facts.

        Raises:
            NvmlError: The GPU is lost, or barred from this process.
        """
        return cls(
            device=device,
            index=index,
            uuid=device.uuid(),
            pci=kernel_address(told(device.pci_address, "")),
            make=_make_of(device),
            mig=told(device.mig_enabled, default=False),
            persistent=told(device.persistent, None),
        )

    @property
    def has_core_locks(self) -> bool:
        """Whether the core clock can be locked: Volta and newer (nvmlDeviceSetGpuLockedClocks in nvml.h)."""
        return self.make.architecture >= Architecture.VOLTA and self.device.exports("nvmlDeviceSetGpuLockedClocks")

    @property
    def has_memory_locks(self) -> bool:
        """Whether the memory clock can be locked: Ampere and newer (nvmlDeviceSetMemoryLockedClocks in nvml.h)."""
        return self.make.architecture >= Architecture.AMPERE and self.device.exports("nvmlDeviceSetMemoryLockedClocks")

    @property
    def is_described(self) -> bool:
        """Whether the driver lists any clock or limit: on a Jetson it answers, and says nothing."""
        return bool(self.make.core_clocks_mhz) or self.make.power is not None


def _make_of(device: Device) -> Make:
    memory_clocks = told(device.memory_clocks_mhz, _NONE)
    core_clocks = _core_clocks(device, memory_clocks[-1]) if memory_clocks else ()
    return Make(
        name=device.name(),
        architecture=told(device.architecture, 0),
        memory_clocks_mhz=memory_clocks,
        full_memory_clocks_mhz=tuple(
            clock
            for clock in memory_clocks
            if core_clocks and _core_clocks(device, clock)[-1:] >= (core_clocks[-1] - ONE_STEP_MHZ,)
        ),
        core_clocks_mhz=core_clocks,
        power=_power_range(device),
    )


def _core_clocks(device: Device, memory_mhz: int) -> tuple[int, ...]:
    return told(lambda: device.core_clocks_mhz(memory_mhz), _NONE)


def _power_range(device: Device) -> PowerRange | None:
    """The limits, where one is in force, can be read, and leaves a choice."""
    try:
        device.power_limit_mw()
        low, high = device.power_limit_range_mw()
    except UnsupportedError:
        return None
    return PowerRange(low, told(device.default_power_limit_mw, high), high) if low < high else None
