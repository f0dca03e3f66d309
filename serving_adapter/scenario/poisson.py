"""The open loop: ``server``."""

import itertools
import math
import random
from typing import Iterator, List

from serving_adapter.contract import Completion, ServingAdapter
from serving_adapter.scenario.generator import LoadGenerator


class PoissonArrivals(LoadGenerator):
    """Items arrive one by one in a Poisson process, whatever the server does (an open loop).

    The schedule starts with the first slice and goes on through the gaps between slices. It depends on rate and
    seed only, and latency counts from the scheduled arrival, so that a slow batch cannot hold back the requests
    that would have shown how slow it was (no coordinated omission). Batching is dynamic: a free adapter takes the
    items that wait, up to ``batch_size`` of them; if none waits, it idles until the next arrival.
    """

    def __init__(self, adapter: ServingAdapter, batch_size: int, rate_hz: float, seed: int) -> None:
        """Prepares the load.

        Args:
            adapter: Carries out the batches.
            batch_size: Most items a batch.
            rate_hz: Mean arrivals a second.
            seed: Seed of the schedule.
        """
        super().__init__(adapter)
        self._batch_size = batch_size
        self._offsets_s = poisson_offsets_s(rate_hz, seed)
        self._origin_s = math.nan
        self._next_arrival_s = math.nan

    def _completions(self, start_s: float, end_s: float) -> Iterator[Completion]:
        if math.isnan(self._origin_s):
            self._origin_s = start_s
            self._advance()
        while self._next_arrival_s < end_s and self._adapter.now_s() < end_s:
            self._idle_until(self._next_arrival_s)
            yield self._serve(tuple(self._take_waiting()))
        self._idle_until(end_s)

    def _take_waiting(self) -> List[float]:
        now_s = self._adapter.now_s()
        arrivals_s: List[float] = []
        while self._next_arrival_s <= now_s and len(arrivals_s) < self._batch_size:
            arrivals_s.append(self._next_arrival_s)
            self._advance()
        return arrivals_s

    def _advance(self) -> None:
        self._next_arrival_s = self._origin_s + next(self._offsets_s)

    def _idle_until(self, instant_s: float) -> None:
        remaining_s = instant_s - self._adapter.now_s()
        while remaining_s > 0:
            self._adapter.idle(remaining_s)
            remaining_s = instant_s - self._adapter.now_s()


def poisson_offsets_s(rate_hz: float, seed: int) -> Iterator[float]:
    """Yields the arrivals of a Poisson process, in seconds since its start, without end.

    The gaps between arrivals of a Poisson process are independent and exponential with mean ``1 / rate_hz``.

    Args:
        rate_hz: Mean arrivals a second.
        seed: The same seed gives the same arrivals.
    """
    generator = random.Random(seed)  # noqa: S311 - a reproducible schedule, not a secret
    return itertools.accumulate(generator.expovariate(rate_hz) for _ in itertools.repeat(None))
