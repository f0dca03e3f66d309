"""``wattune predict evaluate``: how far off predictions are on measured data that they have not seen."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

_FORMATS = {
    "irene-csv": "tuner.cli.predict_evaluate_trees",
    "recording": "tuner.cli.predict_evaluate_recording",
    "toml-jsonl": "tuner.cli.predict_evaluate_operations",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments."""
    parser.add_argument(
        "--format",
        choices=list(_FORMATS),
        required=True,
        help="irene-csv: directories of measured model trees; recording: what 'wattune predict collect' wrote; "
        "toml-jsonl: a file of measured inferences",
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="the data: of one device, or of several")
    parser.add_argument(
        "--transfer", type=Path, metavar="OTHER", help="toml-jsonl: a file of another device, to which is transferred"
    )
    parser.add_argument(
        "--every-model", action="store_true", help="irene-csv: predict models that are far smaller than the others, too"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of every random choice (default 0)")
    parser.add_argument("--verbose", action="store_true", help="show the errors of each left-out model")


def run(arguments: argparse.Namespace) -> int:
    """Evaluates and returns the exit status.

    Raises:
        BadInputError: The data cannot be used, or a library is missing.
    """
    return int(import_module(_FORMATS[arguments.format]).run(arguments))
