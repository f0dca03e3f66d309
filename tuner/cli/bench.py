"""``wattune bench``: scores the search on measured tables, without touching hardware."""

from __future__ import annotations

import argparse
from types import ModuleType

from tuner.cli import bench_front, bench_replay, bench_retune
from tuner.replay.processes import keep_to_one_thread

_BENCHMARKS: dict[str, tuple[ModuleType, str]] = {
    "replay": (bench_replay, "search measured tables again, and count the trials that it takes"),
    "retune": (bench_retune, "the same from an earlier study, against from nothing"),
    "front": (bench_front, "search Pareto fronts, and tell how much of them is found"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments of each benchmark."""
    benchmarks = parser.add_subparsers(dest="benchmark", required=True, metavar="BENCHMARK")
    for name, (module, what) in _BENCHMARKS.items():
        module.add_arguments(benchmarks.add_parser(name, help=what))


def run(arguments: argparse.Namespace) -> int:
    """Runs one benchmark and returns the exit status.

    Raises:
        BadInputError: An argument or a table cannot be used, or a library is missing.
        WattuneError: The results cannot be written.
    """
    keep_to_one_thread()
    module, _ = _BENCHMARKS[arguments.benchmark]
    return int(module.run(arguments))
