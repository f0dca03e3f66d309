"""How tests ask a machine's files without a mount: what the kernel's own functions answer."""

from __future__ import annotations

from collections.abc import Callable

from tests.emulated.sysfs.machines.machine import Machine
from tests.emulated.sysfs.script import GPU, POLICY


def errno_of(act: Callable[[], object]) -> int:
    """Returns the error that a show or a store answers, 0 if it succeeds."""
    try:
        act()
    except OSError as error:
        return error.errno or 0
    return 0


def write(machine: Machine, path: str, text: str) -> int:
    """Writes as root; returns the error, 0 for none."""
    return errno_of(lambda: machine.tree.attribute(path).write(text))


def read(machine: Machine, path: str) -> str:
    """Returns what a file says, without the newline at its end."""
    return machine.tree.attribute(path).read().removesuffix("\n")


def limits(machine: Machine) -> tuple[str, str]:
    """Returns the lowest and the highest clock of the first CPU, in kHz."""
    return read(machine, f"{POLICY}/scaling_min_freq"), read(machine, f"{POLICY}/scaling_max_freq")


def gpu_limits(machine: Machine) -> tuple[int, int]:
    """Returns the lowest and the highest clock of the GPU, in Hz."""
    return int(read(machine, f"{GPU}/min_freq")), int(read(machine, f"{GPU}/max_freq"))
