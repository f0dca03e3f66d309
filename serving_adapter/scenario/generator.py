"""What every load generator does."""

import math
from abc import ABC, abstractmethod
from typing import Optional, Tuple

from serving_adapter.contract import AdapterError, RequestFailedError, ServingAdapter, Slice, Tokens


class LoadGenerator(ABC):
    """Lets load flow, and says slice by slice what became of it."""

    def __init__(self, adapter: ServingAdapter) -> None:
        """Keeps the adapter; sends nothing yet."""
        self._adapter = adapter
        self._is_ended = False

    def run(self, duration_s: float) -> Slice:
        """Lets load flow for about so long on the device's clock. Call from one thread.

        Args:
            duration_s: Length of the slice in seconds.

        Returns:
            What came to its end within the slice.

        Raises:
            AdapterError: The duration is not a finite number above zero, the load was ended, or no batch can succeed
                any more.
        """
        if not (math.isfinite(duration_s) and duration_s > 0):
            raise AdapterError(f"Load cannot flow for {duration_s} s: give a duration above zero.")
        if self._is_ended:
            raise AdapterError(f"The load of the workload '{self._adapter.workload.name}' was ended: start it again.")
        return self._run(duration_s)

    @abstractmethod
    def _run(self, duration_s: float) -> Slice:
        """Returns the next slice."""

    def stop(self) -> None:
        """Ends the load. Batches that are under way are completed, and belong to nobody.

        Raises:
            AdapterError: A batch is still under way after a long time; may be called again then.
        """
        self._is_ended = True
        self._stop()

    def _stop(self) -> None:  # noqa: B027 - where nothing flows between slices, there is nothing to end
        """Ends what flows between slices."""

    def _attempt(self, items: int) -> Tuple[Optional[Tokens], str]:
        """Runs one batch; returns what a language model answered, and why the batch failed if it did."""
        try:
            return self._adapter.infer(items), ""
        except RequestFailedError as error:
            return None, str(error) or "The batch failed without a reason."

    def _idle_until(self, instant_s: float) -> None:
        remaining_s = instant_s - self._adapter.now_s()
        while remaining_s > 0:
            self._adapter.idle(remaining_s)
            remaining_s = instant_s - self._adapter.now_s()
