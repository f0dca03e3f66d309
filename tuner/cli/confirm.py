"""``wattune confirm``: makes what was applied last the desired state, which survives restarts."""

from __future__ import annotations

import argparse

from tuner.cli.arguments import add_socket
from tuner.cli.daemon import to_change
from tuner.cli.terminal import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    add_socket(parser)


def run(arguments: argparse.Namespace) -> int:
    """Confirms what was applied last."""
    with to_change(arguments) as client:
        confirmed = client.confirm()
    if arguments.json:
        print_json({"confirmed": confirmed})
    else:
        print(f"Confirmed: {confirmed}")
    return 0
