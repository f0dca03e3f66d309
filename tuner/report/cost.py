"""What a study cost, part by part: time, joules, and requests that were late or failed because of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.objective import Scenario
from tuner.report.digest import Digest
from tuner.trial import Purpose, Trial

_PARTS = {
    Purpose.BASELINE: "Baseline",
    Purpose.SEARCH: "Search",
    Purpose.REFERENCE: "Looks for drift",
    Purpose.CONFIRMATION: "Confirmation",
}


@dataclass(frozen=True)
class Cost:
    """What one part of a study took.

    Attributes:
        part: What it was.
        trials: How many trials it had; None if it is none of measuring.
        duration_s: Time; None where only joules are accounted for.
        energy_j: Joules in the study's scope; None if they are not known, or not counted.
        late_requests: Requests that broke an SLO or failed; None if it is none of measuring.
    """

    part: str
    trials: int | None
    duration_s: float | None
    energy_j: float | None
    late_requests: int | None


def parts(digest: Digest) -> tuple[Cost, ...]:
    """Returns what the parts of a study took, in the order in which they come."""
    study = digest.study
    by_purpose = {purpose: [trial for trial in study.trials if trial.purpose is purpose] for purpose in _PARTS}
    measuring = [_cost_of(_PARTS[purpose], trials) for purpose, trials in by_purpose.items() if trials]
    choosing = [Cost("Optimizer", None, study.search_s, study.search_j, None)] if study.search_s else []
    return (*measuring, *choosing, *_rest(digest), *_traffic(digest))


def total(digest: Digest) -> Cost:
    """Returns what the study took as a whole."""
    trials = digest.study.trials
    late_requests = sum(trial.late_requests for trial in trials)
    return Cost("Together", len(trials), digest.study.duration_s, digest.cost_j, late_requests)


def _cost_of(part: str, trials: Sequence[Trial]) -> Cost:
    known = [trial.energy_j for trial in trials if trial.energy_j is not None]
    return Cost(
        part=part,
        trials=len(trials),
        duration_s=sum(trial.duration_s for trial in trials),
        energy_j=sum(known) if len(known) == len(trials) else None,
        late_requests=sum(trial.late_requests for trial in trials),
    )


def _rest(digest: Digest) -> list[Cost]:
    """Returns the time in which the study neither measured nor chose: it started, or waited for its hours."""
    study = digest.study
    rest_s = study.duration_s - study.search_s - sum(trial.duration_s for trial in study.trials)
    return [Cost("In between", None, rest_s, None, None)] if round(rest_s) > 0 else []


def _traffic(digest: Digest) -> list[Cost]:
    """Returns, below zero, what real traffic would have taken without a study too."""
    study = digest.study
    if study.objective.scenario is not Scenario.LIVE or digest.cost_j is None:
        return []
    taken_j = sum(trial.energy_j or 0.0 for trial in study.trials) + (study.search_j or 0.0)
    return [Cost("Less what the traffic takes anyway", None, None, digest.cost_j - taken_j, None)]
