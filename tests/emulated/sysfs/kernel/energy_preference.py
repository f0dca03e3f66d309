"""The energy performance preference of drivers with an algorithm of their own (intel_pstate.c, amd-pstate.c)."""

from __future__ import annotations

import errno

from tests.emulated.sysfs.kernel.cpufreq import Policy
from tests.emulated.sysfs.kernel.parsing import strict_unsigned, word
from tests.emulated.sysfs.tree import kernel_error

_NAMES = ("default", "performance", "balance_performance", "balance_power", "power")
_LEVELS = {"performance": 0, "balance_performance": 0x80, "balance_power": 0xC0, "power": 0xFF}
_LONGEST_NAME = 20


class EnergyPreference:
    """The hint by which the processor weighs energy against speed, 0 for speed alone and 255 for energy alone."""

    def __init__(self, policy: Policy, *, takes_numbers: bool, forced: bool, default: int = 0x80) -> None:
        """Adds the files to a policy.

        Args:
            policy: The policy.
            takes_numbers: Whether a level may be written as well as a name, as intel_pstate allows.
            forced: Whether the governor ``performance`` forces the hint to 0, as it does in active mode.
            default: The level that the firmware left behind.
        """
        self._policy = policy
        self._takes_numbers = takes_numbers
        self._forced = forced
        self._default = default
        self._chosen = default
        policy.add("energy_performance_preference", self._show, self._store)
        policy.add("energy_performance_available_preferences", lambda: "".join(f"{name} " for name in _NAMES))

    @property
    def level(self) -> int:
        """The level in force."""
        return 0 if self._is_forced() else self._chosen

    def _is_forced(self) -> bool:
        return self._forced and self._policy.governor == "performance"

    def _show(self) -> object:
        names = {level: name for name, level in _LEVELS.items()}
        return names.get(self.level, self.level)

    def _store(self, text: str) -> None:
        level = self._level_of(word(text, _LONGEST_NAME))
        if level > 0 and self._is_forced():
            raise kernel_error(errno.EBUSY)
        self._chosen = level

    def _level_of(self, name: str) -> int:
        if name == "default":
            return self._default
        if name in _LEVELS:
            return _LEVELS[name]
        level = strict_unsigned(name, 32) if self._takes_numbers else 256
        if level > 255:
            raise kernel_error(errno.EINVAL)
        return level
