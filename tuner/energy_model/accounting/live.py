"""Runs a network under the profiler, with meters sampled beside it, and accounts for it."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from knobs.contract import Meter
from tuner.energy_model.accounting.account import Account
from tuner.energy_model.accounting.bookkeeping import Subject, make_account
from tuner.energy_model.accounting.chrome_trace import Trace, read_trace
from tuner.energy_model.accounting.clocks import ClockOffset
from tuner.energy_model.accounting.meter_thread import MeterThread
from tuner.energy_model.accounting.module_marks import CLOCK_MARK, ModuleMarks, mark_clock
from tuner.energy_model.accounting.nesting import nest
from tuner.energy_model.accounting.power import PowerSeries
from tuner.energy_model.accounting.power_regression import resolve
from tuner.energy_model.accounting.split import split
from tuner.energy_model.accounting.timeline import Timeline
from tuner.errors import WattuneError

_WARM_UP_BATCHES, _WARM_UP_S = 3, 1.0
_MOST_EVENTS = 400_000
_LEAST_REPETITIONS = 5

Work = Callable[[], object]


@dataclass(frozen=True)
class Plan:
    """How long to look.

    Attributes:
        duration_s: Seconds that the repetitions may take together.
        repetitions: How many there are; None for as many as fit.
    """

    duration_s: float
    repetitions: int | None = None


def account_live(
    title: str,
    batch_size: int,
    module: Any,
    work: Work,
    meters: Sequence[tuple[Meter, tuple[str, ...]]],
    plan: Plan,
) -> Account:
    """Runs batches and accounts for their joules.

    Args:
        title: What runs.
        batch_size: Items of a batch.
        module: The ``torch.nn.Module``.
        work: Runs one batch to its end.
        meters: Meters, and the devices of the trace whose joules each of them counts.
        plan: How long to look.

    Raises:
        WattuneError: A meter is lost, or the profiler does not say what is needed.
    """
    with ModuleMarks(module), tempfile.TemporaryDirectory(prefix="wattune-account-") as folder:
        _warm_up(work)
        most = plan.repetitions or _most_repetitions(work)
        path = Path(folder) / "trace.json"
        with MeterThread(meters) as thread:
            run = _profiled(work, most, None if plan.repetitions else plan.duration_s, path)
            thread.wait_beyond(run.end_ns * 1e-9)
        return _account(title, batch_size, run, read_trace(path), thread.series())


@dataclass(frozen=True)
class _Run:
    """What our clock showed: when each repetition began, when the last one ended, and around each clock mark."""

    starts_ns: list[int]
    end_ns: int
    marks_ns: list[tuple[int, int]]


def _warm_up(work: Work) -> None:
    """The first batches choose algorithms and fill caches."""
    begin_s = time.monotonic()
    batches = 0
    while batches < _WARM_UP_BATCHES or time.monotonic() - begin_s < _WARM_UP_S:
        work()
        batches += 1


def _most_repetitions(work: Work) -> int:
    """One batch under the profiler tells how many have room; it also loads what the profiler needs."""
    with profiler() as running:
        work()
    events = max(len(running.profiler.kineto_results.events()), 1)
    return max(_MOST_EVENTS // events, _LEAST_REPETITIONS)


def profiler() -> Any:
    """Returns the profiler as it is used here, with every activity that this machine has."""
    from torch.profiler import profile, supported_activities

    return profile(activities=supported_activities(), record_shapes=True)


def _profiled(work: Work, most: int, duration_s: float | None, path: Path) -> _Run:
    """Repeats the work: so often, or until the time is over and there are enough repetitions for intervals."""
    starts_ns: list[int] = []
    with profiler() as running:
        marks_ns = mark_clock()
        deadline_s = math.inf if duration_s is None else time.monotonic() + duration_s
        while len(starts_ns) < most and (time.monotonic() < deadline_s or len(starts_ns) < _LEAST_REPETITIONS):
            starts_ns.append(time.monotonic_ns())
            work()
        end_ns = time.monotonic_ns()
        marks_ns += mark_clock()
    running.export_chrome_trace(str(path))
    return _Run(starts_ns, end_ns, marks_ns)


def _account(title: str, batch_size: int, run: _Run, trace: Trace, meters: list[PowerSeries]) -> Account:
    timeline, clock = _on_our_clock(trace.timeline, run.marks_ns)
    window_ns = (run.starts_ns[0], run.end_ns)
    timeline = timeline.select((timeline.start_ns >= window_ns[0]) & (timeline.end_ns <= window_ns[1]))
    nesting = nest(timeline.lane, timeline.start_ns, timeline.end_ns)
    metered = [meter for meter in meters if set(meter.devices) & set(timeline.devices)]
    shares, resolved = resolve(timeline, nesting, split(timeline, nesting, metered, window_ns))
    subject = Subject(title, batch_size, run.starts_ns, clock, trace.notes)
    return make_account(subject, timeline, nesting, shares, resolved)


def _on_our_clock(timeline: Timeline, marks_ns: Sequence[tuple[int, int]]) -> tuple[Timeline, ClockOffset]:
    """Moves a timeline to the monotonic clock, and takes the clock marks out.

    Every mark lies between two looks at our clock, so that the offset lies within the bounds that all marks share; if
    the clocks drift apart there are none, and the middle of all bounds is taken.
    """
    is_mark = np.array([label.name == CLOCK_MARK for label in timeline.labels], dtype=np.bool_)[timeline.label]
    seen_ns = np.sort(timeline.start_ns[is_mark])
    if len(seen_ns) != len(marks_ns):
        raise WattuneError(
            f"The profiler recorded {len(seen_ns)} of {len(marks_ns)} marks of the clock: something else uses it."
        )
    before_ns, after_ns = np.array(marks_ns, dtype=np.int64).T
    least, most = seen_ns - after_ns, seen_ns - before_ns
    low, high = int(least.max()), int(most.min())
    if low > high:
        low, high = high, low
    offset_ns = (low + high) // 2
    clock = ClockOffset(0.0, None, f"one clock: marks agree to {(high - low) / 2e3:.0f} µs")
    return timeline.select(~is_mark).shifted(-offset_ns), clock
