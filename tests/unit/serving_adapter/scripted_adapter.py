"""An adapter with a clock of its own, whose service times are a script."""

import itertools
from collections.abc import Sequence

from serving_adapter.contract import AdapterError, Load, Slice
from serving_adapter.scenario import load_generator
from tests.unit.serving_adapter.scenario_adapters import BareAdapter


class ScriptedAdapter(BareAdapter):
    """Each batch takes the next of the service times, which repeat; ``batches`` is what it was asked for."""

    def __init__(self, service_times_s: Sequence[float], start_s: float = 0.0, fails_at: int | None = None) -> None:
        super().__init__(name="scripted")
        self._service_times_s = itertools.cycle(service_times_s)
        self._now_s = start_s
        self._fails_at = fails_at
        self.batches: list[tuple[float, int]] = []

    def infer(self, items: int) -> None:
        if self._fails_at == len(self.batches):
            raise AdapterError("The script says that this batch fails.")
        self.batches.append((self._now_s, items))
        self._now_s += next(self._service_times_s)

    def now_s(self) -> float:
        return self._now_s

    def idle(self, seconds: float) -> None:
        assert seconds >= 0
        self._now_s += seconds


def run_slices(adapter: ScriptedAdapter, load: Load, slice_durations_s: list[float], gap_s: float) -> list[Slice]:
    """Lets load flow in slices, with pauses between them."""
    generator = load_generator(adapter, load)
    slices = []
    for duration_s in slice_durations_s:
        slices.append(generator.run(duration_s))
        adapter.idle(gap_s)
    return slices
