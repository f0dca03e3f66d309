"""``wattune serve``: the daemon."""

from __future__ import annotations

import argparse
from pathlib import Path

from tuner.cli.arguments import add_places
from tuner.service.daemon import run as run_daemon


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    add_places(parser)
    parser.add_argument(
        "--keeper-socket",
        type=Path,
        metavar="SOCKET",
        help="socket of a keeper that runs by itself; without it, one is started as a child if none answers",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the daemon until told to stop."""
    return run_daemon(
        arguments.config,
        arguments.runtime_dir,
        arguments.state_dir,
        device=arguments.device,
        keeper_socket=arguments.keeper_socket,
    )
