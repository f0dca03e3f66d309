"""Accounts for a run that was recorded elsewhere: a trace in a file, and power in another."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tuner.energy_model.accounting.account import Account
from tuner.energy_model.accounting.bookkeeping import Subject, make_account
from tuner.energy_model.accounting.chrome_trace import STEP, read_trace
from tuner.energy_model.accounting.clocks import ClockOffset, find_offset
from tuner.energy_model.accounting.nesting import nest
from tuner.energy_model.accounting.power import PowerSeries
from tuner.energy_model.accounting.power_file import read_power
from tuner.energy_model.accounting.power_regression import resolve
from tuner.energy_model.accounting.split import split
from tuner.energy_model.accounting.timeline import Timeline


def account_recorded(
    trace_path: Path, power_path: Path, offset_s: float | None = None, batch_size: int | None = None
) -> Account:
    """Accounts for a recorded run.

    Args:
        trace_path: A trace in Chrome's format.
        power_path: Power or joules in a CSV file.
        offset_s: How far the clock of the power is ahead of the trace's; None to find out.
        batch_size: Items of a batch, if known.

    Raises:
        BadInputError: A file cannot be used, or how far the clocks differ cannot be told.
    """
    trace = read_trace(trace_path)
    timeline = trace.timeline
    meters = read_power(power_path, timeline.devices)
    nesting = nest(timeline.lane, timeline.start_ns, timeline.end_ns)
    if offset_s is None:
        clock = find_offset(timeline, nesting, meters)
    else:
        clock = ClockOffset(offset_s, None, "stated by the operator")
    meters = [meter.shifted(-round(clock.offset_s * 1e9)) for meter in meters]
    shares, resolved = resolve(timeline, nesting, split(timeline, nesting, meters))
    starts_ns = _step_starts_ns(timeline) or [timeline.span_ns[0]]
    notes = (*trace.notes, *_unmetered(timeline, meters))
    subject = Subject(trace_path.name, batch_size, starts_ns, clock, notes)
    return make_account(subject, timeline, nesting, shares, resolved)


def _step_starts_ns(timeline: Timeline) -> list[int]:
    """Returns when the steps began that the profiler was told of."""
    is_step = np.array([label.name == STEP for label in timeline.labels], dtype=np.bool_)[timeline.label]
    return sorted(set(timeline.start_ns[is_step].tolist()))


def _unmetered(timeline: Timeline, meters: list[PowerSeries]) -> list[str]:
    metered = {device for meter in meters for device in meter.devices}
    missing = [device for device in timeline.devices if device not in metered]
    return [f"Nothing meters {', '.join(missing)}: what runs there counts no joules."] if missing else []
