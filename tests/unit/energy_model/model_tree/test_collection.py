"""The measurement of trees on a made machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knobs.contract import Provenance, Scope
from tests.unit.energy_model.model_tree.made_trees import BLUEPRINTS, Blueprint, models, tree
from tests.unit.energy_model.model_tree.test_tree_model import truth_j
from tuner.energy_model.model_tree.collection import collect, missing_nodes
from tuner.energy_model.model_tree.device_model import (
    fit_device,
    predict_tree,
    read_device_model,
    unseen_operators,
)
from tuner.energy_model.model_tree.leaf_model import Source
from tuner.energy_model.model_tree.left_out import leave_each_out
from tuner.energy_model.model_tree.node import CostNode, Level, Measured
from tuner.energy_model.model_tree.recording import (
    Metering,
    Recording,
    read_recording,
    with_measurements,
)
from tuner.energy_model.model_tree.repetition import Repetition, measure
from tuner.errors import BadInputError, WattuneError
from tuner.record_file import write_record

METERING = Metering("meter", Scope.CPU, Provenance.MEASURED, 1)


class Machine:
    """Time passes when something runs; joules are counted in steps."""

    def __init__(self, power_w: float, step_s: float = 0.0) -> None:
        self.time_s = 100.0
        self.executions = 0
        self._power_w = power_w
        self._step_s = step_s

    def clock(self) -> float:
        self.time_s += 1e-7
        return self.time_s

    def sample(self) -> tuple[float, float]:
        seen_s = self.time_s if not self._step_s else self.time_s // self._step_s * self._step_s
        return seen_s, self._power_w * seen_s

    def work(self, seconds: float) -> Callable[[], None]:
        def execute() -> None:
            self.time_s += seconds
            self.executions += 1

        return execute


@settings(max_examples=30, deadline=None)
@given(seconds=st.floats(1e-4, 3.0), power_w=st.floats(0.5, 500.0), step_s=st.sampled_from([0.0, 0.001, 0.1]))
def test_joules_and_seconds_of_one_execution_are_found_whatever_its_length(
    seconds: float, power_w: float, step_s: float
) -> None:
    machine = Machine(power_w, step_s)
    cost = measure(machine.work(seconds), Repetition.of(0.02, step_s), machine.sample, machine.clock)
    assert cost.time_s == pytest.approx(seconds, rel=0.2)
    assert cost.energy_j == pytest.approx(power_w * cost.time_s, rel=1e-6)


def test_a_slow_meter_gets_longer_windows() -> None:
    assert Repetition.of(0.5, 0.0).window_s == pytest.approx(0.1)
    slow = Repetition.of(0.5, 0.1)
    assert slow.window_s == pytest.approx(2.0)
    assert slow.warm_up_s > 0.1
    assert slow.duration_s == pytest.approx(slow.warm_up_s + 5 * slow.window_s)


def test_one_interrupted_window_does_not_count() -> None:
    machine = Machine(10.0)
    calls = 0

    def execute() -> None:
        nonlocal calls
        calls += 1
        machine.time_s += 1.0 if calls == 40 else 1e-3

    cost = measure(execute, Repetition.of(0.1, 0.0), machine.sample, machine.clock)
    assert calls > 40
    assert cost.time_s == pytest.approx(1e-3, rel=0.01)
    assert cost.energy_j == pytest.approx(10.0 * 1e-3, rel=0.01)


def measured_as_made(root: CostNode) -> Callable[[str], Callable[[], object] | None]:
    by_structure = {node.structure: node.measured for node in root.walk()}
    return lambda structure: lambda: by_structure[structure]


def run(execute: Callable[[], object]) -> Measured:
    cost = execute()
    assert isinstance(cost, Measured)
    return cost


def test_every_distinct_node_is_measured_once_and_primitives_come_first() -> None:
    root = tree(BLUEPRINTS[2], 8.0, 32.0)
    missing = missing_nodes(root, {})
    assert len(missing) == 1 + len({node.structure for node in root.walk()}) - 1
    assert [node.level for node in missing] == sorted(
        (node.level for node in missing), key=[Level.LEAF, Level.MODEL, Level.MODULE].index
    )
    found = collect(root.without_measurements(), {}, measured_as_made(root), run, lambda: True)
    assert found.failed == ()
    assert [node.measured for node in found.tree.walk()] == [node.measured for node in root.walk()]


def test_what_is_known_is_not_measured_again_and_the_budget_is_kept() -> None:
    root = tree(BLUEPRINTS[0], 8.0, 32.0)
    calls: list[object] = []

    def counted(execute: Callable[[], object]) -> Measured:
        calls.append(execute)
        return run(execute)

    first = collect(root.without_measurements(), {}, measured_as_made(root), counted, lambda: len(calls) < 2)
    assert len(calls) == 2
    assert first.postponed == len(missing_nodes(root, {})) - 2
    known = Recording(METERING, (first.tree,)).known
    second = collect(first.tree, known, measured_as_made(root), counted, lambda: True)
    assert len(calls) == len(missing_nodes(root, {}))
    assert all(node.measured is not None for node in second.tree.walk())


def test_of_what_is_measured_again_the_quicker_one_counts() -> None:
    root = tree(BLUEPRINTS[0], 8.0, 32.0)
    known = Recording(METERING, (root,)).known
    before_s = root.measured.time_s if root.measured else 0.0
    for cost, counted_s in ((Measured(1.0, 1e-9), 1e-9), (Measured(1.0, 1e9), before_s)):
        found = collect(root, known, lambda _: lambda: None, partial(_returned, cost), lambda: True, again=True)
        assert found.tree.measured is not None
        assert found.tree.measured.time_s == counted_s


def _returned(cost: Measured, _: Callable[[], object]) -> Measured:
    return cost


def test_what_cannot_run_or_shows_no_joules_is_named() -> None:
    root = tree(BLUEPRINTS[0], 8.0, 32.0)

    def execution_of(structure: str) -> Callable[[], object] | None:
        return None if structure == root.structure else lambda: Measured(0.0, 1.0)

    found = collect(root.without_measurements(), {}, execution_of, run, lambda: True)
    assert "small (small)" in found.failed
    assert len(found.failed) == len(missing_nodes(root, {}))
    assert all(node.measured is None for node in found.tree.walk())


def test_a_recording_and_a_device_model_survive_their_files(tmp_path: Path) -> None:
    recording = Recording(METERING, tuple(root for roots in models().values() for root in roots))
    write_record(tmp_path / "recording.json", recording)
    read = read_recording(tmp_path / "recording.json")
    assert read.metering == METERING
    assert read.known == recording.known
    device = fit_device(read)
    write_record(tmp_path / "device.json", device)
    unseen = tree(Blueprint("unseen", 768.0, 5), 8.0, 48.0)
    assert predict_tree(read_device_model(tmp_path / "device.json"), unseen) == predict_tree(device, unseen)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["device.json", "recording.json"]


def test_files_of_another_kind_are_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    with pytest.raises(BadInputError, match="cannot be read"):
        read_recording(path)
    with pytest.raises(BadInputError, match="cannot be read"):
        read_device_model(path)
    path.write_text('{"metering": 3}')
    with pytest.raises(BadInputError, match="no recording of"):
        read_recording(path)
    with pytest.raises(BadInputError, match="no device model of"):
        read_device_model(path)
    with pytest.raises(WattuneError, match="cannot be written"):
        write_record(tmp_path / "missing" / "file.json", METERING)


def test_energy_and_time_of_a_new_network_lie_within_their_intervals() -> None:
    device = fit_device(Recording(METERING, tuple(root for roots in models().values() for root in roots)))
    unseen = tree(Blueprint("unseen", 768.0, 5), 8.0, 48.0)
    predicted = predict_tree(device, unseen.without_measurements())
    assert predicted.energy_j.low is not None
    assert predicted.energy_j.high is not None
    assert predicted.energy_j.low <= truth_j(unseen) <= predicted.energy_j.high
    assert unseen.measured is not None
    assert predicted.time_s.value == pytest.approx(unseen.measured.time_s, rel=0.1)
    assert not unseen_operators(predicted)


def test_unseen_operators_are_listed_with_their_share() -> None:
    device = fit_device(Recording(METERING, models()["small"]))
    root = tree(BLUEPRINTS[1], 8.0, 32.0)
    block = root.children[0]
    strange = replace(block, children=(replace(block.children[0], kind="Exotic"), block.children[1]))
    predicted = predict_tree(device, replace(root, children=(strange, root.children[1])))
    (share,) = unseen_operators(predicted).values()
    exotic, tanh = predicted.children[0].children
    assert exotic.source is Source.UNSEEN_OPERATOR
    leaves_j = [leaf.energy_j.value for each in predicted.children for leaf in each.children]
    assert share == pytest.approx(exotic.energy_j.value / sum(leaves_j))
    assert tanh.source is not Source.UNSEEN_OPERATOR


def test_what_stems_from_operators_never_measured_has_a_wider_interval() -> None:
    device = fit_device(Recording(METERING, tuple(root for roots in models().values() for root in roots)))
    strange_factor = device.energy.factor(Level.LEAF, Source.UNSEEN_OPERATOR)
    known = tree(Blueprint("unseen", 768.0, 5), 8.0, 48.0).without_measurements()
    strange = replace(known, children=tuple(map(_estranged, known.children)))
    widths = []
    for root in (known, strange):
        figure = predict_tree(device, root).energy_j
        assert figure.low is not None
        assert figure.high is not None
        widths.append(figure.high / figure.low)
    assert strange_factor is not None
    assert widths[1] == pytest.approx(max(widths[0], strange_factor**2))


def _estranged(node: CostNode) -> CostNode:
    """Returns a node all of whose primitives are of an operator that nobody knows."""
    if node.level is Level.LEAF:
        return replace(node, kind=f"Exotic{node.kind}")
    return replace(node, children=tuple(map(_estranged, node.children)))


def test_a_recording_without_primitives_teaches_nothing() -> None:
    root = tree(BLUEPRINTS[0], 8.0, 32.0)
    with pytest.raises(BadInputError, match="no measured primitive"):
        fit_device(Recording(METERING, (root.without_measurements(),)))


def test_each_model_is_predicted_from_the_others() -> None:
    recording = Recording(METERING, tuple(root for roots in models().values() for root in roots))
    found = leave_each_out(recording)
    assert [each.model for each in found] == [name for name in sorted(models()) for _ in range(3)]
    assert max(each.energy_error_pct for each in found) < 10.0
    with pytest.raises(BadInputError, match="at least 2 are needed"):
        leave_each_out(Recording(METERING, models()["small"]))


def test_measurements_are_taken_over_by_structure_and_a_tree_replaces_itself() -> None:
    root = tree(BLUEPRINTS[0], 8.0, 32.0)
    bare = root.without_measurements()
    recording = Recording(METERING).with_tree(bare).with_tree(with_measurements(bare, {root.structure: Measured(1, 2)}))
    assert len(recording.forest) == 1
    assert recording.known == {root.structure: Measured(1, 2)}
