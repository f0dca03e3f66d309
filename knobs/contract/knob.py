"""One settable hardware control: what it says of itself, and what its driver honours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum

from knobs.contract.values import Captured, Provenance, Value


class KnobKind(StrEnum):
    """What a knob physically is. The search puts its prior knowledge on this."""

    CLOCK = "clock"
    CORES = "cores"
    POWER_CAP = "power_cap"
    QUOTA = "quota"
    CATEGORY = "category"


class RestoreClass(StrEnum):
    """How faithfully the original value can be put back."""

    EXACT = "exact"
    """The original is captured, written back and read back."""
    RESET = "reset"
    """There is no getter: back to the driver's default, or to what the operator declares."""
    IRREVERSIBLE = "irreversible"
    """Cannot be taken back. Off unless the operator allows it."""


class RestoreOutcome(StrEnum):
    """What became of one attempt to put an original value back."""

    RESTORED = "restored"
    PENDING = "pending"
    """Written, but a cap that is not ours hides the effect for now. To be tried again."""
    GONE = "gone"
    """What the knob belonged to no longer exists (its process has ended), so there is nothing to restore."""


class Delivery(StrEnum):
    """What the hardware owes to a value that it has accepted, and what is checked while load flows."""

    SETTING = "setting"
    """The value read back is all there is."""
    CEILING = "ceiling"
    """The hardware stays at or below the value; how high it goes is the load's and the governor's affair."""
    REACHED = "reached"
    """Under full load the hardware runs at the value, unless a power cap holds it down."""


@dataclass(frozen=True)
class NotAbove:
    """A legal configuration keeps ``value <= factor * value of the knob named limit``."""

    limit: str
    factor: float = 1.0


@dataclass(frozen=True)
class KnobSpec:
    """A knob as the rest of Wattune sees it.

    Attributes:
        id: Dotted name, device first: ``gpu.core.max_mhz``.
        unit: Unit of the values (``MHz``, ``W``, ``percent``, ``cores``), empty for categories.
        kind: What the knob physically is.
        values: Admissible values from the device itself, within the operator's bounds, ascending.
        restore_class: How faithfully the original value can be put back.
        device: The device that the knob belongs to (``gpu0``, ``workload``, ``virtual:agx-orin``).
        not_above: Order that a configuration must keep with another knob, if any.
        tolerance: Largest relative difference between a value written and the value read back.
        settle_s: How long the hardware needs until a new value has its effect.
        switch_cost_s: How long writing takes.
        after: Knobs that are written before this one, where both are written: the device refuses the other order.
        delivery: What the hardware owes to an accepted value while load flows.
        provenance: ``measured`` for real hardware, ``simulated`` for devices that do not exist.
        explored: Whether a study explores the knob unless the operator says otherwise; every further dimension costs
            trials, so that only knobs that usually pay are.
        danger: Why the knob is off unless the operator allows it, as a clause; empty for harmless knobs.
        note: What the operator should know, in one sentence; empty if nothing.
    """

    id: str
    unit: str
    kind: KnobKind
    values: tuple[Value, ...]
    restore_class: RestoreClass
    device: str
    not_above: NotAbove | None = None
    tolerance: float = 0.0
    settle_s: float = 0.0
    switch_cost_s: float = 0.0
    after: tuple[str, ...] = ()
    delivery: Delivery = Delivery.SETTING
    provenance: Provenance = Provenance.MEASURED
    explored: bool = True
    danger: str = ""
    note: str = ""


class Knob(ABC):
    """One settable hardware control.

    Drivers write nothing when constructed, when read or when captured. Writing is the keeper's
    decision, after the journal holds what :meth:`capture` returned.
    """

    @property
    @abstractmethod
    def spec(self) -> KnobSpec:
        """The knob as a record."""

    @abstractmethod
    def read(self) -> Value:
        """Returns the value now in force.

        Where the device has no getter (restore class ``reset``), this is what was last written through this
        object, or else the device's default.

        Raises:
            DeviceError: The device does not answer.
        """

    @abstractmethod
    def write(self, value: Value) -> None:
        """Sets a value out of ``spec.values``; returns when the device has accepted it.

        Raises:
            RefusedError: The value is not admissible. Nothing was written.
            DeviceError: The device did not accept it.
        """

    @abstractmethod
    def capture(self) -> Captured:
        """Returns what :meth:`restore` needs to put the present state back, as JSON.

        Raises:
            DeviceError: The present state cannot be read, so that nothing may be written.
        """

    @abstractmethod
    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts back what :meth:`capture` returned, possibly in another process, and reads it back.

        Restoring twice is the same as restoring once.

        Raises:
            DeviceError: The original could not be put back. The journal entry must be kept.
        """
