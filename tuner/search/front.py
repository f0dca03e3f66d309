"""What measuring a candidate adds to the Pareto front: expected hypervolume improvement.

With two objectives that are independent normal variables, the expected improvement is a finite sum over the strips
between the points of the front (Emmerich, Deutz and Klinkenberg, *Hypervolume-based expected improvement*, CEC 2011).
Both objectives are logarithms, so an octave of latency counts as much wherever it lies.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from botorch.utils.multi_objective.hypervolume import Hypervolume
from torch import Tensor

from tuner.search.surrogate import Prediction

Point = tuple[float, float]
"""Log latency and log energy per request."""


def non_dominated(points: Sequence[Point]) -> list[Point]:
    """Returns the points that no other one beats in both, by latency, ascending."""
    front: list[Point] = []
    for point in sorted(set(points)):
        if not front or point[1] < front[-1][1]:
            front.append(point)
    return front


def expected_improvement(prediction: Prediction, front: Sequence[Point], reference: Point) -> Tensor:
    """Returns the expected gain of hypervolume, ``n``.

    Args:
        prediction: What is expected of the candidates; the first SLO's latency is the front's.
        front: The non-dominated points so far, by latency, ascending.
        reference: What is worse than everything that counts.
    """
    inside = [point for point in front if point[0] < reference[0] and point[1] < reference[1]]
    latency = _ExpectedShortfall(prediction.latency_means[0], prediction.latency_sds[0])
    energy = _ExpectedShortfall(prediction.energy_mean, prediction.energy_sd)
    ends = [point[0] for point in inside] + [reference[0]]
    heights = [reference[1]] + [point[1] for point in inside]
    gain = torch.zeros_like(prediction.energy_mean)
    before = torch.zeros_like(gain)
    for end, height in zip(ends, heights, strict=True):
        below = latency(end)
        gain = gain + (below - before) * energy(height)
        before = below
    return gain


def hypervolume(front: Sequence[Point], reference: Point) -> float:
    """Returns the area that a front dominates, up to the reference point."""
    points = torch.tensor(list(front), dtype=torch.float64).reshape(-1, 2)
    volume: float = Hypervolume(-torch.tensor(reference, dtype=torch.float64)).compute(-points)
    return volume


class _ExpectedShortfall:
    """``E[max(0, bound - X)]`` of normal variables."""

    def __init__(self, mean: Tensor, sd: Tensor) -> None:
        self._mean, self._sd = mean, sd
        self._normal = torch.distributions.Normal(0.0, 1.0)

    def __call__(self, bound: float) -> Tensor:
        margin = (bound - self._mean) / self._sd
        density = self._normal.log_prob(margin).exp()
        return self._sd * (density + margin * self._normal.cdf(margin))
