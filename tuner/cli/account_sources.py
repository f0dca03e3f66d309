"""Where an account comes from: a model that is run now, a recorded trace, or a file that holds an account."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.cli.account_meters import choose_meters
from tuner.cli.account_work import batch_work, gpus_of
from tuner.cli.model_argument import load_model, require_extra
from tuner.cli.terminal import remark
from tuner.errors import BadInputError

if TYPE_CHECKING:
    from tuner.energy_model.accounting.account import Account

_QUIET = ("KINETO_LOG_LEVEL", "99")
"""The profiler's library writes lines of its own to standard error."""


def account_of_trace(arguments: argparse.Namespace) -> Account:
    """Returns the account of a recorded trace.

    Raises:
        BadInputError: A file is missing or cannot be used.
    """
    require_extra("numpy", "scipy")
    from tuner.energy_model.accounting.recorded import account_recorded

    batch_size = arguments.batch_size[0] if arguments.batch_size else None
    return account_recorded(arguments.trace, arguments.power, arguments.clock_offset, batch_size)


def account_of(name: str, arguments: argparse.Namespace, batch_size: int | None) -> Account:
    """Returns the account in a file, or the one of a model that is run for it.

    Args:
        name: A file that ``wattune account --output`` has written (``*.json``), or a model.
        arguments: The verb's.
        batch_size: Items of a batch; None for what the model takes.

    Raises:
        BadInputError: There is no such file or model, or it cannot be used.
    """
    require_extra("numpy", "scipy")
    if name.endswith(".json"):
        return account_in_file(Path(name))
    require_extra("torch")
    os.environ.setdefault(*_QUIET)
    from tuner.energy_model.accounting.live import Plan, account_live

    model = load_model(name, batch_size)
    work = batch_work(model, is_training=arguments.train)
    remark(f"Running {name} with a batch of {model.batch_size} for about {arguments.duration:g} s.")
    return account_live(
        model.name + (", forward and backward" if arguments.train else ""),
        model.batch_size,
        model.module,
        work,
        choose_meters(arguments, gpus_of(model)),
        Plan(arguments.duration, arguments.repetitions),
    )


def account_in_file(path: Path) -> Account:
    """Returns an account that was written to a file.

    Raises:
        BadInputError: The file cannot be read, or holds something else.
    """
    from tuner.energy_model.accounting.account import read_account

    try:
        return read_account(path.read_bytes(), str(path))
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror}.") from error
