"""The lowest and highest clock of a CPU frequency policy, as each kernel resolves what was asked for.

Up to 5.2 a write is checked against the other limit and refused when they cross (``store_one`` and
``cpufreq_set_policy`` of that time). Since 5.3 each limit is a request that stays until it is replaced
(Documentation/power/pm_qos_interface.rst), and the strictest requests are made to fit each time one changes.
"""

from __future__ import annotations

import errno
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.parsing import U32_MAX, scanned_unsigned, signed_32, unsigned
from tests.emulated.sysfs.tree import kernel_error

_DEFAULT_VALUE = -1
"""PM_QOS_DEFAULT_VALUE: a request for it is one for the constraint's own default."""
_NO_MAXIMUM_KHZ = 2**31 - 1


@dataclass
class Range:
    """The clocks of the hardware.

    Attributes:
        lowest_khz: The lowest.
        highest_khz: The highest; changes with boost.
        table_khz: All of them, ascending; empty where the clock is continuous.
    """

    lowest_khz: int
    highest_khz: int
    table_khz: tuple[int, ...] = ()

    def at_least(self, khz: int) -> int:
        """Returns the lowest clock that is not below one, or the highest (CPUFREQ_RELATION_L)."""
        if not self.table_khz:
            return khz
        return self.table_khz[min(bisect_left(self.table_khz, khz), len(self.table_khz) - 1)]

    def at_most(self, khz: int) -> int:
        """Returns the highest clock that is not above one, or the lowest (CPUFREQ_RELATION_H)."""
        if not self.table_khz:
            return khz
        return self.table_khz[max(bisect_right(self.table_khz, khz) - 1, 0)]


class FrequencyLimits:
    """What has been asked of a policy, and what holds.

    Attributes:
        lowest_khz: The lowest clock now in force.
        highest_khz: The highest clock now in force; caps of cooling devices are in it.
        changed: Called whenever they have been worked out anew.
    """

    def __init__(self, generation: Generation, clocks: Range) -> None:
        """Starts with all that the hardware can."""
        self._generation = generation
        self._clocks = clocks
        self._asked_lowest_khz = clocks.lowest_khz
        self._asked_highest_khz = clocks.highest_khz
        self._caps_khz: dict[str, int] = {}
        self.lowest_khz = clocks.lowest_khz
        self.highest_khz = clocks.highest_khz
        self.changed: Callable[[], None] = lambda: None

    def store_lowest(self, text: str) -> None:
        """Takes a write to scaling_min_freq.

        Raises:
            OSError: EINVAL, if it is no number or, up to 5.2, if the limits would cross.
        """
        if self._generation.limits_are_requests:
            self._asked_lowest_khz = self._request(text, default=0)
        else:
            asked = scanned_unsigned(text, 32)
            self._require_order(asked, self._asked_highest_khz)
            self._asked_lowest_khz = asked
        self.resolve()

    def store_highest(self, text: str) -> None:
        """Takes a write to scaling_max_freq.

        Raises:
            OSError: EINVAL, if it is no number or, up to 5.2, if the limits would cross.
        """
        if self._generation.limits_are_requests:
            self._asked_highest_khz = self._request(text, default=_NO_MAXIMUM_KHZ)
        else:
            asked = scanned_unsigned(text, 32)
            self._require_order(self._asked_lowest_khz, asked)
            self._asked_highest_khz = asked
        self.resolve()

    def cap(self, name: str, khz: int | None) -> None:
        """Sets or lifts what a cooling device allows; whatever was asked stays asked."""
        if khz is None:
            self._caps_khz.pop(name, None)
        else:
            self._caps_khz[name] = khz
        self.resolve()

    def resolve(self) -> None:
        """Works out anew what holds, as when a request, a cap or the hardware's range has changed."""
        lowest, highest = self._verified(
            self._asked_lowest_khz, min([self._asked_highest_khz, *self._caps_khz.values()]) & U32_MAX
        )
        if self._generation >= Generation.K5_15:
            lowest, highest = self._clocks.at_least(lowest), self._clocks.at_most(highest)
        self.lowest_khz, self.highest_khz = lowest, highest
        self.changed()

    def _request(self, text: str, default: int) -> int:
        """As ``freq_qos_update_request``, whose argument is an s32."""
        value = signed_32(unsigned(self._generation, text))
        if value == _DEFAULT_VALUE:
            return default
        if value < 0 and self._generation >= Generation.K6_1:
            raise kernel_error(errno.EINVAL)
        return value

    def _require_order(self, lowest_khz: int, highest_khz: int) -> None:
        if lowest_khz > highest_khz:
            raise kernel_error(errno.EINVAL)

    def _verified(self, lowest_khz: int, highest_khz: int) -> tuple[int, int]:
        """As ``cpufreq_frequency_table_verify``: where no clock lies between the two, one bound gives way.

        Up to 6.1 that is the upper one, so that the highest clock comes out above what was asked for.
        """
        lowest, highest = self._within_hardware(lowest_khz, highest_khz)
        table = self._clocks.table_khz
        if not table or any(lowest <= khz <= highest for khz in table):
            return lowest, highest
        if self._generation >= Generation.K6_12:
            return self._within_hardware(lowest, self._clocks.at_most(highest))
        return self._within_hardware(lowest, self._clocks.at_least(highest))

    def _within_hardware(self, lowest_khz: int, highest_khz: int) -> tuple[int, int]:
        bottom, top = self._clocks.lowest_khz, self._clocks.highest_khz
        highest = min(max(highest_khz, bottom), top)
        return min(max(lowest_khz, bottom), highest), highest
