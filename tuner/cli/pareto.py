"""``wattune pareto``: the trials of a study that no other beats in both energy and latency."""

from __future__ import annotations

import argparse

from tuner.cli.arguments import add_socket
from tuner.cli.daemon import to_ask
from tuner.cli.terminal import print_json, show, terminal_width
from tuner.report.tables import front_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    parser.add_argument("study", metavar="STUDY", help="the study")
    add_socket(parser)


def run(arguments: argparse.Namespace) -> int:
    """Shows the front."""
    with to_ask(arguments) as client:
        front = client.pareto_front(arguments.study)
        if arguments.json:
            print_json(front)
        else:
            show(front_table(client.get_study(arguments.study), front, terminal_width()))
    return 0
