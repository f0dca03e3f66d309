"""``wattune serve``: the daemon."""

from __future__ import annotations

import argparse

from tuner.cli.arguments import add_places
from tuner.service.daemon import run as run_daemon


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    add_places(parser)


def run(arguments: argparse.Namespace) -> int:
    """Runs the daemon until told to stop."""
    return run_daemon(arguments.config, arguments.runtime_dir, arguments.state_dir, device=arguments.device)
