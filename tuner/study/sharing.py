"""Neighbouring arrival rates share a configuration where nothing tells which is better: fewer switches."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.measuring.confidence import separate
from tuner.trial import EnergyResult, Trial

_MOST_GIVEN_AWAY = 0.05
"""Where intervals are wide, they tell nothing apart; a switch less is not worth more energy than this share."""


def shared_first(candidates: Sequence[Trial], neighbour: Trial | None) -> list[Trial]:
    """Puts the neighbour's configuration first if its energy cannot be told from that of the best candidate.

    Args:
        candidates: Feasible trials at one arrival rate, the least energy first.
        neighbour: The trial that found what stands at the next higher arrival rate, if there is one.

    Returns:
        The same candidates; their order changes only if the neighbour's configuration is one of them, its 95 %
        interval is not above that of the best, and its energy hardly is.
    """
    found = [trial for trial in candidates if neighbour and trial.configuration == neighbour.configuration]
    if not found or not _is_as_good(_energy(found[0]), _energy(candidates[0])):
        return list(candidates)
    return [found[0], *(trial for trial in candidates if trial is not found[0])]


def _is_as_good(energy: EnergyResult, best: EnergyResult) -> bool:
    is_near = energy.per_request_j <= best.per_request_j * (1.0 + _MOST_GIVEN_AWAY)
    return is_near and not separate(energy.interval, best.interval)


def _energy(trial: Trial) -> EnergyResult:
    assert trial.measurement is not None, "only measured trials are candidates"
    return trial.measurement.energy
