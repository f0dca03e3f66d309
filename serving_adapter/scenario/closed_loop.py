"""Closed loops: ``single-stream``, ``multi-stream`` and ``offline``."""

from typing import Callable, Optional, Tuple

from serving_adapter.scenario.arrivals import Arrivals, WaitUntil
from serving_adapter.scenario.failures import FailureGuard


class ClosedLoop(Arrivals):
    """The next batch starts when the previous one is complete; its items arrive at that instant.

    What this means depends on the scenario. Under ``single-stream`` a batch is a query of one item, under
    ``multi-stream`` a query of ``batch_size`` items, and the latency is that of the query. Under ``offline``
    all items are there from the start, so that waiting says nothing about the server: latency counts from
    the start of the item's own batch.

    A server that refuses everything at once is asked more and more slowly: nothing else would hold back this loop.
    """

    def __init__(self, now_s: Callable[[], float], batch_size: int, guard: FailureGuard) -> None:
        """Prepares the load.

        Args:
            now_s: The device's clock.
            batch_size: Items a batch.
            guard: Knows how long to wait after batches that have failed.
        """
        self._now_s = now_s
        self._batch_size = batch_size
        self._guard = guard

    def next_batch(self, wait_until: WaitUntil) -> Optional[Tuple[float, ...]]:
        """Returns a batch that arrives now, or after a pause if batches fail."""
        if not wait_until(max(self._now_s(), self._guard.resume_s)):
            return None
        return (self._now_s(),) * self._batch_size
