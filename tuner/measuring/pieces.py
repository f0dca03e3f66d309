"""Pieces of a window between meter readings, and what they would have cost at the stated rate of requests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

_LEAST_TO_REGRESS = 8
"""A slope out of fewer pieces adds more noise than it takes away."""

_DEVIATIONS = 4.0


@dataclass(frozen=True)
class Piece:
    """A stretch of a window from one meter reading to the next.

    Attributes:
        energy_j: Joules.
        items: Requests worked on; not whole where a batch was cut.
        duration_s: Its length.
        cpu_s: CPU time that went into it; zero where nobody counts it.
    """

    energy_j: float
    items: float
    duration_s: float
    cpu_s: float = 0.0


def at_rate(pieces: Sequence[Piece], rate_hz: float) -> list[Piece]:
    """Returns the pieces as if requests had come evenly at a known rate.

    How many requests happen to arrive within seconds is chance, and the server is not to be praised or blamed for
    it: over a window of 200 requests that chance alone is 7 %, in everything that is divided by their number. The
    rate at which they arrive in the long run is known, since we generate them. So the energy of each piece is
    corrected by what its surplus of requests cost, where that is known from how energy follows requests over the
    pieces: the regression estimator with a known mean of the auxiliary variable (Cochran, Sampling Techniques, 3rd
    ed., section 7.3).

    A server that cannot keep up with the rate is left as it is: it did not serve at that rate.

    Args:
        pieces: The pieces of a window.
        rate_hz: Requests per second, in the long run.
    """
    duration_s = sum(piece.duration_s for piece in pieces)
    expected = rate_hz * duration_s
    if abs(sum(piece.items for piece in pieces) - expected) > _DEVIATIONS * math.sqrt(expected):
        return list(pieces)
    each_j = _slope(pieces, [piece.energy_j for piece in pieces])
    each_cpu_s = _slope(pieces, [piece.cpu_s for piece in pieces])
    return [_corrected(piece, rate_hz * piece.duration_s, each_j, each_cpu_s) for piece in pieces]


def _corrected(piece: Piece, items: float, each_j: float, each_cpu_s: float) -> Piece:
    surplus = piece.items - items
    return replace(
        piece, energy_j=piece.energy_j - each_j * surplus, items=items, cpu_s=piece.cpu_s - each_cpu_s * surplus
    )


def _slope(pieces: Sequence[Piece], amounts: Sequence[float]) -> float:
    """Returns how much of something each request more takes, as far as the pieces tell.

    Least squares of the rate of the amount on the rate of requests, each piece weighted with its length. Never below
    zero: no request saves energy.

    Args:
        pieces: The pieces.
        amounts: What each of them took.
    """
    if len(pieces) < _LEAST_TO_REGRESS:
        return 0.0
    total_s = sum(piece.duration_s for piece in pieces)
    mean_hz = sum(piece.items for piece in pieces) / total_s
    mean = sum(amounts) / total_s
    spread = covariance = 0.0
    for piece, amount in zip(pieces, amounts, strict=True):
        more_hz = piece.items / piece.duration_s - mean_hz
        spread += piece.duration_s * more_hz**2
        covariance += more_hz * (amount - mean * piece.duration_s)
    return max(0.0, covariance / spread) if spread > 0 else 0.0
