"""``python -m benchmarks.search.forecasts TABLE FORECASTS.json``: what forecasts are worth to a search.

Replays a measured table of one machine from nothing, and with what a model of the device said of each batch size before
anything was measured. The forecasts stand at the table's starting point, whose knobs they were learned with.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import replace
from pathlib import Path

from simulation.measured_table import TableError, load_tables
from tuner.errors import BadInputError, WattuneError
from tuner.forecast_file import ForecastFile, read_forecast_file
from tuner.replay.cells import Cells, print_tables
from tuner.replay.processes import keep_to_one_thread
from tuner.replay.scoring import Score, is_worth_scoring, score
from tuner.replay.task import ReplayTask
from tuner.search.advice import AdvisingProposer
from tuner.search.contract import SearchTask
from tuner.search.registry import create_proposer

_SLOS = (1.15, 1.3, 1.5, 2.0, 3.0, 5.0, 8.0)
_METHOD = "wattune"


def main() -> int:
    """Prints the table; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search.forecasts", description="Tells what forecasts are worth to a search."
    )
    parser.add_argument("table", type=Path, metavar="TABLE", help="folder of a measured table with one workload")
    parser.add_argument("forecasts", type=Path, metavar="FORECASTS.json", help="of that workload's model")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    arguments = parser.parse_args()
    keep_to_one_thread()
    try:
        print_tables([_table(arguments.table, read_forecast_file(arguments.forecasts))], arguments.markdown)
    except (WattuneError, TableError) as error:
        print(error, file=sys.stderr)
        return BadInputError.exit_status
    return 0


def _table(folder: Path, forecasts: ForecastFile) -> Cells:
    tables = load_tables([folder])
    if len(tables) != 1:
        raise BadInputError(f"{folder} holds {len(tables)} workloads, and the forecasts are of one.")
    tasks = [task for task in (ReplayTask(tables[0], slo) for slo in _SLOS) if is_worth_scoring(task)]
    if not tasks:
        raise BadInputError(f"{folder} starts at its optimum, whatever the SLO: there is nothing to find.")
    scores = [(task, score(task, _cold, 0), score(task, _Informed(task, forecasts), 0)) for task in tasks]
    rows = [(f"{task.slo:g} x", *_figures(cold), *_figures(informed)) for task, cold, informed in scores]
    means = [_mean([one[which] for one in scores]) for which in (1, 2)]  # type: ignore[misc]
    return Cells(
        title=f"Trials until within 5 % of the optimum, {tables[0].workload}, {len(tables[0].points)} points",
        names=("SLO",),
        figures=("from nothing", "broke SLO", "with forecasts", "broke SLO"),
        rows=(*rows, ("mean", *means[0], *means[1])),
    )


def _cold(task: SearchTask) -> AdvisingProposer:
    return create_proposer(_METHOD, task)


class _Informed:
    """Makes the same proposer, with forecasts."""

    def __init__(self, task: ReplayTask, forecasts: ForecastFile) -> None:
        self._forecasts = forecasts.at(task.start, task.space)

    def __call__(self, task: SearchTask) -> AdvisingProposer:
        return create_proposer(_METHOD, replace(task, forecasts=self._forecasts))


def _figures(one: Score) -> tuple[str, str]:
    return str(one.trials_to_5pct), str(one.violations)


def _mean(scores: list[Score]) -> tuple[str, str]:
    return (
        f"{statistics.fmean(one.trials_to_5pct for one in scores):.1f}",
        f"{statistics.fmean(one.violations for one in scores):.1f}",
    )


if __name__ == "__main__":
    sys.exit(main())
