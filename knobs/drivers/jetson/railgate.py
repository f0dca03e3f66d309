"""Whether the GPU of a Jetson loses its power while it is idle (``railgate_enable`` of NVIDIA's driver nvgpu)."""

from __future__ import annotations

from knobs.contract import (
    Captured,
    DeviceError,
    Knob,
    KnobKind,
    KnobSpec,
    RefusedError,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.sysfs import KernelFiles

KNOB_ID = "gpu.railgate"

_STATES = {"off": "0", "on": "1"}
_SETTLE_S = 1.0
"""The driver cuts the power half a second after the last work; powering up takes some milliseconds."""


class RailgateKnob(Knob):
    """Saves the GPU's idle power, at the price of a slower first request after a pause."""

    def __init__(self, files: KernelFiles, path: str, device: str) -> None:
        """Prepares the knob; writes nothing.

        Args:
            files: The kernel's files.
            path: The switch.
            device: The device, as in the spec.
        """
        self._files = files
        self._path = path
        self._spec = KnobSpec(
            id=KNOB_ID,
            unit="",
            kind=KnobKind.CATEGORY,
            values=tuple(_STATES),
            restore_class=RestoreClass.EXACT,
            device=device,
            settle_s=_SETTLE_S,
            explored=False,
            note="On cuts the GPU's power while it is idle; the first request after a pause then waits for it.",
        )

    @property
    def spec(self) -> KnobSpec:
        """The knob as a record."""
        return self._spec

    def read(self) -> Value:
        """Returns ``on`` or ``off``."""
        text = self._files.read_text(self._path)
        for state, digit in _STATES.items():
            if text == digit:
                return state
        raise DeviceError(f"{self._path} holds {text[:40]!r} instead of 0 or 1: check the kernel's log.")

    def write(self, value: Value) -> None:
        """Sets ``on`` or ``off``."""
        if value not in _STATES:
            raise RefusedError(f"{KNOB_ID} cannot be {value}: choose one of {', '.join(_STATES)}.")
        self._files.write_text(self._path, _STATES[str(value)])

    def capture(self) -> Captured:
        """Returns the present state."""
        return {"state": self.read()}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the state back."""
        state = captured.get("state")
        if not isinstance(state, str) or state not in _STATES:
            raise DeviceError(f"The journal entry of {KNOB_ID} is damaged: set {self._path} by hand, then remove it.")
        if self.read() != state:
            self.write(state)
        if self.read() != state:
            raise DeviceError(f"{KNOB_ID} does not go back to {state}: stop the program that moves it, then try again.")
        return RestoreOutcome.RESTORED
