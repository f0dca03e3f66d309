"""How far the joules of a window are off, by update period: the arithmetic against power with an exact integral.

Time passes only as it is told to, so that this takes no time and says the same on every machine: late polls, slow
reads and updates out of step are drawn at random, as in ``tests/unit/knobs/meters/sampling/test_exactness.py``, where
the same measurement decides.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.hardware.figures import PERCENT, Figure, Section
from tests.unit.knobs.meters.sampling.bench import Bench
from tests.unit.knobs.meters.sampling.test_exactness import (
    PERIODS_S,
    PROFILES,
    WINDOW_S,
    measure,
    ordinary_disturbances,
)

LIMIT = 0.01
_SEEDS = range(3)
_MILLISECONDS = 1e3
_KINDS = ("counter", "power")


def accuracy_section() -> Section:
    """Returns the largest error of a window for every kind of source and update period."""
    return Section(
        f"joules of {WINDOW_S:g} s, {len(PROFILES)} power profiles with an exact integral: largest error",
        tuple(_largest_error(kind, period_s) for kind in _KINDS for period_s in PERIODS_S),
    )


def _largest_error(kind: str, period_s: float) -> Figure:
    errors, stated, covered = zip(*_windows(kind, period_s), strict=True)
    return Figure(
        f"{kind}, updates every {period_s * _MILLISECONDS:g} ms",
        max(errors),
        f"mean {sum(errors) / len(errors):.3%}; stated up to {max(stated):.2%}, on average "
        f"{sum(stated) / len(stated):.2%}, which holds the truth in {sum(covered)} of {len(covered)} windows",
        limit=LIMIT,
        unit=PERCENT,
        measured={"mean_error": sum(errors) / len(errors), "largest_stated": max(stated)},
    )


def _windows(kind: str, period_s: float) -> Iterator[tuple[float, float, bool]]:
    """Yields the relative error of each window, the error that was stated, and whether that is wide enough."""
    for make in PROFILES.values():
        for seed in _SEEDS:
            disturbances = ordinary_disturbances(period_s)
            energy_j, stated_j, truth_j = measure(
                Bench(make(period_s), kind, period_s, disturbances=disturbances, seed=seed)
            )
            error_j = abs(energy_j - truth_j)
            yield error_j / truth_j, stated_j / truth_j, error_j <= stated_j + 1e-9
