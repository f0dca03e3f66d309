"""Reading single values out of the kernel's files."""

from __future__ import annotations

from typing import Protocol

from knobs.contract import DeviceError


class TextFiles(Protocol):
    """What reads files: all of the kernel's, or those of one device."""

    def read_text(self, path: str) -> str:
        """Returns the content of a file.

        Raises:
            DeviceError: It cannot be read.
        """


def optional_text(files: TextFiles, path: str) -> str:
    """Returns the content of a file; empty where there is none or it cannot be read."""
    try:
        return files.read_text(path)
    except DeviceError:
        return ""


def optional_number(files: TextFiles, path: str) -> int | None:
    """Returns the whole number in a file; None where there is none, or it cannot be read."""
    try:
        return whole_number(files, path)
    except DeviceError:
        return None


def whole_number(files: TextFiles, path: str) -> int:
    """Returns the whole number in a file.

    Raises:
        DeviceError: It holds none, or cannot be read.
    """
    return parsed_whole_number(files.read_text(path), path)


def parsed_whole_number(text: str, path: str) -> int:
    """Returns the whole number that a file held.

    Raises:
        DeviceError: It held none.
    """
    try:
        return int(text)
    except ValueError as error:
        raise DeviceError(f"{path} holds {text[:40]!r} instead of a number: check the kernel's log.") from error
