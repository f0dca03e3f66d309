"""The loop: propose, measure, record, until it no longer pays; then confirm on fresh data."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import takewhile

from knobs.contract import DeviceError
from serving_adapter.runner.client import RunnerLostError
from tuner.clock import Clock
from tuner.config_record import LimitSettings, MeasurementSettings, StudySettings
from tuner.configuration import Configuration
from tuner.errors import ProcessLostError, WattuneError
from tuner.measuring.attempt import Aim
from tuner.measuring.bench import Bench
from tuner.measuring.procedure import MeasuringProcedure, Outcome
from tuner.measuring.watch import Bounds
from tuner.ports import Search
from tuner.search.contract import Proposal, Stop
from tuner.store import Store
from tuner.study.confirmation import Confirmation, confirm
from tuner.study.drift import present_factor
from tuner.study.limits import OperatorLimits
from tuner.study.recommendation import closest_to_feasible, recommend
from tuner.study.recorder import Recorder
from tuner.study_record import Study, StudyEvent, StudyState
from tuner.trial import Interval, Measurement, Purpose, Rejection, RejectionCause, Trial

_BASELINE_ATTEMPTS = 3
_MOST_REFUSALS = 4
"""A workload that serves nothing in so many trials in a row is not worth further ones."""

_WORKLOADS_OWN = (RejectionCause.WORKLOAD, RejectionCause.ERRORS)
_LONGEST_NAP_S = 60.0


class StudyFailedError(WattuneError):
    """The study cannot go on. The message is its reason."""


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
        limits: LimitSettings | None = None,
    ) -> None:
        """Keeps what the study needs.

        Args:
            study: The study, with the trials made so far if it is resumed.
            bench: The machine, the workload and the objective.
            search: Proposes configurations.
            store: Where every trial goes the moment it is done.
            baseline: The configuration that the machine has without us.
            settings: The operator's budgets; those in the study's request go first.
            measurement: How long measuring takes.
            publish: Takes the study's events; their sequence is zero, the receiver numbers them.
            clock: Durations and times for the record.
            cancelled: Once set, the study ends as soon as the present slice of load is over.
            suspended: If set before ``cancelled`` is, the study only pauses: it stays resumable in the store.
            limits: What the operator lets a study do; anything by default.
        """
        self._record = Recorder(study, store, publish, clock)
        self._bench = bench
        self._search = search
        self._baseline = baseline
        self._settings = settings
        self._clock = clock
        self._cancelled = cancelled
        self._suspended = suspended or threading.Event()
        self._limits = OperatorLimits(limits or LimitSettings())
        bounds = Bounds(self._limits.too_hot, measurement.max_background_cores)
        self._procedure = MeasuringProcedure(bench, baseline, measurement, cancelled.is_set, bounds)

    def run(self) -> Study:
        """Runs the study to its end and takes every trial value back.

        Returns:
            The finished study, as stored.

        Raises:
            KeeperLostError, RunnerLostError, SearchLostError, ProcessLostError: A process died. The study stays
                resumable.
            StoreError: A trial could not be stored. The study stays resumable.
        """
        self._bench.hardware.acquire_lease()
        try:
            return self._run()
        except Cancelled:
            if self._suspended.is_set():
                return self._record.study
            return self._record.finish(StudyState.CANCELLED, "Cancelled by the operator.")
        except StudyFailedError as error:
            return self._record.finish(StudyState.FAILED, str(error))
        finally:
            self._bench.hardware.release_lease()

    def _run(self) -> Study:
        self._measure_baseline()
        stopped = self._search_on()
        if self._record.incumbent is None:
            return self._record.finish(StudyState.INFEASIBLE, closest_to_feasible(self._record.study))
        confirmation = confirm(
            self._record.study,
            self._record.levelled,
            self._baseline,
            self._settings.confirmation_rounds,
            self._confirm_one,
        )
        return self._conclude(confirmation, stopped)

    def _measure_baseline(self) -> None:
        for _ in range(_BASELINE_ATTEMPTS):
            if self._record.study.baseline is not None:
                return
            self._record.announce("measuring the baseline")
            trial = self._trial(self._baseline, Purpose.BASELINE)
        if self._record.study.baseline is None:
            reason = trial.rejection.reason if trial.rejection else ""
            raise StudyFailedError(f"The baseline could not be measured: {reason}")

    # The search ---------------------------------------------------------------------------------

    def _search_on(self) -> str:
        """Searches until it no longer pays; returns why it stopped."""
        while not any(trial.purpose is Purpose.CONFIRMATION for trial in self._record.study.trials):
            if spent := self._spent_budget():
                return spent
            if self._is_reference_due():
                self._record.announce("measuring the baseline again, to see what drifts")
                self._trial(self._baseline, Purpose.REFERENCE)
            proposal = self._propose()
            if isinstance(proposal, Stop):
                return proposal.why
            self._record.announce(f"measuring trial {len(self._record.study.trials)} ({proposal.why})")
            self._trial(proposal.configuration, Purpose.SEARCH, Aim(to_beat=self._to_beat()))
            self._require_a_workload()
        return "The search had ended before the study was resumed."

    def _spent_budget(self) -> str:
        """Returns which budget is spent, in a sentence; empty if none is."""
        study = self._record.study
        max_trials = study.request.max_trials or self._settings.max_trials
        max_duration_s = study.request.max_duration_s or self._settings.max_duration_s
        if sum(not trial.purpose.is_another_look for trial in study.trials) >= max_trials:
            return f"The budget of {max_trials} trials is spent."
        if self._record.elapsed_s >= max_duration_s:
            return f"The budget of {max_duration_s:g} s is spent."
        return self._limits.budget_spent(sum(trial.late_requests for trial in study.trials))

    def _is_reference_due(self) -> bool:
        since = list(takewhile(lambda trial: trial.purpose is Purpose.SEARCH, reversed(self._record.study.trials)))
        return 0 < self._settings.reference_every <= len(since)

    def _propose(self) -> Proposal | Stop:
        """Asks the search, and books what that took."""
        self._record.announce("choosing the next configuration")
        started_s, before_j, before_cpu_s = self._clock.monotonic_s(), self._energy_j(), self._search.cpu_s()
        proposal = self._search.propose(self._record.levelled)
        after_j, after_cpu_s = self._energy_j(), self._search.cpu_s()
        spent_j = None if before_j is None or after_j is None else after_j - before_j
        if spent_j is not None and self._bench.meter.coefficients is not None:
            # Such a meter counts the workload's CPU time only.
            spent_j += self._bench.meter.coefficients.cpu_core_w[1] * max(0.0, after_cpu_s - before_cpu_s)
        self._record.book_search(self._clock.monotonic_s() - started_s, spent_j)
        return proposal

    def _energy_j(self) -> float | None:
        try:
            return self._bench.sample().value
        except DeviceError:
            return None

    def _to_beat(self) -> Interval | None:
        """Returns the interval of the incumbent's energy as it would be now."""
        incumbent = self._record.incumbent
        if incumbent is None or incumbent.measurement is None:
            return None
        factor, interval = present_factor(self._record.study.trials), incumbent.measurement.energy.interval
        return Interval(interval.low * factor, interval.high * factor)

    def _require_a_workload(self) -> None:
        """Makes sure that the workload still serves something.

        Raises:
            StudyFailedError: It refused several trials in a row.
        """
        last = self._record.study.trials[-_MOST_REFUSALS:]
        refused = [trial.rejection for trial in last if trial.rejection and trial.rejection.cause in _WORKLOADS_OWN]
        if len(refused) == _MOST_REFUSALS:
            raise StudyFailedError(f"{_MOST_REFUSALS} trials in a row could not be served: {refused[-1].reason}")

    # Trials -------------------------------------------------------------------------------------

    def _confirm_one(self, configuration: Configuration) -> Trial:
        whose = "the baseline" if configuration == self._baseline else "what may be recommended"
        self._record.announce(f"measuring {whose} again, on fresh data")
        return self._trial(configuration, Purpose.CONFIRMATION, Aim(is_soaked=True))

    def _trial(self, configuration: Configuration, purpose: Purpose, aim: Aim | None = None) -> Trial:
        """Measures one configuration, stores what became of it, and tells everybody."""
        self._wait_for_hours()
        started_at, started_s = self._clock.utc_now(), self._clock.monotonic_s()
        lost: RunnerLostError | ProcessLostError | None = None
        try:
            outcome = self._procedure.measure(configuration, aim)
        except (RunnerLostError, ProcessLostError) as error:
            # The configuration may be what killed the process (out of memory, say): it is not tried again.
            lost = error
            outcome = Outcome(Rejection(RejectionCause.PROCESS_LOST, str(error)), None, 0)
        if self._cancelled.is_set():
            raise Cancelled
        result = outcome.result
        trial = Trial(
            number=len(self._record.study.trials),
            configuration=configuration,
            purpose=purpose,
            measurement=result if isinstance(result, Measurement) else None,
            rejection=result if isinstance(result, Rejection) else None,
            started_at=started_at,
            duration_s=self._clock.monotonic_s() - started_s,
            energy_j=outcome.energy_j,
            late_requests=outcome.late_requests,
        )
        self._record.add(trial)
        if lost is not None:
            raise lost
        return trial

    def _wait_for_hours(self) -> None:
        """Waits until the operator's hours begin, if they have not, with every trial value taken back."""
        while not self._limits.may_measure(self._clock.local_now()):
            now = self._clock.local_now()
            opening = self._limits.next_opening(now)
            self._bench.hardware.restore()
            self._record.announce(f"waiting until {opening:%a %H:%M}, when the operator's hours begin")
            if self._cancelled.wait(min(_LONGEST_NAP_S, max(1.0, (opening - now).total_seconds()))):
                raise Cancelled

    def _conclude(self, confirmation: Confirmation, stopped: str) -> Study:
        if confirmation.winner is None:
            return self._record.finish(StudyState.INFEASIBLE, closest_to_feasible(self._record.study))
        recommendation = recommend(self._record.study, confirmation, self._bench.meter, self._bench.notes)
        return self._record.finish(StudyState.DONE, stopped, recommendation)
