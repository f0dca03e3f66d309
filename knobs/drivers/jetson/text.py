"""Files that a Jetson may or may not have."""

from __future__ import annotations

import re

from knobs.contract import DeviceError
from knobs.sysfs import KernelFiles

ROOT_FIX = "start the keeper as root, and not in a container that mounts /sys read-only"


def text_or_nothing(files: KernelFiles, path: str) -> str:
    """Returns the content of a file; nothing where it is not there or has no value now."""
    try:
        return files.read_text(path)
    except DeviceError:
        return ""


def number_or_nothing(files: KernelFiles, path: str) -> int | None:
    """Returns the whole number in a file; None where it is not there, has no value now or holds something else."""
    text = text_or_nothing(files, path)
    return int(text) if re.fullmatch(r"-?\d+", text) else None
