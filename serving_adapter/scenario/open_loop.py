"""The open loop: ``server``."""

import itertools
import random
from collections import deque
from typing import Callable, Deque, Iterator, Optional, Tuple

from serving_adapter.scenario.arrivals import Arrivals, WaitUntil
from serving_adapter.scenario.turn import Turn


class OpenLoop(Arrivals):
    """Items arrive one by one at scheduled instants, whatever the server does.

    Latency counts from the scheduled arrival, so that a slow batch cannot hold back the requests that would have shown
    how slow it was (no coordinated omission).

    Batching is dynamic: whoever is free takes the items that wait, up to ``batch_size`` of them. A batch that is not
    full waits for more, but never longer than ``batch_wait_s`` from its first item's arrival. When a batch is due is
    known as soon as the schedule is: one sleep is enough, however many items arrive meanwhile.
    """

    def __init__(
        self, now_s: Callable[[], float], offsets_s: Iterator[float], batch_size: int, batch_wait_s: float
    ) -> None:
        """Prepares the load.

        Args:
            now_s: The device's clock.
            offsets_s: Arrivals in seconds since the begin of the schedule, ascending, without end.
            batch_size: Most items a batch.
            batch_wait_s: How long a batch that is not full waits for more items.
        """
        self._now_s = now_s
        self._offsets_s = offsets_s
        self._batch_wait_s = batch_wait_s
        self._origin_s = 0.0
        self._turn = Turn()
        self._ahead: Deque[float] = deque(itertools.islice(offsets_s, batch_size))

    def begin(self, start_s: float) -> None:
        """Starts the schedule, or puts off all that is left of it: items that wait already, too."""
        self._origin_s = start_s

    def next_batch(self, wait_until: WaitUntil) -> Optional[Tuple[float, ...]]:
        """Returns the items of the next batch, when it is due. One thread at a time waits; others wait for it."""
        with self._turn:
            if not wait_until(self._due_s()):
                return None
            return self._take()

    def _due_s(self) -> float:
        """When the next batch is full, or its first item has waited as long as it may."""
        return self._origin_s + min(self._ahead[0] + self._batch_wait_s, self._ahead[-1])

    def _take(self) -> Tuple[float, ...]:
        now_s = self._now_s()
        waiting = sum(self._origin_s + offset_s <= now_s for offset_s in self._ahead)
        arrivals_s = tuple(self._origin_s + self._ahead.popleft() for _ in range(waiting))
        self._ahead.extend(itertools.islice(self._offsets_s, waiting))
        return arrivals_s


def poisson_offsets_s(rate_hz: float, seed: int) -> Iterator[float]:
    """Yields the arrivals of a Poisson process, in seconds since its start, without end.

    The gaps between arrivals of a Poisson process are independent and exponential with mean ``1 / rate_hz``.

    Args:
        rate_hz: Mean arrivals a second.
        seed: The same seed gives the same arrivals.
    """
    generator = random.Random(seed)  # noqa: S311 - a reproducible schedule, not a secret
    return itertools.accumulate(generator.expovariate(rate_hz) for _ in itertools.repeat(None))
