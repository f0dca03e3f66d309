"""Options that several verbs share, and a parser whose complaints are one sentence."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path
from typing import NoReturn

from tuner.errors import BadInputError

DEFAULT_RUNTIME_DIR = "/run/wattune"
DEFAULT_STATE_DIR = "/var/lib/wattune"
DEFAULT_CONFIG = "/etc/wattune/wattune.toml"
RUNTIME_DIR_VARIABLE = "WATTUNE_RUNTIME_DIR"


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of printing its usage and ending the process."""

    def error(self, message: str) -> NoReturn:
        """Raises what is wrong with the command line as one sentence.

        Raises:
            BadInputError: Always.
        """
        raise BadInputError(f"{message[0].upper()}{message[1:]}: see '{self.prog} --help'.")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds ``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, and nothing else there")


def add_runtime_dir(parser: argparse.ArgumentParser) -> None:
    """Adds ``--runtime-dir``: where the sockets are."""
    default = os.environ.get(RUNTIME_DIR_VARIABLE) or DEFAULT_RUNTIME_DIR
    parser.add_argument(
        "--runtime-dir",
        type=Path,
        default=Path(default),
        metavar="DIR",
        help=f"directory of the sockets (default {default}; ${RUNTIME_DIR_VARIABLE})",
    )


def add_socket(parser: argparse.ArgumentParser) -> None:
    """Adds ``--runtime-dir`` and ``--socket``: how to reach the daemon."""
    add_runtime_dir(parser)
    parser.add_argument("--socket", type=Path, metavar="FILE", help="the daemon's socket itself")


def add_places(parser: argparse.ArgumentParser) -> None:
    """Adds what every process that touches hardware must know: configuration, directories, device."""
    parser.add_argument("--config", type=Path, default=Path(DEFAULT_CONFIG), metavar="FILE", help="wattune.toml")
    add_runtime_dir(parser)
    parser.add_argument("--state-dir", type=Path, default=Path(DEFAULT_STATE_DIR), metavar="DIR", help="what is kept")
    parser.add_argument("--device", help="'local' or 'virtual:NAME', in place of the configuration's device")


def add_budget(parser: argparse.ArgumentParser) -> None:
    """Adds what limits a study, and what becomes of its result."""
    parser.add_argument("--dry-run", action="store_true", help="report only; leave the machine as it was")
    parser.add_argument("--max-trials", type=positive_integer, metavar="N", help="trials, the baseline included")
    parser.add_argument("--max-duration", type=positive_number, metavar="S", help="seconds for the search")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of every random choice (default 0)")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write HTML, PNG, CSV and JSON there")


def positive_integer(text: str) -> int:
    """Reads a whole number above zero."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above zero")
    return number


def positive_number(text: str) -> float:
    """Reads a finite number above zero."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not (number > 0 and math.isfinite(number)):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above zero")
    return number
