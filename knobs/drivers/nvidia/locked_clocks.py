"""The highest and the lowest clock of a GPU's cores, and the highest of its memory, by locking clock ranges."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from knobs.checks import captured_number, require_listed
from knobs.contract import (
    Captured,
    Delivery,
    KnobKind,
    KnobSpec,
    NotAbove,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.drivers.nvidia.clock_lock import ClockLock, End
from knobs.drivers.nvidia.gpu import ONE_STEP_MHZ
from knobs.drivers.nvidia.names import CORE_MAX, CORE_MIN, MEMORY_MAX

SETTLE_S = 0.5
"""Changes of the core clock take 5 to some 100 ms, depending on GPU and target (arXiv 2502.20075)."""

_SWITCH_COST_S = 0.02
_MEMORY_READS_OFF_BY_MHZ = 5
_TO = "to_mhz"


class LockedClockKnob(DescribedKnob):
    """One end of a lock.

    The value of a knob that nobody has written is that end of the device's own range. It goes back to what this
    process held before, else to what the operator declared, else the lock is taken away.
    """

    def __init__(self, spec: KnobSpec, lock: ClockLock, end: End, declared: Value | None = None) -> None:
        """Prepares the knob; writes nothing.

        Args:
            spec: The knob as a record.
            lock: The lock, shared with the knob of its other end.
            end: Which end the knob moves.
            declared: What the operator wants it to go back to.

        Raises:
            RefusedError: The device does not list what the operator declared.
        """
        self._spec = spec
        self._lock = lock
        self._end: End = end
        self._declared = None if declared is None else self._listed(declared)

    def read(self) -> Value:
        """Returns what was last written, or else the end of the device's own range."""
        held = self._lock.held(self._end)
        return held if held is not None else self._spec.values[0 if self._end == "low" else -1]

    def write(self, value: Value) -> None:
        """Holds this end of the lock at a clock."""
        self._lock.move(self._end, self._listed(value))

    def capture(self) -> Captured:
        """Returns the clock to go back to; none stands for no lock."""
        held = self._lock.held(self._end)
        return {_TO: self._declared if held is None else held}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts this end of the lock back, and keeps what the other end is held at."""
        to_mhz = None if captured.get(_TO, "") is None else captured_number(self._spec.id, captured, _TO)
        self._lock.move(self._end, to_mhz)
        return RestoreOutcome.RESTORED

    def _listed(self, value: Value) -> int:
        require_listed(self._spec, value)
        return int(value)


def core_max_spec(device: str, clocks_mhz: tuple[int, ...], *, memory_is_a_knob: bool, note: str) -> KnobSpec:
    """Returns the record of the highest core clock.

    Args:
        device: The device set: ``gpu``.
        clocks_mhz: The core clocks, ascending.
        memory_is_a_knob: Whether the memory clock can be set too: the driver is then told of it first, as NVIDIA's
            own tools do, since the core clocks on offer depend on it.
        note: What the operator should know.
    """
    return replace(
        _clock_spec(device, CORE_MAX, clocks_mhz, core_tolerance(clocks_mhz), note),
        after=(f"{device}.{MEMORY_MAX}",) if memory_is_a_knob else (),
        delivery=Delivery.REACHED,
    )


def core_min_spec(device: str, clocks_mhz: tuple[int, ...], note: str) -> KnobSpec:
    """Returns the record of the lowest core clock.

    It does no harm and seldom pays: it keeps the GPU from resting between requests, for a quicker start of the
    next one. So it is offered, and left out of studies unless the operator says otherwise.
    """
    return replace(
        _clock_spec(device, CORE_MIN, clocks_mhz, core_tolerance(clocks_mhz), note),
        not_above=NotAbove(f"{device}.{CORE_MAX}"),
        explored=False,
    )


def memory_max_spec(device: str, clocks_mhz: tuple[int, ...], note: str) -> KnobSpec:
    """Returns the record of the highest memory clock.

    A ceiling, never a promise: while GeForce GPUs compute, the driver itself holds the memory one notch below the
    highest clock.
    """
    closest = min(high / low for low, high in pairwise(clocks_mhz)) - 1.0
    tolerance = min(_MEMORY_READS_OFF_BY_MHZ / clocks_mhz[0], closest / 3)
    return replace(_clock_spec(device, MEMORY_MAX, clocks_mhz, tolerance, note), delivery=Delivery.CEILING)


def core_tolerance(clocks_mhz: tuple[int, ...]) -> float:
    """One step at the highest clock, so that at no clock it is more than one step."""
    return ONE_STEP_MHZ / clocks_mhz[-1]


def _clock_spec(device: str, kind: str, clocks_mhz: tuple[int, ...], tolerance: float, note: str) -> KnobSpec:
    return KnobSpec(
        id=f"{device}.{kind}",
        unit="MHz",
        kind=KnobKind.CLOCK,
        values=clocks_mhz,
        restore_class=RestoreClass.RESET,
        device=device,
        tolerance=tolerance,
        settle_s=SETTLE_S,
        switch_cost_s=_SWITCH_COST_S,
        note=note,
    )
