"""What every knob and every meter honours.

A driver implements :class:`Knob` or :class:`Meter`. Everything that leaves the keeper is one of the
plain records below, so that it can cross a socket as one line of JSON.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
Value: TypeAlias = int | float | str
"""A value of a knob: a number in the knob's unit, or the name of a category."""

Captured: TypeAlias = dict[str, JsonValue]
"""Whatever a knob needs to put its original value back, as JSON: this is what the journal keeps."""


WORKLOAD_DEVICE = "workload"
"""The device of knobs and meters that belong to a workload's process: they end with it."""


class KnobError(Exception):
    """A knob or meter could not do what was asked. The message is one sentence for the operator."""


class RefusedError(KnobError):
    """The request itself is wrong: unknown knob, value not admissible, out of the operator's bounds."""


class DeviceError(KnobError):
    """The hardware or the kernel did not do what a correct request asked."""


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


class Scope(StrEnum):
    """What a joule covers. Scopes are never mixed silently."""

    GPU = "gpu"
    CPU = "cpu"
    SOC = "soc"
    BOARD = "board"
    WALL = "wall"


class Provenance(StrEnum):
    """Where a number comes from. It follows the number to the last screen."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    SIMULATED = "simulated"


class Quantity(StrEnum):
    """What a meter's readings are."""

    ENERGY_J = "energy_j"
    """A counter of joules that only grows (wraps are undone by the meter)."""
    POWER_W = "power_w"
    """Watts at the instant of the reading."""


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
        provenance: ``measured`` for real hardware, ``simulated`` for devices that do not exist.
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
    provenance: Provenance = Provenance.MEASURED
    note: str = ""


@dataclass(frozen=True)
class PowerCoefficients:
    """Linear power model of an estimating meter: ``static_w + cpu_core_w * busy cores``.

    Each range is ``(low, nominal, high)`` in watts. The energy that such a meter reports uses the
    nominal values; the band comes from the corners of the ranges.
    """

    static_w: tuple[float, float, float]
    cpu_core_w: tuple[float, float, float]


ASSUMED_COEFFICIENTS = PowerCoefficients(static_w=(2.0, 8.0, 20.0), cpu_core_w=(2.0, 5.0, 12.0))
"""Assumptions, not measurements; the operator who knows the machine sets better ones.

``static_w``: the CPU's own share while idle. A small Arm board idles at 2 to 3 W; the package of a
desktop or small server CPU at some 5 to 20 W.
``cpu_core_w``: what one busy core adds. About 1 to 2 W on a small Arm board. Servers in clouds are
commonly modelled with about 0.7 W (idle) to 3.5 W (busy) per hardware thread (the averages of the
Cloud Carbon Footprint methodology), which is 5 to 6 W more per core of two threads. A desktop core
at its highest clock draws 10 W and more.
"""


@dataclass(frozen=True)
class MeterSpec:
    """A meter as the rest of Wattune sees it.

    Attributes:
        id: Dotted name: ``cpu.package.rapl``.
        quantity: Whether readings are joules counted or watts at an instant.
        scope: What a joule of this meter covers.
        provenance: Whether it measures, estimates or simulates.
        update_period_s: How often the value behind the readings changes.
        resolution: Smallest step of a reading, in joules or watts.
        device: The device that is metered.
        coefficients: The power model, for an estimating meter only.
        note: What the operator should know, in one sentence; empty if nothing.
    """

    id: str
    quantity: Quantity
    scope: Scope
    provenance: Provenance
    update_period_s: float
    resolution: float
    device: str
    coefficients: PowerCoefficients | None = None
    note: str = ""


@dataclass(frozen=True)
class Reading:
    """One sample of a meter.

    Attributes:
        time_s: Instant of the sample on the device's monotonic clock.
        value: Joules counted so far, or watts, as the meter's quantity says.
        cpu_s: CPU time used so far by the workload, where the meter counts it (estimating meters do).
    """

    time_s: float
    value: float
    cpu_s: float | None = None


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


class Meter(ABC):
    """A source of energy or power."""

    @property
    @abstractmethod
    def spec(self) -> MeterSpec:
        """The meter as a record."""

    @abstractmethod
    def sample(self) -> Reading:
        """Returns a reading taken now.

        Raises:
            DeviceError: The meter does not answer.
        """
