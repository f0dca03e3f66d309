"""One background thread that polls every meter in use when its next poll is due."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Protocol

_IDLE_S = 30.0
"""A meter that nobody has sampled for this long is polled no more, so that an idle keeper costs nothing."""


class Polled(Protocol):
    """What a sampler polls."""

    def poll(self) -> float:
        """Polls once; returns when the next poll is due, on the sampler's clock. Raises nothing."""


class Sampler:
    """Polls all meters in use. The thread starts with the first use and ends when nothing is in use any more.

    A process needs one sampler; a source that may take long to answer, such as one in the network, has its own,
    so that the others are not kept waiting.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, idle_s: float = _IDLE_S) -> None:
        """Starts nothing yet.

        Args:
            clock: The monotonic clock; the thread sleeps in real time.
            idle_s: How long a meter is polled after its last use.
        """
        self.clock = clock
        self._idle_s = idle_s
        self._condition = threading.Condition()
        self._used_s: dict[Polled, float] = {}
        self._due_s: dict[Polled, float] = {}
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether the thread is there."""
        return self._thread is not None

    def use(self, polled: Polled, due_s: float) -> None:
        """Tells that something is in use, so that it is polled from now on.

        Args:
            polled: What is polled.
            due_s: When its next poll is due; infinity if it needs none.
        """
        if math.isinf(due_s):
            return
        with self._condition:
            known = polled in self._used_s
            self._used_s[polled] = self.clock()
            if known:
                return
            self._due_s[polled] = due_s
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
                self._thread.start()
            self._condition.notify()

    def _run(self) -> None:
        while (due := self._wait()) is not None:
            next_s = due.poll()
            with self._condition:
                self._due_s[due] = next_s

    def _wait(self) -> Polled | None:
        """Waits until something is due, and returns it; None once nothing is in use any more."""
        with self._condition:
            while True:
                now_s = self.clock()
                self._drop_unused(now_s)
                if not self._due_s:
                    self._thread = None
                    return None
                polled = min(self._due_s, key=self._due_s.__getitem__)
                if self._due_s[polled] <= now_s:
                    return polled
                self._condition.wait(min(self._due_s[polled] - now_s, self._idle_s))

    def _drop_unused(self, now_s: float) -> None:
        for polled in [one for one, used_s in self._used_s.items() if now_s - used_s > self._idle_s]:
            del self._used_s[polled], self._due_s[polled]
