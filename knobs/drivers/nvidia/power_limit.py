"""The power limit of a GPU.

Source: nvmlDeviceSetPowerManagementLimit in nvml.h. Of the two setters only this one is used: the binding ignores
what the other one (``…_v2``) returns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from knobs.checks import captured_number, require_back, require_listed
from knobs.contract import (
    Captured,
    KnobKind,
    KnobSpec,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.drivers.nvidia.device import Device
from knobs.drivers.nvidia.gpu import PowerRange
from knobs.drivers.nvidia.names import POWER_LIMIT
from knobs.units import MILLIWATTS_PER_WATT, in_units

_FINE_STEP_W, _COARSE_STEP_W = 5, 10
_FINE_UP_TO_W = 100
_SETTLE_S = 1.0
_LIMIT = "limit_mw"


class PowerLimitKnob(DescribedKnob):
    """The power limit that the driver keeps to by lowering clocks."""

    def __init__(self, set_name: str, gpu: Device, limits: PowerRange, in_force_mw: Iterable[int], note: str) -> None:
        """Prepares the knob; writes nothing.

        Args:
            set_name: The device set: ``gpu``.
            gpu: The GPU.
            limits: What the driver accepts.
            in_force_mw: Limits that are or were in force, which are offered too.
            note: What the operator should know.
        """
        self._gpu = gpu
        self._spec = KnobSpec(
            id=f"{set_name}.{POWER_LIMIT}",
            unit="W",
            kind=KnobKind.POWER_CAP,
            values=_choices_w(limits, in_force_mw),
            restore_class=RestoreClass.EXACT,
            device=set_name,
            settle_s=_SETTLE_S,
            note=note,
        )

    def read(self) -> Value:
        """Returns the limit that was set."""
        return _watts(self._gpu.power_limit_mw())

    def write(self, value: Value) -> None:
        """Sets the limit."""
        require_listed(self._spec, value)
        self._gpu.set_power_limit_mw(round(float(value) * MILLIWATTS_PER_WATT))

    def capture(self) -> Captured:
        """Returns the limit, to the milliwatt."""
        return {_LIMIT: self._gpu.power_limit_mw()}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the limit back and reads it back."""
        limit_mw = captured_number(self._spec.id, captured, _LIMIT)
        self._gpu.set_power_limit_mw(limit_mw)
        require_back(self._spec, self._gpu.label, _watts(limit_mw), self.read())
        return RestoreOutcome.RESTORED


def _choices_w(limits: PowerRange, in_force_mw: Iterable[int]) -> tuple[Value, ...]:
    """A grid of round watts, and the limits that mean something: lowest, default, highest, in force."""
    span_w = (limits.high_mw - limits.low_mw) / MILLIWATTS_PER_WATT
    step_mw = (_FINE_STEP_W if span_w <= _FINE_UP_TO_W else _COARSE_STEP_W) * MILLIWATTS_PER_WATT
    grid_mw = range(math.ceil(limits.low_mw / step_mw) * step_mw, limits.high_mw + 1, step_mw)
    named_mw = (limits.low_mw, limits.default_mw, limits.high_mw, *in_force_mw)
    allowed_mw = {limit for limit in (*grid_mw, *named_mw) if limits.low_mw <= limit <= limits.high_mw}
    return tuple(_watts(limit) for limit in sorted(allowed_mw))


def _watts(milliwatts: int) -> Value:
    return in_units(milliwatts, MILLIWATTS_PER_WATT)


def captured_limit_mw(entry: object) -> int | None:
    """Returns the limit in a GPU's journal entry; None if it is an entry of another knob."""
    limit = entry.get(_LIMIT) if isinstance(entry, dict) else None
    return limit if isinstance(limit, int) else None
