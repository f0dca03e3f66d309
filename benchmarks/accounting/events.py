"""CPU seconds and memory for the split of many events: nesting, split and calling tree."""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from knobs.contract import Provenance
from tuner.energy_model.accounting.calling_tree import calling_tree
from tuner.energy_model.accounting.nesting import nest
from tuner.energy_model.accounting.power import PowerSeries, of_counter
from tuner.energy_model.accounting.split import split
from tuner.energy_model.accounting.timeline import NONE, Kind, Label, Lane, Timeline

_SIZES = (100_000, 1_000_000)
_LANES = 4
_MODULES, _OPERATORS, _INNER = 50, 4, 4
_EVENTS_A_CALL = 1 + _OPERATORS * (1 + _INNER)
_CALL_NS, _OPERATOR_NS, _INNER_NS = 2100, 500, 100
_READING_NS = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments."""
    parser.add_argument("--events", type=int, default=10_000_000, help="the largest number of events (%(default)d)")


def run(arguments: argparse.Namespace) -> None:
    """Prints a row a size."""
    print("| events | CPU seconds | µs an event | memory above the events' own, bytes an event | joules lost |")
    print("|---|---|---|---|---|")
    for size in (*_SIZES, arguments.events):
        timeline, meter = _calls(size)
        before = _peak_bytes()
        begin_s = time.process_time()
        nesting = nest(timeline.lane, timeline.start_ns, timeline.end_ns)
        shares = split(timeline, nesting, [meter])
        calling_tree(timeline, nesting)
        seconds = time.process_time() - begin_s
        memory = (_peak_bytes() - before) / len(timeline)
        (seen,) = shares.meters
        lost = abs(shares.energy_j.sum() + seen.idle_j - seen.energy_j) / seen.energy_j
        print(f"| {len(timeline)} | {seconds:.2f} | {1e6 * seconds / len(timeline):.2f} | {memory:.0f} | {lost:.0e} |")


def _calls(size: int) -> tuple[Timeline, PowerSeries]:
    """Calls of modules in several threads, each with operators that call operators, in the order of their begins."""
    calls = size // _EVENTS_A_CALL
    begin = np.arange(calls) * _CALL_NS
    starts, ends, labels = [begin], [begin + _CALL_NS - 50], [np.arange(calls) % _MODULES]
    for operator in range(_OPERATORS):
        outer = begin + 10 + _OPERATOR_NS * operator
        starts.append(outer)
        ends.append(outer + _OPERATOR_NS - 20)
        labels.append(np.full(calls, _MODULES + operator))
        for inner in range(_INNER):
            starts.append(outer + 10 + _INNER_NS * inner)
            ends.append(starts[-1] + _INNER_NS - 10)
            labels.append(np.full(calls, _MODULES + _OPERATORS + inner))
    lane = np.tile(np.arange(calls) % _LANES, _EVENTS_A_CALL)
    columns = [np.concatenate(column) for column in (starts, ends, labels)]
    order = np.argsort(columns[0], kind="stable")
    start_ns, end_ns, label = (column[order] for column in columns)
    modules = [Label(f"layer.{number}", Kind.MODULE) for number in range(_MODULES)]
    operators = [Label(f"operator {number}", Kind.OPERATOR) for number in range(_OPERATORS + _INNER)]
    lanes = tuple(Lane("cpu", str(number)) for number in range(_LANES))
    origin = np.full(len(label), NONE, dtype=np.int64)
    timeline = Timeline((*modules, *operators), lanes, label, lane[order].astype(np.int64), start_ns, end_ns, origin)
    times_ns = np.arange(-_READING_NS, int(end_ns.max()) + _READING_NS, _READING_NS)
    energy_j = np.cumsum(np.random.default_rng(0).random(len(times_ns)))
    meter = of_counter("meter", ("cpu",), times_ns.tolist(), energy_j.tolist(), Provenance.SIMULATED, None)
    return timeline, meter


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
