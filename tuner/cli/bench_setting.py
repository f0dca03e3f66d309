"""What every benchmark on measured tables is told: tables, SLOs, seeds, noise, where the rows go."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from knobs.contract import KnobError
from simulation.measured_table import Task, load_tables
from tuner.cli.arguments import positive_integer
from tuner.errors import BadInputError
from tuner.replay.disturbance import Disturbance
from tuner.replay.task import ReplayTask
from tuner.search.registry import Registry

_MOST_NOISE = 0.5


@dataclass(frozen=True)
class Setting:
    """What is to be run, whichever benchmark it is.

    Attributes:
        tables: The measured tables.
        slos: Multiples of each table's fastest latency.
        seeds: How many seeds each, counted from 0.
        disturbance: What measuring adds to the tables' figures.
    """

    tables: Sequence[Task]
    slos: Sequence[float]
    seeds: int
    disturbance: Disturbance

    def tasks(self) -> list[ReplayTask]:
        """Returns every table under every SLO."""
        return [ReplayTask(table, slo) for table in self.tables for slo in self.slos]


def add_setting(parser: argparse.ArgumentParser, seeds: int) -> None:
    """Adds the arguments.

    Args:
        parser: Of the benchmark.
        seeds: How many seeds there are unless the operator says otherwise.
    """
    parser.add_argument(
        "directories", nargs="+", type=Path, metavar="DIR", help="folder of a table, or of such folders"
    )
    parser.add_argument(
        "--slo", default="1.3,2.0", help="SLOs, as multiples of a table's fastest latency (default: %(default)s)"
    )
    parser.add_argument("--seeds", type=int, default=seeds, metavar="N", help="seeds (default: %(default)s)")
    parser.add_argument(
        "--noise", type=float, default=0.0, metavar="SD", help="noise of energy and latency, 0.03 for 3 %% (default: 0)"
    )
    parser.add_argument("--outliers", action="store_true", help="one trial in thirty is off by 20 %% besides")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="add one JSON object a run; what the file holds is not run again"
    )
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument(
        "--jobs", type=positive_integer, default=1, metavar="N", help="processes, of one thread each (default: 1)"
    )


def read_setting(arguments: argparse.Namespace) -> Setting:
    """Reads what :func:`add_setting` added.

    Raises:
        BadInputError: An argument or a table cannot be used.
    """
    return Setting(
        tables=_load(arguments.directories),
        slos=_slos(arguments.slo),
        seeds=_seeds(arguments.seeds),
        disturbance=Disturbance(_noise(arguments.noise), arguments.outliers),
    )


def read_methods(text: str, registry: Registry) -> tuple[str, ...]:
    """Returns the methods, each of which can be made: what is missing is told before the work.

    Raises:
        BadInputError: There is no such method, or a library that it needs is not installed.
    """
    methods = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for method in methods:
        registry.load(method)
    return methods


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
