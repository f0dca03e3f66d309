"""A CPU frequency policy: ``/sys/devices/system/cpu/cpufreq/policyN`` (drivers/cpufreq/cpufreq.c).

Texts, modes and errors are those of the kernel's own ``show`` and ``store`` functions; how limits are resolved is
the affair of :mod:`tests.emulated.sysfs.kernel.frequency_limits`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass

from tests.emulated.sysfs.kernel.frequency_limits import FrequencyLimits, Range
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.hotplug import CPU_FOLDER, Cpus
from tests.emulated.sysfs.kernel.parsing import unsigned, word
from tests.emulated.sysfs.tree import Folder, Store, Tree, kernel_error

POLICIES = f"{CPU_FOLDER}/cpufreq"
GENERIC_GOVERNORS = ("conservative", "ondemand", "userspace", "powersave", "performance", "schedutil")
OWN_GOVERNORS = ("performance", "powersave")
"""The two that drivers with an algorithm of their own offer; they mean something else than the generic ones."""

_HEADROOM = 1.25
"""What schedutil asks for above the load (Documentation/scheduler/schedutil.rst)."""


@dataclass(frozen=True)
class PolicyDriver:
    """What sets one scaling driver apart from another.

    Attributes:
        name: As in ``scaling_driver``.
        governors: What may be chosen.
        governor: What is chosen at first.
        reports_hardware_clock: Whether there is a ``cpuinfo_cur_freq``, which only root may read.
        latency_ns: How long a change takes.
        descending: Whether the clocks are listed from the highest down, as by ACPI.
    """

    name: str
    governors: tuple[str, ...] = GENERIC_GOVERNORS
    governor: str = "schedutil"
    reports_hardware_clock: bool = True
    latency_ns: int = 300_000
    descending: bool = False

    @property
    def governs_itself(self) -> bool:
        """Whether the driver has an algorithm of its own instead of the generic governors."""
        return self.governors == OWN_GOVERNORS


class Policy:
    """CPUs that share one clock.

    Attributes:
        members: The CPUs, running or not.
        clocks: What the hardware can.
        limits: What was asked for, and what holds.
        governor: The governor in charge.
        load: Returns how busy the CPUs are, 0 to 1.
        ceiling_khz: Returns a bound below the limits that no file shows, or None (boost off, package too hot).
        governor_changed: Called after each change of the governor.
    """

    def __init__(
        self,
        tree: Tree,
        generation: Generation,
        cpus: Cpus,
        members: tuple[int, ...],
        clocks: Range,
        driver: PolicyDriver,
    ) -> None:
        """Makes the files, and the links to them from each CPU."""
        self.members = members
        self.clocks = clocks
        self.limits = FrequencyLimits(generation, clocks)
        self.governor = driver.governor
        self.load: Callable[[], float] = lambda: 0.0
        self.ceiling_khz: Callable[[], int | None] = lambda: None
        self.governor_changed: Callable[[], None] = lambda: None
        self._generation = generation
        self._cpus = cpus
        self._driver = driver
        self._setspeed_khz = clocks.lowest_khz
        self.folder = Folder(tree, f"{POLICIES}/policy{members[0]}")
        self._add_facts()
        self._add_settings()
        for cpu in members:
            Folder(tree, f"{CPU_FOLDER}/cpu{cpu}").link("cpufreq", self.folder.path)

    @property
    def online(self) -> tuple[int, ...]:
        """The CPUs that run."""
        return tuple(cpu for cpu in self.members if cpu in self._cpus.online)

    def current_khz(self) -> int:
        """Returns the clock that is delivered now."""
        low, high = self.limits.lowest_khz, self.limits.highest_khz
        if self.governor == "userspace":
            wanted = self._setspeed_khz
        elif self.governor == "performance":
            wanted = high
        elif self.governor == "powersave" and not self._driver.governs_itself:
            wanted = low
        else:
            wanted = int(self.load() * _HEADROOM * self.clocks.highest_khz)
        delivered = self.clocks.at_least(max(wanted, low))
        ceiling = self.ceiling_khz()
        delivered = min(delivered, self.clocks.at_most(high))
        return delivered if ceiling is None else min(delivered, ceiling)

    def add(self, name: str, show: Callable[[], object], store: Store | None = None, mode: int = 0) -> None:
        """Adds a file that answers EBUSY while no CPU of the policy runs."""

        def guarded_show() -> object:
            self._require_active()
            return show()

        def guarded_store(text: str) -> None:
            self._require_active()
            assert store is not None
            store(text)

        self.folder.add(name, guarded_show, guarded_store if store else None, mode)

    def _require_active(self) -> None:
        if not self.online:
            raise kernel_error(errno.EBUSY)

    def _add_facts(self) -> None:
        clocks, driver = self.clocks, self._driver
        self.add("affected_cpus", lambda: " ".join(map(str, self.online)))
        self.add("related_cpus", lambda: " ".join(map(str, self.members)))
        self.add("cpuinfo_min_freq", lambda: clocks.lowest_khz)
        self.add("cpuinfo_max_freq", lambda: clocks.highest_khz)
        self.add("cpuinfo_transition_latency", lambda: driver.latency_ns)
        self.add("scaling_driver", lambda: driver.name)
        self.add("scaling_cur_freq", self.current_khz)
        self.add("scaling_available_governors", lambda: "".join(f"{name} " for name in driver.governors))
        if driver.reports_hardware_clock:
            self.add("cpuinfo_cur_freq", self.current_khz, mode=0o400)
        if clocks.table_khz:
            listed = reversed(clocks.table_khz) if driver.descending else clocks.table_khz
            text = "".join(f"{khz} " for khz in listed)
            self.add("scaling_available_frequencies", lambda: text)

    def _add_settings(self) -> None:
        limits = self.limits
        self.add("scaling_min_freq", lambda: limits.lowest_khz, limits.store_lowest)
        self.add("scaling_max_freq", lambda: limits.highest_khz, limits.store_highest)
        self.add("scaling_governor", lambda: self.governor, self._store_governor)
        self.add("scaling_setspeed", self._show_setspeed, self._store_setspeed)

    def _store_governor(self, text: str) -> None:
        name = word(text).lower()
        if name not in self._driver.governors:
            raise kernel_error(errno.EINVAL)
        if name == "userspace" and self.governor != "userspace":
            self._setspeed_khz = self.current_khz()
        self.governor = name
        self.governor_changed()

    def _show_setspeed(self) -> object:
        return self.current_khz() if self.governor == "userspace" else "<unsupported>"

    def _store_setspeed(self, text: str) -> None:
        if self.governor != "userspace":
            raise kernel_error(errno.EINVAL)
        self._setspeed_khz = unsigned(self._generation, text, 32)
