"""The lock of one clock: a range without a getter, whose two ends may be held for two knobs.

Source: nvmlDeviceSetGpuLockedClocks and nvmlDeviceSetMemoryLockedClocks in nvml.h. A lock is a range, not a set point:
at idle and under a power cap the clock is lower still. It cannot be read, so that what this process has locked is
remembered here; a process that has locked nothing knows nothing, and can only take a lock away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from knobs.contract import RefusedError

End: TypeAlias = Literal["low", "high"]


@dataclass(frozen=True)
class _Held:
    """What each end is held at; None for one that nobody holds."""

    low: int | None = None
    high: int | None = None


class ClockLock:
    """The lock of one clock of one GPU. Shared by all knobs that move it; may be used from several threads."""

    def __init__(
        self, clocks_mhz: tuple[int, ...], lock: Callable[[int, int], None], unlock: Callable[[], None]
    ) -> None:
        """Holds nothing yet and writes nothing.

        Args:
            clocks_mhz: The clocks that the device lists, ascending.
            lock: Holds the clock between two clocks.
            unlock: Takes the lock away.
        """
        self._lowest, self._highest = clocks_mhz[0], clocks_mhz[-1]
        self._lock = lock
        self._unlock = unlock
        self._held = _Held()
        self._mutex = threading.Lock()

    def held(self, end: End) -> int | None:
        """Returns what this process holds an end at; None if it does not."""
        return self._held.low if end == "low" else self._held.high

    def move(self, end: End, clock_mhz: int | None) -> None:
        """Holds one end at a clock, or lets go of it with None; what the other end is held at stays.

        With neither end held the lock is taken away, whoever set it.

        Raises:
            RefusedError: The low end would come above the high one. Nothing was written.
            DeviceError: The driver refused; what was held before counts as held.
        """
        with self._mutex:
            wanted = replace(self._held, **{end: clock_mhz})
            self._bring_into_force(wanted)
            self._held = wanted

    def _bring_into_force(self, wanted: _Held) -> None:
        if wanted == _Held():
            self._unlock()
            return
        low = self._lowest if wanted.low is None else wanted.low
        high = self._highest if wanted.high is None else wanted.high
        if low > high:
            raise RefusedError(f"A clock cannot be held between {low} and {high} MHz: lower its low end first.")
        self._lock(low, high)
