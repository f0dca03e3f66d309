"""The load generators: how requests arrive while something is measured.

The scenarios are those of the MLPerf Inference Rules, section "Scenarios" (multi-stream as since version 2.0: the next
query is sent as soon as the previous one is complete). A generator drives an adapter on the device's own clock, so
that a simulated device is loaded in simulated time. It keeps its state between slices: load flows only while
:meth:`LoadGenerator.run` runs.
"""

import itertools
import math
import random
from abc import ABC, abstractmethod
from typing import Iterator, List

from serving_adapter.contract import AdapterError, Completion, Load, ServingAdapter, Slice


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
            AdapterError: The duration is not a finite number above zero, or a batch failed.
        """
        if not (math.isfinite(duration_s) and duration_s > 0):
            raise AdapterError(f"Load cannot flow for {duration_s} s: give a duration above zero.")
        start_s = self._adapter.now_s()
        completions = tuple(self._completions(start_s, start_s + duration_s))
        return Slice(start_s=start_s, end_s=self._adapter.now_s(), completions=completions)

    @abstractmethod
    def _completions(self, start_s: float, end_s: float) -> Iterator[Completion]:
        """Yields the batches of one slice; starts none at or after its end."""


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
            self._adapter.infer(self._batch_size)
            finish_s = self._adapter.now_s()
            yield Completion(arrivals_s=(arrival_s,) * self._batch_size, finish_s=finish_s)
            arrival_s = finish_s


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
            arrivals_s = self._take_waiting()
            self._adapter.infer(len(arrivals_s))
            yield Completion(arrivals_s=tuple(arrivals_s), finish_s=self._adapter.now_s())
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


def load_generator(adapter: ServingAdapter, load: Load) -> LoadGenerator:
    """Returns the generator of a load.

    Args:
        adapter: Carries out the batches; open.
        load: The scenario and its figures.

    Raises:
        AdapterError: The load means nothing, or nothing can be generated for its scenario.
    """
    if load.batch_size < 1:
        raise AdapterError(f"A batch of {load.batch_size} items cannot be served: use at least one.")
    if load.scenario == "server":
        if load.rate_hz is None or not (math.isfinite(load.rate_hz) and load.rate_hz > 0):
            raise AdapterError("The scenario 'server' needs an arrival rate above zero, in requests per second.")
        return PoissonArrivals(adapter, load.batch_size, load.rate_hz, load.seed)
    if load.scenario == "single-stream" and load.batch_size != 1:
        raise AdapterError(
            f"The scenario 'single-stream' sends one item a query, so that a batch size of {load.batch_size} "
            "has no meaning: use 1, or the scenario 'multi-stream'."
        )
    if load.scenario in ("single-stream", "multi-stream", "offline"):
        return BackToBack(adapter, load.batch_size)
    if load.scenario == "live":
        raise AdapterError("The scenario 'live' is real traffic: no load is generated for it.")
    raise AdapterError(
        f"The scenario '{load.scenario}' is unknown: use single-stream, multi-stream, offline or server."
    )
