"""The trials that no other trial beats in both energy and latency."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.trial import Measurement, Trial


def pareto_front(trials: Iterable[Trial]) -> tuple[Trial, ...]:
    """Returns the Pareto front of measured trials, fastest first; at several arrival rates, one front after the other.

    Confirmations are fresh looks at configurations that have a trial already, so they do not count. Verdicts
    do not matter here: the front shows what any SLO would cost.

    Args:
        trials: Trials in any order; rejections are passed over.

    Returns:
        The trials that no other at the same arrival rate beats in both energy per request and latency at the SLO's
        percentile, in the order of rate and latency. Of equal trials the first stays.
    """
    measured = [
        (trial.arrival_rate_hz or 0.0, trial.measurement.slo_latency_s, trial.measurement.energy.per_request_j, trial)
        for trial in trials
        if isinstance(trial.measurement, Measurement) and not trial.purpose.is_another_look
    ]
    front: list[Trial] = []
    least_j: dict[float, float] = {}
    for rate_hz, _, energy_j, trial in sorted(measured, key=lambda row: (*row[:3], row[3].number)):
        if energy_j < least_j.get(rate_hz, float("inf")):
            front.append(trial)
            least_j[rate_hz] = energy_j
    return tuple(front)
