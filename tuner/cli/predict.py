"""``wattune predict``: what a model costs, told without running it."""

from __future__ import annotations

import argparse
from types import ModuleType

_ACTIONS: dict[str, tuple[ModuleType, str]] = {}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments of each action."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (module, what) in _ACTIONS.items():
        module.add_arguments(actions.add_parser(name, help=what))


def run(arguments: argparse.Namespace) -> int:
    """Runs one action and returns the exit status.

    Raises:
        BadInputError: An argument, a model or a table cannot be used.
    """
    module, _ = _ACTIONS[arguments.action]
    return int(module.run(arguments))
