"""A file of the kernel's that turns something on and off."""

from __future__ import annotations

from dataclasses import dataclass

from knobs.contract import DeviceError
from knobs.sysfs import KernelFiles

OFF, ON = "off", "on"

_FILE_BY_VALUE = {OFF: "0", ON: "1"}
_INVERTED_FILE_BY_VALUE = {OFF: "1", ON: "0"}


@dataclass(frozen=True)
class Switch:
    """A switch.

    Attributes:
        files: The kernel's files.
        path: The file.
        is_inverted: Whether 1 means off.
    """

    files: KernelFiles
    path: str
    is_inverted: bool = False

    def read(self) -> str:
        """Returns ``off`` or ``on``.

        Raises:
            DeviceError: The file cannot be read or says something else.
        """
        text = self.files.read_text(self.path)
        for value, written in self._texts.items():
            if written == text:
                return value
        raise DeviceError(f"{self.path} holds {text[:40]!r} instead of 0 or 1: check the kernel's log.")

    def write(self, value: str) -> None:
        """Writes ``off`` or ``on`` and reads it back; what reads so already is not written.

        Raises:
            DeviceError: The kernel did not take it.
        """
        if self.read() == value:
            return
        self.files.write_text(self.path, self._texts[value])
        if self.read() != value:
            raise DeviceError(
                f"{self.path} does not take {value}: the firmware or another program holds it; stop that, "
                "then try again."
            )

    @property
    def _texts(self) -> dict[str, str]:
        return _INVERTED_FILE_BY_VALUE if self.is_inverted else _FILE_BY_VALUE
