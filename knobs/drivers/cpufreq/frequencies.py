"""Which frequencies a limit may be set to: those that the driver lists, or a grid where it lists none."""

from __future__ import annotations

from collections.abc import Iterable

from knobs.units import KILOHERTZ_PER_MEGAHERTZ, in_units

_GRID_KHZ = 100_000
_MOST_VALUES = 24


def grid_khz(low_khz: int, high_khz: int, landmarks_khz: Iterable[int] = ()) -> tuple[int, ...]:
    """Returns the frequencies to choose from where a driver takes any: a grid of 100 MHz or a multiple of it.

    Both ends and the landmarks are kept exactly; grid points closer than half a step to one of them are left out.

    Args:
        low_khz: The lowest frequency of the hardware, in kHz.
        high_khz: The highest one, in kHz.
        landmarks_khz: Frequencies inside that matter by themselves, such as the base frequency, in kHz.
    """
    inside = (landmark for landmark in landmarks_khz if low_khz <= landmark <= high_khz)
    exact = {low_khz, high_khz, *inside}
    step = _GRID_KHZ * max(1, -(-(high_khz - low_khz) // (_GRID_KHZ * _MOST_VALUES)))
    first = -(-low_khz // step) * step
    points = (point for point in range(first, high_khz, step) if all(2 * abs(point - mark) >= step for mark in exact))
    return tuple(sorted({*exact, *points}))


def mhz(khz: int) -> int | float:
    """Returns a frequency in MHz: an int where it is whole."""
    return in_units(khz, KILOHERTZ_PER_MEGAHERTZ)


def khz(value_mhz: float) -> int:
    """Returns a frequency in kHz; undoes :func:`mhz` exactly."""
    return round(value_mhz * KILOHERTZ_PER_MEGAHERTZ)
