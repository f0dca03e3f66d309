"""Intervals from repetitions."""

from __future__ import annotations

import math

import numpy as np

from tuner.energy_model.accounting.timeline import Floats

_QUANTILES = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Student's distribution: the 97.5 % quantile for 1 to 10 degrees of freedom."""
_LIMIT, _SLOPE = 1.96, 2.5
"""Beyond, ``1.96 + 2.5 / degrees`` is right to 0.01."""


def quantile_975(degrees: int) -> float:
    """Returns how many standard errors a 95 % interval reaches to either side."""
    return _QUANTILES[degrees - 1] if degrees <= len(_QUANTILES) else _LIMIT + _SLOPE / degrees


def half_width_of_sum(amounts: Floats, further_variance: float = 0.0) -> float | None:
    """Returns half of the 95 % interval of a sum over repetitions; None if there is only one.

    Args:
        amounts: What each repetition adds, as if repetitions were independent; shape (repetitions,).
        further_variance: The square of a half width from another source.
    """
    count = len(amounts)
    if count < 2:
        return None
    half_width = quantile_975(count - 1) * math.sqrt(count) * float(np.std(amounts, ddof=1))
    return math.sqrt(half_width**2 + further_variance)


def half_width_of_share(parts: Floats, wholes: Floats, further_variance: float = 0.0) -> float | None:
    """Returns half of the 95 % interval of ``sum(parts) / sum(wholes)``; None if there is one repetition.

    It is that of a ratio (Cochran, Sampling Techniques, 3rd ed., section 6.3): what slows a whole repetition down does
    not make its shares less certain.

    Args:
        parts: Of each repetition, shape (repetitions,).
        wholes: What they are parts of.
        further_variance: The square of a half width of the parts' sum from another source.
    """
    whole = float(wholes.sum())
    if whole <= 0:
        return None
    half_width = half_width_of_sum(parts - parts.sum() / whole * wholes, further_variance)
    return None if half_width is None else half_width / whole
