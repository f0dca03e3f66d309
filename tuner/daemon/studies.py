"""The studies of a daemon: started, watched, cancelled, resumed. One runs at a time."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator

from tuner.configuration import Configuration
from tuner.daemon.events import EventLog
from tuner.daemon.machine import Machine
from tuner.daemon.machine_facts import wattune_version
from tuner.daemon.study_processes import Site
from tuner.daemon.study_run import CANCELLED, StudyRun
from tuner.daemon_record import DaemonStatus
from tuner.errors import BadInputError, BusyError, InfeasibleError
from tuner.pareto import pareto_front
from tuner.rate_steps import step_for
from tuner.study_record import Recommendation, Study, StudyEvent, StudyRequest, StudyState
from tuner.trial import Trial

_log = logging.getLogger(__name__)


class StudyManager:
    """Owns the running study and those that wait to be resumed. Safe to use from several threads."""

    def __init__(self, site: Site, machine: Machine) -> None:
        """Keeps what studies need; nothing runs yet.

        Args:
            site: What all studies share.
            machine: Says what is in force.
        """
        self._site = site
        self._machine = machine
        self._lock = threading.RLock()
        self._running: StudyRun | None = None
        self._thread: threading.Thread | None = None
        self._waiting: deque[StudyRun] = deque()
        self._stopping = False

    # Starting and ending -----------------------------------------------------------------------

    def start(self, request: StudyRequest) -> str:
        """Starts a study, and returns its id once it is planned.

        A request with the key of an earlier one starts nothing and returns the earlier study.

        Raises:
            BadInputError: The request means nothing on this machine; nothing was stored.
            NotFoundError: The workload or the study to start from does not exist.
            BusyError: Another study runs.
            AdapterError: The workload does not load.
        """
        with self._lock:
            run = self._run_with_key(request.idempotency_key)
            if run is None:
                if known := self._stored_with_key(request.idempotency_key):
                    return known
                self._check(request)
                run = StudyRun(self._site, request, self._new_id(request.workload))
                self._launch(run)
        return run.planned.result().id

    def retune(
        self,
        parent: str,
        *,
        dry_run: bool,
        max_trials: int | None = None,
        max_duration_s: float | None = None,
        seed: int = 0,
        idempotency_key: str = "",
    ) -> str:
        """Starts a study for a fine-tuned model, with the workload and the SLOs of an earlier study.

        Raises:
            NotFoundError: There is no such earlier study.
            WattuneError: As for :meth:`start`.
        """
        earlier = self._site.store.get(parent)
        return self.start(
            StudyRequest(
                workload=earlier.request.workload,
                slos=earlier.request.slos,
                dry_run=dry_run,
                max_trials=max_trials,
                max_duration_s=max_duration_s,
                seed=seed,
                parent=parent,
                idempotency_key=idempotency_key,
            )
        )

    def cancel(self, study_id: str) -> None:
        """Ends a study, and returns when every trial value has been taken back.

        Raises:
            NotFoundError: There is no such study.
            BadInputError: It has ended already.
        """
        with self._lock:
            run = self._running if self._running and self._running.study_id == study_id else None
            waiting = next((other for other in self._waiting if other.study_id == study_id), None)
            if waiting is not None:
                self._waiting.remove(waiting)
        if run is not None:
            run.cancel()
        elif waiting is not None:
            waiting.withdraw()
        else:
            self._cancel_stored(self._site.store.get(study_id))

    def _cancel_stored(self, study: Study) -> None:
        """Ends a study that only the store knows: it could not be stored to its end, and waits for a new start."""
        if study.state.is_final:
            raise BadInputError(f"Study {study.id} has ended already ({study.state}).")
        self._site.store.finish(study.id, StudyState.CANCELLED, CANCELLED, study.recommendation, study.duration_s)

    def resume(self) -> None:
        """Goes on with every study that the store holds as running, in order."""
        with self._lock:
            for study in self._site.store.running():
                self._waiting.append(StudyRun(self._site, study.request, study.id, study))
            self._launch_next()

    def shutdown(self) -> None:
        """Pauses the running study, so that the next start resumes it; returns when trial values are taken back."""
        with self._lock:
            self._stopping = True
            while self._waiting:
                self._waiting.popleft().close()
            run, thread = self._running, self._thread
        if run is not None and thread is not None:
            run.suspend()
            thread.join()

    # Asking ------------------------------------------------------------------------------------

    def get(self, study_id: str) -> Study:
        """Returns a study with its trials.

        Raises:
            NotFoundError: There is no such study.
        """
        return self._site.store.get(study_id)

    def list(self) -> list[Study]:
        """Returns all studies without their trials, newest first."""
        return self._site.store.summaries()

    def pareto_front(self, study_id: str) -> tuple[Trial, ...]:
        """Returns the trials that no other trial beats in both energy and latency.

        Raises:
            NotFoundError: There is no such study.
        """
        return pareto_front(self.get(study_id).trials)

    def recommended(self, study_id: str, rate_hz: float | None = None) -> tuple[Configuration, str]:
        """Returns the configuration that a study recommends, and what the operator should know about it.

        Args:
            study_id: The study.
            rate_hz: The arrival rate that it is for, where the study recommends one for each of several; the highest
                by default.

        Returns:
            The configuration, and a warning in one sentence, empty if there is none.

        Raises:
            NotFoundError: There is no such study.
            InfeasibleError: No configuration holds its SLOs.
            BadInputError: It has no recommendation for another reason, or none that depends on the rate.
        """
        study = self.get(study_id)
        if study.recommendation is not None:
            return _for_rate(study.id, study.recommendation, rate_hz)
        if study.state is StudyState.INFEASIBLE:
            raise InfeasibleError(f"Study {study_id} recommends nothing: {study.reason}")
        raise BadInputError(
            f"Study {study_id} recommends nothing: its state is '{study.state}'. {study.reason}".strip()
        )

    def status(self) -> DaemonStatus:
        """Returns what the daemon is doing, and what is in force."""
        with self._lock:
            run = self._running
        state = self._machine.state()
        return DaemonStatus(
            version=wattune_version(),
            device=self._site.config.device,
            workloads=tuple(sorted(self._site.config.workloads)),
            running_study=run.study_id if run else None,
            phase=run.events.phase if run and run.events else "preparing" if run else "",
            trial=Configuration(dict(state.trial)),
            confirmed=Configuration(dict(state.confirmed)),
        )

    def watch(self, study_id: str, after_sequence: int, is_watched: Callable[[], bool]) -> Iterator[StudyEvent]:
        """Yields what happens in a study, until it ends or nobody watches.

        Args:
            study_id: The study.
            after_sequence: The last event seen; 0 for none.
            is_watched: Asked while waiting.

        Raises:
            NotFoundError: There is no such study.
        """
        with self._lock:
            runs = [run for run in (self._running, *self._waiting) if run is not None and run.study_id == study_id]
        events = runs[0].events if runs else None
        if events is None:
            events = EventLog(self.get(study_id))
            events.close()
        return events.watch(after_sequence, is_watched)

    # Within --------------------------------------------------------------------------------------

    def _check(self, request: StudyRequest) -> None:
        """Refuses a request that means nothing, before anything is started."""
        self._site.config.workload(request.workload).objective.resolve(request.slos)
        if request.max_trials is not None and request.max_trials < 2:
            raise BadInputError("A study needs at least 2 trials: the baseline and one more.")
        if request.max_duration_s is not None and not request.max_duration_s > 0:
            raise BadInputError("A study needs a duration above zero seconds.")
        if request.parent is not None:
            self._site.store.get(request.parent)

    def _new_id(self, workload: str) -> str:
        day = self._site.clock.utc_now()[:10].replace("-", "")
        return f"{workload}-{day}-{secrets.token_hex(3)}"

    def _run_with_key(self, key: str) -> StudyRun | None:
        run = self._running
        return run if run is not None and key and run.request.idempotency_key == key else None

    def _stored_with_key(self, key: str) -> str | None:
        return self._site.store.find_by_key(key) if key else None

    def _launch(self, run: StudyRun) -> None:
        if self._stopping:
            raise BusyError("The daemon is stopping: start the study when it is back.")
        self._site.device_set.claim(f"study {run.study_id} runs; wait until it ends, or cancel it")
        self._running = run
        self._thread = threading.Thread(target=self._work, args=(run,), name=f"study-{run.study_id}", daemon=True)
        self._thread.start()

    def _work(self, run: StudyRun) -> None:
        run.run()
        with self._lock:
            self._running = None
            self._site.device_set.release()
            self._launch_next()

    def _launch_next(self) -> None:
        while self._waiting and self._running is None and not self._stopping:
            run = self._waiting[0]
            try:
                self._launch(run)
            except BusyError as error:
                _log.info("Study %s is not resumed yet: %s", run.study_id, error)
                return
            self._waiting.popleft()


def _for_rate(study_id: str, recommendation: Recommendation, rate_hz: float | None) -> tuple[Configuration, str]:
    if rate_hz is None:
        return recommendation.configuration, ""
    if recommendation.rate_table is None:
        raise BadInputError(
            f"Study {study_id} recommends one configuration, whatever the arrival rate: apply it without a rate."
        )
    chosen = step_for(recommendation.rate_table, rate_hz)
    return chosen.step.configuration, chosen.warning
