"""Arithmetic of what multiplies matrices: layers, products, convolutions, attention."""

from __future__ import annotations

from math import prod

from tuner.energy_model.network.call import Call
from tuner.energy_model.network.function_rules import softmax_of
from tuner.energy_model.network.work import Work


def linear(call: Call) -> Work:
    """``out = input @ weight.T + bias``: as many multiply-accumulates an output as there are inputs."""
    return _product(call, inner=call.first.shape[-1], is_biased="bias" in call.inputs)


def matrix_product(call: Call) -> Work:
    """``mm``, ``bmm``, ``matmul``, ``dot``: the last dimension of the left factor is summed over."""
    return _product(call, inner=call.first.shape[-1], is_biased=False)


def added_product(call: Call) -> Work:
    """``addmm``, ``baddbmm``: a product added to a first argument."""
    left = next(call.inputs[name] for name in ("mat1", "batch1") if name in call.inputs)
    return _product(call, inner=left.shape[-1], is_biased=True)


def einsum(call: Call) -> Work:
    """One multiply-accumulate for every combination of indices, and for every factor but the first."""
    factors = str(call.arguments["equation"]).replace(" ", "").split("->")[0].split(",")
    sizes: dict[str, int] = {}
    for letters, tensor in zip(factors, call.inputs.values(), strict=True):
        sizes.update(zip(reversed(letters.replace("...", "")), reversed(tensor.shape), strict=False))
    broadcast = prod(call.first.shape[: max(0, len(call.first.shape) - len(factors[0].replace("...", "")))])
    return Work(multiply_accumulates=broadcast * prod(sizes.values()) * max(1, len(factors) - 1))


def convolution(call: Call) -> Work:
    """Each output sums over the kernel and the input channels of its group; transposed, each input spreads so."""
    weight, bias = call.inputs["weight"], call.inputs.get("bias")
    taps = prod(weight.shape[1:])
    is_transposed = bool(call.arguments.get("transposed", False))
    origins = call.first.elements if is_transposed else call.elements
    return Work(multiply_accumulates=origins * taps, additions=call.elements if bias is not None else 0)


def transposed_convolution(call: Call) -> Work:
    """``conv_transpose2d`` and its kin."""
    taps = prod(call.inputs["weight"].shape[1:])
    additions = call.elements if "bias" in call.inputs else 0
    return Work(multiply_accumulates=call.first.elements * taps, additions=additions)


def attention(call: Call) -> Work:
    """``softmax(query key^T scale + mask) value``, all scores counted: a causal kernel may skip half of them."""
    query, key, value = call.inputs["query"], call.inputs["key"], call.inputs["value"]
    rows, columns = prod(query.shape[:-1]), key.shape[-2]
    scores = rows * columns
    products = Work(
        multiply_accumulates=scores * (query.shape[-1] + value.shape[-1]),
        multiplications=scores,
        additions=scores if {"attn_mask", "attn_bias"} & call.inputs.keys() else 0,
    )
    return products + softmax_of(rows, columns)


def _product(call: Call, inner: int, *, is_biased: bool) -> Work:
    return Work(multiply_accumulates=call.elements * inner, additions=call.elements if is_biased else 0)
