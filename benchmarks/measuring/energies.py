"""Energy per request: how often its interval holds the truth when the window closes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean, median, stdev

import numpy as np

from benchmarks.hardware.figures import PERCENT, Figure, Section
from benchmarks.measuring.streams import Latencies, autoregressive
from tuner.measuring.confidence import EnergyPerRequest, student_t

TARGET = 0.02
_COVERAGE = 0.93
_MOST_PIECES = 200
_LEAST_PIECES_EARLIER = 3
_REQUESTS = 100.0
_SPREADS = (0.005, 0.02, 0.05)
"""Scatter of a piece's energy per request, relative."""


@dataclass(frozen=True)
class EnergyStream:
    """Relative deviations of pieces, of mean 0 and variance 1.

    Attributes:
        name: What it is like.
        draw: Returns as many as asked for in each of so many trials, of shape ``(trials, pieces)``.
    """

    name: str
    draw: Callable[[np.random.Generator, int, int], Latencies]


def _rare(generator: np.random.Generator, trials: int, pieces: int) -> Latencies:
    """One piece in 20 is far more expensive: somebody else's work."""
    rare = generator.random((trials, pieces)) < 0.05
    return 0.95 * (rare - 0.05) / math.sqrt(0.05 * 0.95) + 0.312 * generator.standard_normal((trials, pieces))


STREAMS = (
    EnergyStream("independent, normal", lambda random, trials, pieces: random.standard_normal((trials, pieces))),
    EnergyStream("independent, gamma", lambda random, trials, pieces: random.gamma(4.0, 0.5, (trials, pieces)) - 2.0),
    EnergyStream("autocorrelated to 0.3", lambda random, trials, pieces: autoregressive(random, trials, pieces, 0.3)),
    EnergyStream("autocorrelated to 0.5", lambda random, trials, pieces: autoregressive(random, trials, pieces, 0.5)),
    EnergyStream("skewed, exponential", lambda random, trials, pieces: random.exponential(1.0, (trials, pieces)) - 1.0),
    EnergyStream("one piece in 20 expensive", _rare),
)


def energy_section(stream: EnergyStream, trials: int, seed: int) -> Section:
    """Closes windows as soon as energy is known to the target.

    Args:
        stream: What pieces scatter like.
        trials: Windows, over all spreads.
        seed: Of the random numbers.
    """
    generator = np.random.default_rng(seed)
    ours, earlier = [], []
    for spread in _SPREADS:
        energies_j = 1.0 + spread * stream.draw(generator, -(-trials // len(_SPREADS)), _MOST_PIECES)
        requests = generator.poisson(_REQUESTS, energies_j.shape) + 1.0
        for each_j, items in zip((energies_j * requests).tolist(), requests.tolist(), strict=True):
            ours.append(_ours(each_j, items))
            earlier.append(_earlier(each_j, items))
    return Section(f"Energy per request: {stream.name}", (_figure(ours, earlier),))


def _figure(ours: list[tuple[bool, int]], earlier: list[tuple[bool, int]]) -> Figure:
    held, pieces = zip(*ours, strict=True)
    earlier_held, earlier_pieces = zip(*earlier, strict=True)
    return Figure(
        "intervals that miss the truth",
        1.0 - fmean(held),
        f"{len(held)} windows, {median(pieces):g} pieces in the median; one look's interval at every piece: "
        f"{1.0 - fmean(earlier_held):.2%}, {median(earlier_pieces):g} pieces",
        1.0 - _COVERAGE,
        PERCENT,
    )


def _ours(energies_j: list[float], items: list[float]) -> tuple[bool, int]:
    """Returns whether the interval held the truth, 1 J, when the window closed, and after how many pieces it did."""
    account = EnergyPerRequest()
    for energy_j, requests in zip(energies_j, items, strict=True):
        account.add(energy_j, requests, 0.4)
        if account.half_width_j() <= TARGET * account.ratio_j:
            break
    return abs(account.ratio_j - 1.0) <= account.half_width_j(), account.pieces


def _earlier(energies_j: list[float], items: list[float]) -> tuple[bool, int]:
    """The same with Student's t for one look, which is what windows were closed by before."""
    half_width_j, ratio_j, pieces = math.inf, 0.0, 0
    for pieces in range(_LEAST_PIECES_EARLIER, len(energies_j) + 1):
        ratio_j = math.fsum(energies_j[:pieces]) / math.fsum(items[:pieces])
        residuals = [energy - ratio_j * each for energy, each in zip(energies_j[:pieces], items[:pieces], strict=True)]
        half_width_j = student_t(pieces - 1) * stdev(residuals) / math.sqrt(pieces) / fmean(items[:pieces])
        if half_width_j <= TARGET * ratio_j:
            break
    return abs(ratio_j - 1.0) <= half_width_j, pieces
