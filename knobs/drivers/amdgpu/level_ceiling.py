"""A ceiling on a clock of an AMD GPU that has levels: the higher ones are forbidden.

Source: the section pp_dpm_sclk of the kernel's drivers/gpu/drm/amd/pm/amdgpu_pm.c. The kernel takes the list of
allowed levels only at the performance level ``manual``, never shows it again, and forgets it at every other level.
"""

from __future__ import annotations

from dataclasses import dataclass

from knobs.checks import captured_text, require_listed
from knobs.contract import (
    Captured,
    Delivery,
    KnobKind,
    KnobSpec,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.drivers.amdgpu.performance_level import CAPTURED, MANUAL, PerformanceLevel
from knobs.drivers.amdgpu.tables import Levels


@dataclass(frozen=True)
class Clock:
    """One clock of a GPU.

    Attributes:
        part: What it drives, as in ids: ``core``, ``memory``.
        file: The file that lists its levels.
        lowest_at: The performance levels that hold it at its lowest level.
    """

    part: str
    file: str
    lowest_at: tuple[str, ...]


CORE = Clock("core", "pp_dpm_sclk", ("low", "profile_min_sclk"))
MEMORY = Clock("memory", "pp_dpm_mclk", ("low", "profile_min_mclk"))


class LevelCeilingKnob(DescribedKnob):
    """Limits a clock to its lower levels.

    Two such knobs share the performance level. A knob that finds it at ``manual`` cannot know whether another program
    or its sibling set it there, so it never writes ``manual`` back: it allows all levels again and leaves the rest to
    the knob that found the original.
    """

    def __init__(self, level: PerformanceLevel, clock: Clock, levels: Levels, restore_to: Value | None = None) -> None:
        """Prepares the knob; writes nothing.

        Args:
            level: The performance level.
            clock: The clock.
            levels: Its levels.
            restore_to: The ceiling, in MHz, to go back to where the level was ``manual`` before us; None for none.
        """
        self._level = level
        self._clock = clock
        self._levels = levels
        self._restore_to = restore_to if restore_to in levels.mhz else levels.mhz[-1]
        self._written: Value | None = None
        self._spec = KnobSpec(
            id=f"{level.card.name}.{clock.part}.max_mhz",
            unit="MHz",
            kind=KnobKind.CLOCK,
            values=levels.mhz,
            restore_class=RestoreClass.RESET,
            device=level.card.name,
            settle_s=0.5,
            switch_cost_s=0.05,
            delivery=Delivery.CEILING,
            note="The kernel does not show which levels are allowed; the performance level is put back exactly.",
        )

    @property
    def _path(self) -> str:
        return f"{self._level.card.device}/{self._clock.file}"

    def read(self) -> Value:
        """Returns the ceiling that follows from the performance level, or the one written last."""
        self._level.card.require_awake()
        present = self._level.read()
        if present == MANUAL:
            return self._spec.values[-1] if self._written is None else self._written
        return self._spec.values[0 if present in self._clock.lowest_at else -1]

    def write(self, value: Value) -> None:
        """Allows the levels up to a clock."""
        require_listed(self._spec, value)
        self._level.card.require_awake()
        self._level.take_over()
        self._allow_up_to(value)

    def capture(self) -> Captured:
        """Returns the performance level in force."""
        self._level.card.require_awake()
        return {CAPTURED: self._level.read()}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the performance level back, at which the kernel forgets our list."""
        original = captured_text(self._spec.id, captured, CAPTURED)
        if original != MANUAL:
            self._level.restore(original)
        elif self._level.read() == MANUAL:
            self._allow_up_to(self._restore_to)
        self._written = None
        return RestoreOutcome.RESTORED

    def _allow_up_to(self, mhz: Value) -> None:
        self._level.card.write_text(self._path, self._levels.mask_up_to(int(mhz)))
        self._written = mhz
