"""``wattune report``: a study as HTML, PNG, CSV and JSON."""

from __future__ import annotations

import argparse
from pathlib import Path

from tuner.cli.arguments import add_socket
from tuner.cli.daemon import to_ask
from tuner.cli.terminal import print_json
from tuner.report.writer import REPORT_FILES, write_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    parser.add_argument("study", metavar="STUDY", help="the study")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="where the files go")
    add_socket(parser)


def run(arguments: argparse.Namespace) -> int:
    """Writes the report."""
    with to_ask(arguments) as client:
        write_report(client.get_study(arguments.study), arguments.output)
    paths = [str(arguments.output / name) for name in REPORT_FILES]
    if arguments.json:
        print_json({"files": paths})
    else:
        print(*paths, sep="\n")
    return 0
