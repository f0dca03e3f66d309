"""``wattune bench retune``: how many trials an earlier study saves, related or not."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tuner.cli.bench_progress import missing_from, run_into, with_bar
from tuner.cli.bench_setting import Setting, add_setting, read_setting
from tuner.errors import BadInputError
from tuner.replay.cells import print_tables
from tuner.replay.kinship import Pair, pairs_of
from tuner.replay.processes import rows_of
from tuner.replay.retune import ColdSearch, ColdStudy, RetuneRow, cold_searches, plans, retunes
from tuner.replay.retune_summary import retune_tables
from tuner.replay.row_file import RowFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments."""
    add_setting(parser, seeds=1)


def run(arguments: argparse.Namespace) -> int:
    """Runs the benchmark and returns the exit status.

    Raises:
        BadInputError: An argument or a table cannot be used, or a library is missing.
        WattuneError: The results cannot be written.
    """
    setting = read_setting(arguments)
    pairs = _pairs(setting)
    file = RowFile(arguments.json, RetuneRow, setting.disturbance) if arguments.json is not None else None
    missing = missing_from(file, plans(pairs, setting.seeds))
    studies = _cold_studies(cold_searches(missing, setting.disturbance), arguments.jobs)
    runs = retunes(missing, setting.disturbance, studies)
    rows = run_into(file, "retune", runs, arguments.jobs, lambda row: f"{row.task[1]}, {row.kinship.value}")
    print_tables(retune_tables(rows), arguments.markdown)
    return 0


def _pairs(setting: Setting) -> list[Pair]:
    pairs = pairs_of(setting.tasks())
    if not any(pair.kinship.is_related for pair in pairs):
        raise BadInputError(
            "No two tasks are related: name tables that hold several workloads of one device, or several SLOs."
        )
    return pairs


def _cold_studies(searches: Sequence[ColdSearch], jobs: int) -> list[ColdStudy]:
    results = rows_of(searches, jobs)
    return list(with_bar("earlier studies", results, len(searches), lambda study: f"{study.key[0][1]}, from nothing"))
