"""One look at a configuration that is in force: settle, warm up, measure, and say whether it counts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace

from serving_adapter.contract import Load, Slice
from tuner.config_record import MeasurementSettings
from tuner.configuration import Value
from tuner.measuring.bench import Bench
from tuner.measuring.closing import Closing, closing_of
from tuner.measuring.confidence import combine
from tuner.measuring.tally import RequestTally, Tally, TrafficTally, late_requests
from tuner.measuring.validity import lapse_of, mismatch_of
from tuner.measuring.warm_up import Heat, WarmUp, warm_up
from tuner.measuring.watch import Bounds, Watch
from tuner.measuring.window import Window
from tuner.trial import Interval, Measurement, Rejection, RejectionCause, Verdict

BATCH_SIZE = "serving.batch_size"

_LONGEST_LIVE_SLICE_S = 0.4
"""Real requests are at stake: clear evidence against a configuration is acted upon within a second."""


@dataclass(frozen=True)
class Aim:
    """What a trial is to find out.

    Attributes:
        to_beat: 95 % interval of the best trial's energy per request: what is surely worse is cut short.
        is_soaked: Whether temperatures must have come to a stand before the window opens.
        arrival_rate_hz: At which of the objective's arrival rates it is measured; None where it has no more than one.
    """

    to_beat: Interval | None = None
    is_soaked: bool = False
    arrival_rate_hz: float | None = None


class Attempt:
    """Measures what is in force, once.

    Attributes:
        late_requests: Requests that broke an SLO or failed so far.
    """

    def __init__(
        self, bench: Bench, settings: MeasurementSettings, bounds: Bounds, aim: Aim, cancelled: Callable[[], bool]
    ) -> None:
        """Prepares the look.

        Args:
            bench: The machine, the workload and the objective.
            settings: How long things take.
            bounds: What a trial may not exceed.
            aim: What it is to find out.
            cancelled: Asked after every slice; once true, the attempt ends.
        """
        self.late_requests = 0
        self._bench = bench
        self._settings = settings
        self._aim = aim
        self._cancelled = cancelled
        self._watch = Watch(bench.hardware.observe, bounds)
        self._knobs = {knob.id: knob for knob in bench.knobs}
        slice_s = max(settings.slice_s, 2.0 * bench.meter.update_period_s)
        self._slice_s = min(slice_s, _LONGEST_LIVE_SLICE_S) if bench.is_live else slice_s

    def measure(self, knob_values: dict[str, Value], serving_values: dict[str, Value]) -> Measurement | Rejection:
        """Measures the configuration in force.

        Args:
            knob_values: What was set.
            serving_values: What the adapter was told.

        Raises:
            DeviceError: The meter or a knob does not answer.
            AdapterError: The workload can serve nothing any more.
        """
        workload = self._bench.workload
        settle_s = max((self._knobs[name].settle_s for name in knob_values), default=0.0)
        if settle_s > 0:
            workload.idle(settle_s)
        with self._watch.looking() if self._bench.is_watched else nullcontext():
            outcomes = self._measure_loads()
        delivered = self._bench.hardware.read(sorted(knob_values)) | workload.current()
        if mismatch := mismatch_of(self._knobs, knob_values | serving_values, delivered):
            return Rejection(RejectionCause.NOT_VERIFIED, mismatch)
        if (rejection := self._watch.verdict(self._knobs, knob_values)) is not None:
            return rejection
        if isinstance(outcomes[-1], Rejection):
            return outcomes[-1]
        measured = [outcome for outcome in outcomes if isinstance(outcome, Measurement)]
        worst_s = tuple(map(max, zip(*(measurement.slo_latencies_s for measurement in measured), strict=True)))
        return replace(
            measured[0],
            verdict=combine(measurement.verdict for measurement in measured),
            slo_latency_s=worst_s[0],
            slo_latencies_s=worst_s,
            delivered=delivered,
            warm_up_s=settle_s + measured[0].warm_up_s,
            notes=tuple(note for measurement in measured for note in measurement.notes),
            circumstances=self._watch.circumstances(),
        )

    def _measure_loads(self) -> list[Measurement | Rejection]:
        """Measures under every load, until one of them says that the rest is of no consequence."""
        outcomes: list[Measurement | Rejection] = []
        try:
            for load in self._loads():
                outcome = self._measure_load(load)
                outcomes.append(outcome)
                if isinstance(outcome, Rejection) or outcome.verdict is Verdict.INFEASIBLE:
                    break
        finally:
            self._bench.workload.stop_load()
        return outcomes

    def _loads(self) -> list[Load]:
        """The load at the arrival rate, which energy is measured at, and at the peak rate, if there is one."""
        objective = self._bench.objective
        batch_size = int(self._bench.workload.current().get(BATCH_SIZE, 1))
        rates_hz = [objective.arrival_rate_hz]
        if objective.peak_rate_hz not in (None, objective.arrival_rate_hz):
            rates_hz.append(objective.peak_rate_hz)
        wait_s = self._bench.batch_wait_s
        return [Load(objective.scenario.value, batch_size, rate_hz, batch_wait_s=wait_s) for rate_hz in rates_hz]

    def _measure_load(self, load: Load) -> Measurement | Rejection:
        self._bench.workload.start_load(load)
        heat = Heat(self._settings.soak_s, self._watch.temperatures_stand_still) if self._aim.is_soaked else None
        warm = warm_up(self._run, self._bench.sample, self._settings, self._is_in_vain, heat, not self._bench.is_live)
        tally = self._new_tally()
        window = Window(self._bench.meter, tally, self._bench.sample(), warm.last, load.rate_hz)
        closing = self._fill(window)
        if self._cancelled():
            return Rejection(RejectionCause.CANCELLED, "The study was cancelled in this window.")
        if self._is_in_vain():
            return Rejection(RejectionCause.DISTURBED, f"While it was measured: {self._watch.obstacle()}.")
        if (lapse := lapse_of(window, tally, self._bench.objective, self._settings)) is not None:
            return lapse
        return self._summarise(window, tally, warm, closing)

    def _new_tally(self) -> Tally:
        slos = self._bench.objective.slos
        return TrafficTally(slos) if self._bench.is_live else RequestTally(slos)

    def _fill(self, window: Window) -> Closing | None:
        """Lets load flow until the window closes; returns why it did, or None if it was interrupted."""
        while not self._is_in_vain():
            window.add(self._run(), self._bench.sample())
            if (closing := closing_of(window, self._settings, self._aim.to_beat)) is not None:
                return closing
        return None

    def _run(self) -> Slice:
        piece = self._bench.workload.run(self._slice_s)
        self.late_requests += late_requests(piece, self._bench.objective.slos)
        return piece

    def _is_in_vain(self) -> bool:
        return bool(self._cancelled() or self._watch.alarm() or self._watch.obstacle())

    def _summarise(self, window: Window, tally: Tally, warm: WarmUp, closing: Closing | None) -> Measurement:
        slos = self._bench.objective.slos
        slo_latencies_s = tuple(tally.latencies(slo.metric).at(slo.percentile) for slo in slos)
        return Measurement(
            energy=window.energy(),
            latency=tally.summary(),
            slo_latency_s=slo_latencies_s[0],
            verdict=tally.verdict,
            requests=tally.requests,
            queries=tally.queries,
            window_s=window.duration_s,
            throughput_hz=window.throughput_hz(),
            late_queries=tally.late_queries,
            warm_up_s=warm.duration_s,
            notes=(f"Not steady after {warm.duration_s:.1f} s of warming up. {warm.complaint}",)
            if warm.complaint
            else (),
            failed_requests=tally.failed,
            idle_share=tally.idle_share(),
            tokens=tally.tokens(),
            ended_early=closing.value if closing is not None and closing.is_early else "",
            slo_latencies_s=slo_latencies_s,
        )
