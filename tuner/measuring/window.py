"""The arithmetic of one measuring window: slices of load and meter readings in, energy and latency out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import NormalDist, fmean

from knobs.contract import MeterSpec, Reading
from serving_adapter.contract import Slice
from tuner.measuring.energy import energy_of_window
from tuner.measuring.verdict import combine, decide
from tuner.measuring.work import WorkDone
from tuner.objective import Slo
from tuner.trial import EnergyResult, Interval, LatencyResult, Verdict

_Z = NormalDist().inv_cdf(0.975)
_LEAST_READINGS = 3


def student_t(degrees: int) -> float:
    """Returns the 97.5 % quantile of Student's t.

    Exact for one and two degrees of freedom; else the expansion of Abramowitz and Stegun, 26.7.5, which is
    off by less than 1 % from three degrees on.
    """
    if degrees < 1:
        return math.inf
    if degrees == 1:
        return math.tan(math.pi * 0.475)
    if degrees == 2:
        return 0.95 / math.sqrt(2 * 0.975 * 0.025)
    z, n = _Z, float(degrees)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / n + second / n**2 + third / n**3


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Returns a percentile by nearest rank, which is a value that was seen and never too low.

    Args:
        ordered: At least one value, ascending.
        percent: Between 0 and 100.
    """
    return ordered[max(0, math.ceil(percent / 100.0 * len(ordered)) - 1)]


@dataclass
class Window:
    """Slices of load, and the meter read before and after each.

    A reading belongs to the last step of its counter, a little before it was taken. Energy is therefore counted from
    the first reading's instant to the last one's, and so are requests: a batch that an instant cuts counts in part.

    Attributes:
        meter: The meter that was read.
        slos: The bounds that are judged.
        readings: The meter's readings, each at another instant.
        work: What was worked on, the slice before the window included.
        latencies_s: Latency of every request.
        late: Late queries by SLO.
        queries: Completed batches.
        slices: Slices of load.
        loaded_s: Time from the first slice's begin to the last one's end.
    """

    meter: MeterSpec
    slos: tuple[Slo, ...]
    readings: list[Reading] = field(default_factory=list)
    work: WorkDone = field(default_factory=WorkDone)
    latencies_s: list[float] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    queries: int = 0
    slices: int = 0
    loaded_s: float = 0.0
    _begin_s: float = 0.0

    def open(self, reading: Reading, before: Slice | None = None) -> None:
        """Starts the window.

        Args:
            reading: The meter now; it may belong to an instant within the slice before.
            before: The slice of warming up that has just ended.
        """
        self.readings = [reading]
        self.late = [0] * len(self.slos)
        self.work = WorkDone()
        if before is not None:
            self.work.add(before)

    def add(self, piece: Slice, reading: Reading) -> None:
        """Adds a slice of load and the reading after it."""
        self.work.add(piece)
        self._begin_s = piece.start_s if not self.slices else self._begin_s
        self.loaded_s = piece.end_s - self._begin_s
        self.slices += 1
        for completion in piece.completions:
            latencies = [completion.finish_s - arrival_s for arrival_s in completion.arrivals_s]
            self.latencies_s += latencies
            self.queries += 1
            for index, slo in enumerate(self.slos):
                self.late[index] += max(latencies) > slo.bound_s
        if self.readings[0].time_s < self.work.begin_s:
            self.readings = [reading]  # the first belonged to a time of which nobody knows what was worked on
        elif reading.time_s > self.readings[-1].time_s:
            self.readings.append(reading)

    @property
    def requests(self) -> int:
        """Completed requests."""
        return len(self.latencies_s)

    @property
    def duration_s(self) -> float:
        """Time between the first and the last reading; 0 while the meter has not moved."""
        return self.readings[-1].time_s - self.readings[0].time_s

    @property
    def gap_s(self) -> float:
        """Seconds over which the meter had no samples."""
        return self.readings[-1].gap_s - self.readings[0].gap_s

    @property
    def verdict(self) -> Verdict:
        """Whether all SLOs hold."""
        return combine(
            decide(self.queries, late, slo.late_share) for late, slo in zip(self.late, self.slos, strict=True)
        )

    def relative_half_width(self) -> float:
        """Returns half the width of the 95 % interval of energy per request, relative to it."""
        if len(self.readings) < _LEAST_READINGS or not self._items() or not self._energy_j():
            return math.inf
        return self._half_width() / (self._energy_j() / self._items())

    def _energy_j(self) -> float:
        return self.readings[-1].value - self.readings[0].value

    def _items(self) -> float:
        return self.work.items_between(self.readings[0].time_s, self.readings[-1].time_s)

    def _half_width(self) -> float:
        """What the scatter of the pieces between readings leaves open, and what the meter itself does."""
        return self._scatter_half_width() + self._meter_error_j() / self._items()

    def _scatter_half_width(self) -> float:
        """Ratio estimator over pieces (Cochran, Sampling Techniques, 3rd ed., section 6.3), Student's t."""
        pieces = [
            (after.value - before.value, self.work.items_between(before.time_s, after.time_s))
            for before, after in pairwise(self.readings)
        ]
        count = len(pieces)
        if count < 2:
            return math.inf
        per_request_j = self._energy_j() / self._items()
        squares = sum((energy - per_request_j * items) ** 2 for energy, items in pieces)
        standard_error = math.sqrt(squares / (count * (count - 1))) / (self._items() / count)
        return student_t(count - 1) * standard_error

    def _meter_error_j(self) -> float:
        first, last = self.readings[0], self.readings[-1]
        return energy_of_window(self.readings, first.time_s, last.time_s, self.meter).error_j

    def energy(self) -> EnergyResult:
        """Returns the energy per request; the window must hold a request, and two readings."""
        per_request_j = self._energy_j() / self._items()
        half_width = self._half_width()
        cpu_s = self._cpu_s()
        return EnergyResult(
            per_request_j=per_request_j,
            interval=Interval(max(0.0, per_request_j - half_width), per_request_j + half_width),
            scope=self.meter.scope,
            provenance=self.meter.provenance,
            meter=self.meter.id,
            mean_power_w=self._energy_j() / self.duration_s,
            band=self._band(cpu_s),
            cpu_s_per_request=None if cpu_s is None else cpu_s / self._items(),
        )

    def _cpu_s(self) -> float | None:
        first, last = self.readings[0].cpu_s, self.readings[-1].cpu_s
        return None if first is None or last is None else last - first

    def _band(self, cpu_s: float | None) -> Interval | None:
        coefficients = self.meter.coefficients
        if coefficients is None or cpu_s is None:
            return None
        low, _, high = (
            (static_w * self.duration_s + core_w * cpu_s) / self._items()
            for static_w, core_w in zip(coefficients.static_w, coefficients.cpu_core_w, strict=True)
        )
        return Interval(low, high)

    def latency(self) -> LatencyResult:
        """Returns percentiles of latency; the window must hold a request."""
        ordered = sorted(self.latencies_s)
        return LatencyResult(
            p50_s=percentile(ordered, 50),
            p90_s=percentile(ordered, 90),
            p95_s=percentile(ordered, 95),
            p99_s=percentile(ordered, 99),
            mean_s=fmean(ordered),
        )

    def latency_at(self, percent: float) -> float:
        """Returns one percentile of latency; the window must hold a request."""
        return percentile(sorted(self.latencies_s), percent)
