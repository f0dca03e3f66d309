"""The networks that are run, and the meter that is sampled beside them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from tempfile import gettempdir

from tuner.cli.account_meters import Metered, choose_meters
from tuner.cli.arguments import DEFAULT_CONFIG

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # before torch is imported: its profiler writes lines of its own

MODELS = ("bert-base", "albert-base")


def add_models(parser: argparse.ArgumentParser) -> None:
    """Adds the networks and the size of a batch."""
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL")
    parser.add_argument("--batch-size", type=int, default=1)


def meters() -> list[Metered]:
    """Returns the meters of this process."""
    places = argparse.Namespace(config=Path(DEFAULT_CONFIG), runtime_dir=Path(gettempdir()), device=None, meter=None)
    return choose_meters(places, [])
