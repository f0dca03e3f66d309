"""What was learned of a device, and predictions from it with their intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tuner.energy_model.model_tree.leaf_model import Estimate, Source
from tuner.energy_model.model_tree.node import CostNode, Level
from tuner.energy_model.model_tree.recording import Metering, Recording
from tuner.energy_model.model_tree.selection import ChosenModel, fit_chosen
from tuner.errors import BadInputError
from tuner.record_file import read_record


@dataclass(frozen=True)
class DeviceModel:
    """Energy and time of whatever runs on a device.

    Attributes:
        metering: What the joules are.
        models: The models that it was learned from.
        energy: Joules.
        time: Seconds.
    """

    metering: Metering
    models: tuple[str, ...]
    energy: ChosenModel
    time: ChosenModel


@dataclass(frozen=True)
class Figure:
    """A predicted figure.

    Attributes:
        value: What is expected.
        low: The lower end of its 90 % interval; None where there were too few models to tell.
        high: The upper end.
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class PredictedNode:
    """A node of a tree, predicted.

    Attributes:
        name: Its path in the model, or the model's name.
        kind: Operator or class.
        level: Leaf, module or model.
        flops: Its arithmetic.
        n_bytes: Bytes that it moves.
        energy_j: Joules of one execution.
        time_s: Seconds of one execution.
        source: Where the joules come from.
        children: What it runs.
    """

    name: str
    kind: str
    level: Level
    flops: float
    n_bytes: float
    energy_j: Figure
    time_s: Figure
    source: Source
    children: tuple[PredictedNode, ...] = ()


def fit_device(recording: Recording) -> DeviceModel:
    """Learns a device from what was measured on it.

    Raises:
        BadInputError: No primitive was measured.
    """
    nodes = (node for tree in recording.forest for node in tree.walk())
    if not any(node.level is Level.LEAF and node.measured is not None for node in nodes):
        raise BadInputError("The recording holds no measured primitive: run 'wattune predict collect' first.")
    models = _teaching(recording)
    energy = fit_chosen(models, lambda cost: cost.energy_j)
    time = fit_chosen(models, lambda cost: cost.time_s)
    return DeviceModel(recording.metering, tuple(models), energy, time)


def read_device_model(path: Path) -> DeviceModel:
    """Reads what was learned of a device.

    Raises:
        BadInputError: The file cannot be read or holds something else.
    """
    return read_record(path, DeviceModel, "device model", "wattune predict fit")


def predict_tree(device: DeviceModel, tree: CostNode) -> PredictedNode:
    """Predicts a tree that never ran."""
    energies = device.energy.model.predict(tree)
    times = device.time.model.predict(tree)

    def predicted(node: CostNode) -> PredictedNode:
        unseen = _unseen_share(node, energies)
        return PredictedNode(
            node.name,
            node.kind,
            node.level,
            node.flops,
            node.n_bytes,
            _figure(device.energy, node.level, energies[node.structure], unseen),
            _figure(device.time, node.level, times[node.structure], unseen),
            energies[node.structure].source,
            tuple(map(predicted, node.children)),
        )

    return predicted(tree)


def unseen_operators(root: PredictedNode) -> dict[str, float]:
    """Returns the operators that were never measured, and the share that each has in the joules of all primitives."""
    leaves = _leaves(root)
    total_j = sum(leaf.energy_j.value for leaf in leaves)
    joules: dict[str, float] = defaultdict(float)
    for leaf in leaves:
        if leaf.source is Source.UNSEEN_OPERATOR:
            joules[leaf.kind] += leaf.energy_j.value
    return {kind: energy_j / total_j for kind, energy_j in sorted(joules.items())}


def _teaching(recording: Recording) -> dict[str, tuple[CostNode, ...]]:
    """The models of which a primitive was measured."""
    return {
        name: trees
        for name, trees in recording.by_model.items()
        if any(node.level is Level.LEAF and node.measured is not None for tree in trees for node in tree.walk())
    }


def _figure(chosen: ChosenModel, level: Level, estimate: Estimate, unseen: float) -> Figure:
    """Returns a figure with its interval, which is the wider the more of it stems from operators never measured."""
    value, factor = estimate.value, chosen.factor(level, estimate.source)
    if factor is None:
        return Figure(value, None, None)
    of_unseen = chosen.factor(Level.LEAF, Source.UNSEEN_OPERATOR) or factor
    factor *= max(of_unseen / factor, 1.0) ** unseen
    return Figure(value, value / factor, value * factor)


def _unseen_share(node: CostNode, estimates: Mapping[str, Estimate]) -> float:
    """Returns the share that operators which were never measured have in the cost of a node's primitives."""
    leaves = [estimates[each.structure] for each in node.walk() if each.level is Level.LEAF]
    total = sum(leaf.value for leaf in leaves)
    return sum(leaf.value for leaf in leaves if leaf.source is Source.UNSEEN_OPERATOR) / total if total else 0.0


def _leaves(node: PredictedNode) -> list[PredictedNode]:
    return [leaf for child in node.children for leaf in _leaves(child)] if node.children else [node]
