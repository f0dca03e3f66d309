"""``wattune bench front``: how much of the Pareto fronts of measured tables a search finds."""

from __future__ import annotations

import argparse

from tuner.cli.bench_progress import check_any, missing_from, run_into
from tuner.cli.bench_setting import add_setting, read_methods, read_setting
from tuner.replay.cells import print_tables
from tuner.replay.front import FrontRow, front_searches
from tuner.replay.front_summary import front_tables
from tuner.replay.methods import FRONT_METHODS
from tuner.replay.row_file import RowFile

_DEFAULT_METHODS = "wattune-front,wattune,random"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments."""
    add_setting(parser, seeds=3)
    known = ", ".join(FRONT_METHODS.names)
    parser.add_argument(
        "--methods", default=_DEFAULT_METHODS, help=f"methods to compare, of {known} (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the benchmark and returns the exit status.

    Raises:
        BadInputError: An argument or a table cannot be used, or a library is missing.
        WattuneError: The results cannot be written.
    """
    setting = read_setting(arguments)
    methods = read_methods(arguments.methods, FRONT_METHODS)
    file = RowFile(arguments.json, FrontRow, setting.disturbance) if arguments.json is not None else None
    runs = front_searches(setting.tasks(), methods, setting.seeds, setting.disturbance)
    check_any(runs)
    missing = missing_from(file, runs)
    rows = run_into(file, "front", missing, arguments.jobs, lambda row: f"{row.task[1]}, {row.method}")
    print_tables(front_tables(rows), arguments.markdown)
    return 0
