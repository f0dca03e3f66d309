"""A small network is run under the real profiler, with a meter that counts seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from knobs.contract import DeviceError, Meter, MeterSpec, Provenance, Quantity, Reading, Scope
from tuner.energy_model.accounting.account import Account, NodeKind
from tuner.energy_model.accounting.calling_tree import Phase
from tuner.energy_model.accounting.live import Plan, account_live
from tuner.energy_model.accounting.meter_thread import MeterThread
from tuner.energy_model.accounting.module_marks import ModuleMarks
from tuner.errors import WattuneError

torch = pytest.importorskip("torch")

WATTS = 10.0


class ConstantMeter(Meter):
    def __init__(self, fails_after: int = 10**9, stops_after: int = 10**9) -> None:
        self._left, self._moves = fails_after, stops_after
        self._time_s = 0.0

    @property
    def spec(self) -> MeterSpec:
        return MeterSpec("meter", Quantity.ENERGY_J, Scope.CPU, Provenance.SIMULATED, 0.0, 1e-9, "cpu")

    def sample(self) -> Reading:
        self._left, self._moves = self._left - 1, self._moves - 1
        if self._left < 0:
            raise DeviceError("The meter is gone.")
        if self._moves >= 0:
            self._time_s = time.monotonic()
        return Reading(self._time_s, WATTS * self._time_s)


class Twice(torch.nn.Module):  # type: ignore[misc]
    """Calls one layer twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Sequential(torch.nn.Linear(32, 32), torch.nn.Tanh())

    def forward(self, value):  # type: ignore[no-untyped-def]
        return self.layer(self.layer(value))


@pytest.fixture(scope="module")
def network() -> Iterator[torch.nn.Module]:
    yield Twice()


def run(network: torch.nn.Module, *, is_training: bool, repetitions: int = 6) -> Account:
    inputs = torch.randn(4, 32)

    def infer() -> None:
        with torch.inference_mode():
            network(inputs)

    def train() -> None:
        network(inputs).sum().backward()

    work = train if is_training else infer
    return account_live("twice", 4, network, work, [(ConstantMeter(), ("cpu",))], Plan(0.2, repetitions))


@pytest.fixture(scope="module")
def inference(network: torch.nn.Module) -> Account:
    return run(network, is_training=False)


@pytest.fixture(scope="module")
def training(network: torch.nn.Module) -> Account:
    return run(network, is_training=True)


def calls(account: Account, name: str, phase: Phase = Phase.FORWARD) -> float:
    return sum(row.calls for row in account.operators if (row.name, row.phase) == (name, phase)) / account.repetitions


def test_every_operator_is_there_as_often_as_it_was_called(inference: Account) -> None:
    assert calls(inference, "aten::addmm") == 2
    assert calls(inference, "aten::tanh") == 2
    modules = {node.name: node for node in inference.nodes if node.kind is NodeKind.MODULE}
    assert {name: node.detail for name, node in modules.items()} == {
        "": "Twice",
        "layer": "Sequential",
        "layer.0": "Linear",
        "layer.1": "Tanh",
    }
    assert modules["layer.0"].calls == 2 * inference.repetitions


def test_the_joules_are_those_of_the_window_and_none_is_lost(inference: Account) -> None:
    assert inference.energy_j == pytest.approx(WATTS * inference.window_s, rel=1e-6)
    assert inference.active_j + inference.idle_j == pytest.approx(inference.energy_j, rel=1e-9)
    assert 0 < inference.active_j < inference.energy_j


def test_operators_get_the_joules_of_their_seconds(inference: Account) -> None:
    for row in inference.operators:
        assert row.energy_j == pytest.approx(WATTS * row.time_s, rel=1e-4, abs=1e-7)


def test_the_clocks_of_profiler_and_meter_are_aligned_to_less_than_a_millisecond(inference: Account) -> None:
    assert inference.clock.how.startswith("one clock: marks agree to ")
    assert int(inference.clock.how.split()[-2]) < 1000


def test_rows_have_intervals(inference: Account) -> None:
    assert all(node.half_width_j is not None and node.half_width_j >= 0 for node in inference.nodes)
    (root,) = inference.roots
    assert inference.nodes[root].half_width_share == pytest.approx(0.0, abs=1e-12)


def test_the_backward_pass_stands_apart_within_the_same_modules(training: Account) -> None:
    assert calls(training, "aten::addmm") == 2
    assert calls(training, "TanhBackward0", Phase.BACKWARD) == 4, "the engine's event and the node's own"
    places = [
        training.nodes[node.parent].name
        for node in training.nodes
        if node.phase is Phase.BACKWARD and node.name == "AddmmBackward0" and node.parent >= 0
    ]
    assert set(places) == {"layer.0", "AddmmBackward0"}
    assert {training.nodes[root].phase for root in training.roots} == {Phase.FORWARD, Phase.BACKWARD}


def test_the_network_is_as_before_afterwards(network: torch.nn.Module, inference: Account) -> None:
    assert not any("forward" in module.__dict__ for module in network.modules())


def test_a_forward_that_somebody_had_put_in_place_is_put_back() -> None:
    layer = torch.nn.Tanh()
    layer.forward = torch.nn.ReLU().forward
    theirs = layer.forward
    with ModuleMarks(layer):
        assert layer.forward is not theirs
        assert layer(torch.tensor([-1.0])).tolist() == [0.0]
    assert layer.forward is theirs


def test_a_meter_that_is_lost_is_named() -> None:
    with MeterThread([(ConstantMeter(fails_after=2), ("cpu",))]) as thread, pytest.raises(WattuneError, match="meter"):
        thread.wait_beyond(time.monotonic() + 60.0)


def test_a_meter_that_shows_nothing_new_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.energy_model.accounting.meter_thread._PATIENCE_S", 0.05)
    with (
        MeterThread([(ConstantMeter(stops_after=1), ("cpu",))]) as thread,
        pytest.raises(WattuneError, match="nothing new"),
    ):
        thread.wait_beyond(time.monotonic() + 60.0)
