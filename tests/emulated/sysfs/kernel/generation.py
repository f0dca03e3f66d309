"""The kernels that matter, because the same write means different things to them."""

from __future__ import annotations

from enum import IntEnum


class Generation(IntEnum):
    """A kernel, by version. Compare them: what holds for one holds for those after it until something changes."""

    K4_9 = 409
    """L4T R32 (JetPack 4): limits are checked against each other, and refused when they cross."""
    K5_10 = 510
    """JetPack 5: limits are requests (PM QoS), of which the strictest holds."""
    K5_15 = 515
    """JetPack 6: limits of CPUs snap to the clocks that exist."""
    K6_1 = 601
    """Debian 12."""
    K6_8 = 608
    """JetPack 7. That limits and numbers are taken as by 6.1 is ASSUMED."""
    K6_12 = 612
    """Debian 13: numbers are parsed strictly, and hexadecimal ones are understood."""

    @property
    def limits_are_requests(self) -> bool:
        """Whether minimum and maximum are requests that may cross: 5.3 for CPUs, 5.5 for devfreq."""
        return self >= Generation.K5_10
