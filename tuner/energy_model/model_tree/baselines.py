"""Energy from figures of the whole node, no tree: what any prediction has to beat, and what a known target allows.

Each is a straight line through measured nodes of the same level, ``E = w0 + w1 x1 + ...``, of least relative squares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tuner.energy_model.model_tree.node import CostNode, Level, Measured

Facts = Callable[[CostNode], tuple[float, ...]]
"""The figures that a line is drawn over."""


def measured(node: CostNode) -> Measured:
    """Returns what a node cost, of one that ran."""
    assert node.measured is not None
    return node.measured


def _device_and_time(node: CostNode) -> tuple[float, ...]:
    return _device_energy(node) + _time(node)


def _device_energy(node: CostNode) -> tuple[float, ...]:
    return (measured(node).device_energy_j or 0.0,)


def _time(node: CostNode) -> tuple[float, ...]:
    return (measured(node).time_s,)


def _flops(node: CostNode) -> tuple[float, ...]:
    return (node.flops,)


CALIBRATED: Facts = _device_and_time
"""The target ran, and its device's own joules and seconds are known: the rest of the machine is to be added."""

BASELINES: dict[str, Facts] = {
    "flops": _flops,
    "time": _time,
    "device_energy": _device_energy,
    "device_energy_and_time": _device_and_time,
}


@dataclass(frozen=True)
class LevelLines:
    """A line for each level of a tree.

    Attributes:
        facts: What it is drawn over.
        coefficients: Of the constant and of each figure, by level.
    """

    facts: Facts
    coefficients: dict[Level, tuple[float, ...]]

    @classmethod
    def fit(cls, trees: Sequence[CostNode], facts: Facts) -> LevelLines:
        """Fits all nodes of measured trees."""
        nodes = [node for tree in trees for node in tree.walk()]
        levels = {node.level for node in nodes}
        return cls(facts, {level: _line([node for node in nodes if node.level is level], facts) for level in levels})

    def of(self, node: CostNode) -> float:
        """Returns the energy that the line of its level gives a node."""
        terms = zip(self.coefficients[node.level], (1.0, *self.facts(node)), strict=True)
        return sum(coefficient * value for coefficient, value in terms)


def _line(nodes: Sequence[CostNode], facts: Facts) -> tuple[float, ...]:
    energy_j = np.array([measured(node).energy_j for node in nodes])
    rows = np.array([(1.0, *facts(node)) for node in nodes])
    largest = np.maximum(rows.max(axis=0), np.finfo(float).tiny)
    scaled, *_ = np.linalg.lstsq(rows / largest / energy_j[:, None], np.ones(len(nodes)), rcond=None)
    return tuple(map(float, scaled / largest))
