"""How far off predictions are on models that they have not seen: one model is left out at a time.

An error is ``100 |E - predicted| / E`` of one node. Errors are averaged over the nodes of a level within each
left-out model, then over models, as the published code does: a model with twelve layers counts no more than one with
six.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import fmean, median
from typing import Any

import numpy as np

from tuner.energy_model.model_tree.baselines import BASELINES, CALIBRATED, Facts, LevelLines, measured
from tuner.energy_model.model_tree.irene_csv import Forest
from tuner.energy_model.model_tree.node import CostNode, Level, Measured
from tuner.energy_model.model_tree.published import PublishedModel
from tuner.energy_model.model_tree.selection import ChosenModel, fit_chosen
from tuner.energy_model.model_tree.tree_model import Method, Reuse
from tuner.errors import BadInputError

Trees = Sequence[CostNode]
Models = Mapping[str, Trees]
Predictor = Callable[[CostNode], Any]
"""Returns the energy of each node of a tree in the order of a walk; several columns where there are several."""

LEAST_MODELS = 3
_SMALL_SHARE = 0.01
_PERCENT = 100.0


@dataclass(frozen=True)
class LevelErrors:
    """Mean errors in percent; None of a level that has no nodes.

    Attributes:
        leaf_pct: Of primitives.
        module_pct: Of modules.
        model_pct: Of whole models.
    """

    leaf_pct: float | None
    module_pct: float | None
    model_pct: float | None

    @classmethod
    def mean(cls, errors: Sequence[LevelErrors]) -> LevelErrors:
        """Returns the mean of each level, of those that have it."""
        return cls(*(_mean([getattr(each, field.name) for each in errors]) for field in fields(cls)))


@dataclass(frozen=True)
class Evaluation:
    """The errors on one device, or their means over several.

    Attributes:
        unrun: Of prediction from what is known without running the target.
        calibrated: Where the target's own device energy and time are known, and wall energy is predicted.
        baselines: Of straight lines over one or two figures.
        published: Of the published method, which is given what was observed of the target.
        unrun_without_reuse: As ``unrun``, with no measurement of an equal primitive or module in its place.
        within_interval: Share of what was measured that lay in the 90 % interval of ``unrun``, by level.
    """

    unrun: LevelErrors
    calibrated: LevelErrors
    baselines: dict[str, LevelErrors]
    published: LevelErrors
    unrun_without_reuse: LevelErrors
    within_interval: dict[Level, float]

    @classmethod
    def mean(cls, evaluations: Sequence[Evaluation]) -> Evaluation:
        """Returns the means over devices."""
        first = evaluations[0]
        return cls(
            LevelErrors.mean([each.unrun for each in evaluations]),
            LevelErrors.mean([each.calibrated for each in evaluations]),
            {name: LevelErrors.mean([each.baselines[name] for each in evaluations]) for name in first.baselines},
            LevelErrors.mean([each.published for each in evaluations]),
            LevelErrors.mean([each.unrun_without_reuse for each in evaluations]),
            {level: fmean(each.within_interval[level] for each in evaluations) for level in first.within_interval},
        )


@dataclass(frozen=True)
class DeviceEvaluation:
    """The errors on one device, and of what.

    Attributes:
        device: Its name.
        models: The models that were left out, one at a time.
        trees: How many trees they have.
        evaluation: The errors.
        unrun_by_model: Those of ``unrun`` for each left-out model.
        left_out: What could not be used, each in one sentence.
    """

    device: str
    models: tuple[str, ...]
    trees: int
    evaluation: Evaluation
    unrun_by_model: dict[str, LevelErrors]
    left_out: tuple[str, ...]


def evaluate(forest: Forest, *, every_model: bool = False, seed: int = 0) -> DeviceEvaluation:
    """Leaves out one model at a time, and predicts it from the others in every way.

    Args:
        forest: Measured trees of one device.
        every_model: Whether models far smaller than the others are predicted, too, rather than left out.
        seed: Of the published method's training.

    Raises:
        BadInputError: There are too few models to leave one out and still choose a method among the others.
    """
    models, small = (forest.trees, {}) if every_model else _without_small(forest.trees)
    if len(models) < LEAST_MODELS:
        raise BadInputError(
            f"{forest.device} has {len(models)} models, and {LEAST_MODELS} are needed: one is left out, the others are "
            "learned from."
        )
    unrun, within_interval = _unrun(models)
    evaluation = Evaluation(
        unrun=LevelErrors.mean(list(unrun.values())),
        calibrated=_over_models(models, lambda others: _line(others, CALIBRATED)),
        baselines={
            name: _over_models(models, lambda others, facts=facts: _line(others, facts))  # type: ignore[misc]
            for name, facts in BASELINES.items()
        },
        published=_over_models(models, lambda others: PublishedModel(_flat(others), seed).predict),
        unrun_without_reuse=_over_models(models, _regressed),
        within_interval=within_interval,
    )
    trees = sum(len(of_model) for of_model in models.values())
    return DeviceEvaluation(
        forest.device, tuple(models), trees, evaluation, unrun, (*forest.left_out, *_sentences(small))
    )


def _unrun(models: Models) -> tuple[dict[str, LevelErrors], dict[Level, float]]:
    """The errors of each left-out model, and the share that lay in its interval, by level."""
    errors: dict[str, LevelErrors] = {}
    inside: dict[Level, list[bool]] = defaultdict(list)
    for name, left_out in models.items():
        chosen = fit_chosen(_others(models, name), energy_j)
        errors[name] = level_errors(left_out, _blind(chosen))
        for tree in left_out:
            estimates = chosen.model.predict(tree.without_measurements())
            for node in tree.walk():
                estimate = estimates[node.structure]
                factor = chosen.factor(node.level, estimate.source) or math.inf
                ratio = energy_j(measured(node)) / estimate.value
                inside[node.level].append(1 / factor <= ratio <= factor)
    return errors, {level: fmean(each) for level, each in inside.items()}


def energy_j(cost: Measured) -> float:
    """The quantity that is predicted here."""
    return cost.energy_j


def level_errors(trees: Trees, predict: Predictor) -> LevelErrors:
    """Returns the mean errors of trees, in percent."""
    by_level: dict[Level, list[float]] = defaultdict(list)
    for tree in trees:
        for node, predicted_j in zip(tree.walk(), predict(tree), strict=True):
            truth_j = energy_j(measured(node))
            by_level[node.level].append(_PERCENT * float(np.mean(np.abs(truth_j - predicted_j))) / truth_j)
    return LevelErrors(*(fmean(by_level[level]) if by_level[level] else None for level in Level))


def _over_models(models: Models, fit: Callable[[Models], Predictor]) -> LevelErrors:
    return LevelErrors.mean([level_errors(left_out, fit(_others(models, name))) for name, left_out in models.items()])


def _line(others: Models, facts: Facts) -> Predictor:
    line = LevelLines.fit(_flat(others), facts)
    return lambda tree: [line.of(node) for node in tree.walk()]


def _regressed(others: Models) -> Predictor:
    methods = (Method(Reuse.NOTHING, by_operator=True), Method(Reuse.NOTHING, by_operator=False))
    return _blind(fit_chosen(others, energy_j, methods))


def _blind(chosen: ChosenModel) -> Predictor:
    """A predictor that is handed the tree as it is before it runs."""

    def predict(tree: CostNode) -> list[float]:
        unrun = tree.without_measurements()
        estimates = chosen.model.predict(unrun)
        return [estimates[node.structure].value for node in unrun.walk()]

    return predict


def _others(models: Models, name: str) -> Models:
    return {other: trees for other, trees in models.items() if other != name}


def _flat(models: Models) -> list[CostNode]:
    return [tree for trees in models.values() for tree in trees]


def _without_small(models: Models) -> tuple[Models, Models]:
    """Models, and those that are so small beside the others that a prediction would be an extrapolation."""
    largest_flops = {name: max(tree.flops for tree in trees) for name, trees in models.items()}
    least_flops = _SMALL_SHARE * median(largest_flops.values())
    small = {name: trees for name, trees in models.items() if largest_flops[name] < least_flops}
    return {name: trees for name, trees in models.items() if name not in small}, small


def _sentences(small: Models) -> list[str]:
    return [
        f"{name}: less than {_SMALL_SHARE:.0%} of the arithmetic of the others, a network to test with "
        "(--every-model keeps it)"
        for name in small
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
