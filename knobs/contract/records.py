"""What the keeper says about a machine and about what it did there."""

from __future__ import annotations

from dataclasses import dataclass

from knobs.contract.knob import KnobSpec
from knobs.contract.meter import MeterSpec
from knobs.contract.values import Value


@dataclass(frozen=True)
class Absence:
    """A knob or meter that this machine could have but does not offer, and why."""

    id: str
    reason: str
    fix: str = ""


@dataclass(frozen=True)
class InventoryRecord:
    """The knobs and meters of a machine, and what it could have but does not offer."""

    knobs: tuple[KnobSpec, ...]
    meters: tuple[MeterSpec, ...]
    absent: tuple[Absence, ...]
    monitored: tuple[str, ...] = ()
    """Devices that say something about themselves while load flows."""


@dataclass(frozen=True)
class RestoreReport:
    """What became of the journal's entries.

    Attributes:
        restored: Knobs whose value was put back and read back (or whose process has ended).
        pending: Knobs written back whose effect a foreign cap hides for now; their entries are kept.
        failed: Knobs that could not be put back, with the reason; their entries are kept.
        notes: What else the operator should know about a knob, such as that another program had moved it.
    """

    restored: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class KeeperState:
    """What is in force because of us.

    Attributes:
        trial: Trial values, by knob id; taken back when the lease ends.
        confirmed: The confirmed configuration, by knob id, whether or not it is in force.
        leased: Whether a client holds the lease.
    """

    trial: tuple[tuple[str, Value], ...] = ()
    confirmed: tuple[tuple[str, Value], ...] = ()
    leased: bool = False
