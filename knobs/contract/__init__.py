"""What every knob, meter and monitor honours.

Drivers write nothing when they are constructed, read or captured. Everything that leaves the keeper is one
of the plain records below, so that it can cross a socket as one line of JSON.
"""

from knobs.contract.conditions import Conditions, Monitor, Occupant
from knobs.contract.errors import DeviceError, KnobError, NoValueError, RefusedError
from knobs.contract.knob import (
    Delivery,
    Knob,
    KnobKind,
    KnobSpec,
    NotAbove,
    RestoreClass,
    RestoreOutcome,
)
from knobs.contract.meter import (
    ASSUMED_COEFFICIENTS,
    Calibration,
    Meter,
    MeterSpec,
    PowerCoefficients,
    Quantity,
    Reading,
    Scope,
)
from knobs.contract.records import Absence, InventoryRecord, KeeperState, RestoreReport
from knobs.contract.values import WORKLOAD_DEVICE, Captured, JsonValue, Provenance, Value

__all__ = [
    "ASSUMED_COEFFICIENTS",
    "WORKLOAD_DEVICE",
    "Absence",
    "Calibration",
    "Captured",
    "Conditions",
    "Delivery",
    "DeviceError",
    "InventoryRecord",
    "JsonValue",
    "KeeperState",
    "Knob",
    "KnobError",
    "KnobKind",
    "KnobSpec",
    "Meter",
    "MeterSpec",
    "Monitor",
    "NoValueError",
    "NotAbove",
    "Occupant",
    "PowerCoefficients",
    "Provenance",
    "Quantity",
    "Reading",
    "RefusedError",
    "RestoreClass",
    "RestoreOutcome",
    "RestoreReport",
    "Scope",
    "Value",
]
