"""Trees predicted from measurements of other trees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.energy_model.model_tree.made_trees import BLUEPRINTS, Blueprint, models, tree
from tuner.energy_model.model_tree.leaf_model import Source
from tuner.energy_model.model_tree.node import CostNode, Level, Measured
from tuner.energy_model.model_tree.own_work import children_cost, terms
from tuner.energy_model.model_tree.selection import fit_chosen, left_out_errors
from tuner.energy_model.model_tree.tree_model import Method, Reuse, TreeModel

NO_LOOK_UP = Method(Reuse.NOTHING)


def energy_j(cost: Measured) -> float:
    return cost.energy_j


def truth_j(node: CostNode) -> float:
    assert node.measured is not None
    return node.measured.energy_j


def flat(of_models: dict[str, tuple[CostNode, ...]]) -> list[CostNode]:
    return [root for roots in of_models.values() for root in roots]


def learned(method: Method, blueprints: Sequence[Blueprint] = tuple(BLUEPRINTS)) -> TreeModel:
    return TreeModel.fit(flat(models(list(blueprints))), energy_j, method)


def scaled(node: CostNode, factor: float) -> CostNode:
    cost = node.measured
    assert cost is not None
    return replace(
        node,
        children=tuple(scaled(child, factor) for child in node.children),
        measured=replace(cost, energy_j=factor * cost.energy_j),
    )


def test_every_node_of_a_network_of_a_new_width_is_told_from_formulas_alone() -> None:
    unseen = tree(Blueprint("unseen", 768.0, 5), 8.0, 48.0)
    estimates = learned(NO_LOOK_UP).predict(unseen.without_measurements())
    for node in unseen.walk():
        assert estimates[node.structure].value == pytest.approx(truth_j(node), rel=0.02), node.name


def test_what_was_measured_of_the_tree_itself_is_not_looked_at() -> None:
    unseen = tree(Blueprint("unseen", 768.0, 5), 8.0, 48.0)
    model = learned(Method())
    assert model.predict(unseen) == model.predict(scaled(unseen, 1e6)) == model.predict(unseen.without_measurements())


def test_equal_work_elsewhere_takes_the_place_of_a_formula_whatever_its_class_is_called() -> None:
    deep, other = BLUEPRINTS[2], BLUEPRINTS[3]
    root = scaled(tree(deep, 8.0, 32.0), 3.0)  # costs that no formula of the others gives
    model = TreeModel.fit([root, *flat(models(BLUEPRINTS[:2]))], energy_j, Method())
    target = tree(other, 8.0, 32.0)
    block = target.children[0]
    estimates = model.predict(target)
    assert block.kind != root.children[0].kind
    assert estimates[block.structure].value == pytest.approx(3.0 * truth_j(block))
    assert estimates[block.structure].source is Source.MEASURED_ELSEWHERE
    assert estimates[target.structure].source is Source.CHILDREN


def test_only_primitives_are_looked_up_where_modules_are_not_to_be() -> None:
    target = tree(BLUEPRINTS[3], 8.0, 32.0)
    estimates = learned(Method(Reuse.PRIMITIVES), BLUEPRINTS[:3]).predict(target)
    sources = {node.level: estimates[node.structure].source for node in target.walk()}
    assert sources == {
        Level.LEAF: Source.MEASURED_ELSEWHERE,
        Level.MODULE: Source.CHILDREN,
        Level.MODEL: Source.CHILDREN,
    }


def test_an_unseen_operator_is_told_by_its_sizes_and_says_so() -> None:
    leaf = CostNode("x", "Exotic", Level.LEAF, 1e9, 1e6)
    estimate = learned(Method()).predict(leaf)[leaf.structure]
    assert estimate.source is Source.UNSEEN_OPERATOR
    assert 0.0 < estimate.value < math.inf


def test_a_module_costs_at_least_its_children() -> None:
    model = learned(NO_LOOK_UP)
    root = tree(Blueprint("unseen", 96.0, 2), 16.0, 128.0)
    for node in root.walk():
        assert not node.children or model.cost(node) >= children_cost(node, model.cost)


def test_overhead_has_no_term_of_single_operators_where_they_are_left_out() -> None:
    block = tree(BLUEPRINTS[0], 8.0, 32.0).children[0]
    assert terms(block, truth_j, by_operator=False).keys() == {"call", "children", "own flops", "own bytes"}
    assert terms(block, truth_j, by_operator=True)["cost of Linear"] == truth_j(block.children[0])
    assert learned(Method(by_operator=False)).own_work.coefficients.keys() <= {
        *("call", "children", "own flops", "own bytes")
    }


def test_an_operator_in_few_modules_has_no_terms_that_would_take_up_their_noise() -> None:
    rare = CostNode("head", "Pool", Level.LEAF, 1e3, 1e3, measured=Measured(1e-6, 1e-9))
    roots = flat(models())
    odd = replace(roots[0], name="odd", children=(*roots[0].children, rare), measured=Measured(1e3, 1.0))
    model = TreeModel.fit([odd, *roots], energy_j, NO_LOOK_UP)
    assert not [name for name in model.own_work.coefficients if "Pool" in name]
    assert [name for name in model.own_work.coefficients if "Linear" in name]


def test_what_is_not_measured_is_not_learned_from_but_keeps_nothing_else_from_being_learned() -> None:
    def without_first_block(root: CostNode) -> CostNode:
        first, *others = root.children
        return replace(root, children=(replace(first, measured=None), *others))

    def without_products(node: CostNode) -> CostNode:
        children = tuple(map(without_products, node.children))
        is_known = node.kind != "Linear" or node.sizes != (8.0, 64.0)
        return replace(node, children=children, measured=node.measured if is_known else None)

    complete = flat(models())
    no_roots = TreeModel.fit([without_first_block(root) for root in complete], energy_j, NO_LOOK_UP)
    blocks = TreeModel.fit([block for root in complete for block in root.children], energy_j, NO_LOOK_UP)
    for root in complete:
        assert no_roots.cost(root) == pytest.approx(blocks.cost(root))
    fewer_leaves = TreeModel.fit([without_products(root) for root in complete], energy_j, NO_LOOK_UP)
    for root in complete:
        assert fewer_leaves.cost(root) == pytest.approx(truth_j(root), rel=0.05)


@settings(max_examples=30, deadline=None)
@given(width=st.floats(64, 4096), layers=st.integers(1, 8), batch=st.floats(1, 64), length=st.floats(8, 512))
def test_predictions_are_positive_and_grow_with_layers(width: float, layers: int, batch: float, length: float) -> None:
    model = _MODEL
    shallow = model.cost(tree(Blueprint("one", width, layers), batch, length))
    deep = model.cost(tree(Blueprint("more", width, layers + 1), batch, length))
    assert 0.0 < shallow < deep < math.inf


_MODEL = learned(NO_LOOK_UP)


def test_the_method_that_errs_least_on_left_out_training_models_is_chosen() -> None:
    with_terms, without = Method(Reuse.NOTHING, by_operator=True), Method(Reuse.NOTHING, by_operator=False)
    chosen = fit_chosen(models(), energy_j, [without, with_terms])
    assert chosen.model.method == with_terms  # the made device charges for handing over a product's result
    errors = left_out_errors(models(), energy_j, with_terms)
    for level in Level:
        inside = [abs(error) <= math.log(chosen.factors[level]) + 1e-12 for error in errors[level]]
        assert 0.88 <= sum(inside) / len(inside) <= 1.0
    assert chosen.factor(Level.LEAF, Source.OPERATOR_REGRESSION) == chosen.factors["leaf, regression of its operator"]
    assert chosen.factor(Level.LEAF, Source.MEASURED_ELSEWHERE) == chosen.factors["leaf"]  # no such case in training


def test_a_whole_model_is_told_no_better_than_modules_from_the_same_source_where_few_models_teach() -> None:
    chosen = fit_chosen(models(), energy_j)
    for source in Source:
        whole, module = (chosen.factors.get(f"{level}, {source}") for level in (Level.MODEL, Level.MODULE))
        assert whole is None or module is None or whole >= module
    assert chosen.factors[Level.MODEL] >= chosen.factors[Level.MODULE]


def test_with_one_training_model_there_is_no_interval() -> None:
    chosen = fit_chosen(models(BLUEPRINTS[:1]), energy_j)
    assert not chosen.factors
    assert chosen.model.cost(tree(BLUEPRINTS[0], 8.0, 32.0)) > 0
