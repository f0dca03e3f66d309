"""What one driver finds on a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from knobs.contract import (
    ASSUMED_COEFFICIENTS,
    Absence,
    Calibration,
    Captured,
    Knob,
    Meter,
    Monitor,
    PowerCoefficients,
    Scope,
    Value,
)
from knobs.sysfs import KernelFiles

START_AS_ROOT = "start the keeper as root, and not in a container that mounts /sys read-only"

Reopen = Callable[[str, Captured], Knob | None]
"""Returns the knob that a journal entry belongs to, possibly written by an earlier keeper; None if it is another's.

Raises:
    DeviceError: The entry is damaged, or its device is gone.
"""


Part: TypeAlias = Knob | Meter | Monitor | Absence
"""One thing that a driver finds, or finds to be absent."""


@dataclass(frozen=True)
class Wishes:
    """What the operator says about the hardware.

    Attributes:
        coefficients: The power model of the meter that estimates from CPU time.
        gpus: The GPUs that may be touched, by index, UUID or PCI address; empty for all.
        allowed: Knobs that are off by default because they are dangerous, and that the operator allows.
        restore_to: What a knob without a getter goes back to, by knob id; the driver's default where none is named.
        scopes: What meters cover that do not say it themselves, by meter id.
        plugs: External meters: addresses of power plugs by meter id (see ``knobs/meters/plug``).
        calibrations: Fits of a meter to a reference of wider scope.
    """

    coefficients: PowerCoefficients = ASSUMED_COEFFICIENTS
    gpus: tuple[str, ...] = ()
    allowed: frozenset[str] = frozenset()
    restore_to: Mapping[str, Value] = field(default_factory=dict)
    scopes: Mapping[str, Scope] = field(default_factory=dict)
    plugs: Mapping[str, str] = field(default_factory=dict)
    calibrations: tuple[Calibration, ...] = ()


@dataclass(frozen=True)
class Found:
    """Knobs, meters and monitors of a machine, and for each one that is absent the reason.

    Attributes:
        knobs: What can be set.
        meters: What can be read, the widest scope first.
        monitors: What watches the devices.
        absent: What the machine could have but does not offer.
        reopen: Finds knobs by their journal entries, where the id alone is not enough.
    """

    knobs: tuple[Knob, ...] = ()
    meters: tuple[Meter, ...] = ()
    monitors: tuple[Monitor, ...] = ()
    absent: tuple[Absence, ...] = ()
    reopen: Reopen | None = None

    @classmethod
    def of(cls, parts: Iterable[Part], reopen: Reopen | None = None) -> Found:
        """Returns what was found, sorted by what it is; otherwise the order stays."""
        known = tuple(parts)
        return cls(
            knobs=tuple(part for part in known if isinstance(part, Knob)),
            meters=tuple(part for part in known if isinstance(part, Meter)),
            monitors=tuple(part for part in known if isinstance(part, Monitor)),
            absent=tuple(part for part in known if isinstance(part, Absence)),
            reopen=reopen,
        )


def merged(parts: Iterable[Found]) -> Found:
    """Returns everything that several drivers found; their ways to reopen are asked one after another."""
    known = tuple(parts)

    def reopen(knob_id: str, captured: Captured) -> Knob | None:
        for part in known:
            knob = part.reopen(knob_id, captured) if part.reopen is not None else None
            if knob is not None:
                return knob
        return None

    return Found(
        knobs=tuple(knob for part in known for knob in part.knobs),
        meters=tuple(meter for part in known for meter in part.meters),
        monitors=tuple(monitor for part in known for monitor in part.monitors),
        absent=tuple(absence for part in known for absence in part.absent),
        reopen=reopen,
    )


def not_writable(files: KernelFiles, absent_id: str, paths: Iterable[str]) -> Absence | None:
    """Returns why a knob is absent whose files this process may not all write; None if it may."""
    closed = next((path for path in paths if not files.writable(path)), None)
    return None if closed is None else Absence(absent_id, f"{closed} may not be written", START_AS_ROOT)
