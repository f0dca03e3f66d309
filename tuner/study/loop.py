"""The loop: propose, measure, record, until it no longer pays; then confirm on fresh data."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile

from tuner.clock import Clock
from tuner.config_record import LimitSettings, MeasurementSettings, StudySettings
from tuner.configuration import Configuration
from tuner.errors import WattuneError
from tuner.measuring.attempt import Aim
from tuner.measuring.bench import Bench
from tuner.measuring.procedure import MeasuringProcedure
from tuner.measuring.watch import Bounds
from tuner.objective import at_rate
from tuner.ports import Search
from tuner.search.contract import Proposal, Stop
from tuner.store import Store
from tuner.study.booked_search import BookedSearch
from tuner.study.confirmation import Confirmation, confirm
from tuner.study.drift import present_factor
from tuner.study.limits import OperatorLimits
from tuner.study.rate_table import recommend_by_rate
from tuner.study.recommendation import closest_to_feasible, recommend
from tuner.study.recorder import Recorder
from tuner.study.trials import Cancelled, Trials
from tuner.study_record import Recommendation, Study, StudyEvent, StudyState
from tuner.trial import Interval, Purpose, RejectionCause, Trial

_BASELINE_ATTEMPTS = 3
_MOST_REFUSALS = 4
"""A workload that serves nothing in so many trials in a row is not worth further ones."""

_WORKLOADS_OWN = (RejectionCause.WORKLOAD, RejectionCause.ERRORS)


class StudyFailedError(WattuneError):
    """The study cannot go on. The message is its reason."""


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
        self._search = BookedSearch(search, bench, self._record, clock)
        self._bench = bench
        self._baseline = baseline
        self._settings = settings
        self._suspended = suspended or threading.Event()
        self._rates_hz = study.objective.rates_hz
        self._limits = OperatorLimits(limits or LimitSettings())
        bounds = Bounds(self._limits.too_hot, measurement.max_background_cores)
        procedure = MeasuringProcedure(bench, baseline, measurement, cancelled.is_set, bounds)
        self._trials = Trials(bench.hardware, procedure, self._record, self._limits, clock, cancelled)

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
        # The highest rate first: what drifts is seen on it. With the lowest, all others lie between.
        for rate_hz in dict.fromkeys((self._rates_hz[-1], self._rates_hz[0])):
            if complaint := self._measure_baseline(rate_hz):
                raise StudyFailedError(f"The baseline could not be measured: {complaint}")
        stopped = self._search_on()
        found = self._confirm_all()
        if not found:
            return self._record.finish(StudyState.INFEASIBLE, closest_to_feasible(self._record.study))
        return self._record.finish(StudyState.DONE, stopped, self._recommendation(found))

    def _measure_baseline(self, rate_hz: float | None) -> str:
        """Measures the baseline at one arrival rate, unless that was done; returns why it could not be measured."""
        reason = ""
        for _ in range(_BASELINE_ATTEMPTS):
            if self._record.study.at(rate_hz).baseline is not None:
                return ""
            self._record.announce(f"measuring the baseline{at_rate(rate_hz)}")
            trial = self._trials.measure(self._baseline, Purpose.BASELINE, Aim(arrival_rate_hz=rate_hz))
            reason = trial.rejection.reason if trial.rejection else ""
        return reason

    # The search ---------------------------------------------------------------------------------

    def _search_on(self) -> str:
        """Searches until it no longer pays; returns why it stopped."""
        if any(trial.purpose is Purpose.CONFIRMATION for trial in self._record.study.trials):
            return "The search had ended before the study was resumed."
        stopped = ""
        while not stopped:
            stopped = self._spent_budget() or self._step()
        self._search.keep_effects()
        return stopped

    def _step(self) -> str:
        """Tries what the search proposes; returns why it stopped if it proposes nothing any more."""
        if self._is_reference_due():
            self._record.announce("measuring the baseline again, to see what drifts")
            self._trials.measure(self._baseline, Purpose.REFERENCE, Aim(arrival_rate_hz=self._rates_hz[-1]))
        proposal = self._search.propose()
        if isinstance(proposal, Stop):
            return proposal.why
        self._try(proposal)
        self._require_a_workload()
        return ""

    def _try(self, proposal: Proposal) -> None:
        rate_hz = self._rate_of(proposal)
        number = len(self._record.study.trials)
        self._record.announce(f"measuring trial {number}{at_rate(rate_hz)} ({proposal.why})")
        aim = Aim(to_beat=self._to_beat(rate_hz), arrival_rate_hz=rate_hz)
        if proposal.configuration == self._baseline and self._record.study.at(rate_hz).baseline is None:
            # What all others are compared with is measured in full.
            self._trials.measure(self._baseline, Purpose.BASELINE, replace(aim, to_beat=None))
        else:
            self._trials.measure(proposal.configuration, Purpose.SEARCH, aim)

    def _rate_of(self, proposal: Proposal) -> float | None:
        """Returns the rate that a proposal is for; the highest if it says none: what holds there, holds below."""
        return proposal.arrival_rate_hz if proposal.arrival_rate_hz in self._rates_hz else self._rates_hz[-1]

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

    def _to_beat(self, rate_hz: float | None) -> Interval | None:
        """Returns the interval of the incumbent's energy as it would be now."""
        incumbent = self._record.incumbent(rate_hz)
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

    # The confirmation ----------------------------------------------------------------------------

    def _confirm_all(self) -> dict[float | None, Recommendation]:
        """Confirms what is best at every arrival rate, the highest first; returns what is recommended by rate."""
        found: dict[float | None, Recommendation] = {}
        neighbour: Trial | None = None
        for rate_hz in reversed(self._rates_hz):
            if self._measure_baseline(rate_hz):
                continue
            confirmation = self._confirm_at(rate_hz, neighbour)
            if confirmation.winner is None:
                continue
            study = self._record.study.at(rate_hz)
            found[rate_hz] = recommend(study, confirmation, self._bench.meter, self._bench.notes)
            neighbour = confirmation.winner if confirmation.comparison is not None else None
        return found

    def _confirm_at(self, rate_hz: float | None, neighbour: Trial | None) -> Confirmation:
        levelled = [trial for trial in self._record.levelled if trial.arrival_rate_hz == rate_hz]

        def measure(configuration: Configuration) -> Trial:
            whose = "the baseline" if configuration == self._baseline else "what may be recommended"
            self._record.announce(f"measuring {whose} again{at_rate(rate_hz)}, on fresh data")
            aim = Aim(is_soaked=True, arrival_rate_hz=rate_hz)
            return self._trials.measure(configuration, Purpose.CONFIRMATION, aim)

        rounds = self._settings.confirmation_rounds
        return confirm(self._record.study.at(rate_hz), levelled, self._baseline, rounds, measure, neighbour)

    def _recommendation(self, found: dict[float | None, Recommendation]) -> Recommendation:
        by_rate = {rate_hz: recommendation for rate_hz, recommendation in found.items() if rate_hz is not None}
        return recommend_by_rate(self._record.study, by_rate, self._settings.hysteresis) if by_rate else found[None]
