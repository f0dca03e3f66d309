"""What marks and meters add to the CPU time of a batch under the profiler, which has its own price."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

from benchmarks.accounting.networks import add_models, meters
from tuner.cli.account_work import batch_work
from tuner.cli.model_argument import load_model
from tuner.energy_model.accounting.live import profiler
from tuner.energy_model.accounting.meter_thread import MeterThread
from tuner.energy_model.accounting.module_marks import ModuleMarks

_BATCHES = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments."""
    add_models(parser)
    parser.add_argument("--rounds", type=int, default=10)


def run(arguments: argparse.Namespace) -> None:
    """Prints a row a network: medians over rounds in which all three kinds of batches take turns."""
    print("| network | CPU time of a batch, ms | profiler alone adds | marks and meters add to that |")
    print("|---|---|---|---|")
    for name in arguments.models:
        model = load_model(name, arguments.batch_size)
        work = batch_work(model, is_training=False)
        plain_s, profiled_s, accounted_s = [], [], []
        for _ in range(arguments.rounds):
            plain_s.append(_batch_s(work))
            with profiler():
                profiled_s.append(_batch_s(work))
            with MeterThread(meters()), ModuleMarks(model.module), profiler():
                accounted_s.append(_batch_s(work))
        own = median(profiled / plain for plain, profiled in zip(plain_s, profiled_s, strict=True)) - 1
        ours = median(after / before for before, after in zip(profiled_s, accounted_s, strict=True)) - 1
        print(f"| {name} | {1e3 * median(plain_s):.1f} | {own:+.1%} | {ours:+.1%} |")


def _batch_s(work: Callable[[], None]) -> float:
    """CPU seconds of the quickest of some batches, all threads included: what else runs only makes one slower."""
    durations_s = []
    for _ in range(_BATCHES):
        begin_s = time.process_time()
        work()
        durations_s.append(time.process_time() - begin_s)
    return min(durations_s)
