"""One trial after the other: measured within the operator's hours, stored the moment it is done."""

from __future__ import annotations

import threading

from serving_adapter.runner.client import RunnerLostError
from tuner.clock import Clock
from tuner.configuration import Configuration
from tuner.errors import ProcessLostError
from tuner.measuring.attempt import Aim
from tuner.measuring.procedure import MeasuringProcedure, Outcome
from tuner.ports import Hardware
from tuner.study.limits import OperatorLimits
from tuner.study.recorder import Recorder
from tuner.trial import Measurement, Purpose, Rejection, RejectionCause, Trial

_LONGEST_NAP_S = 60.0


class Cancelled(Exception):  # noqa: N818 - not an error: the operator asked for it
    """The operator cancelled the study."""


class Trials:
    """Makes the trials of one study."""

    def __init__(
        self,
        hardware: Hardware,
        procedure: MeasuringProcedure,
        record: Recorder,
        limits: OperatorLimits,
        clock: Clock,
        cancelled: threading.Event,
    ) -> None:
        """Keeps what trials need.

        Args:
            hardware: The keeper.
            procedure: Measures a configuration.
            record: Takes every trial.
            limits: What the operator lets a study do.
            clock: Durations and times for the record.
            cancelled: Once set, no trial is finished any more.
        """
        self._hardware = hardware
        self._procedure = procedure
        self._record = record
        self._limits = limits
        self._clock = clock
        self._cancelled = cancelled

    def measure(self, configuration: Configuration, purpose: Purpose, aim: Aim) -> Trial:
        """Measures one configuration within the operator's hours, stores what became of it, and tells everybody.

        Args:
            configuration: One value for every parameter of the space.
            purpose: Why it is measured.
            aim: What the trial is to find out.

        Raises:
            Cancelled: The operator cancelled the study meanwhile.
            KeeperLostError, RunnerLostError, ProcessLostError: A process died.
            StoreError: The trial could not be stored.
        """
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
            arrival_rate_hz=aim.arrival_rate_hz,
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
            self._hardware.restore()
            self._record.announce(f"waiting until {opening:%a %H:%M}, when the operator's hours begin")
            if self._cancelled.wait(min(_LONGEST_NAP_S, max(1.0, (opening - now).total_seconds()))):
                raise Cancelled
