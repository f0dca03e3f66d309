"""What the daemon says of itself and of the machine: plain records."""

from __future__ import annotations

from dataclasses import dataclass, field

from knobs.contract import InventoryRecord
from tuner.configuration import Configuration, Value


@dataclass(frozen=True)
class Inventory:
    """What can be set and read on this machine, and what is in force now.

    Attributes:
        record: The knobs and meters, and what the machine could have but does not offer.
        current: The value in force of every knob that could be read, by knob id.
    """

    record: InventoryRecord
    current: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class DaemonStatus:
    """What the daemon is doing, and what is in force because of it.

    Attributes:
        version: Version of the daemon.
        device: ``local`` or the simulated device's name.
        workloads: Names of the workloads that the configuration defines.
        running_study: Id of the running study; None if none runs.
        phase: What the running study does now, in a few words.
        trial: Trial values in force now.
        confirmed: The confirmed configuration, whether or not it is in force.
    """

    version: str
    device: str
    workloads: tuple[str, ...]
    running_study: str | None
    phase: str
    trial: Configuration
    confirmed: Configuration


@dataclass(frozen=True)
class Applied:
    """What became of a request to apply a configuration.

    Attributes:
        applied: The knob values now in force, read back.
        study_only: Ids of the parameters that the machine does not keep: set them in the server by hand.
        warning: What the operator should know about it, in one sentence; empty if nothing.
    """

    applied: Configuration
    study_only: tuple[str, ...] = ()
    warning: str = ""


@dataclass(frozen=True)
class KnobMismatch:
    """A confirmed knob value that is not in force; ``found`` is None if the knob could not be read."""

    id: str
    wanted: Value
    found: Value | None


@dataclass(frozen=True)
class Verification:
    """Whether the confirmed configuration is in force."""

    confirmed: Configuration
    mismatches: tuple[KnobMismatch, ...] = ()
