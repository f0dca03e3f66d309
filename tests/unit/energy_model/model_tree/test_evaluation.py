"""Errors on left-out models."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.energy_model.model_tree.made_trees import BLUEPRINTS, Blueprint, models, write_device
from tests.unit.energy_model.model_tree.test_tree_model import energy_j, scaled
from tuner.energy_model.model_tree.baselines import BASELINES, CALIBRATED, LevelLines
from tuner.energy_model.model_tree.evaluation import LevelErrors, evaluate, level_errors
from tuner.energy_model.model_tree.irene_csv import Forest, read_forest
from tuner.energy_model.model_tree.node import CostNode, Measured
from tuner.energy_model.model_tree.selection import fit_chosen
from tuner.errors import BadInputError


def with_garbage(root: CostNode, source: random.Random) -> CostNode:
    """Replaces everything that was measured of a tree."""
    cost = Measured(source.uniform(1, 1e6), source.uniform(1, 1e3), source.uniform(1, 1e6), (0.0,) * 6)
    children = tuple(with_garbage(child, source) for child in root.children)
    return replace(root, children=children, measured=cost)


def test_a_made_device_is_told_exactly_where_its_own_figures_are_known_and_nearly_where_not(tmp_path: Path) -> None:
    forest = read_forest(write_device(tmp_path / "made", models()))
    found = evaluate(forest)
    assert found.models == ("deep", "other", "small", "wide")
    assert found.trees == 12
    for error in (found.evaluation.calibrated.leaf_pct, found.evaluation.calibrated.model_pct):
        assert error == pytest.approx(0.0, abs=1e-6)
    unrun, flops = found.evaluation.unrun, found.evaluation.baselines["flops"]
    assert unrun.model_pct is not None
    assert flops.model_pct is not None
    assert unrun.model_pct < 5.0
    assert unrun.model_pct < flops.model_pct / 2
    assert found.evaluation.baselines.keys() == BASELINES.keys()


def test_garbage_in_place_of_what_the_left_out_model_cost_leaves_its_predictions_unchanged() -> None:
    of_models = models()
    source = random.Random(7)
    for name in of_models:
        others = {other: trees for other, trees in of_models.items() if other != name}
        chosen = fit_chosen(others, energy_j)
        for root in of_models[name]:
            garbage = with_garbage(root, source)
            before, after = chosen.model.predict(root), chosen.model.predict(garbage)
            assert [before[node.structure] for node in root.walk()] == [
                after[node.structure] for node in garbage.walk()
            ]


def test_an_evaluation_learns_of_the_left_out_model_only_through_its_errors() -> None:
    """Energies of one model times ten: its predictions stay, so that its errors are those of one tenth of them."""
    of_models = models()
    changed = {**of_models, "wide": tuple(scaled(root, 10.0) for root in of_models["wide"])}
    before = evaluate(Forest("device", of_models)).unrun_by_model["wide"].model_pct
    after = evaluate(Forest("device", changed)).unrun_by_model["wide"].model_pct
    assert before is not None
    assert after is not None
    assert after == pytest.approx(90.0, abs=before)


def test_errors_are_averaged_over_models_not_over_nodes() -> None:
    few, many = LevelErrors(1.0, 2.0, None), LevelErrors(3.0, 4.0, 5.0)
    assert LevelErrors.mean([few, many]) == LevelErrors(2.0, 3.0, 5.0)


def test_an_error_is_relative_to_the_truth() -> None:
    roots = models(BLUEPRINTS[:1])["small"]
    doubled = level_errors(roots, lambda root: [2.0 * energy_j(node.measured) for node in root.walk() if node.measured])
    assert doubled == LevelErrors(*(pytest.approx(100.0),) * 3)


def test_lines_over_device_energy_and_time_find_the_share_of_the_device_and_the_base_power() -> None:
    lines = LevelLines.fit([root for roots in models().values() for root in roots], CALIBRATED)
    for _, device_share, base_w in lines.coefficients.values():
        assert device_share == pytest.approx(1 / 0.8, rel=1e-3)
        assert base_w == pytest.approx(50.0, rel=1e-3)


def test_a_model_that_is_far_smaller_than_the_others_is_left_out_and_named_unless_it_is_wanted() -> None:
    of_models = models([*BLUEPRINTS, Blueprint("toy", 8.0, 1)])
    without, including = evaluate(Forest("device", of_models)), evaluate(Forest("device", of_models), every_model=True)
    assert "toy" not in without.models
    assert any("toy" in sentence for sentence in without.left_out)
    assert "toy" in including.models


def test_two_models_are_too_few() -> None:
    with pytest.raises(BadInputError, match="2 models, and 3 are needed"):
        evaluate(Forest("device", models(BLUEPRINTS[:2])))
