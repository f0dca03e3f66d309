"""``wattune watch``: follows a study; Ctrl-C stops watching and leaves the study alone."""

from __future__ import annotations

import argparse

from rich.console import Console

from tuner.cli.arguments import add_socket
from tuner.cli.daemon import to_ask
from tuner.cli.outcome import present
from tuner.cli.progress import Progress, follow
from tuner.cli.terminal import print_json
from tuner.client import Client


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    parser.add_argument("study", metavar="STUDY", help="the study")
    add_socket(parser)


def run(arguments: argparse.Namespace) -> int:
    """Follows a study until it ends. With ``--json``, one event a line."""
    with to_ask(arguments) as client:
        if arguments.json:
            return _print_events(client, arguments.study)
        follow(Progress(client.get_study(arguments.study)), client.watch(arguments.study), Console(highlight=False))
        return present(client.get_study(arguments.study), as_json=False)


def _print_events(client: Client, study_id: str) -> int:
    for event in client.watch(study_id):
        print_json(event)
    return 0
