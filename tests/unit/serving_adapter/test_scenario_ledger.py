"""The ledger as a state machine: whatever begins and ends, slices tell all of it once."""

import itertools
import threading

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from serving_adapter.contract import AdapterError, Completion, Tokens
from serving_adapter.scenario import ledger as ledger_module
from serving_adapter.scenario.ledger import Ledger
from tests.unit.serving_adapter.scenario_adapters import PATIENCE_S


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.time_s = 0.0
        self.ledger = Ledger(lambda: self.time_s)
        self.begun: dict[int, float] = {}
        self.unread: list[Completion] = []

    @initialize(start_s=st.floats(0.0, 1e6))
    def open(self, start_s: float) -> None:
        self.time_s = start_s
        assert self.ledger.open() == start_s
        self.cut_s = start_s

    @rule(seconds=st.floats(0.0, 10.0))
    def wait(self, seconds: float) -> None:
        self.time_s += seconds

    @rule()
    def begin(self) -> None:
        number = self.ledger.begin()
        assert number not in self.begun
        self.begun[number] = self.time_s

    @rule(data=st.data(), failure=st.sampled_from(["", "It failed."]), tokens=st.sampled_from([None, Tokens(1.0, 2)]))
    def end(self, data: st.DataObject, failure: str, tokens: Tokens | None) -> None:
        if not self.begun:
            return
        number = data.draw(st.sampled_from(sorted(self.begun)))
        start_s = self.begun.pop(number)
        completion = self.ledger.end(number, (start_s - 1.0,), failure, tokens)
        assert completion == Completion((start_s - 1.0,), start_s, self.time_s, failure, tokens)
        self.unread.append(completion)

    @rule()
    def cut(self) -> None:
        stretch = self.ledger.cut()
        assert (stretch.start_s, stretch.end_s) == (self.cut_s, self.time_s)
        assert list(stretch.completions) == self.unread
        assert stretch.under_way_since_s == min(self.begun.values(), default=None)
        self.cut_s, self.unread = self.time_s, []

    @invariant()
    def completions_are_in_the_order_in_which_they_ended(self) -> None:
        finishes_s = [completion.finish_s for completion in self.unread]
        assert finishes_s == sorted(finishes_s)


TestLedger = LedgerMachine.TestCase


def test_many_threads_lose_nothing_between_slices() -> None:
    clock = iter(range(10**9))
    ledger = Ledger(lambda: float(next(clock)))
    ledger.open()
    writers = [threading.Thread(target=_write, args=(ledger, 2000)) for _ in range(4)]
    for writer in writers:
        writer.start()
    slices = []
    while any(writer.is_alive() for writer in writers):
        slices.append(ledger.cut())
        threading.Event().wait(0.001)
    for writer in writers:
        writer.join(PATIENCE_S)
    slices.append(ledger.cut())
    finishes_s = [batch.finish_s for stretch in slices for batch in stretch.completions]
    assert len(finishes_s) == 4 * 2000
    assert finishes_s == sorted(set(finishes_s))
    for stretch in slices:
        assert all(stretch.start_s < batch.finish_s < stretch.end_s for batch in stretch.completions)
    batches = [batch for stretch in slices for batch in stretch.completions]
    for before, after in itertools.pairwise(slices):
        assert before.end_s == after.start_s
        across_s = [batch.start_s for batch in batches if batch.start_s < before.end_s < batch.finish_s]
        assert before.under_way_since_s == min(across_s, default=None)


def _write(ledger: Ledger, batches: int) -> None:
    for _ in range(batches):
        ledger.end(ledger.begin(), (0.0,), "", None)


def test_completions_that_nobody_reads_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "_MOST_UNREAD", 10)
    ledger = Ledger(lambda: 0.0)
    _write(ledger, 10)
    with pytest.raises(AdapterError, match="10 batches were completed and nobody asked for them"):
        _write(ledger, 1)
    assert len(ledger.cut().completions) == 10
    _write(ledger, 10)
