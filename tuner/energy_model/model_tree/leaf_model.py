"""What primitives cost: looked up where one was measured, else told by its operator's arithmetic and bytes.

Of one operator the cost is a constant for its launch, a share for each operation and a share for each byte, none of
them negative: the roofline of Williams et al. (CACM 52(4), 2009) with its two slopes added up rather than the larger
one taken, as energy does. What that leaves over is a smooth function of both sizes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import fmean

import numpy as np

from tuner.energy_model.model_tree.node import CostNode, Measured
from tuner.energy_model.model_tree.residuals import SmoothResiduals
from tuner.energy_model.relative_fit import relative_fit

_LEAST_SHARE = 0.01
"""Of the cheapest call that was measured: keeps a formula without a launch above zero where a size is."""

Quantity = Callable[[Measured], float]
"""Which of the measured figures is predicted: joules or seconds."""


class Source(StrEnum):
    """Where a prediction comes from."""

    MEASURED_ELSEWHERE = "measured elsewhere"
    OPERATOR_REGRESSION = "regression of its operator"
    UNSEEN_OPERATOR = "regression over all operators"
    CHILDREN = "its children and its own work"


@dataclass(frozen=True)
class Estimate:
    """A predicted figure and where it comes from.

    Attributes:
        value: Joules or seconds.
        source: How it was found.
    """

    value: float
    source: Source


@dataclass(frozen=True)
class OperatorCost:
    """The cost of one operator.

    Attributes:
        launch: Of a call.
        per_flop: Of an arithmetic operation.
        per_byte: Of a byte moved.
        least: No call is taken to cost less.
        residuals: Logarithms of what is left over, by size; None if nothing can be told of it.
    """

    launch: float
    per_flop: float
    per_byte: float
    least: float
    residuals: SmoothResiduals | None = None

    @classmethod
    def formula(cls, costs: Sequence[tuple[CostNode, float]]) -> OperatorCost:
        """Fits the three terms, an error counting in proportion to the cost."""
        values = np.array([value for _, value in costs])
        features = np.array([(1.0, node.flops, node.n_bytes) for node, _ in costs])
        launch, per_flop, per_byte = map(float, relative_fit(features, values, values))
        return cls(launch, per_flop, per_byte, float(values.min()) * _LEAST_SHARE)

    @classmethod
    def fit(cls, costs: Sequence[tuple[CostNode, float]]) -> OperatorCost:
        """Fits the calls of one operator: the three terms, and what they leave over."""
        formula = cls.formula(costs)
        residuals = np.array([math.log(value / formula.of(node)) for node, value in costs])
        points = np.array([_point(node) for node, _ in costs])
        return replace(formula, residuals=SmoothResiduals.fit(points, residuals))

    def of(self, node: CostNode) -> float:
        """Returns what a call costs."""
        formula = max(self.launch + self.per_flop * node.flops + self.per_byte * node.n_bytes, self.least)
        return formula if self.residuals is None else formula * math.exp(self.residuals.at(_point(node)))


@dataclass(frozen=True)
class LeafModel:
    """The costs of primitives.

    Attributes:
        known: Mean cost of each primitive that was measured, by identity.
        operators: The cost of each operator that was measured.
        any_operator: That of an operator of which nothing is known.
    """

    known: Mapping[str, float]
    operators: Mapping[str, OperatorCost]
    any_operator: OperatorCost

    @classmethod
    def fit(cls, leaves: Iterable[CostNode], quantity: Quantity) -> LeafModel:
        """Fits measured primitives; each counts once, however often it runs in a model.

        Args:
            leaves: Primitives. At least one of them was measured.
            quantity: What is predicted.
        """
        by_identity: dict[str, list[float]] = defaultdict(list)
        firsts: dict[str, CostNode] = {}
        for leaf in leaves:
            if leaf.measured is not None:
                by_identity[leaf.identity].append(quantity(leaf.measured))
                firsts.setdefault(leaf.identity, leaf)
        known = {identity: fmean(values) for identity, values in by_identity.items()}
        costs = [(firsts[identity], value) for identity, value in known.items()]
        by_kind: dict[str, list[tuple[CostNode, float]]] = defaultdict(list)
        for leaf, value in costs:
            by_kind[leaf.kind].append((leaf, value))
        operators = {kind: OperatorCost.fit(of_kind) for kind, of_kind in by_kind.items()}
        return cls(known, operators, OperatorCost.formula(costs))

    def estimate(self, leaf: CostNode, *, look_up: bool = True) -> Estimate:
        """Predicts a primitive.

        Args:
            leaf: The primitive.
            look_up: Whether the measurement of an equal one may take the regression's place.
        """
        if look_up and leaf.identity in self.known:
            return Estimate(self.known[leaf.identity], Source.MEASURED_ELSEWHERE)
        if leaf.kind in self.operators:
            return Estimate(self.operators[leaf.kind].of(leaf), Source.OPERATOR_REGRESSION)
        return Estimate(self.any_operator.of(leaf), Source.UNSEEN_OPERATOR)


def _point(node: CostNode) -> tuple[float, float]:
    return math.log2(1.0 + node.flops), math.log2(1.0 + node.n_bytes)
