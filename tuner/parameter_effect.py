"""What one parameter does to latency and energy: plain records that know no model and no torch."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.configuration import Value
from tuner.trial import Interval


@dataclass(frozen=True)
class Ratio:
    """A ratio as far as it is known.

    Attributes:
        median: As likely too small as too large.
        interval: Its 95 % interval.
    """

    median: float
    interval: Interval


@dataclass(frozen=True)
class ParameterEffect:
    """What a parameter does along its line: all other parameters stay as they are in one trial.

    It is modelled from the measured trials of a study, not measured.

    Attributes:
        parameter: The parameter's id.
        through: Number of the trial that the line goes through: the incumbent, or what came closest to holding every
            SLO.
        tried: How many of the parameter's values were measured, wherever on the line or off it.
        choices: The legal choices along the line, or some of them, evenly spread; in the order of the parameter's.
        latency_ratios: Of each choice, the latency that the first SLO bounds, over that of the trial.
        energy_ratios: Of each choice, the energy per request, over that of the trial.
        latency_left: Of each choice, the least latency from it on, over its own: what is left to be gained.
    """

    parameter: str
    through: int
    tried: int
    choices: tuple[Value, ...]
    latency_ratios: tuple[Ratio, ...]
    energy_ratios: tuple[Ratio, ...]
    latency_left: tuple[Ratio, ...]
