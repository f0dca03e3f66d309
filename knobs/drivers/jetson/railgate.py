"""Whether the GPU of a Jetson loses its power while it is idle (``railgate_enable`` of NVIDIA's driver nvgpu)."""

from __future__ import annotations

from knobs.checks import captured_text, foreign_entry, require_listed
from knobs.contract import Captured, KnobKind, KnobSpec, RestoreClass, RestoreOutcome, Value
from knobs.described import DescribedKnob
from knobs.drivers.switch import OFF, ON, Switch

KNOB_ID = "gpu.railgate"

_SETTLE_S = 1.0
"""The driver cuts the power half a second after the last work; powering up takes some milliseconds."""


class RailgateKnob(DescribedKnob):
    """Saves the GPU's idle power, at the price of a slower first request after a pause."""

    def __init__(self, switch: Switch, device: str) -> None:
        """Prepares the knob; writes nothing.

        Args:
            switch: The driver's switch.
            device: The device, as in the spec.
        """
        self._switch = switch
        self._spec = KnobSpec(
            id=KNOB_ID,
            unit="",
            kind=KnobKind.CATEGORY,
            values=(OFF, ON),
            restore_class=RestoreClass.EXACT,
            device=device,
            settle_s=_SETTLE_S,
            explored=False,
            note="On cuts the GPU's power while it is idle; the first request after a pause then waits for it.",
        )

    def read(self) -> Value:
        """Returns ``on`` or ``off``."""
        return self._switch.read()

    def write(self, value: Value) -> None:
        """Sets ``on`` or ``off``."""
        require_listed(self._spec, value)
        self._switch.write(str(value))

    def capture(self) -> Captured:
        """Returns the present state."""
        return {"state": self._switch.read()}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the state back."""
        state = captured_text(KNOB_ID, captured, "state")
        if state not in self._spec.values:
            raise foreign_entry(KNOB_ID, f"holds the state {state!r}")
        if self._switch.read() != state:
            self._switch.write(state)
        return RestoreOutcome.RESTORED
