"""Quantiles of Student's t: for one look, and for any number of looks."""

from __future__ import annotations

import math
from statistics import NormalDist

_EFFECT_VARIANCE = 1.0
"""Variance of the mean's distance from the truth, in units of one observation's variance, under the mixture. One rules
out any statement from fewer than five observations at 5 %, and is within a tenth of the best choice for 8 to 40."""


def student_t(degrees: int, probability: float = 0.975) -> float:
    """Returns a quantile of Student's t.

    Exact for one and two degrees of freedom; else the expansion of Abramowitz and Stegun, 26.7.5, which is
    off by less than 1 % from three degrees on.

    Args:
        degrees: Degrees of freedom.
        probability: Of lying below; between 0.5 and 0.975. The default is that of a 95 % interval.
    """
    if degrees < 1:
        return math.inf
    if degrees == 1:
        return math.tan(math.pi * (probability - 0.5))
    if degrees == 2:
        return (2.0 * probability - 1.0) / math.sqrt(2.0 * probability * (1.0 - probability))
    z, n = NormalDist().inv_cdf(probability), float(degrees)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / n + second / n**2 + third / n**3


def time_uniform_t(observations: float, error: float = 0.05) -> float:
    """Returns how many standard errors the mean may be off, however often one looks.

    The likelihood ratio of Student's t under a normal mixture of effect sizes is a test martingale in the filtration
    of what is invariant to scale; this is t where it is ``1 / error``. Exact for independent normal observations of
    unknown variance (Wang and Ramdas, "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown
    variance", 2023: Lai's flat mixture of 1976 swapped for a Gaussian one), and by the central limit theorem for
    others as their number grows (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory
    and asymptotic confidence sequences", Annals of Statistics 52(6), 2024).

    Args:
        observations: Independent observations; a fraction where dependent ones were discounted.
        error: Probability of being off by more at any time.

    Returns:
        The factor; infinity where so few observations allow no statement at all.
    """
    if observations <= 1.0:
        return math.inf
    spread = 1.0 + observations * _EFFECT_VARIANCE
    allowed = (math.sqrt(spread) / error) ** (2.0 / observations)
    if allowed >= spread:
        return math.inf
    return math.sqrt((observations - 1.0) * (allowed - 1.0) / (1.0 - allowed / spread))
