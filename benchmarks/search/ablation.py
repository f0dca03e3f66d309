"""``python -m benchmarks.search.ablation DIR...``: what each part of the search is worth.

The replay of ``wattune bench replay`` with one thing changed at a time, in this process only: a part left out, a
constant halved or doubled, or the same devices drawn once more, which tells how much chance there is in all of this. A
run ends as soon as a nearly optimal configuration is found: what is compared is the search, not when it stops.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace

import torch

from benchmarks.search.ablation_tables import ablation_tables
from benchmarks.search.changes import CHANGES, OURS
from benchmarks.search.speed import speed_table
from tuner.cli.bench_progress import check_any, missing_from, run_into
from tuner.cli.bench_setting import add_setting, read_setting
from tuner.errors import BadInputError, WattuneError
from tuner.replay.benchmark import Benchmark, Run
from tuner.replay.cells import print_tables
from tuner.replay.processes import keep_to_one_thread
from tuner.replay.row import Row, RunKey
from tuner.replay.row_file import RowFile

_SLOS = "1.15,1.3,1.5,1.75,2.0,2.5"


@dataclass(frozen=True)
class AblationRun:
    """One task, searched under one change.

    Attributes:
        run: What is run; its method is the change's name.
    """

    run: Run

    @property
    def key(self) -> RunKey:
        """What the row of this run will be known by."""
        return self.run.key

    def row(self) -> Row:
        """Runs it."""
        torch.set_num_threads(1)
        with CHANGES[self.run.method].applied():
            return replace(replace(self.run, method="wattune").row(), method=self.run.method)


def main() -> int:
    """Prints the tables; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search.ablation", description="Changes one part of the search at a time."
    )
    add_setting(parser, seeds=1)
    parser.set_defaults(slo=_SLOS)
    usual = ", ".join(change.name for change in CHANGES.values() if not change.is_slow)
    parser.add_argument(
        "--only", metavar="NAME;...", help=f"changes to be run, the search as it is besides; of {usual}"
    )
    parser.add_argument("--speed", action="store_true", help="time a proposal, too, integrating and fitting")
    try:
        keep_to_one_thread()
        _run(parser.parse_args())
    except WattuneError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


def _run(arguments: argparse.Namespace) -> None:
    setting = read_setting(arguments)
    names = _names(arguments.only)
    benchmark = Benchmark(setting.tables, names, setting.slos, setting.seeds, setting.disturbance)
    runs = [AblationRun(run) for run in sorted(benchmark.runs(), key=lambda run: names.index(run.method))]
    check_any(runs)
    file = RowFile(arguments.json, Row, setting.disturbance) if arguments.json is not None else None
    rows = run_into(file, "ablation", missing_from(file, runs), arguments.jobs, lambda row: row.method)
    keys = {run.key for run in runs}
    print_tables(ablation_tables([row for row in rows if row.key in keys]), arguments.markdown)
    if arguments.speed:
        print_tables([speed_table()], arguments.markdown)


def _names(only: str | None) -> list[str]:
    if only is None:
        return [change.name for change in CHANGES.values() if not change.is_slow]
    named = [name.strip() for name in only.split(";")]
    unknown = [name for name in named if name not in CHANGES]
    if unknown:
        raise BadInputError(f"There is no change '{unknown[0]}': --help lists them.")
    return list(dict.fromkeys([OURS, *named]))


if __name__ == "__main__":
    sys.exit(main())
