"""What every picture and table of a study needs to know of it, worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from knobs.contract import Provenance, Scope
from tuner.configuration import Configuration, Parameter
from tuner.objective import Slo
from tuner.pareto import pareto_front
from tuner.report.vocabulary import energy_origin
from tuner.study_record import Study
from tuner.trial import EnergyResult, Interval, Measurement, Purpose, Trial


@dataclass(frozen=True)
class Figures:
    """Energy and latency of one configuration, as far as they are known best.

    Attributes:
        per_request_j: Joules per request.
        band: For estimates: the same over the whole range of power coefficients.
        slo_latency_s: Latency at the percentile of the first SLO.
    """

    per_request_j: float
    band: Interval | None
    slo_latency_s: float


class Digest:
    """One study, read with a purpose. Holds the study and computes on demand."""

    def __init__(self, study: Study) -> None:
        """Keeps the study."""
        self.study = study

    @property
    def slo(self) -> Slo:
        """The first SLO: the one that latency is shown for."""
        return self.study.objective.slos[0]

    @cached_property
    def explored(self) -> tuple[Trial, ...]:
        """Measured trials that are not confirmations, in order."""
        return tuple(
            trial for trial in self.study.trials if trial.measurement and trial.purpose is not Purpose.CONFIRMATION
        )

    @cached_property
    def confirmations(self) -> tuple[Trial, ...]:
        """Measured confirmations, in order."""
        return tuple(
            trial for trial in self.study.trials if trial.measurement and trial.purpose is Purpose.CONFIRMATION
        )

    @cached_property
    def rejected(self) -> tuple[Trial, ...]:
        """Trials that do not count."""
        return tuple(trial for trial in self.study.trials if trial.rejection)

    @cached_property
    def front(self) -> tuple[Trial, ...]:
        """The Pareto front, fastest first."""
        return pareto_front(self.study.trials)

    @cached_property
    def incumbent(self) -> Trial | None:
        """The best feasible trial of the search."""
        return min((trial for trial in self.explored if trial.is_feasible), key=_energy_j, default=None)

    @cached_property
    def recommended(self) -> Trial | None:
        """The trial that found the recommended configuration."""
        recommendation = self.study.recommendation
        if recommendation is None:
            return None
        return next((trial for trial in self.study.trials if trial.number == recommendation.trial), None)

    @cached_property
    def closest(self) -> Trial | None:
        """The measured trial that comes closest to holding the SLO."""
        return min(self.explored, key=lambda trial: measurement_of(trial).slo_latency_s, default=None)

    @cached_property
    def energy(self) -> EnergyResult | None:
        """The energy of some measured trial: all trials of a study share meter, scope and provenance."""
        return next((trial.measurement.energy for trial in self.study.trials if trial.measurement), None)

    @cached_property
    def shared_origin(self) -> str | None:
        """Provenance and scope of all joules in this study, to be said once; None if trials differ."""
        origins = {energy_origin(trial.measurement.energy) for trial in self.study.trials if trial.measurement}
        return origins.pop() if len(origins) == 1 else None

    @property
    def provenance(self) -> Provenance:
        """Where the joules of this study come from."""
        return self.energy.provenance if self.energy else self.study.machine.provenance

    @property
    def scope(self) -> Scope | None:
        """What a joule of this study covers."""
        return self.energy.scope if self.energy else self.study.objective.scope

    @cached_property
    def varied(self) -> tuple[Parameter, ...]:
        """The parameters that have a choice, in the order of the space."""
        return tuple(parameter for parameter in self.study.space.parameters if len(parameter.choices) > 1)

    def parameter_ids(self) -> tuple[str, ...]:
        """Returns the ids of all parameters: those of the space, and what trials name besides."""
        known = [parameter.id for parameter in self.study.space.parameters]
        others = {name for trial in self.study.trials for name in trial.configuration} - set(known)
        return (*known, *sorted(others))

    def figures(self, configuration: Configuration, fallback: Trial) -> Figures:
        """Returns what is known of a configuration: from the confirmations, if it was measured again.

        Args:
            configuration: The configuration.
            fallback: A measured trial of it, used where there is no confirmation.
        """
        again = [trial for trial in self.confirmations if trial.configuration == configuration]
        measurements = [measurement_of(trial) for trial in again or [fallback]]
        bands = [measurement.energy.band for measurement in measurements]
        return Figures(
            per_request_j=fmean(measurement.energy.per_request_j for measurement in measurements),
            band=_mean_interval([band for band in bands if band is not None]),
            slo_latency_s=fmean(measurement.slo_latency_s for measurement in measurements),
        )


def measurement_of(trial: Trial) -> Measurement:
    """Returns the measurement of a trial that is known to have one."""
    assert trial.measurement is not None, "only measured trials are asked"
    return trial.measurement


def _energy_j(trial: Trial) -> float:
    return measurement_of(trial).energy.per_request_j


def _mean_interval(intervals: list[Interval]) -> Interval | None:
    if not intervals:
        return None
    return Interval(fmean(interval.low for interval in intervals), fmean(interval.high for interval in intervals))
