"""One source of energy or power: what it says of itself, and what its driver honours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum

from knobs.contract.values import Provenance


class Scope(StrEnum):
    """What a joule covers. Scopes are never mixed silently."""

    GPU = "gpu"
    CPU = "cpu"
    SOC = "soc"
    BOARD = "board"
    WALL = "wall"

    def covers(self, other: Scope) -> bool:
        """Tells whether a joule of this scope holds every joule of another one, which may be the same."""
        return self is other or other in _HELD[self]


_HELD = {
    Scope.GPU: frozenset[Scope](),
    Scope.CPU: frozenset[Scope](),
    Scope.SOC: frozenset({Scope.GPU, Scope.CPU}),
    Scope.BOARD: frozenset({Scope.GPU, Scope.CPU, Scope.SOC}),
    Scope.WALL: frozenset({Scope.GPU, Scope.CPU, Scope.SOC, Scope.BOARD}),
}
"""The narrower scopes that each one holds."""


class Quantity(StrEnum):
    """What a meter's readings are."""

    ENERGY_J = "energy_j"
    """A counter of joules that only grows (wraps are undone by the meter, and watts integrated)."""


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
class Calibration:
    """How joules of a wider scope follow from those of one meter: ``factor * joules + base_w * seconds``.

    Attributes:
        meter: Id of the meter that is read.
        scope: What a joule covers that is estimated in this way.
        factor: Joules of the wider scope for each joule of the meter.
        base_w: What is drawn in the wider scope whatever the meter shows, in watts.
        error: How far off the joules may be, relative to them: what was seen on stretches of time that the fit to
            a reference meter had not seen.
    """

    meter: str
    scope: Scope
    factor: float
    base_w: float
    error: float


@dataclass(frozen=True)
class MeterSpec:
    """A meter as the rest of Wattune sees it.

    Attributes:
        id: Dotted name: ``cpu.package.rapl``.
        quantity: What readings are: joules, whatever the sensor behind them shows.
        scope: What a joule of this meter covers.
        provenance: Whether it measures, estimates or simulates.
        update_period_s: How often the value behind the readings changes.
        resolution: Smallest step of a reading, in joules.
        device: The device that is metered.
        accuracy: Relative systematic error that no repetition removes, as the maker or the literature states it;
            0 where nothing is stated. It cancels where two readings of one meter are divided.
        duty: Share of the time in which the sensor looks; 1 for a sensor that sees everything.
        coefficients: The power model, for a meter that estimates from CPU time only.
        note: What the operator should know, in one sentence; empty if nothing.
        calibration: The power model, for a meter that estimates from another one's joules only.
    """

    id: str
    quantity: Quantity
    scope: Scope
    provenance: Provenance
    update_period_s: float
    resolution: float
    device: str
    accuracy: float = 0.0
    duty: float = 1.0
    coefficients: PowerCoefficients | None = None
    note: str = ""
    calibration: Calibration | None = None

    def band_j(self, energy_j: float, duration_s: float, cpu_s: float | None = None) -> tuple[float, float] | None:
        """Returns between which joules the truth behind an estimate lies; None for joules that are not estimated.

        Args:
            energy_j: Joules of a window, as this meter reports them.
            duration_s: Length of the window.
            cpu_s: CPU time used in it, where the meter counts it.
        """
        if self.calibration is not None:
            return energy_j * (1.0 - self.calibration.error), energy_j * (1.0 + self.calibration.error)
        if self.coefficients is None or cpu_s is None:
            return None
        low, _, high = (
            static_w * duration_s + core_w * cpu_s
            for static_w, core_w in zip(self.coefficients.static_w, self.coefficients.cpu_core_w, strict=True)
        )
        return low, high


@dataclass(frozen=True)
class Reading:
    """One sample of a meter.

    Attributes:
        time_s: Instant on the device's monotonic clock to which the value belongs. For a counter that moves in
            steps this is the instant of its last step, not that of the call.
        value: Joules counted so far.
        cpu_s: CPU time used so far by the workload, where the meter counts it (estimating meters do).
        error_j: How far a counted value may be off, in joules: its step was not seen exactly, power swung between
            two samples. The error of a difference is at most the sum of both.
        gap_s: Seconds so far over which samples were missing, so that the energy in them is interpolated.
    """

    time_s: float
    value: float
    cpu_s: float | None = None
    error_j: float = 0.0
    gap_s: float = 0.0


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
