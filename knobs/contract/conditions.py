"""What a device says about itself while it works, beside its knobs and meters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True)
class Occupant:
    """A process that uses a device.

    Attributes:
        pid: Its process id.
        device: The device.
        name: Its name, as the kernel gives it; empty where it cannot be told.
        memory_bytes: Device memory that it holds; None where it cannot be told.
    """

    pid: int
    device: str
    name: str = ""
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Conditions:
    """What a device says about itself at one instant, and since it was last asked.

    Attributes:
        delivered: What the hardware runs at now, by knob id and in the knob's unit.
        obstacles: Why nothing measured since the last look counts, as clauses: ``gpu0: thermal slowdown``.
        remarks: What is legal and recorded, as clauses: ``gpu0: held down by its power cap``.
        power_capped: Whether a power cap held a clock down since the last look.
        temperatures_c: Temperatures by sensor.
        utilization: Busy share of the device, 0 to 1, over its own sampling period; None where it cannot be told.
        occupants: The processes that use the device.
        background_cores: How many CPU cores were busy since the last look with what belongs neither to the workload
            nor to its measuring; None where it cannot be told. The kernel counts in ticks, so that one short look is
            coarse, and may come out below zero: judge the mean of many, each weighed by its time.
    """

    delivered: tuple[tuple[str, float], ...] = ()
    obstacles: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    power_capped: bool = False
    temperatures_c: tuple[tuple[str, float], ...] = ()
    utilization: float | None = None
    occupants: tuple[Occupant, ...] = ()
    background_cores: float | None = None


class Monitor(ABC):
    """Watches one device. Reads only."""

    @property
    @abstractmethod
    def device(self) -> str:
        """The device that is watched."""

    @abstractmethod
    def observe(self) -> Conditions:
        """Returns the conditions now, and what has happened since the last call.

        What the device cannot tell is left out, never guessed.

        Raises:
            DeviceError: The device is lost.
        """
