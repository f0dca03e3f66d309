"""A study as it is stored, streamed and reported: plain records."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from knobs.contract import Absence, Provenance
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.objective import Objective
from tuner.parameter_effect import ParameterEffect
from tuner.trial import Interval, Purpose, Trial


class StudyState(StrEnum):
    """Where a study stands."""

    RUNNING = "running"
    DONE = "done"
    INFEASIBLE = "infeasible"
    """Done, and no configuration holds the SLOs."""
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen in this study."""
        return self is not StudyState.RUNNING


@dataclass(frozen=True)
class StudyRequest:
    """What the operator asks for.

    Attributes:
        workload: Name of a workload that the configuration defines.
        slos: Overrides the workload's SLOs, as text (``p99 <= 50 ms``), if not empty.
        dry_run: Whether the machine is to be left as it was; if not, the recommendation is applied as a
            confirmed configuration at the end.
        max_trials: Budget of trials, the baseline included and the confirmation not; None takes the default.
        max_duration_s: Budget of time for the search; None takes the default.
        seed: Seed of every random choice.
        parent: Study to start from (a re-tune after fine-tuning), if any.
        idempotency_key: Two requests with the same key start one study; empty for none.
    """

    workload: str
    slos: tuple[str, ...] = ()
    dry_run: bool = True
    max_trials: int | None = None
    max_duration_s: float | None = None
    seed: int = 0
    parent: str | None = None
    idempotency_key: str = ""


@dataclass(frozen=True)
class Comparison:
    """The recommendation against the baseline, both measured again, interleaved, on fresh data.

    Attributes:
        baseline_per_request_j: Energy per request of the baseline in the confirmation.
        recommended_per_request_j: Energy per request of the recommendation in the confirmation.
        saving: Share of the baseline's energy that is saved, 0.25 for 25 %.
        saving_interval: 95 % interval of ``saving``.
        rounds: How often each of the two was measured.
        knob_saving: Share of energy that the knobs save by themselves: the recommendation against the baseline's
            knobs with the recommended serving parameters, measured in the same rounds. A larger batch saves
            energy on any hardware; this is what tuning the hardware adds. None if knobs and serving parameters
            did not both change, so that the saving belongs to one of them alone.
        knob_saving_interval: 95 % interval of ``knob_saving``.
    """

    baseline_per_request_j: float
    recommended_per_request_j: float
    saving: float
    saving_interval: Interval
    rounds: int
    knob_saving: float | None = None
    knob_saving_interval: Interval | None = None


@dataclass(frozen=True)
class BreakEven:
    """When the tuning has paid for itself.

    Attributes:
        cost_j: Joules that the study took: every trial and the search between them.
        saved_per_request_j: Joules that each request saves from now on.
        requests: Requests after which ``cost_j`` is saved.
        requests_interval: Its 95 % interval; None if, as far as is known, it may never be saved.
        hours: Hours after which it is saved, at the present rate of requests.
    """

    cost_j: float
    saved_per_request_j: float
    requests: float
    requests_interval: Interval | None
    hours: float


@dataclass(frozen=True)
class RateStep:
    """The configuration for a range of arrival rates. Neighbouring steps may share one.

    Attributes:
        from_rate_hz: The lower end of the range: where the step below ends; 0 for the lowest.
        to_rate_hz: The upper end: the rate at which the configuration was proven.
        configuration: The configuration.
        trial: Number of the trial that found it.
        comparison: The comparison with the baseline at ``to_rate_hz``; None if it is the baseline.
    """

    from_rate_hz: float
    to_rate_hz: float
    configuration: Configuration
    trial: int
    comparison: Comparison | None


@dataclass(frozen=True)
class RateTable:
    """Which configuration belongs to which arrival rate; :func:`tuner.rate_steps.step_for` reads it.

    Attributes:
        steps: By rate, ascending, each from where the one before it ends; at least one.
        hysteresis: How far the rate must fall below the lower end of a step before the step below it is taken, as a
            share of that end: so that a rate that wobbles does not switch to and fro.
    """

    steps: tuple[RateStep, ...]
    hysteresis: float


@dataclass(frozen=True)
class Recommendation:
    """What the study recommends; with several arrival rates, what it recommends for the highest it found one for.

    Attributes:
        configuration: The recommended configuration.
        trial: Number of the trial that found it.
        comparison: The final comparison with the baseline; None if the baseline itself is recommended.
        applicable: The part that can be applied: knobs and persistent serving parameters.
        study_only: Ids of the parameters that nobody keeps: set them in the server, or for its process, yourself.
        caveats: Sentences that belong beside the figure, such as that the recommendation would change
            within the band of an estimate.
        break_even: When the tuning has paid for itself; None if it saves nothing, or nobody counted its joules.
        rate_table: What is recommended for each of several arrival rates; None where there is one or none.
    """

    configuration: Configuration
    trial: int
    comparison: Comparison | None
    applicable: Configuration
    study_only: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    break_even: BreakEven | None = None
    rate_table: RateTable | None = None

    def at(self, arrival_rate_hz: float | None) -> Recommendation | None:
        """Returns what is recommended at one of several arrival rates, as if that had been the only one.

        Args:
            arrival_rate_hz: One of the objective's; where there is one or none, this is what is recommended anyway.

        Returns:
            None if nothing was found for that rate.
        """
        if self.rate_table is None:
            return self
        step = next((step for step in self.rate_table.steps if step.to_rate_hz == arrival_rate_hz), None)
        return None if step is None else self.for_step(step)

    def for_step(self, step: RateStep) -> Recommendation:
        """Returns what is recommended at one step of the table."""
        return replace(
            self,
            configuration=step.configuration,
            trial=step.trial,
            comparison=step.comparison,
            applicable=step.configuration.only(self.applicable),
            caveats=(),
            break_even=None,
            rate_table=None,
        )


@dataclass(frozen=True)
class MachineRecord:
    """The machine and the software that a study ran on.

    Attributes:
        device: ``local`` or the simulated device's name.
        provenance: Provenance of the joules.
        description: Facts by name: processor, cores, kernel, versions.
        meters: Ids of the meters found.
        absent: Knobs and meters that the machine does not offer, and why.
    """

    device: str
    provenance: Provenance
    description: dict[str, str] = field(default_factory=dict)
    meters: tuple[str, ...] = ()
    absent: tuple[Absence, ...] = ()


@dataclass(frozen=True)
class Study:
    """A study with all its trials.

    Attributes:
        id: Unique name, given by the daemon.
        request: What was asked for.
        objective: The objective with everything resolved.
        space: What is searched.
        machine: Where it runs.
        state: Where the study stands.
        reason: Why it ended, in one sentence; empty while running.
        trials: Every trial so far, in order.
        recommendation: The result, once there is one.
        started_at: Wall-clock time of the start, ISO 8601 in UTC.
        duration_s: Time spent so far, over restarts.
        search_s: Time spent on choosing configurations, of ``duration_s``.
        search_j: Joules spent on it, in the objective's scope; None if the meter did not say.
        effects: What each parameter does as far as the search knew when it ended, modelled from the trials; with
            several arrival rates, at the highest that has an incumbent.
    """

    id: str
    request: StudyRequest
    objective: Objective
    space: ConfigurationSpace
    machine: MachineRecord
    state: StudyState
    reason: str
    trials: tuple[Trial, ...]
    recommendation: Recommendation | None
    started_at: str
    duration_s: float
    search_s: float = 0.0
    search_j: float | None = None
    effects: tuple[ParameterEffect, ...] = ()

    @property
    def baseline(self) -> Trial | None:
        """The configuration that the machine had before us, once it has been measured."""
        return next((trial for trial in self.trials if trial.purpose is Purpose.BASELINE and trial.measurement), None)

    def at(self, arrival_rate_hz: float | None) -> Study:
        """Returns what this study knows of one of several arrival rates, as a study of that rate alone.

        What a study took is not told apart by rate: times, joules and drift are those of the whole.

        Args:
            arrival_rate_hz: One of the objective's; where there is one or none, this is the study itself.
        """
        if not self.objective.arrival_rates_hz:
            return self
        recommendation = self.recommendation.at(arrival_rate_hz) if self.recommendation else None
        is_infeasible = self.state is StudyState.DONE and recommendation is None
        trials = tuple(trial for trial in self.trials if trial.arrival_rate_hz == arrival_rate_hz)
        numbers = {trial.number for trial in trials}
        return replace(
            self,
            objective=self.objective.at(arrival_rate_hz),
            state=StudyState.INFEASIBLE if is_infeasible else self.state,
            trials=trials,
            recommendation=recommendation,
            effects=tuple(effect for effect in self.effects if effect.through in numbers),
        )


@dataclass(frozen=True)
class StudyEvent:
    """Something that happened in a study.

    Attributes:
        study_id: The study.
        sequence: Position in the study's stream, from 1; a client that lost the stream goes on from here.
        phase: What the study does now, in a few words for the operator (``measuring trial 3``).
        trial: The trial that was finished, if one was.
        incumbent: Number of the best feasible trial so far, if any.
        saving: Share of the baseline's energy that the incumbent saves so far, if any.
        state: Where the study stands.
        reason: Why it ended; empty while running.
    """

    study_id: str
    sequence: int
    phase: str
    state: StudyState
    trial: Trial | None = None
    incumbent: int | None = None
    saving: float | None = None
    reason: str = ""
