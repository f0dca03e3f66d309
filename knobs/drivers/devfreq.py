"""The range of clocks within which the kernel's devfreq class governs a device.

Sources: the kernel's Documentation/ABI/testing/sysfs-class-devfreq, drivers/devfreq/devfreq.c of 4.9 and 6.12.
What differs between kernels:

* Up to 5.4 a highest clock below the lowest one is refused (EINVAL). Since 5.5 it is accepted, hides the lowest
  clock, and the hidden one comes back once the highest clock is raised. Here both behave as the newer ones do.
* A clock that is not in the device's table is accepted everywhere, and may then run *above* the highest clock
  (the governor rounds up): only clocks of the table are written.
"""

from __future__ import annotations

from knobs.attributes import whole_number
from knobs.contract import DeviceError
from knobs.sysfs import KernelFiles, NotAcceptedError


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
