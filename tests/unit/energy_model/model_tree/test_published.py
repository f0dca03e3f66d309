"""The published method, rebuilt to compare with."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.energy_model.model_tree.made_trees import BLUEPRINTS, models, tree
from tuner.energy_model.model_tree.evaluation import level_errors
from tuner.energy_model.model_tree.node import CostNode, Level
from tuner.energy_model.model_tree.published import PublishedModel, _Branches, features


def branches(root: CostNode, width: int = 3) -> _Branches:
    nodes = list(root.walk())
    random = np.random.default_rng(1)
    leaf_energy_j = np.array(
        [node.measured.energy_j if node.level is Level.LEAF and node.measured else 0.0 for node in nodes]
    )
    return _Branches(nodes, random.normal(size=(len(nodes), width)).astype(np.float32), leaf_energy_j)


def loss(of_tree: _Branches, weights: np.ndarray) -> float:
    energy_j, _ = of_tree.ascend(weights)
    off = (energy_j - of_tree.measured_j) / of_tree.measured_j
    return float((off**2)[of_tree.is_parent[:, 0]].sum())


def test_weights_of_zero_make_a_parent_the_sum_of_its_children() -> None:
    root = tree(BLUEPRINTS[0], 8.0, 32.0)
    energy_j, _ = branches(root).ascend(np.zeros((3, 1)))
    leaves_j = sum(node.measured.energy_j for node in root.walk() if node.level is Level.LEAF and node.measured)
    assert energy_j[0, 0] == pytest.approx(leaves_j)


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    of_tree = branches(tree(BLUEPRINTS[1], 8.0, 32.0))
    weights = np.array([[0.3], [-0.2], [0.5]])
    gradient = of_tree.gradient(weights)
    for index in range(len(weights)):
        step = np.zeros_like(weights)
        step[index] = 1e-2
        slope = (loss(of_tree, weights + step) - loss(of_tree, weights - step)) / 2e-2
        assert gradient[index, 0] == pytest.approx(slope, rel=0.02)


def test_a_parent_weighs_each_child_by_at_most_a_tenth_more_or_less() -> None:
    root = tree(BLUEPRINTS[0], 8.0, 32.0)
    of_tree = branches(root)
    for sign, factor in ((1.0, 1.1), (-1.0, 0.9)):
        of_tree.expanded = np.full_like(of_tree.expanded, sign)
        energy_j, _ = of_tree.ascend(np.full((3, 1), 100.0))
        leaves_j = sum(node.measured.energy_j for node in root.walk() if node.level is Level.LEAF and node.measured)
        assert energy_j[0, 0] == pytest.approx(factor**2 * leaves_j)


def test_training_lowers_the_error_of_a_plain_sum() -> None:
    of_models = models()
    roots = [root for trees in of_models.values() for root in trees]
    trained = PublishedModel(roots)
    plain = level_errors(roots, lambda root: branches(root).ascend(np.zeros((3, 1)))[0])
    learned = level_errors(roots, trained.predict)
    assert learned.module_pct is not None
    assert plain.module_pct is not None
    assert learned.module_pct < plain.module_pct


def test_features_are_in_the_units_of_the_publication() -> None:
    node = tree(BLUEPRINTS[0], 8.0, 32.0).children[0].children[0]
    found = features(node)
    assert found[:3] == (256.0, 8.0, 32.0)
    assert found[3] == pytest.approx(node.flops / 1e6)
    assert found[4] == pytest.approx(node.n_bytes / 2**20)
    assert len(found) == 13
