"""How far off joules predicted from operations are, on runs that the fit has not seen.

Everything that is learned (coefficients, hyper-parameters) is learned from the other runs. Error is the mean absolute
percentage error: what is usually printed. Baselines stand beside it, each with the one coefficient that makes
this error least on the runs that it sees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner.energy_model.operations.demand import RUN, flops_of
from tuner.energy_model.operations.device_model import Array, DeviceModel, LinearModel, Prediction
from tuner.energy_model.operations.recorded import Point
from tuner.energy_model.operations.transfer import choose_runs, transfer

TRANSFER_COUNTS = (5, 10, 20)
DRAWS = 100
_RANDOM_FOLDS = 5
_DEVIATIONS_OF_90_PERCENT = 1.645
_PERCENT = 100.0

Method = Callable[[Sequence[Point], Sequence[Point]], Array]
"""Predicts the joules of runs (the second) from others (the first)."""

Fold = np.ndarray[Any, np.dtype[np.intp]]
"""The indices of the runs that are left out together."""


@dataclass(frozen=True)
class HeldOut:
    """How far off a method is where it has not seen the data.

    Attributes:
        method: What predicts.
        left_out: What is left out at a time: ``model``, ``family`` or ``random fifth``.
        mean_pct: Mean absolute percentage error over all runs.
        median_pct: Its median.
        worst_model: The model with the largest mean error.
        worst_model_pct: That error.
        inside_90_pct: How many runs lie in their 90 % interval; None of methods that tell none.
    """

    method: str
    left_out: str
    mean_pct: float
    median_pct: float
    worst_model: str
    worst_model_pct: float
    inside_90_pct: float | None = None


@dataclass(frozen=True)
class Transferred:
    """How far off the runs of a new device are after some of them are known.

    Attributes:
        method: What predicts.
        points: Runs of the new device that are known.
        chosen_pct: Mean absolute percentage error of the others where those were chosen by their shapes.
        random_pct: The same where they were drawn at random: mean over the draws.
        random_90_pct: The error that nine draws of ten stay below.
    """

    method: str
    points: int
    chosen_pct: float
    random_pct: float
    random_90_pct: float


def evaluate(points: Sequence[Point], seed: int = 0) -> list[HeldOut]:
    """Returns how far off each method is on one device.

    Args:
        points: The runs of the device.
        seed: Of the random fifths.
    """
    rows = [_evaluated("operations", left_out, points, seed) for left_out in _FOLDS]
    return rows + [
        _held_out(name, "model", points, _by_model(points, seed), method) for name, method in _OTHERS.items()
    ]


def evaluate_transfer(
    source: Sequence[Point], target: Sequence[Point], seed: int = 0, draws: int = DRAWS
) -> list[Transferred]:
    """Returns how far off a second device is after a few of its runs.

    Args:
        source: The runs of the device that is known.
        target: The runs of the new one.
        seed: Of the random draws.
        draws: How many of them.
    """
    known = DeviceModel.fit([point.demand for point in source], _energies(source))

    def transferred(seen: Sequence[Point], unseen: Sequence[Point]) -> Array:
        model = transfer(known, [point.demand for point in seen], _energies(seen))
        return model.predict([point.demand for point in unseen])

    def rescaled(seen: Sequence[Point], unseen: Sequence[Point]) -> Array:
        ratio = _energies(seen) / known.predict([point.demand for point in seen]).energy_j
        expected_j = known.predict([point.demand for point in unseen]).energy_j
        return np.asarray(expected_j * np.exp(np.log(ratio).mean()))

    methods = {"transferred": transferred, "one factor": rescaled, "fitted anew": _sum_only}
    counts = [count for count in TRANSFER_COUNTS if count < len(target)]
    drawn = {count: _draws(known, target, count, seed, draws) for count in counts}
    return [
        _transferred(name, method, target, count, drawn[count]) for name, method in methods.items() for count in counts
    ]


def _draws(known: DeviceModel, target: Sequence[Point], count: int, seed: int, draws: int) -> list[list[int]]:
    """Returns sets of runs to be known: the chosen one first, random ones after it."""
    generator = np.random.default_rng(seed)
    random = [generator.choice(len(target), count, replace=False).tolist() for _ in range(draws)]
    return [choose_runs(known, [point.demand for point in target], count), *random]


def _transferred(
    name: str, method: Method, target: Sequence[Point], count: int, draws: Sequence[Sequence[int]]
) -> Transferred:
    errors = []
    for draw in draws:
        seen = [target[index] for index in draw]
        unseen = [point for index, point in enumerate(target) if index not in draw]
        errors.append(_errors_pct(method(seen, unseen), unseen).mean())
    chosen, *random = errors
    return Transferred(name, count, float(chosen), float(np.mean(random)), float(np.quantile(random, 0.9)))


def _evaluated(name: str, left_out: str, points: Sequence[Point], seed: int) -> HeldOut:
    inside = np.zeros(len(points))
    positions = {id(point): position for position, point in enumerate(points)}

    def predict(seen: Sequence[Point], unseen: Sequence[Point]) -> Array:
        prediction = _predict(seen, unseen)
        least_j, most_j = prediction.interval_j(_DEVIATIONS_OF_90_PERCENT)
        energies_j = _energies(unseen)
        inside[[positions[id(point)] for point in unseen]] = (least_j <= energies_j) & (energies_j <= most_j)
        return prediction.energy_j

    row = _held_out(name, left_out, points, _FOLDS[left_out](points, seed), predict)
    return HeldOut(**{**vars(row), "inside_90_pct": float(_PERCENT * inside.mean())})


def _held_out(name: str, left_out: str, points: Sequence[Point], folds: Sequence[Fold], method: Method) -> HeldOut:
    errors = np.zeros(len(points))
    for fold in folds:
        unseen = [points[index] for index in fold]
        seen = [point for index, point in enumerate(points) if index not in fold]
        errors[fold] = _errors_pct(method(seen, unseen), unseen)
    of_models = {
        model: float(np.mean([error for point, error in zip(points, errors, strict=True) if point.model == model]))
        for model in dict.fromkeys(point.model for point in points)
    }
    worst = max(of_models, key=of_models.__getitem__)
    return HeldOut(name, left_out, float(errors.mean()), float(np.median(errors)), worst, of_models[worst])


def _predict(seen: Sequence[Point], unseen: Sequence[Point]) -> Prediction:
    model = DeviceModel.fit([point.demand for point in seen], _energies(seen))
    return model.predict([point.demand for point in unseen])


def _sum_only(seen: Sequence[Point], unseen: Sequence[Point]) -> Array:
    model = LinearModel.fit([point.demand for point in seen], _energies(seen))
    return model.predict([point.demand for point in unseen])


def _one_term(amount: Callable[[Point], float]) -> Method:
    def method(seen: Sequence[Point], unseen: Sequence[Point]) -> Array:
        ratios = np.sort(_energies(seen) / np.array([amount(point) for point in seen]))
        weights = np.cumsum(1 / ratios)
        best = ratios[np.searchsorted(weights, weights[-1] / 2)]  # the weighted median
        return np.asarray(best * np.array([amount(point) for point in unseen]))

    return method


_OTHERS: dict[str, Method] = {
    "sum only": _sum_only,
    "index alone": _one_term(lambda point: point.index_to),
    "FLOPs alone": _one_term(lambda point: flops_of(point.demand)),
    "bytes alone": _one_term(lambda point: sum(value for term, value in point.demand.items() if "bytes" in term)),
    "constant": _one_term(lambda point: point.demand[RUN]),
}


def _by_model(points: Sequence[Point], _: int) -> list[Fold]:
    return _grouped([point.model for point in points])


def _by_family(points: Sequence[Point], _: int) -> list[Fold]:
    return _grouped([point.family for point in points])


def _at_random(points: Sequence[Point], seed: int) -> list[Fold]:
    order = np.random.default_rng(seed).permutation(len(points))
    return [np.sort(fold) for fold in np.array_split(order, min(_RANDOM_FOLDS, len(points)))]


_FOLDS: dict[str, Callable[[Sequence[Point], int], list[Fold]]] = {
    "model": _by_model,
    "family": _by_family,
    "random fifth": _at_random,
}
"""What is left out at a time."""


def _grouped(names: Sequence[str]) -> list[Fold]:
    return [np.flatnonzero(np.array(names) == name) for name in dict.fromkeys(names)]


def _errors_pct(predicted_j: Array, points: Sequence[Point]) -> Array:
    return np.asarray(_PERCENT * np.abs(predicted_j / _energies(points) - 1))


def _energies(points: Sequence[Point]) -> Array:
    return np.array([point.energy_j for point in points])
