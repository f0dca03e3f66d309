"""``wattune bench replay``: scores search methods on measured tables, without touching hardware."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from knobs.contract import KnobError
from simulation.measured_table import Task, load_tables
from tuner.cli.arguments import positive_integer
from tuner.errors import BadInputError
from tuner.replay.benchmark import Benchmark, Run
from tuner.replay.disturbance import Disturbance
from tuner.replay.methods import REPLAY_METHODS
from tuner.replay.plot import check_plot, write_plot
from tuner.replay.processes import keep_to_one_thread, rows_of
from tuner.replay.row import Row
from tuner.replay.row_file import RowFile
from tuner.replay.scoring import FEWEST_FEASIBLE_POINTS
from tuner.replay.tables import print_tables
from tuner.search.registry import METHODS

_MOST_NOISE = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the verb's arguments."""
    benchmarks = parser.add_subparsers(dest="benchmark", required=True, metavar="BENCHMARK")
    replay = benchmarks.add_parser("replay", help="search measured tables again, and count the trials that it takes")
    replay.add_argument(
        "directories", nargs="+", type=Path, metavar="DIR", help="folder of a table, or of such folders"
    )
    known = ", ".join(REPLAY_METHODS.names)
    default = ",".join(METHODS)
    replay.add_argument("--methods", default=default, help=f"methods to compare, of {known} (default: %(default)s)")
    replay.add_argument(
        "--slo", default="1.3,2.0", help="SLOs, as multiples of a table's fastest latency (default: %(default)s)"
    )
    replay.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds a method (default: %(default)s)")
    replay.add_argument(
        "--noise", type=float, default=0.0, metavar="SD", help="noise of energy and latency, 0.03 for 3 %% (default: 0)"
    )
    replay.add_argument("--outliers", action="store_true", help="one trial in thirty is off by 20 %% besides")
    replay.add_argument(
        "--json", type=Path, metavar="FILE", help="add one JSON object a run; what the file holds is not run again"
    )
    replay.add_argument("--plot", type=Path, metavar="FILE", help="draw regret against trials as .png or .html")
    replay.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    replay.add_argument(
        "--jobs", type=positive_integer, default=1, metavar="N", help="processes, of one thread each (default: 1)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the benchmark and returns the exit status.

    Raises:
        BadInputError: An argument or a table cannot be used, or a library is missing.
        WattuneError: The results cannot be written.
    """
    keep_to_one_thread()
    benchmark = Benchmark(
        tables=_load(arguments.directories),
        methods=_methods(arguments.methods),
        slos=_slos(arguments.slo),
        seeds=_seeds(arguments.seeds),
        disturbance=Disturbance(_noise(arguments.noise), arguments.outliers),
    )
    file = RowFile(arguments.json, benchmark.disturbance) if arguments.json is not None else None
    if arguments.plot is not None:
        check_plot(arguments.plot)
    rows = _run(_runs(benchmark), arguments.jobs, file)
    print_tables(rows, arguments.markdown)
    if arguments.plot is not None:
        write_plot(arguments.plot, rows)
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
    """Returns the methods, each of which can be made: what is missing is told before the work."""
    methods = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for method in methods:
        REPLAY_METHODS.load(method)
    return methods


def _slos(text: str) -> tuple[float, ...]:
    try:
        slos = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise BadInputError(f"--slo {text} is not a list of numbers: write it like 1.3,2.0.") from error
    if not all(1.0 <= slo < math.inf for slo in slos):
        raise BadInputError(f"--slo {text} has a multiple below 1: nothing is faster than a table's fastest point.")
    return slos


def _seeds(seeds: int) -> int:
    if seeds < 1:
        raise BadInputError(f"--seeds {seeds} runs nothing: ask for 1 or more.")
    return seeds


def _noise(noise: float) -> float:
    if not 0.0 <= noise <= _MOST_NOISE:
        raise BadInputError(f"--noise {noise:g} is no share between 0 and {_MOST_NOISE}: write 0.03 for 3 %.")
    return noise


def _runs(benchmark: Benchmark) -> list[Run]:
    runs = benchmark.runs()
    if not runs:
        raise BadInputError(
            "No task is left to run: each one has fewer than "
            f"{FEWEST_FEASIBLE_POINTS} feasible points, or starts within 5 % of its optimum."
        )
    return runs


def _run(runs: Sequence[Run], jobs: int, file: RowFile | None) -> list[Row]:
    """Runs what the file does not hold yet; returns all rows, those of the file included."""
    rows = list(file.rows) if file is not None else []
    done = {row.key for row in rows}
    missing = [one for one in runs if one.key not in done]
    console = Console(file=sys.stderr)
    if len(missing) < len(runs):
        console.print(f"{len(runs) - len(missing)} of {len(runs)} runs are in the file already, and not run again.")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("replay", total=len(missing))
        for row in rows_of(missing, jobs):
            if file is not None:
                file.append(row)
            rows.append(row)
            progress.update(bar, advance=1, description=f"{row.device}, {row.method}")
    return rows
