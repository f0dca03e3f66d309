"""Runs what a benchmark consists of, with a bar on stderr, and keeps its rows as they are made."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tuner.errors import BadInputError
from tuner.replay.processes import Job, rows_of
from tuner.replay.row_file import AnyRow, RowFile
from tuner.replay.scoring import FEWEST_FEASIBLE_POINTS


class Keyed(Protocol):
    """What can be told from others of its sort."""

    @property
    def key(self) -> object:
        """What it is known by: the same for a row and for the run that makes it."""


class KeyedRow(AnyRow, Keyed, Protocol):
    """A row that can be told from others of its benchmark."""


_Row = TypeVar("_Row", bound=KeyedRow)
_Run = TypeVar("_Run", bound=Keyed)
_Result = TypeVar("_Result")


def missing_from(file: RowFile[_Row] | None, runs: Sequence[_Run]) -> list[_Run]:
    """Returns the runs that the file does not hold yet, and says on stderr if it holds any."""
    done = {row.key for row in file.rows} if file is not None else set()
    missing = [one for one in runs if one.key not in done]
    if len(missing) < len(runs):
        message = f"{len(runs) - len(missing)} of {len(runs)} runs are in the file already, and not run again."
        Console(file=sys.stderr).print(message)
    return missing


def run_into(
    file: RowFile[_Row] | None, name: str, runs: Sequence[Job[_Row]], jobs: int, label: Callable[[_Row], str]
) -> list[_Row]:
    """Runs everything; returns all rows, those that the file held before included.

    Args:
        file: Takes each row as it is made.
        name: What is run.
        runs: What the file does not hold yet.
        jobs: How many processes.
        label: What is said of a row once it is made.
    """
    rows = list(file.rows) if file is not None else []
    for row in with_bar(name, rows_of(runs, jobs), len(runs), label):
        if file is not None:
            file.append(row)
        rows.append(row)
    return rows


def with_bar(name: str, results: Iterable[_Result], total: int, label: Callable[[_Result], str]) -> Iterator[_Result]:
    """Yields results as they are made, with a bar on stderr.

    Args:
        name: What is run, until the first result is there.
        results: What is made one by one.
        total: How many.
        label: What is said of a result.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr)) as progress:
        bar = progress.add_task(name, total=total)
        for result in results:
            yield result
            progress.update(bar, advance=1, description=label(result))


def check_any(runs: Sequence[object]) -> None:
    """Makes sure that there is something to be run.

    Raises:
        BadInputError: There is nothing.
    """
    if not runs:
        raise BadInputError(
            "No task is left to run: each one has fewer than "
            f"{FEWEST_FEASIBLE_POINTS} feasible points, or starts within 5 % of its optimum."
        )
