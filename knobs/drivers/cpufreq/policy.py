"""One cpufreq policy: CPUs that share a clock, and the files under which the kernel shows their limits.

Source: the kernel's Documentation/admin-guide/pm/cpufreq.rst and drivers/cpufreq/cpufreq.c. Frequencies are in kHz.
Since Linux 5.3 a written limit is a request that the kernel keeps, combines with all others (thermal, firmware) and
brings into force a moment later, from a work queue; what is read is what came of it. Before, a write took effect at
once, and one that crossed the other limit was refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from knobs.attributes import optional_number, optional_text, parsed_whole_number, whole_number
from knobs.contract import DeviceError
from knobs.sysfs import KernelFiles

CPUFREQ = "/sys/devices/system/cpu/cpufreq"

_LONGEST_WAIT_S = 0.5
_PAUSE_S = 0.005


@dataclass(frozen=True)
class Limits:
    """Between which frequencies a policy keeps its CPUs."""

    min_khz: int
    max_khz: int


@dataclass(frozen=True)
class Policy:
    """A policy by its name (``policy4``).

    Attributes:
        files: The kernel's files.
        name: The name of its folder.
        clock: The monotonic clock.
        sleep: Waits for some seconds.
    """

    files: KernelFiles
    name: str
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def path(self, attribute: str) -> str:
        """Returns the path of one of its files."""
        return f"{CPUFREQ}/{self.name}/{attribute}"

    def has(self, attribute: str) -> bool:
        """Tells whether the kernel shows a file for this policy."""
        return self.files.exists(self.path(attribute))

    def text(self, attribute: str) -> str:
        """Returns what a file says.

        Raises:
            DeviceError: It cannot be read, as when all CPUs of the policy are offline (EBUSY).
        """
        return self.files.read_text(self.path(attribute))

    def khz(self, attribute: str) -> int:
        """Returns a frequency.

        Raises:
            DeviceError: It cannot be read, or is no number.
        """
        return whole_number(self.files, self.path(attribute))

    def frequencies_khz(self, attribute: str) -> tuple[int, ...]:
        """Returns a list of frequencies, ascending; none where the driver has no such list.

        Raises:
            DeviceError: It cannot be read, or holds something else.
        """
        if not self.has(attribute):
            return ()
        return tuple(sorted({parsed_whole_number(word, self.path(attribute)) for word in self.text(attribute).split()}))

    @property
    def base_khz(self) -> int | None:
        """The clock that the processor's maker promises for all CPUs at once; None where the driver does not tell."""
        return optional_number(self.files, self.path("base_frequency"))

    def cpus(self) -> tuple[int, ...]:
        """Returns the CPUs of the policy that are online; none if all are offline."""
        try:
            return parse_cpus(optional_text(self.files, self.path("affected_cpus")))
        except DeviceError:
            return ()

    @property
    def is_lowered(self) -> bool:
        """Whether its upper limit is below what the hardware can do; not while all of its CPUs are offline."""
        try:
            return self.khz("scaling_max_freq") < self.khz("cpuinfo_max_freq")
        except DeviceError:
            return False

    def sibling(self, name: str) -> Policy:
        """Returns another policy of the machine."""
        return replace(self, name=name)

    def limits(self) -> Limits:
        """Returns the limits in force.

        Raises:
            DeviceError: They cannot be read.
        """
        return Limits(self.khz("scaling_min_freq"), self.khz("scaling_max_freq"))

    def write(self, attribute: str, text: str) -> None:
        """Writes a file.

        Raises:
            DeviceError: The kernel refused.
        """
        self.files.write_text(self.path(attribute), text)

    def set_limits(self, wanted: Limits) -> None:
        """Writes both limits in an order that no kernel refuses.

        Raises:
            DeviceError: The kernel refused.
        """
        upper = ("scaling_max_freq", str(wanted.max_khz))
        lower = ("scaling_min_freq", str(wanted.min_khz))
        upper_first = wanted.max_khz >= self.khz("scaling_min_freq")
        for attribute, text in (upper, lower) if upper_first else (lower, upper):
            self.write(attribute, text)

    def limits_once(self, settled: Callable[[Limits], bool]) -> Limits:
        """Returns the limits as soon as they are as wanted, or after half a second as they are.

        Raises:
            DeviceError: They cannot be read.
        """
        deadline_s = self.clock() + _LONGEST_WAIT_S
        while not settled(now := self.limits()) and self.clock() < deadline_s:
            self.sleep(_PAUSE_S)
        return now


def find_policies(files: KernelFiles, clock: Callable[[], float], sleep: Callable[[float], None]) -> tuple[Policy, ...]:
    """Returns the policies of this machine by their lowest CPU; none in most virtual machines."""
    try:
        names = [name for name in files.listdir(CPUFREQ) if _number(name) is not None]
    except DeviceError:
        return ()
    return tuple(Policy(files, name, clock, sleep) for name in sorted(names, key=lambda name: _number(name) or 0))


def online(policies: Iterable[Policy], what: str) -> tuple[Policy, ...]:
    """Returns the policies whose CPUs are not all offline.

    Args:
        policies: The policies.
        what: What they are the policies of.

    Raises:
        DeviceError: There is none.
    """
    active = tuple(policy for policy in policies if policy.cpus())
    if not active:
        raise DeviceError(f"All CPUs of {what} are offline: bring one online.")
    return active


def parse_cpus(text: str) -> tuple[int, ...]:
    """Returns the CPUs in a list of the kernel's: ``0-3,5`` or ``0 1 2``.

    Raises:
        DeviceError: It is no such list.
    """
    cpus: set[int] = set()
    for part in text.replace(",", " ").split():
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise DeviceError(f"The kernel's list of CPUs reads {text!r}, which is none: check the kernel's log.")
        cpus.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(cpus))


def _number(name: str) -> int | None:
    number = name.removeprefix("policy")
    return int(number) if number != name and number.isdecimal() else None
