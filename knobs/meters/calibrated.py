"""Joules of the board or the wall, estimated from those of one device.

They are what a meter measures, times a factor, and a base power all the time. ``wattune calibrate`` fits both to a
reference meter (see ``tuner/energy_model``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from knobs.contract import Absence, Calibration, Meter, MeterSpec, Provenance, Reading
from knobs.found import Found


class CalibratedMeter(Meter):
    """Estimates joules of a wider scope from a meter's. It has a reading whenever that meter has one."""

    def __init__(self, device: Meter, calibration: Calibration) -> None:
        """Prepares the meter; reads nothing.

        Args:
            device: The meter that is read.
            calibration: How joules of the wider scope follow from its joules.
        """
        self._device = device
        self._calibration = calibration
        self._spec = _spec(device.spec, calibration)

    @property
    def spec(self) -> MeterSpec:
        """The meter as a record."""
        return self._spec

    def sample(self) -> Reading:
        """Returns the joules estimated so far, at the instant to which the device's joules belong.

        Raises:
            NoValueError: The device has had no value for a while.
            DeviceError: The device is lost.
        """
        reading = self._device.sample()
        factor, base_w = self._calibration.factor, self._calibration.base_w
        return replace(
            reading, value=factor * reading.value + base_w * reading.time_s, error_j=factor * reading.error_j
        )


def find_calibrated(meters: Iterable[Meter], calibrations: Sequence[Calibration]) -> Found:
    """Returns a meter for each calibration, or why there is none.

    Args:
        meters: The machine's own meters, those that work.
        calibrations: What the operator's configuration says of them.
    """
    return Found.of(_calibrated({meter.spec.id: meter for meter in meters}, calibrations))


def _calibrated(meters: dict[str, Meter], calibrations: Sequence[Calibration]) -> Iterator[Meter | Absence]:
    for calibration in calibrations:
        device = meters.get(calibration.meter)
        if device is None:
            reason = f"there is no meter {calibration.meter} to estimate from"
            yield Absence(_id(calibration), reason, f"bring it back, or correct [calibration] {calibration.meter}")
        elif device.spec.provenance is not Provenance.MEASURED:
            reason = f"{calibration.meter} does not measure: an estimate needs a measurement to start from"
            yield Absence(_id(calibration), reason, "calibrate a meter that measures")
        elif not calibration.scope.covers(device.spec.scope):
            reason = (
                f"the scope {calibration.scope} does not hold what {calibration.meter} ({device.spec.scope}) measures"
            )
            yield Absence(_id(calibration), reason, f"correct [calibration] {calibration.meter}")
        else:
            yield CalibratedMeter(device, calibration)


def _id(calibration: Calibration) -> str:
    return f"{calibration.meter}.calibrated"


def _spec(device: MeterSpec, calibration: Calibration) -> MeterSpec:
    return replace(
        device,
        id=_id(calibration),
        scope=calibration.scope,
        provenance=Provenance.ESTIMATED,
        resolution=calibration.factor * device.resolution,
        accuracy=calibration.error,
        calibration=calibration,
        note=(
            f"{calibration.factor:g} times {calibration.meter}, and {calibration.base_w:g} W all the time; "
            f"up to {calibration.error:.1%} off where it was fitted to a reference."
        ),
    )
