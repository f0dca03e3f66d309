"""Effects of parameters for tests, with only what matters spelled out."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.configuration import Value
from tuner.parameter_effect import ParameterEffect, Ratio
from tuner.trial import Interval


def ratio(median: float, spread: float = 0.01) -> Ratio:
    """A ratio that is known within a share of itself."""
    return Ratio(median, Interval(median * (1 - spread), median * (1 + spread)))


def effect(
    parameter: str,
    choices: Sequence[Value],
    latencies: Sequence[float] = (),
    energies: Sequence[float] = (),
    spread: float = 0.01,
    through: int = 0,
    tried: int = 2,
) -> ParameterEffect:
    """An effect whose ratios are known within a share; those that are left out are one."""
    latencies = latencies or [1.0] * len(choices)
    energies = energies or [1.0] * len(choices)
    lefts = [min(latencies[place:]) / latency for place, latency in enumerate(latencies)]
    return ParameterEffect(
        parameter,
        through,
        tried,
        tuple(choices),
        *(tuple(ratio(median, spread) for median in medians) for medians in (latencies, energies, lefts)),
    )
