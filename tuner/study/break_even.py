"""What a study cost, and after how many requests it has paid for itself."""

from __future__ import annotations

from tuner.objective import Scenario
from tuner.study_record import BreakEven, Comparison, Study
from tuner.trial import Interval, Trial


def study_cost_j(study: Study) -> float | None:
    """Returns the joules that a study took: all its trials, and the search between them.

    Under ``live`` the traffic would have been served anyway: there, only what exceeds the baseline's power counts.

    Returns:
        Joules in the objective's scope, below zero if the trials saved energy already; None if the meter did not say
        what some part of it took.
    """
    has_searched = study.search_s > 0 or study.search_j is not None
    search_j = study.search_j if has_searched else 0.0
    costs = [search_j, *(_cost_j(study, trial) for trial in study.trials)]
    known = [cost_j for cost_j in costs if cost_j is not None]
    return sum(known) if len(known) == len(costs) else None


def _cost_j(study: Study, trial: Trial) -> float | None:
    baseline = study.baseline
    if trial.energy_j is None or study.objective.scenario is not Scenario.LIVE:
        return trial.energy_j
    if baseline is None or baseline.measurement is None:
        return None
    return trial.energy_j - baseline.measurement.energy.mean_power_w * trial.duration_s


def break_even(study: Study, comparison: Comparison) -> BreakEven | None:
    """Returns when the tuning has paid for itself; None if it never does, or if nobody counted its joules.

    Args:
        study: The study with all its trials.
        comparison: What the recommendation saves.
    """
    cost_j = study_cost_j(study)
    saved_j = comparison.baseline_per_request_j * comparison.saving
    if cost_j is None or saved_j <= 0:
        return None
    cost_j = max(0.0, cost_j)
    requests = cost_j / saved_j
    return BreakEven(
        cost_j=cost_j,
        saved_per_request_j=saved_j,
        requests=requests,
        requests_interval=_requests_interval(cost_j, comparison),
        hours=requests / _rate_hz(study) / 3600.0,
    )


def _requests_interval(cost_j: float, comparison: Comparison) -> Interval | None:
    least, most = (
        comparison.baseline_per_request_j * saving
        for saving in (comparison.saving_interval.low, comparison.saving_interval.high)
    )
    return Interval(cost_j / most, cost_j / least) if least > 0 else None


def _rate_hz(study: Study) -> float:
    """The rate of requests now: the objective's, else what the baseline was seen to serve."""
    if study.objective.arrival_rate_hz:
        return study.objective.arrival_rate_hz
    assert study.baseline is not None, "a study that compares has a baseline"
    assert study.baseline.measurement is not None, "a baseline was measured"
    return study.baseline.measurement.throughput_hz
