"""Several meters as one: the energy of all GPUs of a device set."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from knobs.contract import Meter, MeterSpec, Provenance, Reading
from knobs.meters.averages import mean

_LEAST_REAL_FIRST = (Provenance.SIMULATED, Provenance.ESTIMATED, Provenance.MEASURED)


class TotalMeter(Meter):
    """The sum of meters that cover different things in the same way.

    Counters move in steps, each at instants of its own, so that the readings of one sample belong to different
    instants. Their sum is given for the mean of these. That is exact where all draw the same power, which is what
    devices that serve one model together nearly do; what different powers make of it is added to the error.
    """

    def __init__(self, meter_id: str, device: str, meters: Sequence[Meter]) -> None:
        """Joins meters; reads nothing.

        Args:
            meter_id: The total's id.
            device: What is metered in total.
            meters: The parts: measured, of one scope.

        Raises:
            ValueError: There are no parts, or they cannot be added up.
        """
        specs = [meter.spec for meter in meters]
        if len({spec.scope for spec in specs}) != 1:
            raise ValueError("a total needs meters of one scope")
        if any(spec.coefficients is not None for spec in specs):
            raise ValueError("a total of estimates has no power model of its own")
        self._meters = tuple(meters)
        self._spec = _joint_spec(meter_id, device, specs)
        self._lock = threading.Lock()
        self._last: tuple[Reading, ...] = ()
        self._powers_w = (0.0,) * len(self._meters)

    @property
    def spec(self) -> MeterSpec:
        """The meter as a record."""
        return self._spec

    def sample(self) -> Reading:
        """Returns the sum of a reading of each part.

        Raises:
            DeviceError: A part does not answer: a sum without it would be wrong.
        """
        with self._lock:
            readings = tuple(meter.sample() for meter in self._meters)
            self._learn_powers(readings)
            return Reading(
                time_s=mean([reading.time_s for reading in readings]),
                value=sum(reading.value for reading in readings),
                error_j=sum(reading.error_j for reading in readings) + self._alignment_error_j(readings),
                gap_s=mean([reading.gap_s for reading in readings]),
            )

    def _learn_powers(self, readings: tuple[Reading, ...]) -> None:
        if self._last:
            self._powers_w = tuple(
                (after.value - before.value) / (after.time_s - before.time_s) if after.time_s > before.time_s else power
                for power, before, after in zip(self._powers_w, self._last, readings, strict=True)
            )
        self._last = readings

    def _alignment_error_j(self, readings: tuple[Reading, ...]) -> float:
        """What moving each part to the mean instant leaves: nothing where powers are equal.

        Moving part ``i`` by ``t - t_i`` adds ``P_i (t - t_i)``; with ``P`` the mean power, all ``P (t - t_i)`` add
        up to nothing, and ``(P_i - P) (t - t_i)`` remain.
        """
        time_s = mean([reading.time_s for reading in readings])
        power_w = mean(self._powers_w)
        return sum(
            abs((power - power_w) * (time_s - reading.time_s))
            for power, reading in zip(self._powers_w, readings, strict=True)
        )


def _joint_spec(meter_id: str, device: str, specs: Sequence[MeterSpec]) -> MeterSpec:
    notes = " ".join(dict.fromkeys(spec.note for spec in specs if spec.note))
    return replace(
        specs[0],
        id=meter_id,
        device=device,
        provenance=min((spec.provenance for spec in specs), key=_LEAST_REAL_FIRST.index),
        update_period_s=max(spec.update_period_s for spec in specs),
        resolution=sum(spec.resolution for spec in specs),
        accuracy=max(spec.accuracy for spec in specs),
        duty=min(spec.duty for spec in specs),
        note=f"Sum of {len(specs)}. {notes}".strip(),
    )
