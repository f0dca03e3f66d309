"""IrEne as published (Cao et al., ACL 2021), to compare with: leaf regressions and a learned weighted sum up the tree.

A leaf's energy is a linear regression of its operator over standardized features, observed ones (time, the GPU's own
joules, utilization) among them. A parent's is equation 3:

    E(n) = sum over children c of (1 + tanh(w . phi(c)) / tau) * E(c),   tau = 10

with phi the polynomial features of degree 3 of the standardized features of the child, and one w for all parents. It
is trained end to end for the least sum of squared relative errors of all parents, by Adam, one step a tree. What
comes out depends on where the training starts, by more than a percent of error, so that several starts are trained
side by side. The number of parameters, a feature of theirs, is no column of the published data and is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from tuner.energy_model.model_tree.baselines import measured
from tuner.energy_model.model_tree.node import CostNode, Level

_TAU = 10.0
_DEGREE = 3
_EPOCHS = 8
_STEP = 1e-3
_DECAYS = (0.9, 0.999)
_EPSILON = 1e-8
_STARTS = 5
_MEGA = 1e6
_MEBI = 2.0**20


def features(node: CostNode) -> tuple[float, ...]:
    """Returns the features of the publication, in its units: input size, sizes, work, what was observed."""
    ran = measured(node)
    observed = (*ran.utilization, ran.time_s, ran.device_energy_j or 0.0)
    input_size = float(np.prod(node.sizes))
    return (input_size, *node.sizes, node.flops / _MEGA, node.n_bytes / _MEBI, *observed)


class PublishedModel:
    """The published method, fitted."""

    def __init__(self, trees: Sequence[CostNode], seed: int = 0) -> None:
        """Fits measured trees.

        Args:
            trees: Every node of them was measured.
            seed: Of the starts and of the order of trees.
        """
        nodes = [node for tree in trees for node in tree.walk()]
        self._operators = _fit_leaves(node for node in nodes if node.level is Level.LEAF)
        self._expand = make_pipeline(StandardScaler(), PolynomialFeatures(_DEGREE))
        self._expand.fit(np.array([features(node) for node in nodes]))
        branches = [self._branches(tree) for tree in trees]
        self._weights = _train(branches, np.random.default_rng(seed))

    def predict(self, tree: CostNode) -> Any:
        """Returns the energy of each node of a tree, in the order of :meth:`CostNode.walk`, for each start."""
        energy_j, _ = self._branches(tree).ascend(self._weights)
        return energy_j

    def _branches(self, tree: CostNode) -> _Branches:
        nodes = list(tree.walk())
        expanded = self._expand.transform(np.array([features(node) for node in nodes])).astype(np.float32)
        return _Branches(nodes, expanded, self._leaf_energies(nodes))

    def _leaf_energies(self, nodes: Sequence[CostNode]) -> Any:
        """The regression of each leaf's operator; an operator that was never measured counts nothing."""
        energy_j = np.zeros(len(nodes))
        by_kind: dict[str, list[int]] = defaultdict(list)
        for index, node in enumerate(nodes):
            if node.level is Level.LEAF and node.kind in self._operators:
                by_kind[node.kind].append(index)
        for kind, indices in by_kind.items():
            rows = np.array([features(nodes[index]) for index in indices])
            energy_j[indices] = self._operators[kind].predict(rows)
        return energy_j


def _fit_leaves(leaves: Any) -> dict[str, Pipeline]:
    by_kind: dict[str, list[CostNode]] = defaultdict(list)
    for leaf in leaves:
        by_kind[leaf.kind].append(leaf)
    return {
        kind: make_pipeline(StandardScaler(), LinearRegression()).fit(
            np.array([features(leaf) for leaf in of_kind]), np.array([measured(leaf).energy_j for leaf in of_kind])
        )
        for kind, of_kind in by_kind.items()
    }


@dataclass(frozen=True)
class _Rank:
    """The nodes that stand equally deep: positions in the tree, and those of their parents."""

    nodes: Any
    parents: Any


class _Branches:
    """A tree as arrays, in the order of a walk."""

    def __init__(self, nodes: Sequence[CostNode], expanded: Any, leaf_energy_j: Any) -> None:
        self.expanded = expanded
        self.leaf_energy_j = leaf_energy_j
        self.measured_j = np.array([[measured(node).energy_j] for node in nodes])
        self.is_parent = np.array([[bool(node.children)] for node in nodes])
        self.ranks = _ranks(nodes)

    def ascend(self, weights: Any) -> tuple[Any, Any]:
        """Returns the energy of each node, and the tanh of its weight, a column for each start."""
        bends = np.tanh(self.expanded @ weights.astype(np.float32))
        energy_j = np.repeat(self.leaf_energy_j[:, None], weights.shape[1], axis=1)
        for rank in reversed(self.ranks):
            passed_j = (1 + bends[rank.nodes] / _TAU) * energy_j[rank.nodes]
            np.add.at(energy_j, rank.parents, passed_j)
        return energy_j, bends

    def gradient(self, weights: Any) -> Any:
        """Returns the gradient of the sum of squared relative errors of all parents, by going back down the tree."""
        energy_j, bends = self.ascend(weights)
        of_energy = np.where(self.is_parent, 2 * (energy_j - self.measured_j) / self.measured_j**2, 0.0)
        of_weight = np.zeros_like(energy_j)
        for rank in self.ranks:
            above = of_energy[rank.parents]
            of_weight[rank.nodes] = above * energy_j[rank.nodes] * (1 - bends[rank.nodes] ** 2) / _TAU
            of_energy[rank.nodes] += above * (1 + bends[rank.nodes] / _TAU)
        return self.expanded.T @ of_weight.astype(np.float32)


def _ranks(nodes: Sequence[CostNode]) -> list[_Rank]:
    """The nodes below the root, those nearest to it first."""
    by_depth: dict[int, list[tuple[int, int]]] = defaultdict(list)
    path: list[tuple[int, int]] = []
    for position, node in enumerate(nodes):
        while path and path[-1][1] == 0:
            path.pop()
        if path:
            parent, open_children = path[-1]
            path[-1] = (parent, open_children - 1)
            by_depth[len(path)].append((position, parent))
        path.append((position, len(node.children)))
    return [
        _Rank(np.array([node for node, _ in rank]), np.array([parent for _, parent in rank]))
        for _, rank in sorted(by_depth.items())
    ]


def _train(trees: Sequence[_Branches], random: np.random.Generator) -> Any:
    """Adam (Kingma and Ba, ICLR 2015, algorithm 1), one step a tree."""
    shape = (trees[0].expanded.shape[1], _STARTS)
    weights = random.uniform(-1, 1, shape) / np.sqrt(shape[0])
    mean, square, step = np.zeros(shape), np.zeros(shape), 0
    for _ in range(_EPOCHS):
        for index in random.permutation(len(trees)):
            step += 1
            gradient = trees[index].gradient(weights)
            mean = _DECAYS[0] * mean + (1 - _DECAYS[0]) * gradient
            square = _DECAYS[1] * square + (1 - _DECAYS[1]) * gradient**2
            even_mean, even_square = mean / (1 - _DECAYS[0] ** step), square / (1 - _DECAYS[1] ** step)
            weights = weights - _STEP * even_mean / (np.sqrt(even_square) + _EPSILON)
    return weights
