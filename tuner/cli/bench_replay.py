"""``wattune bench replay``: how many trials each search method needs on measured tables."""

from __future__ import annotations

import argparse
from pathlib import Path

from tuner.cli.bench_progress import check_any, missing_from, run_into
from tuner.cli.bench_setting import add_setting, read_methods, read_setting
from tuner.replay.benchmark import Benchmark
from tuner.replay.cells import print_tables
from tuner.replay.methods import REPLAY_METHODS, VARIANTS
from tuner.replay.plot import check_plot, write_plot
from tuner.replay.row import Row
from tuner.replay.row_file import RowFile
from tuner.replay.tables import tables_of
from tuner.search.registry import METHODS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments."""
    add_setting(parser, seeds=3)
    known = ", ".join(REPLAY_METHODS.names)
    default = ",".join(METHODS)
    parser.add_argument("--methods", default=default, help=f"methods to compare, of {known} (default: %(default)s)")
    parser.add_argument(
        "--live", action="store_true", help="run our own search once more, as cautious as under real traffic"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw regret against trials as .png or .html")


def run(arguments: argparse.Namespace) -> int:
    """Runs the benchmark and returns the exit status.

    Raises:
        BadInputError: An argument or a table cannot be used, or a library is missing.
        WattuneError: The results cannot be written.
    """
    setting = read_setting(arguments)
    methods = read_methods(arguments.methods, REPLAY_METHODS)
    if arguments.live:
        methods = _with_variants(methods)
    benchmark = Benchmark(setting.tables, methods, setting.slos, setting.seeds, setting.disturbance)
    file = RowFile(arguments.json, Row, setting.disturbance) if arguments.json is not None else None
    if arguments.plot is not None:
        check_plot(arguments.plot)
    runs = benchmark.runs()
    check_any(runs)
    missing = missing_from(file, runs)
    rows = run_into(file, "replay", missing, arguments.jobs, lambda row: f"{row.device}, {row.method}")
    print_tables(tables_of(rows), arguments.markdown)
    if arguments.plot is not None:
        write_plot(arguments.plot, rows)
    return 0


def _with_variants(methods: tuple[str, ...]) -> tuple[str, ...]:
    variants = [variant for variant, method in VARIANTS.items() if method in methods]
    return tuple(dict.fromkeys([*methods, *variants]))
