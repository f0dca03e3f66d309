"""Arithmetic of everything that multiplies no matrices: functions of an element, of a row, of a window.

A function is counted as it is defined, not as a kernel approximates it; a sum of n numbers takes n - 1 additions.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from tuner.energy_model.network.call import Call, Rule
from tuner.energy_model.network.work import NOTHING, Work

SIGMOID = Work(exponentials=1, additions=1, divisions=1)
"""``1 / (1 + exp(-x))``."""

TANH = Work(multiplications=1, exponentials=1, additions=2, divisions=1)
"""``1 - 2 / (exp(2 x) + 1)``."""

SOFTPLUS = Work(exponentials=1, additions=1, logarithms=1)
"""``log(1 + exp(x))``."""

GELU = Work(multiplications=3, additions=1, error_functions=1)
"""``x / 2 (1 + erf(x / sqrt(2)))`` (Hendrycks and Gimpel, arXiv 1606.08415, section 2)."""

GELU_TANH = Work(multiplications=6, additions=2) + TANH
"""``x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`` (the same)."""

PRODUCT = Work(multiplications=1)
COMPARISON = Work(comparisons=1)


def each(work: Work) -> Rule:
    """Returns the rule of a function that does this work for each element of the output."""
    return lambda call: work * call.elements


def nothing(_: Call) -> Work:
    """The rule of what computes nothing."""
    return NOTHING


def gelu(call: Call) -> Work:
    """GELU, exact or by tanh."""
    return (GELU_TANH if call.arguments.get("approximate") == "tanh" else GELU) * call.elements


def addition(call: Call) -> Work:
    """``a + alpha b``."""
    scaling = NOTHING if call.number("alpha", 1) == 1 else PRODUCT
    return (Work(additions=1) + scaling) * call.elements


def power(call: Call) -> Work:
    """``x ^ e``: a root for 1/2, products for small whole numbers, else ``exp(e log(x))``."""
    exponent = call.number("exponent", float("nan"))
    if exponent in (0.5, -0.5):
        one = Work(roots=1, divisions=int(exponent < 0))
    elif abs(exponent) in (1, 2, 3, 4):
        one = Work(multiplications={1: 0, 2: 1, 3: 2, 4: 2}[int(abs(exponent))], divisions=int(exponent < 0))
    else:
        one = Work(logarithms=1, multiplications=1, exponentials=1)
    return one * call.elements


def bounds(call: Call) -> Work:
    """``clamp``, ``hardtanh``: a comparison with each bound."""
    given = sum(name in call.arguments and call.arguments[name] is not None for name in ("min", "max"))
    given += sum(name in call.inputs for name in ("min", "max"))
    is_both = given == 0 or "min_val" in call.arguments
    return Work(comparisons=2 if is_both else given) * call.elements


def sums(call: Call) -> Work:
    """A sum over some dimensions."""
    return Work(additions=_merged(call))


def means(call: Call) -> Work:
    """A sum, divided."""
    return Work(additions=_merged(call), divisions=call.elements)


def extremes(call: Call) -> Work:
    """The largest or smallest over some dimensions."""
    return Work(comparisons=_merged(call))


def norms(call: Call) -> Work:
    """The root of a sum of squares."""
    return Work(multiplications=call.first.elements, additions=_merged(call), roots=call.elements)


def variances(call: Call) -> Work:
    """A mean, deviations from it, and the mean of their squares."""
    elements = call.first.elements
    return Work(additions=2 * _merged(call) + elements, multiplications=elements, divisions=2 * call.elements)


def deviations(call: Call) -> Work:
    """Roots of variances."""
    return variances(call) + Work(roots=call.elements)


def softmax(call: Call) -> Work:
    """Softmax over one dimension."""
    rows, length = _rows(call)
    return softmax_of(rows, length)


def log_softmax(call: Call) -> Work:
    """``x - max - log(sum(exp(x - max)))``."""
    rows, length = _rows(call)
    elements = rows * length
    return Work(comparisons=elements - rows, additions=3 * elements - rows, exponentials=elements, logarithms=rows)


def softmax_of(rows: int, length: int) -> Work:
    """Returns the work of so many rows: the largest is subtracted, exponentials are added, each is divided."""
    elements = rows * length
    return Work(comparisons=elements - rows, additions=2 * elements - rows, exponentials=elements, divisions=elements)


def layer_norm(call: Call) -> Work:
    """Layer normalization (Ba et al., arXiv 1607.06450): mean, variance, scale, and gain and shift if there are any."""
    return _normalized(call, groups=call.first.elements // max(1, prod(call.numbers("normalized_shape"))))


def group_norm(call: Call) -> Work:
    """Group normalization (Wu and He, arXiv 1803.08494); instance normalization has one group a channel."""
    given = call.numbers("num_groups") or call.numbers("group")
    groups = given[0] if given else call.first.shape[1]
    return _normalized(call, groups=call.first.shape[0] * groups)


def rms_norm(call: Call) -> Work:
    """Root mean square normalization (Zhang and Sennrich, arXiv 1910.07467): no mean is subtracted."""
    elements = call.first.elements
    groups = elements // max(1, prod(call.numbers("normalized_shape")))
    gains = elements if "weight" in call.inputs else 0
    return Work(multiplications=2 * elements + gains, additions=elements, divisions=2 * groups, roots=groups)


def batch_norm(call: Call) -> Work:
    """Batch normalization at inference (Ioffe and Szegedy, arXiv 1502.03167, algorithm 2), statistics being known."""
    elements, channels = call.first.elements, call.first.shape[1]
    return _scaled(call, elements) + Work(
        additions=elements + channels, multiplications=elements, divisions=channels, roots=channels
    )


def average_pooling(call: Call) -> Work:
    """The mean of a window."""
    return Work(additions=call.elements * (_window(call) - 1), divisions=call.elements)


def largest_pooling(call: Call) -> Work:
    """The largest of a window."""
    return Work(comparisons=call.elements * (_window(call) - 1))


def _normalized(call: Call, groups: int) -> Work:
    elements = call.first.elements
    statistics = Work(
        additions=3 * elements - groups,
        multiplications=2 * elements,
        divisions=3 * groups,
        roots=groups,
    )
    return statistics + _scaled(call, elements)


def _scaled(call: Call, elements: int) -> Work:
    return Work(
        multiplications=elements if "weight" in call.inputs else 0, additions=elements if "bias" in call.inputs else 0
    )


def _window(call: Call) -> int:
    """Elements under a window, which may be larger than what it looks at."""
    sides = call.numbers("kernel_size")
    extents = call.first.shape[2:]
    each_side = sides * len(extents) if len(sides) == 1 else sides
    return prod(min(side, extent) for side, extent in zip(each_side, extents, strict=True))


def _merged(call: Call) -> int:
    return call.first.elements - call.elements


def _rows(call: Call) -> tuple[int, int]:
    shape = call.first.shape
    length = shape[int(call.number("dim", -1))] if shape else 1
    return call.first.elements // max(1, length), length


FUNCTIONS_OF_AN_ELEMENT: Mapping[str, Work] = {
    "sub": Work(additions=1),
    "rsub": Work(additions=1),
    "mul": PRODUCT,
    "div": Work(divisions=1),
    "reciprocal": Work(divisions=1),
    "floor_divide": Work(divisions=1),
    "remainder": Work(divisions=1),
    "fmod": Work(divisions=1),
    "sqrt": Work(roots=1),
    "rsqrt": Work(roots=1, divisions=1),
    "exp": Work(exponentials=1),
    "exp2": Work(exponentials=1),
    "expm1": Work(exponentials=1, additions=1),
    "log": Work(logarithms=1),
    "log2": Work(logarithms=1),
    "log10": Work(logarithms=1),
    "log1p": Work(logarithms=1, additions=1),
    "logaddexp": SOFTPLUS + Work(additions=2, comparisons=1),
    "erf": Work(error_functions=1),
    "sin": Work(trigonometrics=1),
    "cos": Work(trigonometrics=1),
    "square": PRODUCT,
    "addcmul": Work(multiplications=1, additions=1),
    "addcdiv": Work(divisions=1, additions=1),
    "lerp": Work(multiplications=1, additions=2),
}
"""Of one element each, beside those that only compare."""

_COMPARISONS = (
    "eq ne lt le gt ge maximum minimum where abs neg sign logical_and logical_or logical_not logical_xor bitwise_and "
    "bitwise_or bitwise_not bitwise_xor __and__ __or__ __xor__ and or masked_fill isnan isinf isfinite floor ceil "
    "round trunc bitwise_left_shift bitwise_right_shift max.other min.other nan_to_num triu tril"
)
COMPARISONS = frozenset(_COMPARISONS.split())
"""Comparisons, selections, signs and logic: one an element."""

ACTIVATIONS: Mapping[str, Work] = {
    "relu": Work(comparisons=1),
    "relu6": Work(comparisons=2),
    "threshold": Work(comparisons=1),
    "leaky_relu": Work(comparisons=1, multiplications=1),
    "prelu": Work(comparisons=1, multiplications=1),
    "_prelu_kernel": Work(comparisons=1, multiplications=1),
    "elu": Work(comparisons=1, exponentials=1, additions=1, multiplications=1),
    "celu": Work(comparisons=1, exponentials=1, additions=1, multiplications=2),
    "selu": Work(comparisons=1, exponentials=1, additions=1, multiplications=2),
    "sigmoid": SIGMOID,
    "log_sigmoid": SOFTPLUS,
    "tanh": TANH,
    "silu": SIGMOID + PRODUCT,
    "softplus": SOFTPLUS + Work(comparisons=1),
    "softsign": Work(comparisons=1, additions=1, divisions=1),
    "mish": SOFTPLUS + TANH + PRODUCT,
    "hardsigmoid": Work(additions=1, comparisons=2, divisions=1),
    "hardswish": Work(additions=1, comparisons=2, divisions=1, multiplications=1),
    "glu": SIGMOID + PRODUCT,
}
"""Of one element of the output each."""
