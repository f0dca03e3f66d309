"""What every picture and table of a study needs to know of it, worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from knobs.contract import Provenance, Scope
from tuner.configuration import Configuration, Parameter
from tuner.objective import Scenario, Slo
from tuner.pareto import pareto_front
from tuner.report.latencies import ShownLatency, shown_latencies
from tuner.report.vocabulary import energy_origin, rate_text
from tuner.study.break_even import study_cost_j
from tuner.study.drift import Drift, drift_of, levelled, looks_for_drift
from tuner.study_record import Study
from tuner.trial import EnergyResult, Interval, Measurement, Purpose, Trial

OPEN_SCENARIOS = (Scenario.SERVER, Scenario.LIVE)
"""Requests come when they come: the energy between them belongs to them."""


@dataclass(frozen=True)
class Figures:
    """Energy and latency of one configuration, as far as they are known best.

    Attributes:
        per_request_j: Joules per request.
        band: For estimates: the same over the whole range of power coefficients.
        latencies_s: What :attr:`Digest.latencies` shows, in its order; None where that is not known.
        per_token_j: Joules per token, where tokens were served.
        idle_share: Share of time in which nothing was worked on, where that is known.
    """

    per_request_j: float
    band: Interval | None
    latencies_s: tuple[float | None, ...]
    per_token_j: float | None
    idle_share: float | None


class Digest:
    """One study, read with a purpose. Holds the study and computes on demand.

    Attributes:
        study: What is read: the study, or what it knows of one of several arrival rates.
    """

    def __init__(self, study: Study, arrival_rate_hz: float | None = None) -> None:
        """Keeps the study.

        Args:
            study: The whole study.
            arrival_rate_hz: The one of several arrival rates that is read; None for the whole. What the study cost
                and drifted by is that of the whole in any case.
        """
        self._whole = study
        self.study = study if arrival_rate_hz is None else study.at(arrival_rate_hz)

    @cached_property
    def by_rate(self) -> tuple[Digest, ...]:
        """What is known of each arrival rate, ascending; this digest by itself where there is one rate or none."""
        rates_hz = self.study.objective.arrival_rates_hz
        return tuple(Digest(self.study, rate_hz) for rate_hz in rates_hz) or (self,)

    @property
    def has_several_rates(self) -> bool:
        """Whether a configuration is looked for at each of several arrival rates."""
        return bool(self.study.objective.arrival_rates_hz)

    @property
    def at_rate(self) -> str:
        """The words that tell this arrival rate from others: " at 60 requests/s"; none where there are no others."""
        rate_hz = self.study.objective.arrival_rate_hz
        return f" at {rate_text(rate_hz)}" if rate_hz is not None and self._whole.objective.arrival_rates_hz else ""

    @property
    def slo(self) -> Slo:
        """The first SLO: the one that latency is shown for."""
        return self.study.objective.slos[0]

    @cached_property
    def latencies(self) -> tuple[ShownLatency, ...]:
        """The latencies that tables show: every SLO's, and those of tokens where there are any."""
        return shown_latencies(self.study.objective.slos, has_tokens=self.has_tokens)

    @cached_property
    def has_tokens(self) -> bool:
        """Whether a language model was served."""
        return any(measurement.tokens for measurement in self._measurements)

    @cached_property
    def has_idle_time(self) -> bool:
        """Whether time between requests belongs to them, and it is known how much of it there was."""
        is_open = self.study.objective.scenario in OPEN_SCENARIOS
        return is_open and any(measurement.idle_share is not None for measurement in self._measurements)

    @cached_property
    def explored(self) -> tuple[Trial, ...]:
        """Measured trials of configurations that had none before, in order."""
        return tuple(trial for trial in self.study.trials if trial.measurement and not trial.purpose.is_another_look)

    @cached_property
    def looks_for_drift(self) -> tuple[Trial, ...]:
        """Measured looks at the baseline while searching, the first one included; :attr:`drift` is what they show."""
        return looks_for_drift(self._whole.trials)

    @cached_property
    def drift(self) -> Drift:
        """What the machine drifted by while searching."""
        return drift_of(self._whole.trials)

    @cached_property
    def levelled_j(self) -> dict[int, float]:
        """Energy per request by the number of the trial, with the drift removed: what the search compared."""
        return {
            trial.number: measurement_of(trial).energy.per_request_j
            for trial in levelled(self._whole.trials)
            if trial.measurement
        }

    @cached_property
    def cost_j(self) -> float | None:
        """Joules that the study took, in its scope; None if the meter did not say."""
        return study_cost_j(self._whole)

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
    def ended_early(self) -> tuple[Trial, ...]:
        """Measured trials whose window was closed before their energy was known to the target."""
        return tuple(trial for trial in self.study.trials if trial.measurement and trial.measurement.ended_early)

    @cached_property
    def front(self) -> tuple[Trial, ...]:
        """The Pareto front, fastest first."""
        return pareto_front(self.study.trials)

    @cached_property
    def incumbent(self) -> Trial | None:
        """The best feasible trial of the search, as the search compared them."""
        feasible = (trial for trial in self.explored if trial.is_feasible)
        return min(feasible, key=lambda trial: self.levelled_j[trial.number], default=None)

    @cached_property
    def recommended(self) -> Trial | None:
        """The trial that found the recommended configuration, or tried it first where another rate's trial found it."""
        recommendation = self.study.recommendation
        if recommendation is None:
            return None
        found = [trial for trial in self.study.trials if trial.number == recommendation.trial]
        others = [trial for trial in self.study.trials if trial.configuration == recommendation.configuration]
        return next(iter((*found, *others)), None)

    @cached_property
    def closest(self) -> Trial | None:
        """The measured trial that comes closest to holding every SLO."""

        def tightness(trial: Trial) -> float:
            slo, latency_s = self.study.objective.tightest(measurement_of(trial).slo_latencies_s)
            return latency_s / slo.bound_s

        return min(self.explored, key=tightness, default=None)

    @cached_property
    def energy(self) -> EnergyResult | None:
        """The energy of some measured trial: all trials of a study share meter, scope and provenance."""
        return next((measurement.energy for measurement in self._measurements), None)

    @cached_property
    def shared_origin(self) -> str | None:
        """Provenance and scope of all joules in this study, to be said once; None if trials differ."""
        origins = {energy_origin(measurement.energy) for measurement in self._measurements}
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
        return self.figures_of([measurement_of(trial) for trial in again or [fallback]])

    def figures_of(self, measurements: Sequence[Measurement]) -> Figures:
        """Returns what one or several measurements of the same configuration say together: their means."""
        bands = [measurement.energy.band for measurement in measurements]
        return Figures(
            per_request_j=fmean(measurement.energy.per_request_j for measurement in measurements),
            band=_mean_interval([band for band in bands if band is not None]),
            latencies_s=tuple(
                _known_mean([latency.of(measurement) for measurement in measurements]) for latency in self.latencies
            ),
            per_token_j=_known_mean([measurement.energy.per_token_j for measurement in measurements]),
            idle_share=_known_mean([measurement.idle_share for measurement in measurements]),
        )

    @cached_property
    def _measurements(self) -> tuple[Measurement, ...]:
        return tuple(trial.measurement for trial in self.study.trials if trial.measurement)


def measurement_of(trial: Trial) -> Measurement:
    """Returns the measurement of a trial that is known to have one."""
    assert trial.measurement is not None, "only measured trials are asked"
    return trial.measurement


def _known_mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _mean_interval(intervals: list[Interval]) -> Interval | None:
    if not intervals:
        return None
    return Interval(fmean(interval.low for interval in intervals), fmean(interval.high for interval in intervals))
