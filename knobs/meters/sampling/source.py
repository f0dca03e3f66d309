"""What a driver gives to be metered: the facts of a source, and one function that reads it.

A driver writes no meter of its own. It says what the source is, how to read it once, and hands both to
:class:`knobs.meters.sampling.meter.SampledMeter`, whose readings are joules whatever the source shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from knobs.contract import Provenance, Scope


@dataclass(frozen=True)
class SourceFacts:
    """What is known about a source before it is read.

    Attributes:
        id: Dotted name of the meter, device first: ``gpu.energy``.
        scope: What a joule covers.
        device: The device that is metered.
        update_period_s: How often the value behind the readings changes; the longest where it varies.
        resolution: Smallest step of the value that is read, in joules (counters) or watts (power).
        provenance: ``measured`` for real hardware, ``simulated`` for devices that do not exist.
        accuracy: Relative systematic error that the maker or the literature states; 0 where nothing is stated.
        duty: Share of every update period in which the sensor looks, for a power: 1 where a value is the mean over
            the whole period before it, 0 where it is the power at one instant. A counter sees everything.
        longest_interval_s: A counter must be read at least this often, or it loses count: half the time that it
            needs to wrap at full power, or what the kernel's driver asks for (hwmon energies that accumulate only
            when read).
        note: What the operator should know, in one sentence; empty if nothing.
    """

    id: str
    scope: Scope
    device: str
    update_period_s: float
    resolution: float
    provenance: Provenance = Provenance.MEASURED
    accuracy: float = 0.0
    duty: float = 1.0
    longest_interval_s: float = math.inf
    note: str = ""


@dataclass(frozen=True)
class PowerSource:
    """A sensor of watts.

    Attributes:
        facts: What is known about it.
        read: Returns the watts that the sensor shows now. Raises NoValueError where it has none just now, which is
            a gap and never a zero, and DeviceError where it is lost.
    """

    facts: SourceFacts
    read: Callable[[], float]


@dataclass(frozen=True)
class CounterSource:
    """A counter of joules.

    Attributes:
        facts: What is known about it.
        read: Returns the joules counted, as the device shows them. Raises as a power's does.
        range_j: The count at which it starts again from zero; None where it does not, or where ``read`` undoes it.
    """

    facts: SourceFacts
    read: Callable[[], float]
    range_j: float | None = None


Source = PowerSource | CounterSource
