"""Lowest and highest clock of a device that the kernel's devfreq class governs.

Sources: the kernel's Documentation/ABI/testing/sysfs-class-devfreq, drivers/devfreq/devfreq.c of 4.9 and 6.12.
What differs between kernels:

* Up to 5.4 a highest clock below the lowest one is refused (EINVAL). Since 5.5 it is accepted, hides the lowest
  clock, and the hidden one comes back once the highest clock is raised. Here both behave as the newer ones do.
* A clock that is not in the device's table is accepted everywhere, and may then run *above* the highest clock
  (the governor rounds up): only clocks of the table are written.
"""

from __future__ import annotations

from dataclasses import dataclass

from knobs.contract import (
    Captured,
    Delivery,
    DeviceError,
    Knob,
    KnobKind,
    KnobSpec,
    NotAbove,
    RefusedError,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.drivers.thermal import ThermalCaps
from knobs.sysfs import KernelFiles, NotAcceptedError

_HERTZ_PER_MEGAHERTZ = 1_000_000
_SETTLE_S = 0.1
"""Two polls of the governor, at the 50 ms of its default ``polling_interval``."""


def megahertz(hertz: int) -> Value:
    """Returns a clock in MHz, as a whole number where it is one."""
    whole, rest = divmod(hertz, _HERTZ_PER_MEGAHERTZ)
    return hertz / _HERTZ_PER_MEGAHERTZ if rest else whole


def whole_number(files: KernelFiles, path: str) -> int:
    """Returns the number in a file.

    Raises:
        DeviceError: The file cannot be read, or holds something else.
    """
    text = files.read_text(path)
    try:
        return int(text)
    except ValueError:
        raise DeviceError(f"{path} holds {text[:40]!r} where a whole number belongs: check the kernel's log.") from None


class FrequencyRange:
    """The lowest and the highest clock of one device, which move together. Shared by both knobs."""

    def __init__(self, files: KernelFiles, folder: str) -> None:
        """Reads the device's table; writes nothing.

        Args:
            files: The kernel's files.
            folder: The device's folder in ``/sys/class/devfreq``.

        Raises:
            DeviceError: The device shows no table of clocks.
        """
        self.folder = folder
        self._files = files
        self._asked_floor_hz: int | None = None
        listed = files.read_text(f"{folder}/available_frequencies").split()
        self.table_hz = tuple(sorted({int(text) for text in listed if text.isdigit()}))
        if not self.table_hz:
            raise DeviceError(f"{folder}/available_frequencies lists no clock: check the kernel's log.")

    def ceiling_hz(self) -> int:
        """Returns the highest clock in force; old kernels show none as 0."""
        return whole_number(self._files, f"{self.folder}/max_freq") or self.table_hz[-1]

    def floor_hz(self) -> int:
        """Returns the lowest clock in force; a limit below the table is none."""
        return max(whole_number(self._files, f"{self.folder}/min_freq"), self.table_hz[0])

    def asked_floor_hz(self) -> int:
        """Returns the lowest clock that was asked for, also where the highest one hides it now."""
        shown = self.floor_hz()
        if self._asked_floor_hz is None or shown != self.ceiling_hz():
            return shown
        return max(self._asked_floor_hz, shown)

    def remember_floor(self, hertz: int) -> None:
        """Takes note of the lowest clock that the highest one hides now, as an earlier keeper knew it."""
        if self.floor_hz() == self.ceiling_hz():
            self._asked_floor_hz = hertz

    def set_ceiling(self, hertz: int) -> None:
        """Sets the highest clock; a lowest clock above it is hidden until it fits again.

        Raises:
            DeviceError: The kernel refused; the lowest clock is as before.
        """
        self._asked_floor_hz = self.asked_floor_hz()
        try:
            self._write("max_freq", hertz)
        except NotAcceptedError:
            self._set_ceiling_below_floor(hertz)
        visible = min(self._asked_floor_hz, hertz)
        if self.floor_hz() < visible:
            self._write("min_freq", visible)

    def set_floor(self, hertz: int) -> None:
        """Sets the lowest clock, as far as the highest one lets it show.

        Raises:
            DeviceError: The kernel refused.
        """
        self._asked_floor_hz = hertz
        try:
            self._write("min_freq", hertz)
        except NotAcceptedError:
            ceiling = self.ceiling_hz()
            if hertz <= ceiling:
                raise
            self._write("min_freq", ceiling)

    def _set_ceiling_below_floor(self, hertz: int) -> None:
        """Does in two steps what kernels up to 5.4 refuse to do in one."""
        floor = self.floor_hz()
        if floor <= hertz:
            raise NotAcceptedError(f"The kernel refuses {hertz} Hz as highest clock in {self.folder}.")
        self._write("min_freq", hertz)
        try:
            self._write("max_freq", hertz)
        except DeviceError:
            self._write("min_freq", floor)
            raise

    def _write(self, name: str, hertz: int) -> None:
        self._files.write_text(f"{self.folder}/{name}", str(hertz))


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


class DevfreqMaximumKnob(Knob):
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
        self._range = range_
        self._caps = caps
        self._hertz = {megahertz(hertz): hertz for hertz in values_hz}
        self._spec = KnobSpec(
            id=names.maximum,
            unit="MHz",
            kind=KnobKind.CLOCK,
            values=tuple(self._hertz),
            restore_class=RestoreClass.EXACT,
            device=names.device,
            settle_s=_SETTLE_S,
            delivery=Delivery.CEILING,
            note=note,
        )

    @property
    def spec(self) -> KnobSpec:
        """The knob as a record."""
        return self._spec

    def read(self) -> Value:
        """Returns the highest clock in force."""
        return megahertz(self._range.ceiling_hz())

    def write(self, value: Value) -> None:
        """Sets the highest clock."""
        self._range.set_ceiling(_admissible(self._spec, self._hertz, value))

    def capture(self) -> Captured:
        """Returns both limits; waits until no thermal cap lowers what is shown."""
        self._caps.wait_until_gone(
            f"The original {self._spec.id}", lambda: self._range.ceiling_hz() < self._range.table_hz[-1]
        )
        return {"max_hz": self._range.ceiling_hz(), "min_hz": self._range.asked_floor_hz()}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the highest clock back, and the lowest one where the highest one had pushed it down."""
        ceiling, floor = _captured_hertz(self._spec.id, captured, "max_hz", "min_hz")
        if self._range.ceiling_hz() != ceiling:
            self._range.set_ceiling(ceiling)
        if self._range.floor_hz() < min(floor, ceiling):
            self._range.set_floor(floor)
        return _outcome(self._spec.id, self._range.ceiling_hz(), ceiling, self._caps)


class DevfreqMinimumKnob(Knob):
    """The lowest clock."""

    def __init__(
        self,
        range_: FrequencyRange,
        names: DevfreqKnobNames,
        values_hz: tuple[int, ...],
        caps: ThermalCaps,
    ) -> None:
        """Prepares the knob; writes nothing.

        Args:
            range_: The device's clocks.
            names: What the knob is called.
            values_hz: The clocks on offer, out of the device's table.
            caps: What may hide the lowest clock that the user set.
        """
        self._range = range_
        self._caps = caps
        self._maximum_id = names.maximum
        self._hertz = {megahertz(hertz): hertz for hertz in values_hz}
        self._spec = KnobSpec(
            id=names.minimum,
            unit="MHz",
            kind=KnobKind.CLOCK,
            values=tuple(self._hertz),
            restore_class=RestoreClass.EXACT,
            device=names.device,
            not_above=NotAbove(names.maximum),
            settle_s=_SETTLE_S,
            explored=False,
        )

    @property
    def spec(self) -> KnobSpec:
        """The knob as a record."""
        return self._spec

    def read(self) -> Value:
        """Returns the lowest clock in force."""
        return megahertz(self._range.floor_hz())

    def write(self, value: Value) -> None:
        """Sets the lowest clock, which the highest one in force must let through."""
        hertz = _admissible(self._spec, self._hertz, value)
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
        return {"min_hz": self._range.asked_floor_hz()}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the lowest clock back, as far as the highest one in force lets it show."""
        (floor,) = _captured_hertz(self._spec.id, captured, "min_hz")
        if self._range.asked_floor_hz() != floor:
            self._range.set_floor(floor)
        if self._range.ceiling_hz() < floor and self._caps.active():
            return RestoreOutcome.PENDING
        return _outcome(self._spec.id, self._range.floor_hz(), min(floor, self._range.ceiling_hz()), self._caps)


def _admissible(spec: KnobSpec, hertz: dict[Value, int], value: Value) -> int:
    if value not in hertz or isinstance(value, bool):
        raise RefusedError(f"{spec.id} cannot be {value}: choose one of {', '.join(map(str, spec.values))}.")
    return hertz[value]


def _captured_hertz(knob_id: str, captured: Captured, *names: str) -> tuple[int, ...]:
    values = tuple(value for name in names if isinstance(value := captured.get(name), int))
    if len(values) != len(names):
        raise DeviceError(f"The journal entry of {knob_id} is damaged: set the clock by hand, then remove the entry.")
    return values


def _outcome(knob_id: str, shown_hz: int, wanted_hz: int, caps: ThermalCaps) -> RestoreOutcome:
    if shown_hz == wanted_hz:
        return RestoreOutcome.RESTORED
    if shown_hz < wanted_hz and caps.active():
        return RestoreOutcome.PENDING
    raise DeviceError(
        f"{knob_id} was put back to {megahertz(wanted_hz)} MHz but reads {megahertz(shown_hz)}: "
        "another program moves it; stop that program, then run wattune restore."
    )
