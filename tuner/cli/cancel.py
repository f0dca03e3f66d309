"""``wattune cancel``: ends a study; its trial values have been taken back when the command returns."""

from __future__ import annotations

import argparse

from tuner.cli.arguments import add_socket
from tuner.cli.daemon import to_change
from tuner.cli.terminal import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    parser.add_argument("study", metavar="STUDY", help="the study")
    add_socket(parser)


def run(arguments: argparse.Namespace) -> int:
    """Cancels a study."""
    with to_change(arguments) as client:
        client.cancel_study(arguments.study)
    if arguments.json:
        print_json({"cancelled": arguments.study})
    else:
        print(f"Study {arguments.study} is cancelled; its trial values have been taken back.")
    return 0
