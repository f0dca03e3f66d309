"""Joules of a meter, split among what ran: equal parts for all that is active, at every instant.

At each instant the active events are the innermost one of every lane of the meter's devices. Of each interval between
two changes, of that set or of the power, every active event is charged an equal part (Babakol and Liu, "Tensor-Aware
Energy Accounting", ICSE 2024, section 4). Intervals are half-open: at the instant at which an event ends it is no
longer active. Where nothing is active, the joules are idle ones and nobody's.

It is done without going through the intervals. Let ``F(t)`` be the integral of ``power / active lanes``: an event
with all that is within it uses ``F(end) - F(start)``, and itself what remains when its children's are taken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.energy_model.accounting.nesting import Nesting
from tuner.energy_model.accounting.power import PowerSeries
from tuner.energy_model.accounting.timeline import NONE, Floats, Integers, Kind, Timeline, Truths
from tuner.errors import BadInputError

_LEAST_COVERED = 0.99


@dataclass(frozen=True)
class Metered:
    """What one meter saw of a window of time.

    Attributes:
        series: The meter's joules.
        energy_j: Joules of the whole window.
        idle_j: Of them, those during which no event was active.
        idle_s: Seconds during which none was.
        window_ns: The window's begin and end.
        gap_s: Seconds of it that lie in gaps of the recording.
    """

    series: PowerSeries
    energy_j: float
    idle_j: float
    idle_s: float
    window_ns: tuple[int, int]
    gap_s: float


@dataclass(frozen=True, eq=False)
class Split:
    """Joules of each event.

    Attributes:
        energy_j: Joules of each event itself, without what is within it; shape (events,).
        self_ns: Nanoseconds during which it was the innermost one.
        meters: What each meter saw.
    """

    energy_j: Floats
    self_ns: Integers
    meters: tuple[Metered, ...]


def split(
    timeline: Timeline, nesting: Nesting, meters: Sequence[PowerSeries], window_ns: tuple[int, int] | None = None
) -> Split:
    """Splits the joules of meters over the events of their devices.

    Args:
        timeline: The events.
        nesting: Who is within whom.
        meters: Joules on the clock of the events; no device belongs to two of them.
        window_ns: What is accounted for; from the first event to the last if None. Every event lies within.

    Raises:
        BadInputError: A meter did not see the window.
    """
    start_ns, end_ns = window_ns or timeline.span_ns
    duration_ns = timeline.end_ns - timeline.start_ns
    self_ns = _without_children(duration_ns.astype(np.float64), nesting).astype(np.int64)
    waiting = waits(timeline, nesting)
    energy_j = np.zeros(len(timeline))
    seen: list[Metered] = []
    for meter in meters:
        _require_cover(meter, start_ns, end_ns)
        events = events_of(timeline, meter.devices)
        shared = Sharing(*_active(timeline, nesting, waiting, events), meter, (start_ns, end_ns))
        energy_j[events] = shared.between(timeline.start_ns[events], timeline.end_ns[events])
        seen.append(shared.metered)
    energy_j = _without_children(energy_j, nesting)
    energy_j[(self_ns == 0) | waiting] = 0.0
    return Split(np.clip(energy_j, 0.0, None), np.where(waiting, 0, self_ns), tuple(seen))


class Sharing:
    """The integral of a meter's power per active lane."""

    def __init__(self, instants: Integers, active: Floats, meter: PowerSeries, window_ns: tuple[int, int]) -> None:
        """Integrates.

        Args:
            instants: When the number of active lanes changes, shape (n,).
            active: The number from each instant to the next, shape (n - 1,).
            meter: Its joules.
            window_ns: From when to when.
        """
        inside = meter.times_ns[(meter.times_ns > window_ns[0]) & (meter.times_ns < window_ns[1])]
        times = np.unique(np.concatenate((window_ns, inside, instants)))
        place = np.searchsorted(instants, times[:-1], side="right")
        active = np.concatenate(([0.0], active, [0.0]))[place]
        energy_j = np.diff(meter.until(times))
        is_idle = active <= 0
        parts_j = np.divide(energy_j, active, out=np.zeros_like(energy_j), where=~is_idle)
        self._times = times
        self._parts_j = np.concatenate(([0.0], np.cumsum(parts_j)))
        self.metered = Metered(
            series=meter,
            energy_j=float(energy_j.sum()),
            idle_j=float(energy_j[is_idle].sum()),
            idle_s=float(np.diff(times)[is_idle].sum()) * 1e-9,
            window_ns=window_ns,
            gap_s=meter.gap_ns(*window_ns) * 1e-9,
        )

    def between(self, start_ns: Integers, end_ns: Integers) -> Floats:
        """Returns the joules of one active lane between instants."""
        first = self._times[0]
        times = (self._times - first).astype(np.float64)
        until_end, until_start = (np.interp(instant - first, times, self._parts_j) for instant in (end_ns, start_ns))
        return np.asarray(until_end - until_start, dtype=np.float64)


def active_lanes(timeline: Timeline, nesting: Nesting, devices: Sequence[str]) -> tuple[Integers, Floats]:
    """Returns how many lanes of devices are active between instants.

    Returns:
        Instants, ascending, shape (n,), and the number of lanes from each to the next, shape (n - 1,).
    """
    return _active(timeline, nesting, waits(timeline, nesting), events_of(timeline, devices))


def events_of(timeline: Timeline, devices: Sequence[str]) -> Integers:
    """Returns the positions of the events of devices."""
    lanes = np.array([lane.device in devices for lane in timeline.lanes], dtype=np.bool_)
    return np.flatnonzero(lanes[timeline.lane])


def _active(timeline: Timeline, nesting: Nesting, waiting: Truths, events: Integers) -> tuple[Integers, Floats]:
    """Counts active lanes.

    A lane is active from where an outermost event begins to where it ends, but for what waits within it.
    """
    outermost = events[nesting.parent[events] == NONE]
    pauses = events[waiting[events]]
    inside = nesting.parent[pauses] != NONE
    inside[inside] = waiting[nesting.parent[pauses[inside]]]
    pauses = pauses[~inside]
    instants = np.concatenate(
        (
            timeline.start_ns[outermost],
            timeline.end_ns[outermost],
            timeline.start_ns[pauses],
            timeline.end_ns[pauses],
        )
    )
    signs = np.repeat([1.0, -1.0, -1.0, 1.0], [len(outermost), len(outermost), len(pauses), len(pauses)])
    times, place = np.unique(instants, return_inverse=True)
    changes: Floats = np.bincount(place, weights=signs, minlength=len(times)).astype(np.float64)
    return times, np.cumsum(changes)[:-1]


def waits(timeline: Timeline, nesting: Nesting) -> Truths:
    """Tells of each event whether it waits, or is within one that does."""
    waiting: Truths = timeline.kind == Kind.WAITING
    for level in nesting.levels() if waiting.any() else ():
        parent = nesting.parent[level]
        inside = parent != NONE
        waiting[level[inside]] |= waiting[parent[inside]]
    return waiting


def _without_children(amount: Floats, nesting: Nesting) -> Floats:
    """Takes off from each event what the events directly within it have. Nanoseconds stay whole: 104 days are exact."""
    inside = nesting.parent != NONE
    of_children = np.bincount(nesting.parent[inside], weights=amount[inside], minlength=len(amount))
    return amount - of_children


def _require_cover(meter: PowerSeries, start_ns: int, end_ns: int) -> None:
    covered_ns = min(end_ns, int(meter.times_ns[-1])) - max(start_ns, int(meter.times_ns[0]))
    if end_ns > start_ns and covered_ns < _LEAST_COVERED * (end_ns - start_ns):
        raise BadInputError(
            f"{meter.name} saw {max(covered_ns, 0) / (end_ns - start_ns):.0%} of the trace: record both at the same "
            "time, on the same clock, the meter from before the first event to after the last."
        )
