"""How far the clock of a meter is ahead of the clock of a trace: where power follows activity best.

The meter's own intervals are laid over the trace at many offsets. Of each, the share of time in which lanes were
active is correlated with its mean power. The offset is taken if it is plainly better than every other one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuner.energy_model.accounting.nesting import Nesting
from tuner.energy_model.accounting.power import PowerSeries
from tuner.energy_model.accounting.split import active_lanes
from tuner.energy_model.accounting.timeline import Floats, Integers, Timeline
from tuner.errors import BadInputError

_LEAST_INTERVALS = 12
_MOST_OFFSETS = 4000
_SMALL_NS = 2_000_000_000
"""Two clocks that are meant to be one are no further apart."""
_STEPS_AN_UPDATE = 4
_LEAST_CORRELATION = 0.5
_LEAST_LEAD = 0.02
_NEIGHBOURHOOD_UPDATES = 3.0
_ADVICE = "say it with --clock-offset, or record the meter for longer, with rest before and after the trace"


@dataclass(frozen=True)
class ClockOffset:
    """What was found about two clocks.

    Attributes:
        offset_s: How far the meter's clock is ahead of the trace's.
        correlation: Of power and activity at this offset; None where it was not looked at, or nothing varies.
        how: What it rests on, in words.
    """

    offset_s: float
    correlation: float | None
    how: str


def find_offset(timeline: Timeline, nesting: Nesting, meters: Sequence[PowerSeries]) -> ClockOffset:
    """Finds how far the meters' clock is ahead of the trace's.

    Args:
        timeline: The trace.
        nesting: Who is within whom.
        meters: What the meters showed, all on one clock.

    Raises:
        BadInputError: The clocks differ, and the offset cannot be told.
    """
    signals = [_Signal(timeline, nesting, meter) for meter in meters]
    signal = max(signals, key=lambda one: one.variation)
    start_ns, end_ns = timeline.span_ns
    earliest, latest = signal.times_ns[0] - start_ns, signal.times_ns[-1] - end_ns
    if latest < earliest:
        raise BadInputError(
            f"{signal.name} is shorter than the trace: record it from before the first event to after the last."
        )
    update_ns = int(signal.update_ns)
    is_one_clock = earliest - update_ns <= 0 <= latest + update_ns
    if is_one_clock:
        earliest, latest = max(earliest, -_SMALL_NS), min(latest, _SMALL_NS)
    best_ns, best, second = signal.best(int(earliest), int(latest))
    if is_one_clock:
        return _same_clock(signal, best_ns, best, second)
    if best < _LEAST_CORRELATION or best - second < _LEAST_LEAD:
        raise BadInputError(
            f"The clocks of {signal.name} and of the trace differ, and the offset cannot be told (correlation "
            f"{best:.2f} at best, {second:.2f} elsewhere): {_ADVICE}."
        )
    return ClockOffset(best_ns * 1e-9, best, "estimated: power follows activity best there")


def _same_clock(signal: _Signal, best_ns: int, best: float, second: float) -> ClockOffset:
    here = signal.correlation(0)
    is_better = best >= _LEAST_CORRELATION and best - max(here, second) >= _LEAST_LEAD
    if is_better and abs(best_ns) > signal.update_ns:
        return ClockOffset(best_ns * 1e-9, best, "estimated: the same clock by its times, but power follows later")
    if not np.isfinite(here):
        return ClockOffset(0.0, None, "the same clock by its times; power or activity does not vary, so unchecked")
    return ClockOffset(0.0, here, "the same clock by its times")


class _Signal:
    """A meter's power and the activity of its devices."""

    def __init__(self, timeline: Timeline, nesting: Nesting, meter: PowerSeries) -> None:
        self.name = meter.name
        self.times_ns, self.update_ns = meter.times_ns, meter.update_ns
        self._power_w = np.diff(meter.energy_j) / np.diff(meter.times_ns) * 1e9
        self._instants, active = active_lanes(timeline, nesting, meter.devices)
        busy_ns = np.minimum(active, 1) * np.diff(self._instants)
        self._busy_ns = np.concatenate(([0.0], np.cumsum(busy_ns)))
        self._span_ns = timeline.span_ns

    @property
    def variation(self) -> float:
        """How much the power varies, relative to its mean."""
        mean_w = float(self._power_w.mean())
        return float(self._power_w.std()) / mean_w if mean_w > 0 else 0.0

    def best(self, earliest_ns: int, latest_ns: int) -> tuple[int, float, float]:
        """Returns the best offset, its correlation, and the best correlation that is not near by."""
        step_ns = max(int(self.update_ns / _STEPS_AN_UPDATE), (latest_ns - earliest_ns) // _MOST_OFFSETS, 1)
        offsets = np.arange(earliest_ns, latest_ns + 1, step_ns)
        scores = np.array([self.correlation(int(offset)) for offset in offsets])
        place = int(np.argmax(scores))
        far = np.abs(offsets - offsets[place]) > _NEIGHBOURHOOD_UPDATES * max(self.update_ns, step_ns)
        near = np.linspace(-step_ns, step_ns, 2 * _STEPS_AN_UPDATE + 1).astype(np.int64) + offsets[place]
        finest = max(near.tolist(), key=self.correlation)
        return int(finest), self.correlation(int(finest)), float(scores[far].max(initial=-1.0))

    def correlation(self, offset_ns: int) -> float:
        """Returns the correlation of power and activity; minus infinity where there is none.

        What rests before and after the trace takes part: a machine that rests there tells where the trace begins.
        """
        edges = self.times_ns - offset_ns
        margin_ns = (self._span_ns[1] - self._span_ns[0]) // 2
        begin, end = np.searchsorted(edges, (self._span_ns[0] - margin_ns, self._span_ns[1] + margin_ns))
        begin, end = max(int(begin) - 1, 0), min(int(end) + 1, len(edges))
        if end - begin <= _LEAST_INTERVALS:
            return -np.inf
        share = self._activity(edges[begin:end])
        power_w = self._power_w[begin : end - 1]
        if share.std() < 1e-9 or power_w.std() <= 1e-9 * abs(power_w.mean()):
            return -np.inf
        return float(np.corrcoef(share, power_w)[0, 1])

    def _activity(self, edges: Integers) -> Floats:
        first = self._instants[0]
        busy_ns = np.interp(edges - first, self._instants - first, self._busy_ns)
        return np.asarray(np.diff(busy_ns) / np.diff(edges), dtype=np.float64)
