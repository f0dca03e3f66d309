"""How a study stands while it runs: its best trial so far, and what that saves."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.study_record import Study
from tuner.trial import Trial


def best(trials: Sequence[Trial]) -> Trial | None:
    """Returns the measured trial with the least energy per request, if any."""
    measured = [(trial.measurement.energy.per_request_j, trial.number, trial) for trial in trials if trial.measurement]
    return min(measured, key=lambda row: row[:2])[2] if measured else None


def incumbent_of(trials: Sequence[Trial], arrival_rate_hz: float | None) -> Trial | None:
    """Returns the best feasible trial at one arrival rate; what looks again at a configuration does not count.

    Args:
        trials: All trials of a study so far.
        arrival_rate_hz: One of several; None where there is one or none.
    """
    found = [trial for trial in trials if trial.is_feasible and not trial.purpose.is_another_look]
    return best([trial for trial in found if trial.arrival_rate_hz == arrival_rate_hz])


def standing(study: Study, trials: Sequence[Trial]) -> tuple[int | None, float | None]:
    """Returns the incumbent's number and the share of the baseline's energy that it saves, as far as there is any.

    With several arrival rates it is that of the latest trial which counts.

    Args:
        study: The study so far.
        trials: Its trials as they are to be compared.
    """
    if not study.trials:
        return None, None
    rate_hz = study.trials[-1].arrival_rate_hz
    incumbent, baseline = incumbent_of(trials, rate_hz), study.at(rate_hz).baseline
    if incumbent is None:
        return None, None
    return incumbent.number, None if baseline is None else 1.0 - _energy_j(incumbent) / _energy_j(baseline)


def _energy_j(trial: Trial) -> float:
    assert trial.measurement is not None, "what stands was measured"
    return trial.measurement.energy.per_request_j
