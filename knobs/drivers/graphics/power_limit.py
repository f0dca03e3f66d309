"""How much power a GPU may draw: a limit in microwatts among its driver's sensors."""

from __future__ import annotations

from knobs.attributes import whole_number
from knobs.checks import captured_number, require_listed
from knobs.contract import (
    Captured,
    DeviceError,
    KnobKind,
    KnobSpec,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.drivers.graphics.card import GraphicsCard
from knobs.units import MICROWATTS_PER_WATT, even_steps, in_units

_CAPTURED = "microwatts"
_MOST_STEPS = 30
_STEPS_W = (1, 2, 5, 10, 20, 50, 100)


class PowerLimitKnob(DescribedKnob):
    """Limits the power of one GPU, in whole watts: what the drivers round to anyway."""

    def __init__(self, card: GraphicsCard, path: str, lowest_w: int, highest_w: int, note: str) -> None:
        """Prepares the knob; writes nothing.

        Args:
            card: The GPU.
            path: The limit's file.
            lowest_w: The lowest limit to offer, in watts.
            highest_w: The highest limit to offer, in watts.
            note: What the operator should know.
        """
        self._card = card
        self._path = path
        self._lowest_w = lowest_w
        self._note = note
        self._spec = self._spec_up_to(highest_w)

    def read(self) -> Value:
        """Returns the limit in force, in watts."""
        self._card.require_awake()
        return in_units(self._microwatts(), MICROWATTS_PER_WATT)

    def write(self, value: Value) -> None:
        """Sets a limit."""
        require_listed(self._spec, value)
        self._card.require_awake()
        self._card.write_text(self._path, str(int(value) * MICROWATTS_PER_WATT))

    def capture(self) -> Captured:
        """Returns the limit in force."""
        self._card.require_awake()
        return {_CAPTURED: self._microwatts()}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the limit back, which wakes a sleeping GPU, and reads it back."""
        microwatts = captured_number(self._spec.id, captured, _CAPTURED)
        self._card.write_text(self._path, str(microwatts))
        present = self._microwatts()
        if present != microwatts:
            raise DeviceError(
                f"{self._path} reads {present} after {microwatts} was written to it: check the kernel's log."
            )
        # Found while an earlier keeper's limit was in force, the original lies above what was offered.
        self._spec = self._spec_up_to(max(int(self._spec.values[-1]), microwatts // MICROWATTS_PER_WATT))
        return RestoreOutcome.RESTORED

    def _microwatts(self) -> int:
        return whole_number(self._card, self._path)

    def _spec_up_to(self, highest_w: int) -> KnobSpec:
        return KnobSpec(
            id=f"{self._card.name}.power.limit_w",
            unit="W",
            kind=KnobKind.POWER_CAP,
            values=watt_steps(self._lowest_w, highest_w),
            restore_class=RestoreClass.EXACT,
            device=self._card.name,
            settle_s=0.5,
            switch_cost_s=0.01,
            note=self._note,
        )


def watt_steps(lowest_w: int, highest_w: int) -> tuple[int, ...]:
    """Returns limits in even steps, both ends included, ascending; at most some thirty."""
    step_w = next((step for step in _STEPS_W if (highest_w - lowest_w) <= _MOST_STEPS * step), _STEPS_W[-1])
    return even_steps(lowest_w, highest_w, step_w)
