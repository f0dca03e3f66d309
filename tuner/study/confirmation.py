"""What is recommended was measured again: the final candidates and the baseline in turn, on fresh data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tuner.configuration import Configuration
from tuner.study.comparison import compare
from tuner.study.sharing import shared_first
from tuner.study_record import Comparison, Study
from tuner.trial import Measurement, Purpose, Trial, Verdict

_CANDIDATES = 3
_LEAST_ROUNDS = 2


@dataclass(frozen=True)
class Confirmation:
    """What fresh data say.

    Attributes:
        winner: The trial whose configuration is to be recommended (the baseline's if nothing beats it), or
            None if no configuration holds the SLOs.
        comparison: The winner against the baseline; None if the winner is the baseline.
        baseline: The baseline's measurements behind the comparison.
        recommended: The winner's measurements behind the comparison.
        caveats: What happened on the way, in sentences.
    """

    winner: Trial | None
    comparison: Comparison | None = None
    baseline: tuple[Measurement, ...] = ()
    recommended: tuple[Measurement, ...] = ()
    caveats: tuple[str, ...] = ()


def confirm(
    study: Study,
    levelled: Sequence[Trial],
    baseline: Configuration,
    rounds: int,
    measure: Callable[[Configuration], Trial],
    neighbour: Trial | None = None,
) -> Confirmation:
    """Measures the best candidates and the baseline again, in turn, until one candidate stands.

    Args:
        study: The study, its search ended; of several arrival rates, what it knows of one.
        levelled: Its trials as if all had been measured when the baseline was.
        baseline: The configuration that the machine has without us.
        rounds: How often each of the two is measured; at least two.
        measure: Measures one configuration as a confirmation.
        neighbour: The trial that found what stands at the next higher arrival rate, if there is one.
    """
    caveats: list[str] = []
    for candidate in _candidates(study, levelled, baseline, neighbour):
        turns = _turns(study, baseline, candidate.configuration)
        measured, complaint = _alternate(turns, max(rounds, _LEAST_ROUNDS), measure)
        if not complaint:
            comparison = compare(measured[0], measured[-1], measured[1] if len(turns) > 2 else ())
            if comparison.saving > 0 or not _holds(study.baseline):
                return Confirmation(candidate, comparison, measured[0], measured[-1], tuple(caveats))
            complaint = "saved nothing when it was measured again"
        caveats.append(f"Trial {candidate.number} looked better while searching, but {complaint}.")
    return Confirmation(study.baseline if _holds(study.baseline) else None, caveats=tuple(caveats))


def _candidates(
    study: Study, levelled: Sequence[Trial], baseline: Configuration, neighbour: Trial | None
) -> list[Trial]:
    """Returns what may beat the baseline: feasible trials, the least energy first; see :func:`shared_first`.

    Where none is known, the neighbour's configuration is tried if it never was: a lower rate is easier to serve.
    """
    found = shared_first(_feasible(study, levelled, baseline), neighbour)
    if not found and neighbour is not None:
        tried = [trial.configuration for trial in study.trials]
        return [neighbour] if neighbour.configuration not in tried else []
    return found[:_CANDIDATES]


def _feasible(study: Study, levelled: Sequence[Trial], baseline: Configuration) -> list[Trial]:
    """Feasible trials that may beat the baseline, the least energy first."""
    limit_j = float("inf")
    if study.baseline is not None and study.baseline.measurement is not None and _holds(study.baseline):
        limit_j = study.baseline.measurement.energy.per_request_j
    found = [
        (trial.measurement.energy.per_request_j, trial.number, trial)
        for trial in levelled
        if trial.measurement is not None
        and trial.is_feasible
        and trial.purpose is Purpose.SEARCH
        and trial.configuration != baseline
        and trial.measurement.energy.per_request_j < limit_j
    ]
    return [trial for _, _, trial in sorted(found, key=lambda row: row[:2])]


def _turns(study: Study, baseline: Configuration, candidate: Configuration) -> list[Configuration]:
    """Returns what is measured in each round: the baseline first, the candidate last.

    Where the candidate changes both, the baseline's knobs with the candidate's serving parameters come between:
    they tell what the knobs save from what a larger batch saves on any hardware.
    """
    knobs = baseline.only(study.space.knob_ids)
    serving_only = Configuration({**candidate, **knobs})
    return list(dict.fromkeys([baseline, serving_only, candidate]))


def _alternate(
    turns: Sequence[Configuration], rounds: int, measure: Callable[[Configuration], Trial]
) -> tuple[list[tuple[Measurement, ...]], str]:
    """Measures A B A B ...; returns the measurements by turn, and what speaks against the last turn, if anything."""
    complete: list[tuple[Measurement, ...]] = []
    verdicts: set[Verdict] = set()
    for _ in range(rounds):
        measured = [measure(configuration).measurement for configuration in turns]
        if measured[-1] is not None:
            verdicts.add(measured[-1].verdict)
        if Verdict.INFEASIBLE in verdicts:
            return [], "broke the SLO when it was measured again"
        whole = tuple(measurement for measurement in measured if measurement is not None)
        if len(whole) == len(turns):
            complete.append(whole)
    if len(complete) < _LEAST_ROUNDS:
        return [], "could not be measured again"
    if Verdict.FEASIBLE not in verdicts:
        return [], "could not be shown to hold the SLO again"
    return list(zip(*complete, strict=True)), ""


def _holds(trial: Trial | None) -> bool:
    return trial is not None and trial.is_feasible
