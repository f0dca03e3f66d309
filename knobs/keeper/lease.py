"""The right to set trial values: one holder, who must keep showing signs of life."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from knobs.contract import RefusedError


class Lease:
    """Held by at most one connection at a time."""

    def __init__(self, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Starts without a holder.

        Args:
            timeout_s: How long a holder may be silent.
            clock: The monotonic clock.
        """
        self.timeout_s = timeout_s
        self._clock = clock
        self._holder: object | None = None
        self._last_sign_s = 0.0
        self._answered: set[object] = set()

    @property
    def held(self) -> bool:
        """Whether anybody holds the lease."""
        return self._holder is not None

    def held_by(self, holder: object) -> bool:
        """Tells whether this one holds the lease."""
        return self._holder is holder

    def acquire(self, holder: object) -> None:
        """Gives the lease to a holder; to ask again is a sign of life.

        Raises:
            RefusedError: Another one holds it.
        """
        if self.held and not self.held_by(holder):
            raise RefusedError("Another client is trying configurations on this machine: wait until its study ends.")
        self._holder = holder
        self._last_sign_s = self._clock()

    def require(self, holder: object) -> None:
        """Makes sure that this one holds the lease.

        Raises:
            RefusedError: It does not, or no longer.
        """
        if not self.held_by(holder):
            raise RefusedError(
                "This client does not hold the lease (it was never acquired, its heartbeat stopped, or the knobs "
                "were restored meanwhile): acquire it before trying a configuration."
            )

    def sign_of_life(self, holder: object) -> None:
        """Notes that a client is alive; of no effect unless it holds the lease."""
        if self.held_by(holder):
            self._last_sign_s = self._clock()

    @contextmanager
    def answering(self, client: object) -> Iterator[None]:
        """Takes a client for alive while its request is answered, however long the hardware takes."""
        self._answered.add(client)
        try:
            yield
        finally:
            self.sign_of_life(client)
            self._answered.discard(client)

    def release(self) -> None:
        """Takes the lease from whoever holds it."""
        self._holder = None

    @property
    def expired(self) -> bool:
        """Whether the holder has been silent for too long."""
        is_silent = self._clock() - self._last_sign_s > self.timeout_s
        return self.held and is_silent and self._holder not in self._answered
