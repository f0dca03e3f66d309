"""The small units of the kernel's files and of NVIDIA's library, and the units of knobs and meters."""

from __future__ import annotations

HERTZ_PER_MEGAHERTZ = 1_000_000
KILOHERTZ_PER_MEGAHERTZ = 1000
MICROWATTS_PER_WATT = 1_000_000
MILLIWATTS_PER_WATT = 1000
MICROJOULES_PER_JOULE = 1_000_000
MILLIDEGREES_PER_DEGREE = 1000


def in_units(count: int, per_unit: int) -> int | float:
    """Returns a count of small units in large ones: an int where it is whole.

    Args:
        count: How many small units: hertz.
        per_unit: How many of them make a large one: hertz per megahertz.
    """
    whole, rest = divmod(count, per_unit)
    return count / per_unit if rest else whole


def megahertz(hertz: int) -> int | float:
    """Returns a clock in MHz: an int where it is whole."""
    return in_units(hertz, HERTZ_PER_MEGAHERTZ)


def even_steps(low: int, high: int, step: int) -> tuple[int, ...]:
    """Returns the multiples of a step between two ends, and the ends themselves, ascending."""
    return tuple(sorted({low, *range(low - low % step + step, high, step), high}))
