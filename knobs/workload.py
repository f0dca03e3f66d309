"""Knobs and meters that belong to a process rather than to the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from knobs.contract import Absence, Captured, Knob, Meter, Monitor

Originals: TypeAlias = Mapping[str, Mapping[str, Captured]]
"""What the journal holds about processes: by process (see :class:`WorkloadParts`), then by knob id."""


@dataclass(frozen=True)
class WorkloadParts:
    """The knobs and meters of one workload process.

    Attributes:
        process: The process, told apart from every other one since boot: process id and start time.
        knobs: What can be set about it.
        meters: What can be read about it.
        absent: What it could have but does not.
        monitors: What watches it and its surroundings.
    """

    process: str
    knobs: tuple[Knob, ...] = ()
    meters: tuple[Meter, ...] = ()
    absent: tuple[Absence, ...] = ()
    monitors: tuple[Monitor, ...] = ()


class WorkloadDriver(Protocol):
    """Finds knobs and meters that belong to a process rather than to the machine."""

    def open(self, pid: int, originals: Originals, attendants: frozenset[int]) -> WorkloadParts:
        """Returns the knobs and meters of a process; writes nothing.

        Args:
            pid: The workload's process id.
            originals: What the journal holds, so that a process changed already keeps its true originals.
            attendants: Processes that take part in measuring it: what they do is no background load.

        Raises:
            DeviceError: There is no such process, or the kernel does not answer.
        """

    def reopen(self, knob_id: str, captured: Captured) -> Knob | None:
        """Returns the knob that a journal entry belongs to; None if it is not one of this driver.

        Raises:
            DeviceError: The entry is damaged, or this machine can no longer serve it.
        """
