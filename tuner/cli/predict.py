"""``wattune predict``: what a model costs, told without running it."""

from __future__ import annotations

import argparse
from types import ModuleType

from tuner.cli import (
    predict_batch_sizes,
    predict_caches,
    predict_change,
    predict_collect,
    predict_evaluate,
    predict_fit,
    predict_forecasts,
    predict_index,
    predict_run,
)

_ACTIONS: dict[str, tuple[ModuleType, str]] = {
    "index": (predict_index, "count a model's transistor operations, layer by layer and by kind of work"),
    "batch-sizes": (predict_batch_sizes, "name the batch sizes at which a level of memory overflows"),
    "change": (predict_change, "tell how far a model's cost moved, and whether to tune again"),
    "collect": (predict_collect, "measure what primitives and modules of models cost on this device"),
    "fit": (predict_fit, "learn a device from what was measured on it"),
    "run": (predict_run, "tell joules and seconds of each part of a model that never ran"),
    "forecasts": (predict_forecasts, "tell what each batch size costs, as a file from which a search starts"),
    "evaluate": (predict_evaluate, "tell how far off predictions are on measured data"),
    "caches": (predict_caches, "show the levels of memory of a device, or measure those of this machine"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments of each action."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (module, what) in _ACTIONS.items():
        action = actions.add_parser(name, help=what)
        module.add_arguments(action)
        # The verb has this option as well: left out here, it does not undo what was said there.
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON, nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Runs one action and returns the exit status.

    Raises:
        BadInputError: An argument, a model or a table cannot be used.
    """
    module, _ = _ACTIONS[arguments.action]
    return int(module.run(arguments))
