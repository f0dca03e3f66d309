"""The measuring procedure: apply, verify, settle, warm up, measure. One configuration in, one outcome out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from statistics import median

from knobs.contract import DeviceError, KnobSpec, MeterSpec, Reading, RefusedError
from serving_adapter.contract import AdapterError, Load
from serving_adapter.contract import Slice as LoadSlice
from serving_adapter.runner.client import RunnerLostError
from tuner.config_record import MeasurementSettings
from tuner.configuration import Configuration, ConfigurationSpace, Value
from tuner.measuring.verdict import combine
from tuner.measuring.watch import Watch
from tuner.measuring.window import Window
from tuner.objective import Objective
from tuner.ports import Hardware, Workload
from tuner.trial import Measurement, Rejection, RejectionCause, Verdict

BATCH_SIZE = "serving.batch_size"

_LEAST_SLICES = 3
"""An interval of energy needs a few slices; fewer tell nothing about their scatter."""
_LEAST_READINGS = 3
_LARGEST_GAP = 0.1
"""Share of a window without samples of the meter beyond which its energy is a guess."""


@dataclass(frozen=True)
class Bench:
    """What a trial is measured on: the machine, the workload and the question asked of them."""

    hardware: Hardware
    workload: Workload
    objective: Objective
    space: ConfigurationSpace
    knobs: tuple[KnobSpec, ...]
    meter: MeterSpec
    is_watched: bool = False
    """Whether devices say something about themselves while load flows."""


def present_configuration(bench: Bench) -> Configuration:
    """Returns the values that the parameters of the space have now.

    Raises:
        DeviceError: A knob cannot be read.
    """
    serving = bench.workload.current()
    others = [parameter.id for parameter in bench.space.parameters if not parameter.is_knob]
    return Configuration(bench.hardware.read(bench.space.knob_ids) | {name: serving[name] for name in others})


class MeasuringProcedure:
    """Measures configurations, one after the other, all in the same way."""

    def __init__(
        self, bench: Bench, baseline: Configuration, settings: MeasurementSettings, cancelled: Callable[[], bool]
    ) -> None:
        """Keeps what it is to measure on.

        Args:
            bench: The machine, the workload and the objective.
            baseline: The configuration that the machine has without us.
            settings: How long things take.
            cancelled: Asked between slices; once true, the window closes at once.
        """
        self._bench = bench
        self._baseline_knobs = dict(baseline.only(bench.space.knob_ids))
        self._settings = settings
        self._cancelled = cancelled
        self._knobs = {knob.id: knob for knob in bench.knobs}
        self._slice_s = max(settings.slice_s, 2.0 * bench.meter.update_period_s)

    def measure(self, configuration: Configuration) -> Measurement | Rejection:
        """Applies a configuration and measures it.

        Args:
            configuration: One value for every parameter of the space.

        Returns:
            The measurement, or why the trial does not count.

        Raises:
            KeeperLostError, RunnerLostError: A process died; its errors pass through.
        """
        outcome = self._attempt(configuration)
        if not isinstance(outcome, Rejection) or outcome.cause is not RejectionCause.DISTURBED:
            return outcome
        # What disturbs passes, as heat does: one more attempt is cheaper than a configuration lost to the search.
        self._bench.workload.idle(self._settings.cool_down_s)
        again = self._attempt(configuration)
        if isinstance(again, Rejection):
            return again
        return replace(again, notes=(*again.notes, f"Measured a second time. {outcome.reason}"))

    def _attempt(self, configuration: Configuration) -> Measurement | Rejection:
        knob_values, serving_values = self._split(configuration)
        try:
            if knob_values == self._baseline_knobs:
                # Not applied but taken back to: its values may lie outside of what we may set.
                self._bench.hardware.restore()
            else:
                self._bench.hardware.apply(knob_values)
            self._bench.workload.configure(serving_values)
        except (RefusedError, DeviceError) as error:
            return Rejection(RejectionCause.NOT_APPLIED, str(error))
        except AdapterError as error:
            return self._workload_rejection(error)
        try:
            return self._measure_applied(knob_values, serving_values)
        except DeviceError as error:
            return Rejection(RejectionCause.METER, str(error))
        except AdapterError as error:
            return self._workload_rejection(error)

    def _workload_rejection(self, error: AdapterError) -> Rejection:
        if isinstance(error, RunnerLostError):
            raise error
        return Rejection(RejectionCause.WORKLOAD, str(error))

    def _split(self, configuration: Configuration) -> tuple[dict[str, Value], dict[str, Value]]:
        knobs = dict(configuration.only(self._bench.space.knob_ids))
        return knobs, {name: value for name, value in configuration.items() if name not in knobs}

    def _measure_applied(
        self, knob_values: dict[str, Value], serving_values: dict[str, Value]
    ) -> Measurement | Rejection:
        workload = self._bench.workload
        settle_s = max((self._knobs[name].settle_s for name in knob_values), default=0.0)
        if settle_s > 0:
            workload.idle(settle_s)
        watch = Watch(self._bench.hardware.observe)
        with watch.looking() if self._bench.is_watched else nullcontext():
            outcomes = [self._measure_load(load) for load in self._loads()]
        delivered = self._bench.hardware.read(sorted(knob_values)) | workload.current()
        if mismatch := self._mismatch(knob_values | serving_values, delivered):
            return Rejection(RejectionCause.NOT_VERIFIED, mismatch)
        for outcome in outcomes:
            if isinstance(outcome, Rejection):
                return outcome
        if (rejection := watch.verdict(self._knobs, knob_values)) is not None:
            return rejection
        measured = [outcome for outcome in outcomes if isinstance(outcome, Measurement)]
        return replace(
            measured[0],
            verdict=combine(measurement.verdict for measurement in measured),
            slo_latency_s=max(measurement.slo_latency_s for measurement in measured),
            delivered=delivered,
            warm_up_s=settle_s + measured[0].warm_up_s,
            notes=tuple(note for measurement in measured for note in measurement.notes),
            circumstances=watch.circumstances(),
        )

    def _loads(self) -> list[Load]:
        """The load at the arrival rate, which energy is measured at, and at the peak rate, if there is one."""
        objective = self._bench.objective
        batch_size = int(self._bench.workload.current().get(BATCH_SIZE, 1))
        rates_hz = [objective.arrival_rate_hz]
        if objective.peak_rate_hz not in (None, objective.arrival_rate_hz):
            rates_hz.append(objective.peak_rate_hz)
        return [Load(objective.scenario.value, batch_size, rate_hz) for rate_hz in rates_hz]

    def _measure_load(self, load: Load) -> Measurement | Rejection:
        self._bench.workload.start_load(load)
        warm_up_s, steady, last = self._warm_up()
        window = self._fill_window(last)
        if window.slices < _LEAST_SLICES:
            return Rejection(RejectionCause.CANCELLED, "The study was cancelled in this window.")
        if not window.requests:
            limit = f"{self._settings.window_s:g} s"
            return Rejection(RejectionCause.WORKLOAD, f"No request was completed within {limit}.")
        if (lapse := self._meter_lapse(window)) is not None:
            return lapse
        notes = () if steady else (f"Latency was not steady after {warm_up_s:.1f} s of warming up.",)
        return replace(self._summarise(window), warm_up_s=warm_up_s, notes=notes)

    def _meter_lapse(self, window: Window) -> Rejection | None:
        """Returns why the meter's readings tell nothing about this window; None if they do."""
        meter = self._bench.meter
        if len(window.readings) < _LEAST_READINGS:
            return Rejection(
                RejectionCause.METER,
                f"{meter.id} moved only {len(window.readings) - 1} times in the window: it is updated every "
                f"{meter.update_period_s:g} s, so set a longer window_s.",
            )
        if window.gap_s > _LARGEST_GAP * window.duration_s:
            return Rejection(
                RejectionCause.METER,
                f"{meter.id} had no samples for {window.gap_s:.2f} of {window.duration_s:.2f} s.",
            )
        return None

    def _warm_up(self) -> tuple[float, bool, LoadSlice | None]:
        """Lets load flow until latency is steady.

        Returns:
            How long that took, whether it got there, and the last slice.
        """
        settings = self._settings
        spent_s, previous_s, piece = 0.0, None, None
        self._sample()  # so that a meter that has rested knows its counter's rhythm when the window opens
        while spent_s < settings.warm_up_s and not self._cancelled():
            piece = self._bench.workload.run(self._slice_s)
            spent_s += piece.end_s - piece.start_s
            present_s = _median_latency_s(piece)
            steady = _is_steady(previous_s, present_s, settings.steady_within)
            if steady and spent_s >= settings.min_warm_up_s:
                return spent_s, True, piece
            previous_s = present_s
        return spent_s, False, piece

    def _fill_window(self, before: LoadSlice | None) -> Window:
        window = Window(self._bench.meter, self._bench.objective.slos)
        window.open(self._sample(), before)
        while not self._cancelled():
            piece = self._bench.workload.run(self._slice_s)
            window.add(piece, self._sample())
            if self._is_complete(window):
                break
        return window

    def _is_complete(self, window: Window) -> bool:
        settings = self._settings
        if window.slices < _LEAST_SLICES:
            return False
        loaded_s = window.loaded_s
        if loaded_s >= settings.window_s or (
            window.verdict is Verdict.INFEASIBLE and len(window.readings) >= _LEAST_READINGS
        ):
            return True
        if loaded_s < settings.min_window_s or window.verdict is Verdict.UNDECIDED:
            return False
        return window.relative_half_width() <= settings.energy_target

    def _sample(self) -> Reading:
        return self._bench.hardware.sample([self._bench.meter.id])[self._bench.meter.id]

    def _mismatch(self, wanted: dict[str, Value], found: dict[str, Value]) -> str:
        for name, value in wanted.items():
            tolerance = self._knobs[name].tolerance if name in self._knobs else 0.0
            if not _agrees(value, found.get(name), tolerance):
                return f"{name} was set to {value} and reads back {found.get(name)}."
        return ""

    def _summarise(self, window: Window) -> Measurement:
        slo = self._bench.objective.slos[0]
        return Measurement(
            energy=window.energy(),
            latency=window.latency(),
            slo_latency_s=window.latency_at(slo.percentile),
            verdict=window.verdict,
            requests=window.requests,
            queries=window.queries,
            window_s=window.duration_s,
            throughput_hz=window.requests / window.duration_s,
            late_queries=window.late[0],
        )


def _median_latency_s(piece: LoadSlice) -> float | None:
    latencies = [completion.finish_s - min(completion.arrivals_s) for completion in piece.completions]
    return median(latencies) if latencies else None


def _is_steady(previous_s: float | None, present_s: float | None, within: float) -> bool:
    if previous_s is None or present_s is None:
        return False
    return abs(present_s - previous_s) <= within * previous_s


def _agrees(wanted: Value, found: Value | None, tolerance: float) -> bool:
    if isinstance(wanted, str) or isinstance(found, str) or found is None:
        return wanted == found
    return abs(found - wanted) <= tolerance * abs(wanted)
