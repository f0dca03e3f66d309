"""What a study cost, and after how many requests it has paid for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    return _break_even(study, _saved_j(comparison), _rate_hz(study))


def break_even_over_rates(study: Study, comparisons: Mapping[float, Comparison]) -> BreakEven | None:
    """Returns the same for a study of several arrival rates, each served for its share of the time.

    Args:
        study: The study with all its trials.
        comparisons: What is saved, by arrival rate; at a rate that is missing nothing is.
    """
    objective = study.objective
    rates_hz = {rate: rate * share for rate, share in zip(objective.arrival_rates_hz, objective.shares, strict=True)}
    mean_hz = sum(rates_hz.values())
    saved = [(rates_hz[rate] / mean_hz, _saved_j(comparison)) for rate, comparison in comparisons.items()]
    mean = _SavedJoules(
        per_request_j=sum(weight * joules.per_request_j for weight, joules in saved),
        least_j=sum(weight * joules.least_j for weight, joules in saved),
        most_j=sum(weight * joules.most_j for weight, joules in saved),
    )
    return _break_even(study, mean, mean_hz)


@dataclass(frozen=True)
class _SavedJoules:
    """What a request saves, and the ends of its 95 % interval."""

    per_request_j: float
    least_j: float
    most_j: float


def _saved_j(comparison: Comparison) -> _SavedJoules:
    interval = comparison.saving_interval
    return _SavedJoules(
        *(comparison.baseline_per_request_j * share for share in (comparison.saving, interval.low, interval.high))
    )


def _break_even(study: Study, saved: _SavedJoules, rate_hz: float) -> BreakEven | None:
    cost_j = study_cost_j(study)
    if cost_j is None or saved.per_request_j <= 0:
        return None
    cost_j = max(0.0, cost_j)
    requests = cost_j / saved.per_request_j
    return BreakEven(
        cost_j=cost_j,
        saved_per_request_j=saved.per_request_j,
        requests=requests,
        requests_interval=Interval(cost_j / saved.most_j, cost_j / saved.least_j) if saved.least_j > 0 else None,
        hours=requests / rate_hz / 3600.0,
    )


def _rate_hz(study: Study) -> float:
    """The rate of requests now: the objective's, else what the baseline was seen to serve."""
    if study.objective.arrival_rate_hz:
        return study.objective.arrival_rate_hz
    assert study.baseline is not None, "a study that compares has a baseline"
    assert study.baseline.measurement is not None, "a baseline was measured"
    return study.baseline.measurement.throughput_hz
