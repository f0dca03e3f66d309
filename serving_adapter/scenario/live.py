"""Real traffic: ``live``."""

from typing import Optional, Tuple

from serving_adapter.contract import RequestFailedError, ServingAdapter, Slice, Traffic
from serving_adapter.scenario.generator import LoadGenerator

_PAUSES_S = (0.1, 0.3, 1.0)
"""Between one look at the counts that fails and the next."""


class LiveTraffic(LoadGenerator):
    """Generates nothing, and reads what the server has counted of the traffic that flows anyway.

    The end of a slice is the begin of the next one: nothing is counted twice, and nothing is left out.
    """

    def __init__(self, adapter: ServingAdapter) -> None:
        """Keeps the adapter; reads nothing yet."""
        super().__init__(adapter)
        self._last: Optional[Tuple[float, Traffic]] = None

    def _run(self, duration_s: float) -> Slice:
        if self._last is None:
            self._last = self._look()
        self._idle_until(self._adapter.now_s() + duration_s)
        (start_s, earlier), self._last = self._last, self._look()
        time_s, now = self._last
        return Slice(start_s, time_s, completions=(), traffic=now.since(earlier))

    def _look(self) -> Tuple[float, Traffic]:
        """Returns the counts and the instant to which they belong; one bad answer is no reason to give up."""
        for pause_s in _PAUSES_S:
            try:
                return self._look_once()
            except RequestFailedError:
                self._adapter.idle(pause_s)
        return self._look_once()

    def _look_once(self) -> Tuple[float, Traffic]:
        """The server takes its counts somewhere between question and answer: the middle is off by half at most."""
        asked_s = self._adapter.now_s()
        traffic = self._adapter.traffic()
        return (asked_s + self._adapter.now_s()) / 2.0, traffic
