"""The performance level of an AMD GPU: who chooses its clocks.

Source: the section power_dpm_force_performance_level of the kernel's drivers/gpu/drm/amd/pm/amdgpu_pm.c.
"""

from __future__ import annotations

from dataclasses import dataclass

from knobs.checks import captured_text, require_listed
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

AUTO = "auto"
MANUAL = "manual"
CAPTURED = "level"

_OFFERED = ("auto", "low", "profile_standard", "high", "profile_peak")


@dataclass(frozen=True)
class PerformanceLevel:
    """The file that holds the level; several knobs of one GPU go through it."""

    card: GraphicsCard

    @property
    def path(self) -> str:
        """Its path."""
        return f"{self.card.device}/power_dpm_force_performance_level"

    def read(self) -> str:
        """Returns the level in force."""
        return self.card.read_text(self.path)

    def write(self, level: str) -> None:
        """Sets a level."""
        self.card.write_text(self.path, level)

    def take_over(self) -> None:
        """Sets the level ``manual``, coming from ``auto``: what ``low`` or ``high`` pins would stay pinned."""
        present = self.read()
        if present == MANUAL:
            return
        if present != AUTO:
            self.write(AUTO)
        self.write(MANUAL)

    def restore(self, level: str) -> None:
        """Puts a level back, which wakes a sleeping GPU, and reads it back.

        Raises:
            DeviceError: It does not read back.
        """
        self.write(level)
        present = self.read()
        if present != level:
            raise DeviceError(f"{self.path} reads {present!r} after {level!r} was written to it: see the kernel's log.")


class PerformanceLevelKnob(DescribedKnob):
    """Lets the driver choose the clocks, or pins them to one of the driver's own choices."""

    def __init__(self, level: PerformanceLevel) -> None:
        """Prepares the knob; writes nothing."""
        self._level = level
        self._spec = KnobSpec(
            id=f"{level.card.name}.performance_level",
            unit="",
            kind=KnobKind.CATEGORY,
            values=_OFFERED,
            restore_class=RestoreClass.EXACT,
            device=level.card.name,
            settle_s=0.5,
            switch_cost_s=0.05,
            note="The profile_… levels also switch the gating of clocks and power off.",
        )

    def read(self) -> Value:
        """Returns the level in force."""
        self._level.card.require_awake()
        return self._level.read()

    def write(self, value: Value) -> None:
        """Sets a level."""
        require_listed(self._spec, value)
        self._level.card.require_awake()
        self._level.write(str(value))

    def capture(self) -> Captured:
        """Returns the level in force; refuses a level behind which lies more than can be read."""
        self._level.card.require_awake()
        present = self._level.read()
        if present == MANUAL:
            raise DeviceError(
                f"{self._level.path} is at {MANUAL}: another program chose single clocks, which cannot be read back; "
                f"write auto to it first."
            )
        return {CAPTURED: present}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the level back."""
        self._level.restore(captured_text(self._spec.id, captured, CAPTURED))
        return RestoreOutcome.RESTORED
