"""Load in threads: several batches at a time, in real time, flowing on between slices."""

import threading
import time
from typing import List, Optional

from serving_adapter.contract import AdapterError, ServingAdapter, Slice
from serving_adapter.scenario.arrivals import Arrivals
from serving_adapter.scenario.failures import FailureGuard
from serving_adapter.scenario.generator import LoadGenerator
from serving_adapter.scenario.ledger import Ledger
from serving_adapter.scenario.timers import sharp_timers

_LONGEST_NAP_S = 0.05
"""How long the end of the load may go unnoticed by a thread that sleeps."""
_STOP_TIMEOUT_S = 90.0
"""Longer than adapters wait for a server, and shorter than anybody waits for the runner."""


class Lanes(LoadGenerator):
    """Sends batches in as many threads as may be under way at once, from the first :meth:`run` until :meth:`stop`.

    Slices follow each other without a gap: what is completed while nobody runs a slice belongs to the next one.
    The adapter keeps real time.
    """

    def __init__(self, adapter: ServingAdapter, arrivals: Arrivals, guard: FailureGuard, lanes: int) -> None:
        """Prepares the load; starts no thread yet.

        Args:
            adapter: Carries out the batches.
            arrivals: Makes them.
            guard: Counts those that fail.
            lanes: Batches under way at once, at most.
        """
        super().__init__(adapter)
        self._arrivals = arrivals
        self._guard = guard
        self._workload = adapter.workload.name
        self._lanes = lanes
        self._ledger = Ledger(adapter.now_s)
        self._threads: List[threading.Thread] = []
        self._gate = threading.Event()
        self._is_over = False
        self._error: Optional[BaseException] = None

    def _run(self, duration_s: float) -> Slice:
        if self._error is not None:
            raise self._error
        if not self._threads:
            self._start()
        self._wait_until(self._adapter.now_s() + duration_s)
        if self._error is not None:
            raise self._error
        return self._ledger.cut()

    def _stop(self) -> None:
        """Ends the load and waits for batches that are under way."""
        self._end()
        deadline_s = time.monotonic() + _STOP_TIMEOUT_S
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if self._threads:
            raise AdapterError(
                f"{len(self._threads)} batches of the workload '{self._workload}' are still under way "
                f"{_STOP_TIMEOUT_S:g} s after the load was ended: see whether the server hangs."
            )

    def _start(self) -> None:
        """Starts every thread before the load begins: none of them delays a batch."""
        try:
            for number in range(self._lanes):
                thread = threading.Thread(target=self._lane, name=f"lane {number}", daemon=True)
                thread.start()
                self._threads.append(thread)
        except RuntimeError as error:
            self.stop()
            raise AdapterError(
                f"The workload '{self._workload}' needs {self._lanes} threads for as many batches at "
                f"once, and this machine starts no more than {number}: lower its concurrency."
            ) from error
        self._arrivals.begin(self._ledger.open())
        self._gate.set()

    def _end(self) -> None:
        self._is_over = True
        self._gate.set()

    def _lane(self) -> None:
        self._gate.wait()
        try:
            with sharp_timers():
                self._send_batches()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it ends the load and is raised by run
            self._error = self._error or error
            self._end()

    def _send_batches(self) -> None:
        arrivals_s = self._arrivals.next_batch(self._wait_until)
        while arrivals_s is not None:
            number = self._ledger.begin()
            tokens, failure = self._attempt(len(arrivals_s))
            self._guard.count(self._ledger.end(number, arrivals_s, failure, tokens))
            arrivals_s = self._arrivals.next_batch(self._wait_until)

    def _wait_until(self, instant_s: float) -> bool:
        while not self._is_over:
            remaining_s = instant_s - self._adapter.now_s()
            if remaining_s <= 0:
                return True
            self._adapter.idle(min(remaining_s, _LONGEST_NAP_S))
        return False
