"""What every load generator does."""

import math
from abc import ABC, abstractmethod
from typing import Iterator, Tuple

from serving_adapter.contract import AdapterError, Completion, RequestFailedError, ServingAdapter, Slice


class LoadGenerator(ABC):
    """Sends batches to an adapter, one at a time."""

    def __init__(self, adapter: ServingAdapter) -> None:
        """Keeps the adapter; sends nothing yet."""
        self._adapter = adapter

    def run(self, duration_s: float) -> Slice:
        """Lets load flow for about so long on the device's clock; a batch that has started is completed.

        Args:
            duration_s: Length of the slice in seconds.

        Returns:
            Every batch that was completed, in order.

        Raises:
            AdapterError: The duration is not a finite number above zero, or no batch can succeed any more.
        """
        if not (math.isfinite(duration_s) and duration_s > 0):
            raise AdapterError(f"Load cannot flow for {duration_s} s: give a duration above zero.")
        start_s = self._adapter.now_s()
        completions = tuple(self._completions(start_s, start_s + duration_s))
        return Slice(start_s=start_s, end_s=self._adapter.now_s(), completions=completions)

    def stop(self) -> None:  # noqa: B027 - a loop in the caller's own thread has nothing to end
        """Ends the load. Batches that are under way are completed, and belong to nobody."""

    def _serve(self, arrivals_s: Tuple[float, ...]) -> Completion:
        """Runs one batch, whatever becomes of it."""
        start_s = self._adapter.now_s()
        tokens, failure = None, ""
        try:
            tokens = self._adapter.infer(len(arrivals_s))
        except RequestFailedError as error:
            failure = str(error)
        return Completion(arrivals_s, start_s, self._adapter.now_s(), failure, tokens)

    @abstractmethod
    def _completions(self, start_s: float, end_s: float) -> Iterator[Completion]:
        """Yields the batches of one slice; starts none at or after its end."""
