"""The choice of a method, and how far off its predictions are, from the training models alone.

Each training model in turn is left out and predicted from the others. The method whose errors are least is chosen;
its errors make the intervals, since a model that comes next is as new to it as those were.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from tuner.energy_model.model_tree.leaf_model import Quantity, Source
from tuner.energy_model.model_tree.node import CostNode, Level
from tuner.energy_model.model_tree.tree_model import Method, Reuse, TreeModel

Trees = Sequence[CostNode]

METHODS = (Method(Reuse.MODULES, by_operator=True), Method(Reuse.MODULES, by_operator=False))
COVERAGE = 0.9
_LEAST_MODELS = 2

_ENOUGH_MODELS = 9
"""Fewer left-out models have no 90 % quantile: then a whole model is told no better than its modules are."""


@dataclass(frozen=True)
class ChosenModel:
    """What was learned of a device, and what it is worth.

    Attributes:
        model: Fitted to all training models.
        factors: The factor that a measured value lies within of its prediction, up or down, in 90 % of all cases: by
            level and source of the prediction, and by level alone. Empty where there were too few models to tell.
    """

    model: TreeModel
    factors: Mapping[str, float]

    def factor(self, level: Level, source: Source) -> float | None:
        """Returns the factor of a prediction's 90 % interval; None where nothing is known of it."""
        return self.factors.get(_case(level, source), self.factors.get(level))


def fit_chosen(models: Mapping[str, Trees], quantity: Quantity, methods: Sequence[Method] = METHODS) -> ChosenModel:
    """Chooses among methods by leaving out one training model at a time, and fits the chosen one to all.

    Args:
        models: Measured trees of each training model.
        quantity: What is predicted.
        methods: What to choose from; the first is taken where there are too few models to compare.
    """
    trees = [tree for of_model in models.values() for tree in of_model]
    if len(models) < _LEAST_MODELS:
        return ChosenModel(TreeModel.fit(trees, quantity, methods[0]), {})
    errors = {method: left_out_errors(models, quantity, method) for method in methods}
    best = min(methods, key=lambda method: _mean_error(errors[method]))
    factors = {case: math.exp(float(np.quantile(np.abs(each), COVERAGE))) for case, each in errors[best].items()}
    if len(models) < _ENOUGH_MODELS:
        factors = _no_surer_than_modules(factors)
    return ChosenModel(TreeModel.fit(trees, quantity, best), factors)


def _no_surer_than_modules(factors: Mapping[str, float]) -> dict[str, float]:
    """Returns the factors, those of whole models widened to those of modules from the same source."""
    whole = {_case(Level.MODEL, source): _case(Level.MODULE, source) for source in Source} | {Level.MODEL: Level.MODULE}
    widened = {case: max(factors[case], factors.get(module, 1.0)) for case, module in whole.items() if case in factors}
    return {**factors, **widened}


def _mean_error(errors: Mapping[str, Sequence[float]]) -> float:
    return fmean(fmean(map(abs, errors[level])) for level in Level if level in errors)


def _case(level: Level, source: Source) -> str:
    return f"{level}, {source}"


def left_out_errors(models: Mapping[str, Trees], quantity: Quantity, method: Method) -> dict[str, list[float]]:
    """Returns the logarithms of measured over predicted, of each model predicted from the others.

    Returns:
        By level and source of the prediction, and by level alone.
    """
    errors: dict[str, list[float]] = defaultdict(list)
    for name, left_out in models.items():
        others = [tree for other, trees in models.items() if other != name for tree in trees]
        model = TreeModel.fit(others, quantity, method)
        for tree in left_out:
            estimates = model.predict(tree)
            for node in tree.walk():
                if node.measured is not None:
                    estimate = estimates[node.structure]
                    error = math.log(quantity(node.measured) / estimate.value)
                    errors[node.level].append(error)
                    errors[_case(node.level, estimate.source)].append(error)
    return errors
