"""The search worker as a study asks it: what it takes is booked, what it learned is kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from knobs.contract import DeviceError
from tuner.clock import Clock
from tuner.errors import WattuneError
from tuner.measuring.bench import Bench
from tuner.parameter_effect import ParameterEffect
from tuner.ports import Search
from tuner.search.contract import Proposal, Stop
from tuner.study.recorder import Recorder

_log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


class BookedSearch:
    """Asks about the trials of one study, as if all had been measured when the baseline was."""

    def __init__(self, search: Search, bench: Bench, record: Recorder, clock: Clock) -> None:
        """Keeps what is needed.

        Args:
            search: The worker.
            bench: Whose meter tells the joules.
            record: Where time and joules are booked.
            clock: Tells the time.
        """
        self._search = search
        self._bench = bench
        self._record = record
        self._clock = clock

    def propose(self) -> Proposal | Stop:
        """Returns the next configuration, or says that searching on does not pay.

        Raises:
            WattuneError: The worker is lost, or cannot answer.
            StoreError: What it took could not be stored.
        """
        self._record.announce("choosing the next configuration")
        return self._booked(lambda: self._search.propose(self._record.levelled))

    def keep_effects(self) -> None:
        """Stores what the search has learned of each parameter. A worker that cannot tell spoils no study.

        Raises:
            StoreError: It could not be stored.
        """
        self._record.announce("summing up what each parameter does")
        self._record.keep_effects(self._booked(self._effects))

    def _effects(self) -> tuple[ParameterEffect, ...]:
        try:
            return self._search.effects(self._record.levelled)
        except WattuneError as error:
            _log.warning("The study goes on without knowing what each parameter does: %s", error)
            return ()

    def _booked(self, ask: Callable[[], _Answer]) -> _Answer:
        """Asks, and books what that took."""
        started_s, before_j, before_cpu_s = self._clock.monotonic_s(), self._energy_j(), self._search.cpu_s()
        answer = ask()
        after_j, after_cpu_s = self._energy_j(), self._search.cpu_s()
        spent_j = None if before_j is None or after_j is None else after_j - before_j
        if spent_j is not None and self._bench.meter.coefficients is not None:
            # Such a meter counts the workload's CPU time only.
            spent_j += self._bench.meter.coefficients.cpu_core_w[1] * max(0.0, after_cpu_s - before_cpu_s)
        self._record.book_search(self._clock.monotonic_s() - started_s, spent_j)
        return answer

    def _energy_j(self) -> float | None:
        try:
            return self._bench.sample().value
        except DeviceError:
            return None
