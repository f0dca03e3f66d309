"""The index of operations, on networks that were counted by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.unit.energy_model.network.example_networks import Shared, TwoLayers
from tuner.energy_model.network.extraction import extract
from tuner.energy_model.network.work import Work
from tuner.energy_model.operations.costs import COSTS, linear_to, nonlinear_to
from tuner.energy_model.operations.index import ACTIVATIONS, LINEAR, WEIGHTS, Index, ModuleIndex, index_network

WORD = 4


def index_of_model(model: nn.Module, *inputs: torch.Tensor) -> Index:
    return index_network(extract(model, inputs)).index


def perceptron(activation: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), activation, nn.Linear(6, 2))


def test_a_perceptron_with_relu() -> None:
    index = index_of_model(perceptron(nn.ReLU()), torch.randn(3, 4))
    weights = (4 * 6 + 6) + (6 * 2 + 2)
    activations = (3 * 4 + 3 * 6) + 2 * 3 * 6 + (3 * 6 + 3 * 2)
    assert index.by_kind == {
        LINEAR: 3 * (24 + 12) * 5_000,
        "additions": 3 * (6 + 2) * 900,
        "comparisons": 3 * 6 * 50,
        WEIGHTS: weights * 240_000,
        ACTIVATIONS: activations * 5_000,
    }
    assert index.launches == 3
    assert index.total_to == sum(index.by_kind.values())
    assert index.nonlinear_to == pytest.approx(3 * 8 * 900 + 18 * 50)


def test_networks_of_equal_flops_differ_by_their_activation() -> None:
    inputs = torch.randn(3, 4)
    relu, sigmoid, gelu = (index_of_model(perceptron(kind), inputs) for kind in (nn.ReLU(), nn.Sigmoid(), nn.GELU()))
    assert relu.linear_to == sigmoid.linear_to == gelu.linear_to
    assert sigmoid.total_to - relu.total_to == pytest.approx(18 * (18_000 + 900 + 15_000 - 50))
    assert gelu.total_to - relu.total_to == pytest.approx(18 * (3 * 3_700 + 900 + 20_000 - 50))


def test_attention_counts_its_softmax() -> None:
    class Attention(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.scaled_dot_product_attention(x, x, x)

    index = index_of_model(Attention(), torch.randn(1, 2, 5, 8))
    rows, scores = 2 * 5, 2 * 5 * 5
    assert index.linear_to == scores * 16 * 5_000
    assert index.by_kind["exponentials"] == scores * 18_000
    assert index.by_kind["divisions"] == scores * 15_000
    assert index.by_kind["multiplications"] == scores * 3_700
    assert index.by_kind["additions"] == (2 * scores - rows) * 900


def test_half_precision_costs_a_third_of_the_multiplications_and_half_of_the_bytes() -> None:
    inputs = torch.randn(3, 4)
    exact, half = index_of_model(nn.Linear(4, 6), inputs), index_of_model(nn.Linear(4, 6).half(), inputs.half())
    assert half.linear_to == pytest.approx(0.33 * exact.linear_to)
    assert half.memory_to == exact.memory_to / 2
    assert half.nonlinear_to == exact.nonlinear_to


def test_the_tree_adds_up() -> None:
    tree = index_network(extract(TwoLayers(), (torch.randn(2, 4),)))

    def check(module: ModuleIndex) -> None:
        assert sum(child.index.total_to for child in module.children) <= module.index.total_to * (1 + 1e-12)
        for child in module.children:
            check(child)

    check(tree)
    block, norm = tree.children
    addition = 8 * 900 + 3 * 8 * WORD * 5_000 / WORD
    assert tree.index.total_to == pytest.approx(block.index.total_to + norm.index.total_to + addition)


def test_shared_layers_read_their_weights_each_time() -> None:
    inputs = torch.randn(2, 4)
    once, often = index_of_model(Shared(1), inputs), index_of_model(Shared(5), inputs)
    assert often.total_to == pytest.approx(5 * once.total_to)


def test_every_kind_of_work_has_a_cost_with_a_source() -> None:
    assert COSTS.keys() == Work().counts().keys()
    assert all(cost.to > 0 and cost.source for cost in COSTS.values())


_works = st.builds(Work, *[st.integers(0, 10**12)] * 10)


@given(_works, _works)
def test_costs_are_linear(one: Work, other: Work) -> None:
    def total(work: Work) -> float:
        return linear_to(work, "float16") + sum(nonlinear_to(work).values())

    assert total(one + other) == pytest.approx(total(one) + total(other))


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5))
def test_a_wider_layer_never_costs_less(width: int, more: int) -> None:
    narrow, wide = (index_of_model(nn.Linear(3, size), torch.randn(2, 3)) for size in (width, width + more))
    assert all(wide.by_kind[kind] >= to for kind, to in narrow.by_kind.items())
