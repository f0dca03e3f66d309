"""An adapter with a clock of its own, whose service times are a script."""

import itertools
from collections.abc import Mapping, Sequence

from serving_adapter.contract import AdapterError, ServingAdapter, ServingParameter, Value, WorkloadDefinition


class ScriptedAdapter(ServingAdapter):
    """Each batch takes the next of the service times, which repeat; ``batches`` is what it was asked for."""

    def __init__(self, service_times_s: Sequence[float], start_s: float = 0.0, fails_at: int | None = None) -> None:
        super().__init__(WorkloadDefinition("scripted"))
        self._service_times_s = itertools.cycle(service_times_s)
        self._now_s = start_s
        self._fails_at = fails_at
        self.batches: list[tuple[float, int]] = []

    def open(self) -> None:
        raise NotImplementedError

    def parameters(self) -> list[ServingParameter]:
        return []

    def configure(self, values: Mapping[str, Value]) -> None:
        raise NotImplementedError

    def current(self) -> dict[str, Value]:
        return {}

    def infer(self, items: int) -> None:
        if self._fails_at == len(self.batches):
            raise AdapterError("The script says that this batch fails.")
        self.batches.append((self._now_s, items))
        self._now_s += next(self._service_times_s)

    def close(self) -> None:
        raise NotImplementedError

    def now_s(self) -> float:
        return self._now_s

    def idle(self, seconds: float) -> None:
        assert seconds >= 0
        self._now_s += seconds
