"""Board or wall energy from a device's own meter: ``factor * device energy + base power * time``.

A GPU's meter sees the GPU: 60 to 68 % of what two desktops drew at the wall over the models of Cao et al., "IrEne:
Interpretable Energy Prediction for Transformers" (ACL 2021). The two coefficients of this form predicted the rest to
0.3 to 0.5 % there, on models that the fit had not seen.

Here they are fitted to the mean powers of stretches of time. What the fit is worth is told by stretches that it has
not seen: the recording is cut into blocks, and each one is predicted from the others. Blocks are contiguous, as
neighbouring stretches resemble each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import quantiles

from tuner.energy_model.calibration.line import Line, robust_line
from tuner.energy_model.calibration.series import EnergySeries
from tuner.energy_model.calibration.stretches import Recording, Stretch
from tuner.errors import BadInputError

LARGEST_ERROR = 0.05
_BLOCKS = 5
_LEAST_STRETCHES = 12
_LEAST_RANGE = 0.2
_LARGEST_FACTOR_UNCERTAINTY = 0.2
_LARGEST_OUTLIER_SHARE = 0.1
_DEVIATIONS_OF_95_PERCENT = 2.0
_TWENTIETHS = 20

_ADVICE = "let the machine rest and work by turns, several times each, and record again"


@dataclass(frozen=True)
class CalibrationFit:
    """A fit of a meter to a reference, and what it is worth.

    Attributes:
        factor: Joules of the reference for each joule of the meter.
        base_w: What the reference shows in addition, all the time.
        factor_half_width: Half of the factor's 95 % interval, as if stretches were independent.
        base_half_width_w: Half of the base power's.
        mean_error: Mean relative error of the energy of stretches that the fit had not seen.
        largest_error: Largest relative error of the energy of a whole block that the fit had not seen.
        idle_device_w: The meter's power at rest: its 5th percentile.
        idle_reference_w: The reference's.
        busy_device_w: The meter's power at work: its 95th percentile. Beyond, the fit says nothing.
        lag_s: How much later the reference showed what the meter showed.
        stretches: Stretches of time that were compared.
        stretch_s: Length of each.
        outliers: How many of them were out of line and were left out, also from the errors.
    """

    factor: float
    base_w: float
    factor_half_width: float
    base_half_width_w: float
    mean_error: float
    largest_error: float
    idle_device_w: float
    idle_reference_w: float
    busy_device_w: float
    lag_s: float
    stretches: int
    stretch_s: float
    outliers: int

    @property
    def error(self) -> float:
        """How far off an estimate may be, relative to it: the larger of the two errors."""
        return max(self.mean_error, self.largest_error)


def calibrate(device: EnergySeries, reference: EnergySeries, largest_error: float = LARGEST_ERROR) -> CalibrationFit:
    """Fits a meter to a reference of wider scope.

    Args:
        device: The meter's joules.
        reference: The reference's over the same time; its clock may be some seconds off.
        largest_error: A fit with a larger error is refused.

    Raises:
        BadInputError: The recording cannot tell the coefficients, or no coefficients describe it.
    """
    recording = Recording(device, reference)
    _require_range(device, reference, recording.stretches(0.0))
    lag_s = recording.lag_s()
    if lag_s is None:
        raise BadInputError(
            f"{reference.name} does not follow {device.name} with a lag that can be told: their clocks must agree to a "
            "few seconds, and the recording must last for longer than that many times over."
        )
    stretches = recording.stretches(lag_s)
    _require_range(device, reference, stretches)
    line = _require_line(device, reference, stretches)
    fit = _fit(stretches, line, recording.stretch_s, lag_s)
    if fit.error > largest_error:
        raise BadInputError(
            f"The fit is off by {fit.error:.1%} on what it had not seen, and {largest_error:.1%} is allowed: "
            f"{reference.name} also changes with something that {device.name} does not measure."
        )
    return fit


def _fit(stretches: Sequence[Stretch], line: Line, stretch_s: float, lag_s: float) -> CalibrationFit:
    kept = [stretch for index, stretch in enumerate(stretches) if index not in line.outliers]
    mean_error, largest_error = _errors(kept)
    idle_reference_w, _ = _levels([stretch.reference_w for stretch in stretches])
    idle_device_w, busy_device_w = _levels([stretch.device_w for stretch in stretches])
    return CalibrationFit(
        factor=line.slope,
        base_w=line.intercept,
        factor_half_width=_DEVIATIONS_OF_95_PERCENT * line.slope_error,
        base_half_width_w=_DEVIATIONS_OF_95_PERCENT * line.intercept_error,
        mean_error=mean_error,
        largest_error=largest_error,
        idle_device_w=idle_device_w,
        idle_reference_w=idle_reference_w,
        busy_device_w=busy_device_w,
        lag_s=lag_s,
        stretches=len(stretches),
        stretch_s=stretch_s,
        outliers=len(line.outliers),
    )


def _require_range(device: EnergySeries, reference: EnergySeries, stretches: Sequence[Stretch]) -> None:
    if len(stretches) < _LEAST_STRETCHES:
        raise BadInputError(
            f"{device.name} and {reference.name} have {len(stretches)} stretches of time in common, and "
            f"{_LEAST_STRETCHES} are needed: record both at the same time, on the same clock, and for longer."
        )
    idle_w, busy_w = _levels([stretch.device_w for stretch in stretches])
    if not _is_range(idle_w, busy_w):
        raise BadInputError(
            f"{device.name} stays between {idle_w:.4g} and {busy_w:.4g} W, which cannot tell factor and base power "
            f"apart: {_ADVICE}."
        )
    least_w, _ = _levels([stretch.reference_w for stretch in stretches])
    if least_w <= 0:
        raise BadInputError(f"{reference.name} shows {least_w:.4g} W at rest: it does not cover this machine.")


def _require_line(device: EnergySeries, reference: EnergySeries, stretches: Sequence[Stretch]) -> Line:
    line = _line(stretches)
    if line is None:
        raise BadInputError(f"No line can be drawn from {device.name} to {reference.name}: {_ADVICE}.")
    half_width = _DEVIATIONS_OF_95_PERCENT * line.slope_error
    if line.slope <= 0 or half_width > _LARGEST_FACTOR_UNCERTAINTY * line.slope:
        raise BadInputError(
            f"{reference.name} hardly follows {device.name} (factor {line.slope:.3g}, give or take {half_width:.2g}): "
            f"it does not cover that device, or other things hide it; {_ADVICE}."
        )
    if line.intercept < 0:
        raise BadInputError(
            f"The base power would be {line.intercept:.4g} W, below zero: {reference.name} covers less than "
            f"{device.name}, or one of them is wrong."
        )
    if len(line.outliers) > _LARGEST_OUTLIER_SHARE * len(stretches):
        raise BadInputError(
            f"{len(line.outliers)} of {len(stretches)} stretches are out of line: {reference.name} also changes with "
            f"something that {device.name} does not measure, or a meter fails again and again."
        )
    return line


def _errors(stretches: Sequence[Stretch]) -> tuple[float, float]:
    """Returns the mean relative error of stretches, and the largest one of a block, each predicted from the others."""
    ends = [round(number * len(stretches) / _BLOCKS) for number in range(_BLOCKS + 1)]
    apart_w: list[float] = []
    of_blocks: list[float] = []
    for begin, end in pairwise(ends):
        line = _require_generality([*stretches[:begin], *stretches[end:]])
        block = stretches[begin:end]
        errors_w = [line.at(stretch.device_w) - stretch.reference_w for stretch in block]
        apart_w += map(abs, errors_w)
        of_blocks.append(abs(sum(errors_w)) / sum(stretch.reference_w for stretch in block))
    return sum(apart_w) / sum(stretch.reference_w for stretch in stretches), max(of_blocks)


def _require_generality(stretches: Sequence[Stretch]) -> Line:
    line = _line(stretches)
    if line is None or not _is_range(*_levels([stretch.device_w for stretch in stretches])):
        raise BadInputError(f"All rest or all work lies in one part of the recording: {_ADVICE}.")
    return line


def _line(stretches: Sequence[Stretch]) -> Line | None:
    return robust_line([stretch.device_w for stretch in stretches], [stretch.reference_w for stretch in stretches])


def _levels(powers_w: Sequence[float]) -> tuple[float, float]:
    """Returns the powers at rest and at work: the 5th and the 95th percentile."""
    percentiles = quantiles(powers_w, n=_TWENTIETHS, method="inclusive")
    return percentiles[0], percentiles[-1]


def _is_range(idle_w: float, busy_w: float) -> bool:
    return busy_w > 0 and busy_w - idle_w >= _LEAST_RANGE * busy_w
