"""Adapters that a test drives by hand, without sleeps."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from serving_adapter.contract import Load, ServingAdapter, ServingParameter, Tokens, Traffic, Value, WorkloadDefinition
from serving_adapter.scenario import LoadGenerator, load_generator

PATIENCE_S = 30.0
"""Only a test that fails waits so long."""


class BareAdapter(ServingAdapter):
    """Does nothing, as many times at once as it is told."""

    def __init__(self, concurrency: int = 1, *, is_thread_bound: bool = True, name: str = "bare") -> None:
        super().__init__(WorkloadDefinition(name))
        self._concurrency = concurrency
        self.is_thread_bound = is_thread_bound

    def open(self) -> None:
        raise NotImplementedError

    def parameters(self) -> list[ServingParameter]:
        return []

    def configure(self, values: Mapping[str, Value]) -> None:
        raise NotImplementedError

    def current(self) -> dict[str, Value]:
        return {}

    def infer(self, items: int) -> Tokens | None:
        return None

    def close(self) -> None:
        raise NotImplementedError

    @property
    def concurrency(self) -> int:
        return self._concurrency


class Call:
    """One batch that an adapter was asked for and that a test answers."""

    def __init__(self, items: int) -> None:
        self.items = items
        self.thread = threading.current_thread()
        self._answer: queue.SimpleQueue[Tokens | BaseException | None] = queue.SimpleQueue()

    def answer(self, result: Tokens | BaseException | None = None) -> None:
        self._answer.put(result)

    def wait(self) -> Tokens | None:
        result = self._answer.get(timeout=PATIENCE_S)
        if isinstance(result, BaseException):
            raise result
        return result


class GatedAdapter(BareAdapter):
    """Every batch waits for the test: ``next_call`` hands out the batches that have begun, in that order."""

    def __init__(self, concurrency: int) -> None:
        super().__init__(concurrency)
        self._lock = threading.Lock()
        self._is_let_go = False
        self._calls: list[Call] = []
        self._begun: queue.SimpleQueue[Call] = queue.SimpleQueue()

    def infer(self, items: int) -> Tokens | None:
        call = Call(items)
        with self._lock:
            if self._is_let_go:
                return None
            self._calls.append(call)
            self._begun.put(call)
        return call.wait()

    def next_call(self) -> Call:
        return self._begun.get(timeout=PATIENCE_S)

    def next_calls(self, count: int) -> list[Call]:
        return [self.next_call() for _ in range(count)]

    @property
    def is_quiet(self) -> bool:
        return self._begun.empty()

    def let_go(self) -> None:
        """Answers everything, now and from now on."""
        with self._lock:
            self._is_let_go = True
            for call in self._calls:
                call.answer()


class AnsweringAdapter(BareAdapter):
    """Every batch is what a function says."""

    def __init__(self, concurrency: int, answer: Callable[[int], Tokens | None]) -> None:
        super().__init__(concurrency)
        self._answer = answer

    def infer(self, items: int) -> Tokens | None:
        return self._answer(items)


class CountingServer(BareAdapter):
    """A server that shows its counts, on a clock of its own; an exception stands for a look that fails."""

    def __init__(self, looks: list[Traffic | Exception]) -> None:
        super().__init__()
        self._looks = iter(looks)
        self._now_s = 100.0
        self.looked_s: list[float] = []

    def traffic(self) -> Traffic:
        look = next(self._looks)
        self.looked_s.append(self._now_s)
        self._now_s += 0.002
        if isinstance(look, Exception):
            raise look
        return look

    def now_s(self) -> float:
        return self._now_s

    def idle(self, seconds: float) -> None:
        self._now_s += seconds


@contextmanager
def flowing(adapter: BareAdapter, load: Load) -> Iterator[LoadGenerator]:
    """A generator that is stopped after the test, and has left no thread behind."""
    generator = load_generator(adapter, load)
    before = threading.active_count()
    try:
        yield generator
    finally:
        if isinstance(adapter, GatedAdapter):
            adapter.let_go()
        generator.stop()
        assert threading.active_count() == before
