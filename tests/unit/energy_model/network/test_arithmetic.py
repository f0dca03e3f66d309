"""Arithmetic and bytes of layers that were counted by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from tuner.energy_model.network.extraction import extract
from tuner.energy_model.network.records import Kind, Operation
from tuner.energy_model.network.work import NOTHING, Work


class Function(nn.Module):
    """A model that is one function."""

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: torch.Tensor) -> object:
        return self.function(*tensors)


def work_of(model: nn.Module | Callable[..., object], *inputs: torch.Tensor) -> Work:
    module = model if isinstance(model, nn.Module) else Function(model)
    network = extract(module, inputs)
    assert network.source == "torch.export"
    assert not network.unknown_operators
    return network.root.work


def only_operation(model: nn.Module | Callable[..., object], *inputs: torch.Tensor) -> Operation:
    module = model if isinstance(model, nn.Module) else Function(model)
    (operation,) = (one for one in extract(module, inputs).operations if one.kind is not Kind.VIEW)
    return operation


def test_a_linear_layer() -> None:
    operation = only_operation(nn.Linear(5, 7), torch.randn(3, 5))
    assert operation.work == Work(multiply_accumulates=3 * 5 * 7, additions=3 * 7)
    assert (operation.flops, operation.work.matrix_flops) == (2 * 105 + 21, 2 * 105)
    assert (operation.bytes_read, operation.bytes_written) == (4 * (15 + 35 + 7), 4 * 21)
    assert operation.parameter_bytes_read == 4 * (35 + 7)


def test_a_linear_layer_without_bias_adds_nothing() -> None:
    assert work_of(nn.Linear(5, 7, bias=False), torch.randn(3, 5)) == Work(multiply_accumulates=105)


@pytest.mark.parametrize(
    ("activation", "of_an_element"),
    [
        (nn.ReLU(), Work(comparisons=1)),
        (nn.ReLU6(), Work(comparisons=2)),
        (nn.Sigmoid(), Work(exponentials=1, additions=1, divisions=1)),
        (nn.Tanh(), Work(multiplications=1, exponentials=1, additions=2, divisions=1)),
        (nn.GELU(), Work(multiplications=3, additions=1, error_functions=1)),
        (nn.GELU("tanh"), Work(multiplications=7, additions=4, exponentials=1, divisions=1)),
        (nn.SiLU(), Work(multiplications=1, exponentials=1, additions=1, divisions=1)),
    ],
)
def test_a_perceptron_with_an_activation(activation: nn.Module, of_an_element: Work) -> None:
    model = nn.Sequential(nn.Linear(4, 6), activation, nn.Linear(6, 2))
    layers = Work(multiply_accumulates=3 * (24 + 12), additions=3 * (6 + 2))
    assert work_of(model, torch.randn(3, 4)) == layers + of_an_element * 18


def test_a_convolution_with_groups_and_stride_then_batch_normalization() -> None:
    model = nn.Sequential(nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2, bias=False), nn.BatchNorm2d(8))
    outputs = 2 * 8 * 5 * 5
    normalization = Work(additions=2 * outputs + 8, multiplications=2 * outputs, divisions=8, roots=8)
    assert work_of(model, torch.randn(2, 4, 9, 9)) == Work(multiply_accumulates=outputs * 2 * 9) + normalization


def test_a_transposed_convolution_spreads_each_input() -> None:
    work = work_of(nn.ConvTranspose2d(3, 5, 4, stride=2), torch.randn(1, 3, 6, 6))
    assert work.multiply_accumulates == 3 * 6 * 6 * 5 * 4 * 4


def test_layer_normalization() -> None:
    work = work_of(nn.LayerNorm(10), torch.randn(4, 10))
    assert work == Work(additions=4 * (29 + 10), multiplications=4 * 30, divisions=4 * 3, roots=4)


def test_root_mean_square_normalization() -> None:
    work = work_of(nn.RMSNorm(10), torch.randn(4, 10))
    assert work == Work(additions=4 * 10, multiplications=4 * 30, divisions=4 * 2, roots=4)


def test_softmax_over_the_dimension_that_is_named() -> None:
    work = work_of(nn.Softmax(dim=0), torch.randn(5, 3))
    assert work == Work(comparisons=3 * 4, additions=3 * (5 + 4), exponentials=15, divisions=15)


def test_attention_is_one_operation_with_a_softmax_inside() -> None:
    query, key = torch.randn(2, 3, 4, 8), torch.randn(2, 3, 6, 8)
    operation = only_operation(functional.scaled_dot_product_attention, query, key, key)
    rows, scores = 2 * 3 * 4, 2 * 3 * 4 * 6
    softmax = Work(comparisons=scores - rows, additions=2 * scores - rows, exponentials=scores, divisions=scores)
    assert operation.kind is Kind.ATTENTION
    assert operation.work == Work(multiply_accumulates=scores * 16, multiplications=scores) + softmax
    assert operation.bytes_moved == 4 * (2 * query.numel() + 2 * key.numel()), "scores never leave the chip"


@pytest.mark.parametrize(
    ("function", "work"),
    [
        (lambda x: x + x, Work(additions=12)),
        (lambda x: torch.add(x, x, alpha=2), Work(additions=12, multiplications=12)),
        (lambda x: x / x, Work(divisions=12)),
        (lambda x: x**2, Work(multiplications=12)),
        (lambda x: x**0.5, Work(roots=12)),
        (lambda x: x**2.5, Work(logarithms=12, multiplications=12, exponentials=12)),
        (lambda x: x.sum(1), Work(additions=9)),
        (lambda x: x.mean(1), Work(additions=9, divisions=3)),
        (lambda x: x.amax(1), Work(comparisons=9)),
        (lambda x: torch.linalg.vector_norm(x, dim=1), Work(multiplications=12, additions=9, roots=3)),
        (lambda x: x.std(), Work(additions=2 * 11 + 12, multiplications=12, divisions=2, roots=1)),
        (lambda x: torch.einsum("ij,kj->ik", x, x), Work(multiply_accumulates=3 * 3 * 4)),
        (lambda x: x @ x.T, Work(multiply_accumulates=3 * 3 * 4)),
        (lambda x: x.clamp(min=0), Work(comparisons=12)),
        (lambda x: functional.avg_pool2d(x[None, None], 2), Work(additions=2 * 3, divisions=2)),
        (lambda x: functional.max_pool2d(x[None, None], (3, 1)), Work(comparisons=4 * 2)),
        (lambda x: functional.avg_pool2d(x[None, None], 7, ceil_mode=True), Work(additions=11, divisions=1)),
    ],
)
def test_functions(function: Callable[..., object], work: Work) -> None:
    assert work_of(function, torch.rand(3, 4)) == work


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.view(12),
        lambda x: x.T,
        lambda x: x[1:, None],
        lambda x: x.expand(5, 3, 4),
        lambda x: x.reshape(2, 6),
        lambda x: x.contiguous(),
        lambda x: x.to(torch.float32),
        lambda x: x.split(2, dim=1)[1],
        lambda x: functional.dropout(x, training=False),
    ],
)
def test_what_only_looks_moves_nothing(function: Callable[..., object]) -> None:
    root = extract(Function(function), (torch.rand(3, 4),)).root
    assert (root.bytes_moved, root.work, root.launches) == (0, NOTHING, 0)


@pytest.mark.parametrize(
    ("function", "moved"),
    [
        (lambda x: x.T.reshape(12), 2 * 48),
        (lambda x: x.T.contiguous(), 2 * 48),
        (lambda x: x.to(torch.float16), 48 + 24),
        (lambda x: torch.cat([x, x]), 2 * 96),
        (lambda x: x[:, 0].exp(), 2 * 12),
        (lambda x: x.expand(5, 3, 4) + 1, 48 + 5 * 48),
        (lambda x: torch.zeros_like(x), 48),
        (lambda x: x.clone().zero_(), 2 * 48 + 48),
        (lambda x: x.clone().copy_(x), 2 * 48 + 2 * 48),
    ],
)
def test_what_copies_moves_what_it_reads_and_writes(function: Callable[..., object], moved: int) -> None:
    assert extract(Function(function), (torch.rand(3, 4),)).root.bytes_moved == moved


def test_an_embedding_reads_the_rows_it_looks_up() -> None:
    operation = only_operation(nn.Embedding(1000, 16), torch.zeros(2, 5, dtype=torch.long))
    rows = 2 * 5 * 16 * 4
    assert (operation.bytes_read, operation.bytes_written) == (rows + 2 * 5 * 8, rows)
    assert operation.work == NOTHING


def test_an_operation_in_place_writes_where_it_reads() -> None:
    network = extract(Function(lambda x: (x + 1).relu_()), (torch.rand(3, 4),))
    addition, relu = network.operations
    assert relu.outputs[0].storage == addition.outputs[0].storage == relu.inputs["self"].storage
    assert relu.bytes_moved == 2 * 48
    assert relu.is_launch


@pytest.mark.parametrize(("dtype", "size"), [(torch.float64, 8), (torch.float32, 4), (torch.bfloat16, 2)])
def test_bytes_and_precision_follow_the_type(dtype: torch.dtype, size: int) -> None:
    operation = only_operation(nn.Linear(5, 7).to(dtype), torch.randn(3, 5, dtype=dtype))
    assert operation.bytes_moved == size * (15 + 35 + 7 + 21)
    assert operation.precision == str(dtype).removeprefix("torch.")


_counts = st.integers(0, 10**15)
_works = st.builds(Work, *[_counts] * 10)


@given(_works, _works, st.integers(0, 1000))
def test_work_adds_up(one: Work, other: Work, times: int) -> None:
    assert one + other == other + one
    assert (one + other) * times == one * times + other * times
    assert (one + other).flops == one.flops + other.flops
    assert one.flops == one.matrix_flops + sum(list(one.counts().values())[1:])


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9))
def test_a_batch_is_its_items(items: int, inputs: int, outputs: int) -> None:
    model = nn.Sequential(nn.Linear(inputs, outputs), nn.GELU(), nn.LayerNorm(outputs))
    one, many = work_of(model, torch.randn(1, inputs)), work_of(model, torch.randn(items, inputs))
    assert many == one * items
