"""``wattune bench replay``: scores search methods on measured tables, without touching hardware."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from knobs.contract import KnobError
from simulation.measured_table import Task, load_tables
from tuner import serialization
from tuner.errors import BadInputError, WattuneError
from tuner.replay.benchmark import Benchmark, Row
from tuner.replay.scoring import FEWEST_FEASIBLE_POINTS
from tuner.replay.summary import Summary, summarize
from tuner.report.plain_table import plain_table
from tuner.search.registry import METHODS, check_method, create_proposer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the verb's arguments."""
    benchmarks = parser.add_subparsers(dest="benchmark", required=True, metavar="BENCHMARK")
    replay = benchmarks.add_parser("replay", help="search measured tables again, and count the trials that it takes")
    replay.add_argument(
        "directories", nargs="+", type=Path, metavar="DIR", help="folder of a table, or of such folders"
    )
    replay.add_argument("--methods", default=",".join(METHODS), help="methods to compare (default: %(default)s)")
    replay.add_argument(
        "--slo", default="1.3,2.0", help="SLOs, as multiples of a table's fastest latency (default: %(default)s)"
    )
    replay.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds a method (default: %(default)s)")
    replay.add_argument("--json", type=Path, metavar="FILE", help="write one JSON object a run to this file")


def run(arguments: argparse.Namespace) -> int:
    """Runs the benchmark and returns the exit status.

    Raises:
        BadInputError: An argument or a table cannot be used.
        WattuneError: The results cannot be written.
    """
    benchmark = Benchmark(
        tables=_load(arguments.directories),
        methods=_methods(arguments.methods),
        slos=_slos(arguments.slo),
        seeds=_seeds(arguments.seeds),
        create_proposer=create_proposer,
    )
    if arguments.json is not None:
        _write(arguments.json, [])  # an unwritable file is refused before the work, not after it
    rows = _run(benchmark)
    if arguments.json is not None:
        _write(arguments.json, rows)
    _print(summarize(rows))
    return 0


def _load(directories: Sequence[Path]) -> list[Task]:
    try:
        return load_tables([table for directory in directories for table in _tables_in(directory)])
    except KnobError as error:
        raise BadInputError(str(error)) from error


def _tables_in(directory: Path) -> list[Path]:
    """Returns the folder itself if it is a table, else the tables in it."""
    if not directory.is_dir():
        raise BadInputError(f"There is no folder {directory}: name a folder that holds points.csv and dataset.toml.")
    if (directory / "points.csv").exists():
        return [directory]
    tables = sorted(points.parent for points in directory.glob("*/points.csv"))
    if not tables:
        raise BadInputError(f"The folder {directory} holds no measured table: a table has points.csv and dataset.toml.")
    return tables


def _methods(text: str) -> tuple[str, ...]:
    methods = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for method in methods:
        check_method(method)
    return methods


def _slos(text: str) -> tuple[float, ...]:
    try:
        slos = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise BadInputError(f"--slo {text} is not a list of numbers: write it like 1.3,2.0.") from error
    if not all(1.0 <= slo < float("inf") for slo in slos):
        raise BadInputError(f"--slo {text} has a multiple below 1: nothing is faster than a table's fastest point.")
    return slos


def _seeds(seeds: int) -> int:
    if seeds < 1:
        raise BadInputError(f"--seeds {seeds} runs nothing: ask for 1 or more.")
    return seeds


def _run(benchmark: Benchmark) -> list[Row]:
    tasks = benchmark.tasks()
    if not tasks:
        raise BadInputError(
            "No task is left to run: each one has fewer than "
            f"{FEWEST_FEASIBLE_POINTS} feasible points, or starts within 5 % of its optimum."
        )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr)) as progress:
        bar = progress.add_task("replay", total=len(tasks) * len(benchmark.methods) * benchmark.seeds)
        rows = []
        for row in benchmark.rows(tasks):
            rows.append(row)
            progress.update(bar, advance=1, description=f"{row.device}, {row.method}")
    return rows


def _write(path: Path, rows: Sequence[Row]) -> None:
    try:
        path.write_bytes(b"".join(serialization.encode(row) + b"\n" for row in rows))
    except OSError as error:
        raise WattuneError(f"The results cannot be written to {path}: {error.strerror}.") from error


def _print(summaries: Sequence[Summary]) -> None:
    table = plain_table("Trials until within 5 % of the optimum, the baseline included")
    for heading in ("group", "method"):
        table.add_column(heading, no_wrap=True)
    for heading in ("runs", "median", "mean", "p90", "broke SLO", "stops at", "within 5 %", "s each"):
        table.add_column(heading, justify="right")
    for one in summaries:
        table.add_row(
            one.group,
            one.method,
            str(one.runs),
            f"{one.median_trials:g}",
            f"{one.mean_trials:.1f}",
            f"{one.p90_trials:.1f}",
            f"{one.mean_violations:.1f}",
            f"{one.mean_stopped_at:.1f}",
            f"{one.stopped_well:.0%}",
            f"{one.seconds_per_proposal:.3f}",
        )
    Console().print(table)
