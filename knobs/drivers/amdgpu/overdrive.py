"""A ceiling on the core clock of an AMD GPU whose clock moves in fine steps: the overdrive table.

Source: the section pp_od_clk_voltage of the kernel's drivers/gpu/drm/amd/pm/amdgpu_pm.c: choose the performance level
``manual``, write ``s 1 MHZ``, then ``c`` to commit; nothing moves before that.
"""

from __future__ import annotations

from knobs.checks import captured_number, captured_text, require_listed
from knobs.contract import (
    Captured,
    Delivery,
    DeviceError,
    KnobKind,
    KnobSpec,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.drivers.amdgpu.performance_level import CAPTURED, MANUAL, PerformanceLevel
from knobs.drivers.amdgpu.tables import Overdrive, parse_overdrive
from knobs.units import even_steps

_STEP_MHZ = 50
_COMMIT = "c"


class OverdriveCeilingKnob(DescribedKnob):
    """Limits the core clock, never above what it was limited to when found: overclocking saves no energy."""

    def __init__(self, level: PerformanceLevel, table: Overdrive) -> None:
        """Prepares the knob; writes nothing.

        Args:
            level: The performance level.
            table: The overdrive table as found.
        """
        self._level = level
        self._bottom_mhz = max(table.range_mhz[0], table.lowest_mhz)
        self._spec = self._spec_up_to(table.highest_mhz)

    @property
    def _path(self) -> str:
        return f"{self._level.card.device}/pp_od_clk_voltage"

    def read(self) -> Value:
        """Returns the highest core clock in the table."""
        self._level.card.require_awake()
        return self._table().highest_mhz

    def write(self, value: Value) -> None:
        """Sets and commits the highest core clock."""
        require_listed(self._spec, value)
        self._level.card.require_awake()
        self._level.take_over()
        self._commit(int(value))

    def capture(self) -> Captured:
        """Returns the highest core clock in the table, and the performance level."""
        self._level.card.require_awake()
        return {"highest_mhz": self._table().highest_mhz, CAPTURED: self._level.read()}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the clock back, then the performance level, and reads both back.

        As in :class:`~knobs.drivers.amdgpu.level_ceiling.LevelCeilingKnob`, a captured ``manual`` may be a sibling's,
        so the level that is there now is kept instead.
        """
        original = captured_text(self._spec.id, captured, CAPTURED)
        mhz = captured_number(self._spec.id, captured, "highest_mhz")
        final = self._level.read() if original == MANUAL else original
        self._level.write(MANUAL)
        if self._table().highest_mhz != mhz:
            self._commit(mhz)
        present = self._table().highest_mhz
        if present != mhz:
            raise DeviceError(f"{self._path} shows {present} MHz after {mhz} MHz was committed: see the kernel's log.")
        self._level.restore(final)
        # Found while an earlier keeper's ceiling was in force, the original lies above what was offered.
        self._spec = self._spec_up_to(max(int(self._spec.values[-1]), mhz))
        return RestoreOutcome.RESTORED

    def _commit(self, mhz: int) -> None:
        self._level.card.write_text(self._path, f"s 1 {mhz}")
        self._level.card.write_text(self._path, _COMMIT)

    def _table(self) -> Overdrive:
        table = parse_overdrive(self._level.card.read_text(self._path))
        if table is None:
            raise DeviceError(f"{self._path} no longer shows an overdrive table: see the kernel's log.")
        return table

    def _spec_up_to(self, top_mhz: int) -> KnobSpec:
        return KnobSpec(
            id=f"{self._level.card.name}.core.max_mhz",
            unit="MHz",
            kind=KnobKind.CLOCK,
            values=even_steps(self._bottom_mhz, top_mhz, _STEP_MHZ),
            restore_class=RestoreClass.EXACT,
            device=self._level.card.name,
            settle_s=0.5,
            switch_cost_s=0.1,
            delivery=Delivery.CEILING,
        )
