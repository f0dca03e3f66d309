"""One emulated GPU: silicon, settings, sensors, who uses it, and why its clock is what it is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import Enum

from tests.emulated.nvml.codes import EventReason
from tests.emulated.nvml.device import NvidiaDevice
from tests.emulated.nvml.profile import GpuProfile
from tests.emulated.nvml.sensors import Sensors
from tests.emulated.nvml.settings import Settings

_NAMESPACE = uuid.UUID("6e766964-6961-4777-8174-74756e650000")


def pci_bus_of(index: int) -> int:
    """Returns the bus that a GPU is plugged into, by its index."""
    return 0x07 + 0x40 * index


class OccupantKind(Enum):
    """How a process uses the GPU."""

    COMPUTE = "compute"
    GRAPHICS = "graphics"
    MPS = "mps"


@dataclass(frozen=True)
class Occupant:
    """A process on the GPU that is no client of the library: somebody's server, somebody's training."""

    pid: int
    name: str
    memory_mib: int = 1024
    kind: OccupantKind = OccupantKind.COMPUTE


class EmulatedGpu:
    """One GPU of the emulated driver.

    Attributes:
        profile: The facts about the card.
        index: Its index in the driver's order.
        device: The physics; ``device.infer("classifier", 8)`` works on a batch.
        settings: What clients have set.
        sensors: What can be read.
        occupants: Processes on it.
        persistence: Whether the driver keeps its state when the last client leaves.
        lost: Whether it has fallen off the bus.
        heat_reasons: What a clock that is held down by heat is explained with.
    """

    def __init__(self, profile: GpuProfile, index: int, persistence: bool = False, seed: int = 0) -> None:
        """Switches the GPU on."""
        self.profile = profile
        self.index = index
        self.device = NvidiaDevice(profile.model(), seed + index)
        self.settings = Settings(profile, self.device)
        self.sensors = Sensors(profile, self.device)
        self.occupants: list[Occupant] = []
        self.persistence = persistence
        self.lost = False
        self.heat_reasons = EventReason.SW_THERMAL_SLOWDOWN

    @property
    def uuid(self) -> str:
        """The card's own number, the same at every start."""
        return f"GPU-{uuid.uuid5(_NAMESPACE, f'{self.profile.name} {self.index}')}"

    @property
    def serial(self) -> str:
        """The board's serial number."""
        return f"{1320600000000 + self.index:013d}"

    @property
    def pci_bus(self) -> int:
        """The bus that it is plugged into."""
        return pci_bus_of(self.index)

    @property
    def bus_id(self) -> str:
        """Its place on the PCI bus, as the library writes it."""
        return f"00000000:{self.pci_bus:02X}:00.0"

    def lose(self) -> None:
        """Lets it fall off the bus."""
        self.lost = True
        self.device.lose()

    def hold_down(self, core_mhz: float | None, reasons: EventReason) -> None:
        """Holds the core clock down, explained by ``reasons``; lets go with None."""
        self.heat_reasons = reasons
        self.device.hold_down(core_mhz)

    def is_idle(self) -> bool:
        """Tells whether nothing has run for the time that utilization looks back."""
        return self.sensors.utilization_percent()[0] == 0

    def event_reasons(self) -> EventReason:
        """Returns why the core clock is what it is."""
        observed = self.device.observe()
        reasons = self.heat_reasons if observed.capped_by_heat else EventReason.NONE
        if self.is_idle():
            return reasons | EventReason.GPU_IDLE
        if observed.capped_by_power:
            reasons |= EventReason.SW_POWER_CAP
        if self.settings.bounds_core:
            reasons |= EventReason.APPLICATIONS_CLOCKS_SETTING
        return reasons

    def performance_state(self) -> int:
        """Returns the P-state: 0 with work (2 where compute may not have the highest memory clock), 8 when parked."""
        if self.profile.parks and self.device.is_idle():
            return 8
        return 0 if self.profile.compute_memory_mhz is None else 2

    def used_memory_bytes(self) -> int:
        """Returns the memory that processes hold."""
        return sum(occupant.memory_mib for occupant in self.occupants) << 20
