"""Load in the caller's own thread: one batch at a time, on the device's own clock."""

import math
from typing import List, Optional

from serving_adapter.contract import Completion, ServingAdapter, Slice
from serving_adapter.scenario.arrivals import Arrivals
from serving_adapter.scenario.failures import FailureGuard
from serving_adapter.scenario.generator import LoadGenerator
from serving_adapter.scenario.timers import sharp_timers


class CallersThread(LoadGenerator):
    """Sends batches one at a time, and only while :meth:`run` runs; a batch that has started is completed.

    It is the only generator for a device that keeps a clock of its own, which work and idling move. Between slices the
    schedule of arrivals stands still with the load: nobody serves then, and what nobody could serve must not count as
    late. Latency and rate are those of the time that slices cover.
    """

    def __init__(self, adapter: ServingAdapter, arrivals: Arrivals, guard: FailureGuard) -> None:
        """Prepares the load.

        Args:
            adapter: Carries out the batches.
            arrivals: Makes them.
            guard: Counts those that fail.
        """
        super().__init__(adapter)
        self._arrivals = arrivals
        self._guard = guard
        self._origin_s = math.nan
        self._still_since_s: Optional[float] = None
        self._end_s = math.nan

    def _run(self, duration_s: float) -> Slice:
        with sharp_timers():
            start_s = self._adapter.now_s()
            self._end_s = start_s + duration_s
            self._let_schedule_go_on(start_s)
            completions = tuple(self._completions())
            self._still_since_s = self._adapter.now_s()
            return Slice(start_s=start_s, end_s=self._still_since_s, completions=completions)

    def _let_schedule_go_on(self, start_s: float) -> None:
        if self._still_since_s is None:
            self._origin_s = start_s
        else:
            self._origin_s += start_s - self._still_since_s
        self._arrivals.begin(self._origin_s)

    def _completions(self) -> List[Completion]:
        completions: List[Completion] = []
        arrivals_s = self._arrivals.next_batch(self._wait_until)
        while arrivals_s is not None:
            start_s = self._adapter.now_s()
            tokens, failure = self._attempt(len(arrivals_s))
            completions.append(Completion(arrivals_s, start_s, self._adapter.now_s(), failure, tokens))
            self._guard.count(completions[-1])
            arrivals_s = self._arrivals.next_batch(self._wait_until)
        return completions

    def _wait_until(self, instant_s: float) -> bool:
        is_within = instant_s < self._end_s and self._adapter.now_s() < self._end_s
        self._idle_until(instant_s if is_within else self._end_s)
        return is_within
