"""What a run demands of a device, in the terms that its joules are fitted to.

Terms are kept apart where hardware does: matrix units of each width, fused attention (a kernel of its own), everything
else; bytes of weights, of activations, of copies; launches, which cost where a device waits for the next one; and one
for the run itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tuner.energy_model.network.records import Kind, Operation
from tuner.energy_model.operations.costs import nonlinear_to

Demand = Mapping[str, float]
"""Amounts by term: counts, bytes, transistor operations."""

RUN = "run"
LAUNCHES = "launches"
NONLINEAR = "non-linear TO"
WEIGHT_BYTES = "weight bytes"
ACTIVATION_BYTES = "activation bytes"
COPIED_BYTES = "copied bytes"

_BITS = {"float64": 64, "float32": 32, "float16": 16, "bfloat16": 16, "int8": 8, "uint8": 8}


@dataclass(frozen=True)
class Repeated:
    """An operation that a run does several times.

    Attributes:
        operation: The operation.
        times: How often.
    """

    operation: Operation
    times: int = 1


def demand_of(operations: Iterable[Operation | Repeated]) -> Demand:
    """Returns what one run of these operations demands."""
    demand: defaultdict[str, float] = defaultdict(float, {RUN: 1.0})
    for each in operations:
        repeated = each if isinstance(each, Repeated) else Repeated(each)
        if repeated.operation.is_launch:
            for term, amount in _terms(repeated.operation):
                demand[term] += amount * repeated.times
    return dict(demand)


def flops_of(demand: Demand) -> float:
    """Returns the floating-point operations of the multiply-accumulates: what models are usually compared by."""
    return 2 * sum(amount for term, amount in demand.items() if "MAC" in term)


def _terms(operation: Operation) -> Iterable[tuple[str, float]]:
    width = f"{_BITS.get(operation.precision, 32)}-bit"
    weights = operation.parameter_bytes_read
    others = operation.bytes_moved - weights
    yield LAUNCHES, 1
    yield NONLINEAR, sum(nonlinear_to(operation.work).values())
    yield WEIGHT_BYTES, weights
    if operation.kind is Kind.ATTENTION:
        yield f"{width} attention MAC", operation.work.multiply_accumulates
        yield f"{width} attention bytes", others
    else:
        yield f"{width} MAC", operation.work.multiply_accumulates
        yield COPIED_BYTES if operation.kind is Kind.DATA_MOVEMENT else ACTIVATION_BYTES, others
