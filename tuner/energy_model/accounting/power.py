"""The joules of one meter over time, as the split needs them: counted up to instants, straight in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from knobs.contract import Provenance, Scope
from tuner.energy_model.accounting.timeline import Floats, Integers
from tuner.errors import BadInputError

_LEAST_READINGS = 2
_GAP_UPDATES = 10.0
"""A pause between readings of more updates than these is a gap: nobody knows when within it the joules were used."""


@dataclass(frozen=True, eq=False)
class PowerSeries:
    """What one meter showed. Between two readings power is taken for constant.

    Attributes:
        name: The meter's id or the column's title.
        devices: The devices of the trace whose joules it counts.
        times_ns: Instants on the clock of the trace, ascending.
        energy_j: Joules counted up to each of them.
        provenance: Whether it measures.
        scope: What its joules cover; None where the recording does not tell.
    """

    name: str
    devices: tuple[str, ...]
    times_ns: Integers
    energy_j: Floats
    provenance: Provenance
    scope: Scope | None

    def until(self, times_ns: Integers) -> Floats:
        """Returns the joules counted up to instants within the recording."""
        found: Floats = np.interp(times_ns - self.times_ns[0], self.times_ns - self.times_ns[0], self.energy_j)
        return found

    def shifted(self, offset_ns: int) -> PowerSeries:
        """Returns the same on a clock that is ahead by so much."""
        times_ns = self.times_ns + offset_ns
        return PowerSeries(self.name, self.devices, times_ns, self.energy_j, self.provenance, self.scope)

    @property
    def update_ns(self) -> float:
        """How far its readings are apart, typically."""
        return float(np.median(np.diff(self.times_ns)))

    def gap_ns(self, start_ns: int, end_ns: int) -> int:
        """Returns the length of what lies in gaps of the recording between two instants."""
        before, after = self.times_ns[:-1], self.times_ns[1:]
        is_gap = after - before > _GAP_UPDATES * self.update_ns
        overlap = np.minimum(after, end_ns) - np.maximum(before, start_ns)
        return int(np.clip(overlap[is_gap], 0, None).sum())


def of_counter(
    name: str,
    devices: tuple[str, ...],
    times_ns: Sequence[int],
    energy_j: Sequence[float],
    provenance: Provenance,
    scope: Scope | None,
) -> PowerSeries:
    """Returns the series of a counter of joules; readings between which it did not move belong to the earlier one.

    Raises:
        BadInputError: Time or joules run backwards, or there are too few readings.
    """
    times, energy = np.array(times_ns, dtype=np.int64), np.array(energy_j, dtype=np.float64)
    _require(name, times)
    if np.any(np.diff(energy) < 0):
        raise BadInputError(f"The joules of {name} run backwards: cut the recording where its counter was reset.")
    return PowerSeries(name, devices, times, energy - energy[0], provenance, scope)


def of_power(
    name: str,
    devices: tuple[str, ...],
    times_ns: Sequence[int],
    power_w: Sequence[float],
    provenance: Provenance,
    scope: Scope | None,
) -> PowerSeries:
    """Returns the series of a sensor of watts, each of which is taken for the mean since the reading before.

    Raises:
        BadInputError: Time runs backwards, a power is below zero, or there are too few readings.
    """
    times, power = np.array(times_ns, dtype=np.int64), np.array(power_w, dtype=np.float64)
    _require(name, times)
    if power.min() < 0:
        raise BadInputError(f"{name} shows {power.min():g} W, which is no power: correct its sign or its sensor.")
    energy = np.concatenate(([0.0], np.cumsum(power[1:] * np.diff(times) * 1e-9)))
    return PowerSeries(name, devices, times, energy, provenance, scope)


def _require(name: str, times_ns: Integers) -> None:
    if len(times_ns) < _LEAST_READINGS:
        raise BadInputError(f"{name} has {len(times_ns)} readings, and two are needed at least: record for longer.")
    backwards = np.flatnonzero(np.diff(times_ns) <= 0)
    if len(backwards):
        before_s, after_s = (times_ns[backwards[0] + step] * 1e-9 for step in (0, 1))
        raise BadInputError(
            f"The clock of {name} does not go on from {before_s:.15g} s to {after_s:.15g} s: sort the recording."
        )
