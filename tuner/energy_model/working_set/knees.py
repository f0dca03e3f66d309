"""Where a measured curve says that levels of memory end.

A sweep gives the cost of a byte for working sets of many sizes. With caches of capacities ``C_1 < C_2 < ...``, a
working set of ``W`` bytes that is gone through again and again costs, each byte::

    overhead / W  +  price  +  sum over k of extra_k * missed(W, C_k)
    missed(W, C) = 0 if W <= C, else 1 - (C / W)^s

with coefficients of at least zero: the curve bends upwards where ``W`` exceeds a capacity, and nowhere else. ``s`` says
how sharply: 1 for a cache that keeps what it can (Qureshi et al., ISCA 2007), large for one that keeps what was used
last. Capacities and ``s`` are those of least relative error; how many there are, the Bayesian information criterion
decides (Schwarz, Annals of Statistics 6(2), 1978); their intervals come from resampling the points of the sweep.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

from tuner.energy_model.relative_fit import relative_fit
from tuner.energy_model.working_set.resampling import interval, relative_errors
from tuner.errors import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHARPNESS = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0)
_GRID = 40
_LEAST_STEP = 0.01
_FIRST_STEP = 0.2
"""Steps of a capacity's logarithm."""
_RESAMPLES = 100
_LEAST_POINTS = 8
_LEAST_APART = math.log(2.0)
"""Two capacities closer than a factor of two are one."""
_LEAST_ON_EACH_SIDE = 3
"""Fewer points before or after a capacity can be chance."""
_LEAST_EVIDENCE = 6.0
"""Strong evidence, in the words of Kass and Raftery (Journal of the American Statistical Association 90, 1995)."""


@dataclass(frozen=True)
class Knee:
    """A capacity that a curve shows.

    Attributes:
        n_bytes: The largest working set that still fits.
        low_bytes: Lower end of its 95 % interval.
        high_bytes: Upper end.
        rise: By how much of the cost before it the cost of a byte rises, once nothing is served from there any more.
        evidence: By how much the criterion prefers the curve to one without this knee, the others moved to where they
            do without it best; above 10 is very strong.
    """

    n_bytes: float
    low_bytes: float
    high_bytes: float
    rise: float
    evidence: float


@dataclass(frozen=True)
class Knees:
    """The knees of a curve.

    Attributes:
        knees: In ascending order.
        sharpness: ``s``.
        error: Mean relative error of the fitted curve.
    """

    knees: tuple[Knee, ...]
    sharpness: float
    error: float


@dataclass(frozen=True)
class _Curve:
    capacities: tuple[float, ...]
    sharpness: float
    prices: NDArray[Any]
    errors: NDArray[Any]

    @property
    def criterion(self) -> float:
        """Schwarz's: less is better. Each knee has a place and a height; overhead, price and sharpness come first."""
        points = len(self.errors)
        squares = float(self.errors @ self.errors) / points
        return points * math.log(max(squares, 1e-30)) + (3 + 2 * len(self.capacities)) * math.log(points)


def find_knees(sizes_bytes: Sequence[float], costs: Sequence[float], most: int = 3, seed: int = 0) -> Knees:
    """Returns the knees of a sweep.

    Args:
        sizes_bytes: Working sets, not necessarily in order.
        costs: What one byte (or one datum, where a datum always moves the same) costs at each, above zero.
        most: The largest number of knees to look for.
        seed: Of the resampling.

    Raises:
        BadInputError: There are too few points, or some are not above zero.
    """
    import numpy as np

    if len(sizes_bytes) < _LEAST_POINTS or min(*sizes_bytes, *costs) <= 0:
        raise BadInputError(f"Knees are found in {_LEAST_POINTS} points or more, with sizes and costs above zero.")
    sizes, paid = np.array(sizes_bytes, dtype=float), np.array(costs, dtype=float)
    best = min(_curves(sizes, paid, most), key=_demanding_criterion)
    low, high = _intervals(sizes, paid, best, seed)
    rises = _rises(best.prices)
    knees = tuple(
        Knee(capacity, float(low[k]), float(high[k]), rises[k], _evidence(sizes, paid, best, k))
        for k, capacity in enumerate(best.capacities)
    )
    return Knees(knees, best.sharpness, error=float(np.abs(best.errors).mean()))


def _curves(sizes: NDArray[Any], costs: NDArray[Any], most: int) -> list[_Curve]:
    """Returns the best curves without a knee, with one, and so on."""
    curves = [_fit(sizes, costs, (), _SHARPNESS)]
    while len(curves) <= most:
        curves.append(_best(sizes, costs, curves[-1].capacities))
    return curves


def _evidence(sizes: NDArray[Any], costs: NDArray[Any], best: _Curve, left_out: int) -> float:
    rest = best.capacities[:left_out] + best.capacities[left_out + 1 :]
    start = _fit(sizes, costs, rest, _SHARPNESS)
    return _polished(sizes, costs, start, _FIRST_STEP, _SHARPNESS).criterion - best.criterion


def _rises(prices: NDArray[Any]) -> list[float]:
    """Returns each extra price relative to the price before it; the overhead stands before."""
    _, price, *extras = (float(each) for each in prices)
    rises = []
    for extra in extras:
        rises.append(extra / price if price else math.inf)
        price += extra
    return rises


def _best(sizes: NDArray[Any], costs: NDArray[Any], before: tuple[float, ...]) -> _Curve:
    """Adds one capacity to those that were found, then lets each move while that helps."""
    grid = _grid(sizes)
    curve = min((_fit(sizes, costs, tuple(sorted((*before, each))), _SHARPNESS) for each in grid), key=_squares)
    return _polished(sizes, costs, curve, math.log(grid[1] / grid[0]), _SHARPNESS)


def _polished(
    sizes: NDArray[Any], costs: NDArray[Any], curve: _Curve, step: float, sharpness: Sequence[float]
) -> _Curve:
    """Moves capacities by ever smaller steps of their logarithm."""
    while curve.capacities and step > _LEAST_STEP:
        moved = min(
            (_fit(sizes, costs, places, sharpness) for places in _neighbours(curve.capacities, step)), key=_squares
        )
        if _squares(moved) < _squares(curve) * (1 - 1e-9):
            curve = moved
        else:
            step /= 2
    return curve


def _neighbours(capacities: tuple[float, ...], step: float) -> Sequence[tuple[float, ...]]:
    """Moves one capacity, or two together, by a step in the logarithm."""
    places = range(len(capacities))
    moves = [*combinations(places, 1), *combinations(places, 2)]
    found = []
    for move in moves:
        for signs in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            factors = dict(zip(move, signs, strict=False))
            moved = [each * math.exp(step * factors.get(place, 0)) for place, each in enumerate(capacities)]
            found.append(tuple(moved))
    return found


def _fit(sizes: NDArray[Any], costs: NDArray[Any], capacities: tuple[float, ...], sharpness: Sequence[float]) -> _Curve:
    return min((_fit_sharp(sizes, costs, capacities, each) for each in sharpness), key=_squares)


def _fit_sharp(sizes: NDArray[Any], costs: NDArray[Any], capacities: tuple[float, ...], sharpness: float) -> _Curve:
    import numpy as np

    missed = [1.0 - np.minimum(1.0, capacity / sizes) ** sharpness for capacity in capacities]
    design = np.stack([1.0 / sizes, np.ones_like(sizes), *missed], axis=1)
    if not _is_credible(sizes, capacities):
        return _Curve(capacities, sharpness, np.zeros(design.shape[1]), np.full(len(sizes), math.inf))
    prices = relative_fit(design, costs, costs)
    return _Curve(capacities, sharpness, prices, relative_errors(design, costs, prices))


def _is_credible(sizes: NDArray[Any], capacities: tuple[float, ...]) -> bool:
    is_apart = all(math.log(second / first) >= _LEAST_APART for first, second in pairwise(capacities))
    before = [int((sizes <= capacity).sum()) for capacity in capacities]
    return is_apart and all(_LEAST_ON_EACH_SIDE <= count <= len(sizes) - _LEAST_ON_EACH_SIDE for count in before)


def _demanding_criterion(curve: _Curve) -> float:
    return curve.criterion + _LEAST_EVIDENCE * len(curve.capacities)


def _squares(curve: _Curve) -> float:
    return float(curve.errors @ curve.errors)


def _grid(sizes: NDArray[Any]) -> Sequence[float]:
    import numpy as np

    return [float(size) for size in np.geomspace(sizes.min(), sizes.max(), _GRID)]


def _intervals(sizes: NDArray[Any], costs: NDArray[Any], best: _Curve, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    import numpy as np

    generator = np.random.default_rng(seed)
    draws = (generator.integers(len(sizes), size=len(sizes)) for _ in range(_RESAMPLES))
    found = [_refitted(sizes[draw], costs[draw], best) for draw in draws]
    return interval(np.array(found).reshape(_RESAMPLES, -1))


def _refitted(sizes: NDArray[Any], costs: NDArray[Any], best: _Curve) -> tuple[float, ...]:
    """Lets the capacities move in a resample, from where they were found."""
    start = _fit_sharp(sizes, costs, best.capacities, best.sharpness)
    return _polished(sizes, costs, start, _FIRST_STEP, (best.sharpness,)).capacities
