"""The loop: propose, measure, record, until it no longer pays; then confirm on fresh data."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from serving_adapter.runner.client import RunnerLostError
from tuner.clock import Clock
from tuner.config_record import MeasurementSettings, StudySettings
from tuner.configuration import Configuration
from tuner.errors import WattuneError
from tuner.measuring.procedure import Bench, MeasuringProcedure
from tuner.ports import Search
from tuner.search.contract import Stop
from tuner.store import Store
from tuner.study.confirmation import Confirmation, confirm
from tuner.study.recommendation import best, closest_to_feasible, recommend
from tuner.study_record import Study, StudyEvent, StudyState
from tuner.trial import Measurement, Purpose, Rejection, RejectionCause, Trial

_BASELINE_ATTEMPTS = 3


class BaselineError(WattuneError):
    """The configuration that the machine has without us cannot be measured."""


class Cancelled(Exception):  # noqa: N818 - not an error: the operator asked for it
    """The operator cancelled the study."""


class StudyLoop:
    """Runs one study on one bench, from wherever its trials have got to."""

    def __init__(
        self,
        study: Study,
        bench: Bench,
        search: Search,
        store: Store,
        *,
        baseline: Configuration,
        settings: StudySettings,
        measurement: MeasurementSettings,
        publish: Callable[[StudyEvent], None],
        clock: Clock,
        cancelled: threading.Event,
        suspended: threading.Event | None = None,
    ) -> None:
        """Keeps what the study needs.

        Args:
            study: The study, with the trials made so far if it is resumed.
            bench: The machine, the workload and the objective.
            search: Proposes configurations.
            store: Where every trial goes the moment it is done.
            baseline: The configuration that the machine has without us.
            settings: The operator's limits; those in the study's request go first.
            measurement: How long measuring takes.
            publish: Takes the study's events; their sequence is zero, the receiver numbers them.
            clock: Durations and times for the record.
            cancelled: Once set, the study ends as soon as the present slice of load is over.
            suspended: If set before ``cancelled`` is, the study only pauses: it stays resumable in the store.
        """
        self._study = study
        self._bench = bench
        self._search = search
        self._store = store
        self._baseline = baseline
        self._settings = settings
        self._publish = publish
        self._clock = clock
        self._cancelled = cancelled
        self._suspended = suspended or threading.Event()
        self._procedure = MeasuringProcedure(bench, baseline, measurement, cancelled.is_set)
        self._started_s = clock.monotonic_s() - study.duration_s

    def run(self) -> Study:
        """Runs the study to its end and takes every trial value back.

        Returns:
            The finished study, as stored.

        Raises:
            KeeperLostError, RunnerLostError, SearchLostError: A process died. The study stays resumable.
            StoreError: A trial could not be stored. The study stays resumable.
        """
        self._bench.hardware.acquire_lease()
        try:
            return self._run()
        except Cancelled:
            if self._suspended.is_set():
                return self._study
            return self._finish(StudyState.CANCELLED, "Cancelled by the operator.")
        except BaselineError as error:
            return self._finish(StudyState.FAILED, str(error))
        finally:
            self._bench.hardware.release_lease()

    def _run(self) -> Study:
        self._measure_baseline()
        stopped = self._search_on()
        if not self._feasible():
            return self._finish(StudyState.INFEASIBLE, closest_to_feasible(self._study))
        confirmation = confirm(self._study, self._baseline, self._settings.confirmation_rounds, self._confirm_one)
        return self._conclude(confirmation, stopped)

    def _measure_baseline(self) -> None:
        for _ in range(_BASELINE_ATTEMPTS):
            if self._study.baseline is not None:
                return
            self._announce("measuring the baseline")
            trial = self._trial(self._baseline, Purpose.BASELINE)
        if self._study.baseline is None:
            reason = trial.rejection.reason if trial.rejection else ""
            raise BaselineError(f"The baseline could not be measured: {reason}")

    def _search_on(self) -> str:
        """Searches until it no longer pays; returns why it stopped."""
        max_trials = self._study.request.max_trials or self._settings.max_trials
        max_duration_s = self._study.request.max_duration_s or self._settings.max_duration_s
        while not any(trial.purpose is Purpose.CONFIRMATION for trial in self._study.trials):
            if len(self._study.trials) >= max_trials:
                return f"The budget of {max_trials} trials is spent."
            if self._elapsed_s() >= max_duration_s:
                return f"The budget of {max_duration_s:g} s is spent."
            self._announce("choosing the next configuration")
            proposal = self._search.propose(self._study.trials)
            if isinstance(proposal, Stop):
                return proposal.why
            self._announce(f"measuring trial {len(self._study.trials)} ({proposal.why})")
            self._trial(proposal.configuration, Purpose.SEARCH)
        return "The search had ended before the study was resumed."

    def _feasible(self) -> list[Trial]:
        return [
            trial for trial in self._study.trials if trial.is_feasible and trial.purpose is not Purpose.CONFIRMATION
        ]

    def _confirm_one(self, configuration: Configuration) -> Trial:
        whose = "the baseline" if configuration == self._baseline else "what may be recommended"
        self._announce(f"measuring {whose} again, on fresh data")
        return self._trial(configuration, Purpose.CONFIRMATION)

    def _trial(self, configuration: Configuration, purpose: Purpose) -> Trial:
        """Measures one configuration, stores what became of it, and tells everybody."""
        started_at, started_s = self._clock.utc_now(), self._clock.monotonic_s()
        lost: RunnerLostError | None = None
        try:
            outcome = self._procedure.measure(configuration)
        except RunnerLostError as error:
            # The configuration may be what killed the runner (out of memory, say): it is not tried again.
            lost = error
            outcome = Rejection(RejectionCause.PROCESS_LOST, str(error))
        if self._cancelled.is_set():
            raise Cancelled
        trial = Trial(
            number=len(self._study.trials),
            configuration=configuration,
            purpose=purpose,
            measurement=outcome if isinstance(outcome, Measurement) else None,
            rejection=outcome if isinstance(outcome, Rejection) else None,
            started_at=started_at,
            duration_s=self._clock.monotonic_s() - started_s,
        )
        self._store.add_trial(self._study.id, trial, self._elapsed_s())
        self._study = replace(self._study, trials=(*self._study.trials, trial), duration_s=self._elapsed_s())
        self._announce(f"trial {trial.number} done", trial)
        if lost is not None:
            raise lost
        return trial

    def _conclude(self, confirmation: Confirmation, stopped: str) -> Study:
        if confirmation.winner is None:
            return self._finish(StudyState.INFEASIBLE, closest_to_feasible(self._study))
        recommendation = recommend(self._study, confirmation, self._bench.meter.coefficients)
        self._study = replace(self._study, recommendation=recommendation)
        return self._finish(StudyState.DONE, stopped)

    def _finish(self, state: StudyState, reason: str) -> Study:
        self._study = replace(self._study, state=state, reason=reason, duration_s=self._elapsed_s())
        self._store.finish(self._study.id, state, reason, self._study.recommendation, self._study.duration_s)
        return self._study

    def _elapsed_s(self) -> float:
        return self._clock.monotonic_s() - self._started_s

    def _announce(self, phase: str, trial: Trial | None = None) -> None:
        incumbent = best(self._feasible())
        self._publish(
            StudyEvent(
                study_id=self._study.id,
                sequence=0,
                phase=phase,
                state=self._study.state,
                trial=trial,
                incumbent=incumbent.number if incumbent else None,
                saving=self._saving(incumbent),
            )
        )

    def _saving(self, incumbent: Trial | None) -> float | None:
        baseline = self._study.baseline
        if incumbent is None or baseline is None or not baseline.measurement or not incumbent.measurement:
            return None
        return 1.0 - incumbent.measurement.energy.per_request_j / baseline.measurement.energy.per_request_j
