"""Curves with knees at known places."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

SIZES = [float(2**exponent) for exponent in np.arange(14.0, 27.0, 0.4)]


def curve(knees: Mapping[int, float], sharpness: float, noise: float, seed: int = 0) -> list[float]:
    """Returns what a byte costs at each size: 1, an overhead, and what is extra beyond each capacity."""
    sizes = np.array(SIZES)
    costs = 1.0 + 2_000 / sizes
    for capacity, extra in knees.items():
        costs += extra * (1.0 - np.minimum(1.0, capacity / sizes) ** sharpness)
    factors = np.exp(np.random.default_rng(seed).normal(0, noise, len(sizes)))
    return [float(cost) for cost in costs * factors]
