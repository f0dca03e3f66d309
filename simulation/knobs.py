"""The knobs of a virtual device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from knobs.contract import (
    Captured,
    DeviceError,
    Knob,
    KnobKind,
    KnobSpec,
    NotAbove,
    Provenance,
    RefusedError,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from simulation.device import DRIVER_CALL_S, VirtualDevice

CORE_MAX = "gpu.core.max_mhz"


@dataclass(frozen=True)
class _Setting:
    """How a setting of the device is offered as a knob."""

    name: str
    knob_id: str
    note: str
    not_above: NotAbove | None = None


_SETTINGS = (
    _Setting(
        "core_min_mhz", "gpu.core.min_mhz", "The lowest clock that the governor may choose.", NotAbove(limit=CORE_MAX)
    ),
    _Setting("core_max_mhz", CORE_MAX, "The highest clock that the governor may choose."),
    _Setting("memory_max_mhz", "memory.max_mhz", "The response of latency and power to this clock is assumed."),
    _Setting("cpu_max_mhz", "cpu.core.max_mhz", "The response of latency and power to this clock is assumed."),
)


def virtual_knobs(name: str, directory: Path) -> list[Knob]:
    """Returns the knobs of a virtual device.

    Args:
        name: A name of the catalogue, ``virtual:agx-orin``.
        directory: Where the device lives; an existing directory.

    Raises:
        RefusedError: There is no such device.
    """
    device = VirtualDevice(name, directory)
    return [VirtualKnob(device, setting) for setting in _SETTINGS if device.admissible(setting.name)]


class VirtualKnob(Knob):
    """One setting of a virtual device."""

    def __init__(self, device: VirtualDevice, setting: _Setting) -> None:
        """Describes the setting; touches nothing."""
        self._device = device
        self._setting = setting
        self._spec = KnobSpec(
            id=setting.knob_id,
            unit="MHz",
            kind=KnobKind.CLOCK,
            values=_as_values(device.admissible(setting.name)),
            restore_class=RestoreClass.EXACT,
            device=device.model.name,
            not_above=setting.not_above,
            settle_s=2 * device.model.governor.period_s,
            switch_cost_s=DRIVER_CALL_S,
            provenance=Provenance.SIMULATED,
            note=f"{device.model.title}. {setting.note}",
        )

    @property
    def spec(self) -> KnobSpec:
        """The setting as a record."""
        return self._spec

    def read(self) -> Value:
        """Returns the value in force, as a kernel would report it."""
        return _as_value(self._device.get(self._setting.name))

    def write(self, value: Value) -> None:
        """Changes the setting."""
        if value not in self._spec.values:
            choices = ", ".join(map(str, self._spec.values))
            raise RefusedError(f"{self._spec.id} cannot be {value}: choose one of {choices}.")
        self._device.set(self._setting.name, float(value))

    def capture(self) -> Captured:
        """Returns the value in force."""
        return {"value": self.read()}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Writes the captured value and reads it back."""
        original = captured.get("value")
        if not isinstance(original, int | float | str) or original not in self._spec.values:
            raise DeviceError(f"{self._spec.id} cannot go back to {original!r}: {self._spec.device} has no such clock.")
        self.write(original)
        return RestoreOutcome.RESTORED if self.read() == original else RestoreOutcome.PENDING


def _as_values(clocks_mhz: Sequence[float]) -> tuple[Value, ...]:
    return tuple(_as_value(clock) for clock in clocks_mhz)


def _as_value(clock_mhz: float) -> Value:
    """Returns a clock as whole megahertz where it is whole."""
    return int(clock_mhz) if clock_mhz == int(clock_mhz) else float(clock_mhz)
