"""The measuring procedure: apply, verify, settle, warm up, measure. One configuration in, one outcome out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from knobs.contract import DeviceError, RefusedError
from serving_adapter.contract import AdapterError
from serving_adapter.runner.client import RunnerLostError
from tuner.config_record import MeasurementSettings
from tuner.configuration import Configuration, Value
from tuner.errors import ProcessLostError
from tuner.measuring.attempt import Aim, Attempt
from tuner.measuring.bench import Bench
from tuner.measuring.watch import Bounds
from tuner.trial import Measurement, Rejection, RejectionCause, Verdict

_PASSING = (RejectionCause.DISTURBED, RejectionCause.DRIFT)
"""What disturbs so passes, as heat does: one more attempt is cheaper than a configuration lost to the search."""

_SERVERS_OWN = (RejectionCause.NOT_APPLIED, RejectionCause.METER, RejectionCause.WORKLOAD, RejectionCause.ERRORS)
"""What a server that has ended, or was started again, brings about."""


@dataclass(frozen=True)
class Outcome:
    """What became of a configuration, and what that cost.

    Attributes:
        result: The measurement, or why there is none.
        energy_j: Joules that it took, everything included; None if the meter did not say.
        late_requests: Requests that broke an SLO or failed meanwhile.
    """

    result: Measurement | Rejection
    energy_j: float | None
    late_requests: int


class MeasuringProcedure:
    """Measures configurations, one after the other, all in the same way."""

    def __init__(
        self,
        bench: Bench,
        baseline: Configuration,
        settings: MeasurementSettings,
        cancelled: Callable[[], bool],
        bounds: Bounds | None = None,
    ) -> None:
        """Keeps what it is to measure on.

        Args:
            bench: The machine, the workload and the objective.
            baseline: The configuration that the machine has without us.
            settings: How long things take.
            cancelled: Asked between slices; once true, the window closes at once.
            bounds: What a trial may not exceed, beside what the settings say.
        """
        self._bench = bench
        self._baseline_knobs = dict(baseline.only(bench.space.knob_ids))
        self._settings = settings
        self._cancelled = cancelled
        self._bounds = bounds or Bounds(max_background_cores=settings.max_background_cores)
        self._serving_pid = bench.workload.serving_pid()

    def measure(self, configuration: Configuration, aim: Aim | None = None) -> Outcome:
        """Applies a configuration and measures it.

        Args:
            configuration: One value for every parameter of the space.
            aim: What the trial is to find out; everything about it by default.

        Raises:
            KeeperLostError, RunnerLostError, ProcessLostError: A process died; its errors pass through.
        """
        before_j = self._energy_j()
        result, late_requests = self._measure_twice(configuration, aim or Aim())
        self._retreat(result)
        after_j = self._energy_j()
        energy_j = None if before_j is None or after_j is None else after_j - before_j
        return Outcome(result, energy_j, late_requests)

    def _measure_twice(self, configuration: Configuration, aim: Aim) -> tuple[Measurement | Rejection, int]:
        """Measures once, and once more if something that passes was in the way."""
        outcome, late_requests = self._attempt(configuration, aim)
        if not isinstance(outcome, Rejection) or outcome.cause not in _PASSING:
            return outcome, late_requests
        self._bench.workload.idle(self._settings.cool_down_s)
        again, more_late = self._attempt(configuration, aim)
        if isinstance(again, Measurement):
            again = replace(again, notes=(*again.notes, f"Measured a second time. {outcome.reason}"))
        return again, late_requests + more_late

    def _attempt(self, configuration: Configuration, aim: Aim) -> tuple[Measurement | Rejection, int]:
        bench = self._bench.at(aim.arrival_rate_hz)
        attempt = Attempt(bench, self._settings, self._bounds, aim, self._cancelled)
        try:
            outcome = self._apply_and_measure(configuration, attempt)
        except RunnerLostError:
            raise
        except DeviceError as error:
            outcome = Rejection(RejectionCause.METER, str(error))
        except AdapterError as error:
            outcome = Rejection(RejectionCause.WORKLOAD, str(error))
        if isinstance(outcome, Rejection) and outcome.cause in _SERVERS_OWN:
            self._require_same_server(outcome.reason)
        return outcome, attempt.late_requests

    def _apply_and_measure(self, configuration: Configuration, attempt: Attempt) -> Measurement | Rejection:
        knob_values, serving_values = self._split(configuration)
        try:
            if knob_values == self._baseline_knobs:
                # Not applied but taken back to: its values may lie outside of what we may set.
                self._bench.hardware.restore()
            else:
                self._bench.hardware.apply(knob_values)
        except (RefusedError, DeviceError) as error:
            return Rejection(RejectionCause.NOT_APPLIED, str(error))
        self._bench.workload.configure(serving_values)
        return attempt.measure(knob_values, serving_values)

    def _retreat(self, result: Measurement | Rejection) -> None:
        """Leaves a configuration at once that must not stay in force until the next one is known."""
        is_proven = isinstance(result, Measurement) and result.verdict is Verdict.FEASIBLE
        is_too_hot = isinstance(result, Rejection) and result.cause is RejectionCause.TOO_HOT
        if is_too_hot or (self._bench.is_live and not is_proven):
            self._bench.hardware.restore()

    def _require_same_server(self, reason: str) -> None:
        """Makes sure that the process that served still serves: knobs and CPU time are bound to it.

        Raises:
            ProcessLostError: It does not.
        """
        now = self._bench.workload.serving_pid()
        if now != self._serving_pid:
            what = "has ended" if now is None else f"was started again (process {now})"
            raise ProcessLostError(f"The server (process {self._serving_pid}) {what}: {reason}")

    def _split(self, configuration: Configuration) -> tuple[dict[str, Value], dict[str, Value]]:
        knobs = dict(configuration.only(self._bench.space.knob_ids))
        return knobs, {name: value for name, value in configuration.items() if name not in knobs}

    def _energy_j(self) -> float | None:
        try:
            return self._bench.sample().value
        except DeviceError:
            return None
