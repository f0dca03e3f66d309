"""``wattune report``: a study as HTML, PNG, CSV and JSON."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.cli.account_sources import account_in_file
from tuner.cli.arguments import add_socket
from tuner.cli.daemon import to_ask
from tuner.cli.model_argument import require_extra
from tuner.cli.terminal import print_json
from tuner.report.writer import REPORT_FILES, write_report

if TYPE_CHECKING:
    from tuner.report.page.markup import Markup


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    parser.add_argument("study", metavar="STUDY", help="the study")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="where the files go")
    parser.add_argument(
        "--accounts",
        type=Path,
        nargs=2,
        metavar=("BASELINE.json", "TUNED.json"),
        help="what 'wattune account --output' wrote under both configurations: shows where the saving came from",
    )
    add_socket(parser)


def run(arguments: argparse.Namespace) -> int:
    """Writes the report."""
    inserted = _saving(*arguments.accounts) if arguments.accounts else ()
    with to_ask(arguments) as client:
        write_report(client.get_study(arguments.study), arguments.output, inserted)
    paths = [str(arguments.output / name) for name in REPORT_FILES]
    if arguments.json:
        print_json({"files": paths})
    else:
        print(*paths, sep="\n")
    return 0


def _saving(baseline: Path, tuned: Path) -> tuple[Markup, ...]:
    require_extra("numpy")
    from tuner.energy_model.accounting.comparison import compare
    from tuner.report.accounting.page import saving_section

    return saving_section(compare(account_in_file(baseline), account_in_file(tuned)))
