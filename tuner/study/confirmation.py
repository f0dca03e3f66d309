"""What is recommended was measured again: the final candidates and the baseline in turn, on fresh data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tuner.configuration import Configuration
from tuner.study.comparison import compare
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
    study: Study, baseline: Configuration, rounds: int, measure: Callable[[Configuration], Trial]
) -> Confirmation:
    """Measures the best candidates and the baseline again, in turn, until one candidate stands.

    Args:
        study: The study, its search ended.
        baseline: The configuration that the machine has without us.
        rounds: How often each of the two is measured; at least two.
        measure: Measures one configuration as a confirmation.
    """
    caveats: list[str] = []
    for candidate in _candidates(study, baseline):
        pairs, complaint = _alternate(baseline, candidate, max(rounds, _LEAST_ROUNDS), measure)
        if not complaint:
            before, after = zip(*pairs, strict=True)
            comparison = compare(before, after)
            if comparison.saving > 0 or not _holds(study.baseline):
                return Confirmation(candidate, comparison, before, after, tuple(caveats))
            complaint = "saved nothing when it was measured again"
        caveats.append(f"Trial {candidate.number} looked better while searching, but {complaint}.")
    return Confirmation(study.baseline if _holds(study.baseline) else None, caveats=tuple(caveats))


def _candidates(study: Study, baseline: Configuration) -> list[Trial]:
    """Feasible trials that may beat the baseline, the least energy first."""
    limit_j = float("inf")
    if study.baseline is not None and study.baseline.measurement is not None and _holds(study.baseline):
        limit_j = study.baseline.measurement.energy.per_request_j
    found = [
        (trial.measurement.energy.per_request_j, trial.number, trial)
        for trial in study.trials
        if trial.measurement is not None
        and trial.is_feasible
        and trial.purpose is Purpose.SEARCH
        and trial.configuration != baseline
        and trial.measurement.energy.per_request_j < limit_j
    ]
    return [trial for _, _, trial in sorted(found)[:_CANDIDATES]]


def _alternate(
    baseline: Configuration, candidate: Trial, rounds: int, measure: Callable[[Configuration], Trial]
) -> tuple[list[tuple[Measurement, Measurement]], str]:
    """Measures A B A B ...; returns the pairs, and what speaks against the candidate, if anything."""
    pairs: list[tuple[Measurement, Measurement]] = []
    verdicts: set[Verdict] = set()
    for _ in range(rounds):
        before = measure(baseline).measurement
        after = measure(candidate.configuration).measurement
        if after is not None:
            verdicts.add(after.verdict)
        if Verdict.INFEASIBLE in verdicts:
            return pairs, "broke the SLO when it was measured again"
        if before is not None and after is not None:
            pairs.append((before, after))
    if len(pairs) < _LEAST_ROUNDS:
        return pairs, "could not be measured again"
    if Verdict.FEASIBLE not in verdicts:
        return pairs, "could not be shown to hold the SLO again"
    return pairs, ""


def _holds(trial: Trial | None) -> bool:
    return trial is not None and trial.is_feasible
