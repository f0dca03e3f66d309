"""One study from its preparation to its end, whatever dies on the way."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from dataclasses import replace

from knobs.contract import KnobError, MeterSpec, Provenance
from knobs.keeper.client import KeeperLostError
from knobs.sysfs import KernelFiles
from serving_adapter.contract import AdapterError
from serving_adapter.runner.client import RunnerLostError
from tuner.config_record import WorkloadConfig
from tuner.daemon.events import EventLog, ended
from tuner.daemon.machine import machine_values
from tuner.daemon.machine_facts import describe_machine
from tuner.daemon.resumption import check_baseline, check_space
from tuner.daemon.search_task import forecasts_for, search_task
from tuner.daemon.study_processes import Site, StudyProcesses
from tuner.errors import ProcessLostError, WattuneError
from tuner.forecast_file import ForecastFile
from tuner.measuring.bench import Bench, present_configuration
from tuner.search.client import SearchLostError
from tuner.store import StoreError
from tuner.study.loop import StudyLoop
from tuner.study.planning import choose_meter, plan_study
from tuner.study_record import MachineRecord, Study, StudyEvent, StudyRequest, StudyState

_log = logging.getLogger(__name__)

_LOST = (KeeperLostError, RunnerLostError, SearchLostError, ProcessLostError)
CANCELLED = "Cancelled by the operator."
"""The reason of a study that was cancelled."""

_MOST_LOSSES = 3
"""A study whose processes die more often than this, without a trial in between, has failed."""
_PAUSE_S = 1.0
"""Time for whatever watches over a lost process to start it again; doubled with every loss in a row."""

_INTERRUPT_AFTER_S = 3.0


class StudyRun:
    """Runs a new or a resumed study. Its result is final unless the run was suspended."""

    def __init__(self, site: Site, request: StudyRequest, study_id: str, study: Study | None = None) -> None:
        """Keeps what is asked for.

        Args:
            site: What all studies share.
            request: What the operator asks for.
            study_id: The study's id.
            study: The study so far, if it is resumed.
        """
        self.study_id = study_id
        self.request = request
        self.planned: Future[Study] = Future()
        self.events: EventLog | None = None
        self._site = site
        self._study = study
        self._cancelled = threading.Event()
        self._suspended = threading.Event()
        self._done = threading.Event()
        self._processes: StudyProcesses | None = None
        if study is not None:
            self._know(study)

    def run(self) -> None:
        """Runs the study to its end. Never raises: what fails becomes the study's reason."""
        try:
            self._conclude(self._until_done())
        except Exception as error:  # noqa: BLE001 - whatever it is, the study ends with one sentence
            self._give_up(error)
        finally:
            self.close()
            self._done.set()

    def cancel(self) -> None:
        """Ends the study, and returns when every trial value has been taken back."""
        self._cancelled.set()
        if not self._done.wait(_INTERRUPT_AFTER_S) and self._processes is not None:
            self._processes.interrupt()
        self._done.wait()

    def suspend(self) -> None:
        """Pauses the study: it stays in the store as running. Returns when trial values have been taken back."""
        self._suspended.set()
        self.cancel()

    def withdraw(self) -> None:
        """Cancels a study that waits to be resumed."""
        self._end(StudyState.CANCELLED, CANCELLED)
        self.close()

    def close(self) -> None:
        """Ends every watch."""
        if self.events is not None:
            self.events.close()

    def _until_done(self) -> Study:
        workload = self._site.config.workload(self.request.workload)
        losses, trials = 0, 0
        while True:
            try:
                with StudyProcesses(self._site, workload) as processes:
                    self._processes = processes
                    return self._attempt(processes, workload)
            except (*_LOST, AdapterError) as error:
                # A server that was lost may need some time until it can be talked to again.
                is_lost = isinstance(error, _LOST) or losses > 0
                if self._study is None or self._cancelled.is_set() or not is_lost:
                    raise
                self._study = self._site.store.get(self.study_id)
                losses = losses + 1 if len(self._study.trials) == trials else 1
                trials = len(self._study.trials)
                if losses > _MOST_LOSSES:
                    raise
                _log.warning("Study %s goes on after a loss: %s", self.study_id, error)
                self._announce(f"starting again, because a process was lost: {error}")
                self._cancelled.wait(_PAUSE_S * 2 ** (losses - 1))

    def _attempt(self, processes: StudyProcesses, workload: WorkloadConfig) -> Study:
        predicted = forecasts_for(workload)
        if self._study is None:
            study, meter = self._plan(processes, workload)
            self._site.store.create(study)
            self._know(study)
        else:
            study, meter = self._study, choose_meter(processes.inventory, self._study.objective.scope)
            check_space(study, processes.inventory.knobs, processes.workload.parameters())
        bench = Bench(
            hardware=processes.hardware,
            workload=processes.workload,
            objective=study.objective,
            space=study.space,
            knobs=processes.inventory.knobs,
            meter=meter,
            is_watched=bool(processes.inventory.monitored),
            batch_wait_s=workload.batch_wait_s,
            notes=processes.workload.notes,
        )
        return self._loop(study, bench, processes, predicted)

    def _plan(self, processes: StudyProcesses, workload: WorkloadConfig) -> tuple[Study, MeterSpec]:
        return plan_study(
            self.study_id,
            self.request,
            workload.objective.resolve(self.request.slos),
            processes.inventory,
            processes.workload.parameters(),
            MachineRecord(self._site.config.device, Provenance.MEASURED, describe_machine(KernelFiles())),
            self._site.clock.utc_now(),
            {name: bounds.explore for name, bounds in self._site.config.knobs.items() if bounds.explore is not None},
        )

    def _loop(self, study: Study, bench: Bench, processes: StudyProcesses, predicted: ForecastFile | None) -> Study:
        baseline = present_configuration(bench)
        check_baseline(study, baseline)
        forecasts = predicted.at(baseline, study.space) if predicted is not None else ()
        task = search_task(study, self._site.config, bench.knobs, self._site.store, forecasts)
        search = processes.begin_search(task)
        study = StudyLoop(
            study,
            bench,
            search,
            self._site.store,
            baseline=baseline,
            settings=self._site.config.study,
            measurement=self._site.config.measurement,
            publish=self._publish,
            clock=self._site.clock,
            cancelled=self._cancelled,
            suspended=self._suspended,
            limits=self._site.config.limits,
        ).run()
        if study.state is StudyState.DONE and not study.request.dry_run:
            study = self._hold(study, processes)
        return study

    def _hold(self, study: Study, processes: StudyProcesses) -> Study:
        """Applies and confirms what the study recommends; returns the study with what became of that."""
        assert study.recommendation is not None, "a study that is done has a recommendation"
        rates_hz, table = study.objective.arrival_rates_hz, study.recommendation.rate_table
        if table is not None and table.steps[-1].to_rate_hz < rates_hz[-1]:
            return _concluded(study, "Nothing is applied, because nothing was found for the highest arrival rate.")
        if study.recommendation.comparison is None:
            return _concluded(study, "The machine keeps the configuration that it has.")
        values = machine_values(processes.inventory, study.recommendation.applicable)
        if not values:
            return _concluded(study, "Nothing of the recommendation is a knob that outlives it.")
        try:
            processes.hardware.acquire_lease()
            processes.hardware.apply(values)
            processes.hardware.confirm()
            processes.hardware.release_lease()
        except KnobError as error:
            return _concluded(study, f"The recommendation could not be applied: {error}")
        which = f" for {rates_hz[-1]:g} requests/s, the highest rate," if rates_hz else ""
        return _concluded(study, f"The recommendation{which} is applied and confirmed.")

    def _know(self, study: Study) -> None:
        self._study = study
        self.events = EventLog(study)
        self.planned.set_result(study)

    def _publish(self, event: StudyEvent) -> None:
        assert self.events is not None, "a study that runs was planned"
        self.events.publish(event)

    def _announce(self, phase: str) -> None:
        self._publish(StudyEvent(study_id=self.study_id, sequence=0, phase=phase, state=StudyState.RUNNING))

    def _conclude(self, study: Study) -> None:
        if study.state.is_final:
            self._site.store.finish(study.id, study.state, study.reason, study.recommendation, study.duration_s)
            self._publish(ended(study))

    def _give_up(self, error: Exception) -> None:
        if self._study is None:
            self.planned.set_exception(error)
            return
        if self._suspended.is_set():
            _log.info("Study %s was suspended while a process was going: %s", self.study_id, error)
            return
        if self._cancelled.is_set():
            self._end(StudyState.CANCELLED, CANCELLED)
        else:
            self._end(StudyState.FAILED, _sentence(error))

    def _end(self, state: StudyState, reason: str) -> None:
        assert self._study is not None, "only a study that was planned is ended"
        try:
            study = self._site.store.get(self.study_id)
            self._site.store.finish(study.id, state, reason, None, study.duration_s)
        except StoreError as store_error:
            _log.error("Study %s: %s", self.study_id, store_error)
            study = self._study
            reason = f"{reason} The study goes on when the daemon is started again."
        self._publish(ended(replace(study, state=state, reason=reason)))


def _concluded(study: Study, sentence: str) -> Study:
    return replace(study, reason=f"{study.reason} {sentence}")


def _sentence(error: Exception) -> str:
    if isinstance(error, WattuneError | KnobError | AdapterError):
        return str(error)
    _log.error("A study failed in a way that nobody foresaw.", exc_info=error)
    return f"The study failed unexpectedly ({type(error).__name__}: {error}); the daemon's log says more."
