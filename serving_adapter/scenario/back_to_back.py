"""Closed loops: ``single-stream``, ``multi-stream`` and ``offline``."""

from typing import Iterator

from serving_adapter.contract import Completion, ServingAdapter
from serving_adapter.scenario.generator import LoadGenerator


class BackToBack(LoadGenerator):
    """The next batch starts when the previous one is complete; its items arrive at that instant.

    What this means depends on the scenario. Under ``single-stream`` a batch is a query of one item, under
    ``multi-stream`` a query of ``batch_size`` items, and the latency is that of the query. Under ``offline``
    all items are there from the start, so that waiting says nothing about the server: latency counts from
    the start of the item's own batch.
    """

    def __init__(self, adapter: ServingAdapter, batch_size: int) -> None:
        """Prepares the load.

        Args:
            adapter: Carries out the batches.
            batch_size: Items a batch.
        """
        super().__init__(adapter)
        self._batch_size = batch_size

    def _completions(self, start_s: float, end_s: float) -> Iterator[Completion]:
        arrival_s = start_s
        while arrival_s < end_s:
            completion = self._serve((arrival_s,) * self._batch_size)
            yield completion
            arrival_s = completion.finish_s
