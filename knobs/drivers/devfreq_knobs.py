"""The highest and the lowest clock of a device that the kernel's devfreq class governs, as knobs."""

from __future__ import annotations

from dataclasses import dataclass

from knobs.checks import captured_number, require_listed
from knobs.contract import (
    Captured,
    Delivery,
    DeviceError,
    KnobKind,
    KnobSpec,
    NotAbove,
    RefusedError,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.drivers.devfreq import FrequencyRange
from knobs.drivers.thermal import ThermalCaps
from knobs.units import megahertz

_SETTLE_S = 0.1
"""Two polls of the governor, at the 50 ms of its default ``polling_interval``."""

_MAX, _MIN = "max_hz", "min_hz"


@dataclass(frozen=True)
class DevfreqKnobNames:
    """What the two knobs of a device are called.

    Attributes:
        device: The device, as in the knobs' specs.
        maximum: Id of the knob for the highest clock.
        minimum: Id of the knob for the lowest clock.
    """

    device: str
    maximum: str
    minimum: str


class _DevfreqKnob(DescribedKnob):
    """What both knobs are made of."""

    def __init__(self, range_: FrequencyRange, caps: ThermalCaps, values_hz: tuple[int, ...], spec: KnobSpec) -> None:
        self._range = range_
        self._caps = caps
        self._hertz = dict(zip(spec.values, values_hz, strict=True))
        self._spec = spec

    def _hertz_of(self, value: Value) -> int:
        require_listed(self._spec, value)
        return self._hertz[value]

    def _outcome(self, shown_hz: int, wanted_hz: int) -> RestoreOutcome:
        if shown_hz == wanted_hz:
            return RestoreOutcome.RESTORED
        if shown_hz < wanted_hz and self._caps.active():
            return RestoreOutcome.PENDING
        raise DeviceError(
            f"{self._spec.id} was put back to {megahertz(wanted_hz)} MHz but reads {megahertz(shown_hz)}: "
            "another program moves it; stop that program, then run wattune restore."
        )


class DevfreqMaximumKnob(_DevfreqKnob):
    """The highest clock. Writing one below the lowest clock hides that; restoring brings it back."""

    def __init__(
        self,
        range_: FrequencyRange,
        names: DevfreqKnobNames,
        values_hz: tuple[int, ...],
        caps: ThermalCaps,
        note: str = "",
    ) -> None:
        """Prepares the knob; writes nothing.

        Args:
            range_: The device's clocks.
            names: What the knob is called.
            values_hz: The clocks on offer, out of the device's table.
            caps: What may hide the highest clock that the user set.
            note: What the operator should know.
        """
        spec = KnobSpec(
            id=names.maximum,
            unit="MHz",
            kind=KnobKind.CLOCK,
            values=tuple(map(megahertz, values_hz)),
            restore_class=RestoreClass.EXACT,
            device=names.device,
            settle_s=_SETTLE_S,
            delivery=Delivery.CEILING,
            note=note,
        )
        super().__init__(range_, caps, values_hz, spec)

    def read(self) -> Value:
        """Returns the highest clock in force."""
        return megahertz(self._range.ceiling_hz())

    def write(self, value: Value) -> None:
        """Sets the highest clock."""
        self._range.set_ceiling(self._hertz_of(value))

    def capture(self) -> Captured:
        """Returns both limits; waits until no thermal cap lowers what is shown."""
        self._caps.wait_until_gone(
            f"The original {self._spec.id}", lambda: self._range.ceiling_hz() < self._range.table_hz[-1]
        )
        return {_MAX: self._range.ceiling_hz(), _MIN: self._range.asked_floor_hz()}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the highest clock back, and the lowest one where the highest one had pushed it down."""
        ceiling, floor = (captured_number(self._spec.id, captured, name) for name in (_MAX, _MIN))
        if self._range.ceiling_hz() != ceiling:
            self._range.set_ceiling(ceiling)
        if self._range.floor_hz() < min(floor, ceiling):
            self._range.set_floor(floor)
        return self._outcome(self._range.ceiling_hz(), ceiling)


class DevfreqMinimumKnob(_DevfreqKnob):
    """The lowest clock."""

    def __init__(
        self, range_: FrequencyRange, names: DevfreqKnobNames, values_hz: tuple[int, ...], caps: ThermalCaps
    ) -> None:
        """Prepares the knob; writes nothing.

        Args:
            range_: The device's clocks.
            names: What the knob is called.
            values_hz: The clocks on offer, out of the device's table.
            caps: What may hide the lowest clock that the user set.
        """
        self._maximum_id = names.maximum
        spec = KnobSpec(
            id=names.minimum,
            unit="MHz",
            kind=KnobKind.CLOCK,
            values=tuple(map(megahertz, values_hz)),
            restore_class=RestoreClass.EXACT,
            device=names.device,
            not_above=NotAbove(names.maximum),
            settle_s=_SETTLE_S,
            explored=False,
        )
        super().__init__(range_, caps, values_hz, spec)

    def read(self) -> Value:
        """Returns the lowest clock in force."""
        return megahertz(self._range.floor_hz())

    def write(self, value: Value) -> None:
        """Sets the lowest clock, which the highest one in force must let through."""
        hertz = self._hertz_of(value)
        ceiling = self._range.ceiling_hz()
        if hertz > ceiling:
            raise RefusedError(
                f"{self._spec.id} cannot be {value}: {self._maximum_id} is {megahertz(ceiling)} now; raise that first."
            )
        self._range.set_floor(hertz)

    def capture(self) -> Captured:
        """Returns the lowest clock that was asked for; waits while a thermal cap may hide it."""
        self._caps.wait_until_gone(
            f"The original {self._spec.id}", lambda: self._range.floor_hz() == self._range.ceiling_hz()
        )
        return {_MIN: self._range.asked_floor_hz()}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the lowest clock back, as far as the highest one in force lets it show."""
        floor = captured_number(self._spec.id, captured, _MIN)
        if self._range.asked_floor_hz() != floor:
            self._range.set_floor(floor)
        if self._range.ceiling_hz() < floor and self._caps.active():
            return RestoreOutcome.PENDING
        return self._outcome(self._range.floor_hz(), min(floor, self._range.ceiling_hz()))
