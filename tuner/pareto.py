"""The trials that no other trial beats in both energy and latency."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.trial import Measurement, Trial


def pareto_front(trials: Iterable[Trial]) -> tuple[Trial, ...]:
    """Returns the Pareto front of measured trials, fastest first.

    Confirmations are fresh looks at configurations that have a trial already, so they do not count. Verdicts
    do not matter here: the front shows what any SLO would cost.

    Args:
        trials: Trials in any order; rejections are passed over.

    Returns:
        The trials that no other beats in both energy per request and latency at the SLO's percentile, in
        the order of latency. Of equal trials the first stays.
    """
    measured = [
        (trial.measurement.slo_latency_s, trial.measurement.energy.per_request_j, trial.number, trial)
        for trial in trials
        if isinstance(trial.measurement, Measurement) and not trial.purpose.is_another_look
    ]
    front: list[Trial] = []
    least_j = float("inf")
    for _, energy_j, _, trial in sorted(measured, key=lambda row: row[:3]):
        if energy_j < least_j:
            front.append(trial)
            least_j = energy_j
    return tuple(front)
