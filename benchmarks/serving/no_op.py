"""A server that costs nothing: what is measured against it is the load generator alone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from serving_adapter.contract import Load, ServingAdapter, ServingParameter, Slice, Value, WorkloadDefinition
from serving_adapter.scenario import load_generator

_WARM_UP_S = 0.3


class NoOpAdapter(ServingAdapter):
    """Completes every batch at once."""

    def __init__(self, concurrency: int) -> None:
        """Takes so many batches at once."""
        super().__init__(WorkloadDefinition("no-op"))
        self._concurrency = concurrency

    def open(self) -> None:
        """Has nothing to open."""

    def parameters(self) -> list[ServingParameter]:
        """Returns nothing."""
        return []

    def configure(self, values: Mapping[str, Value]) -> None:
        """Has nothing to configure."""

    def current(self) -> dict[str, Value]:
        """Returns nothing."""
        return {}

    def infer(self, items: int) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Has nothing to close."""

    @property
    def concurrency(self) -> int:
        """How many batches may be under way at once."""
        return self._concurrency


@dataclass(frozen=True)
class NoOpRun:
    """A load that flowed for a while.

    Attributes:
        stretch: What was completed.
        cpu_s: CPU time of the whole process meanwhile.
    """

    stretch: Slice
    cpu_s: float

    @property
    def requests(self) -> int:
        """Completed requests."""
        return sum(len(batch.arrivals_s) for batch in self.stretch.completions)

    @property
    def rate_hz(self) -> float:
        """Completed requests a second."""
        return self.requests / (self.stretch.end_s - self.stretch.start_s)

    @property
    def cpu_s_per_request(self) -> float:
        """CPU time of a request."""
        return self.cpu_s / self.requests


def run_no_op(concurrency: int, load: Load, seconds: float) -> NoOpRun:
    """Lets load flow against nothing."""
    generator = load_generator(NoOpAdapter(concurrency), load)
    try:
        generator.run(_WARM_UP_S)
        before_s = time.process_time()
        stretch = generator.run(seconds)
        return NoOpRun(stretch, time.process_time() - before_s)
    finally:
        generator.stop()


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keeps this thread, and every thread that it starts, on one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@contextmanager
def ahead_of_others() -> Iterator[bool]:
    """Lets this thread, and every thread that it starts, go before all other programs; gives whether it may.

    What is measured then is the load generator, and not how busy its neighbours are.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
