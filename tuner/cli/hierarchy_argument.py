"""How a person names a device's levels of memory on the command line: this machine, a device of the table, a file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rich.table import Table

from knobs.sysfs import KernelFiles
from tuner.cli.arguments import positive_integer
from tuner.energy_model.working_set.cpu_levels import cpu_hierarchy
from tuner.energy_model.working_set.device_table import KNOWN_DEVICES, known_hierarchy
from tuner.energy_model.working_set.hierarchy_file import read_hierarchy
from tuner.energy_model.working_set.levels import MemoryHierarchy, size_text

_THIS_MACHINE = "local"


def add_hierarchy(parser: argparse.ArgumentParser) -> None:
    """Adds ``--device`` and ``--caches``, of which one may be given."""
    known = ", ".join(KNOWN_DEVICES)
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--device",
        default=_THIS_MACHINE,
        metavar="NAME",
        help=f"'{_THIS_MACHINE}', the CPU of this machine (default), or one of {known}",
    )
    where.add_argument("--caches", type=Path, metavar="FILE", help="a file that describes the levels of memory")


def add_cores(parser: argparse.ArgumentParser) -> None:
    """Adds ``--cores``: how many work on the model."""
    parser.add_argument(
        "--cores",
        type=positive_integer,
        metavar="N",
        help="cores (of a GPU: multiprocessors) that work on the model (default: of this machine those that this "
        "process may use, of another device all)",
    )


def read_levels(arguments: argparse.Namespace) -> MemoryHierarchy:
    """Returns all levels of the device.

    Raises:
        BadInputError: There is no such device or file, or it does not tell.
    """
    if arguments.caches is not None:
        return read_hierarchy(arguments.caches)
    return cpu_hierarchy(KernelFiles()) if is_this_machine(arguments) else known_hierarchy(arguments.device)


def read_used_levels(arguments: argparse.Namespace) -> MemoryHierarchy:
    """Returns the levels that serve the cores at work.

    Raises:
        BadInputError: As for :func:`read_levels`.
    """
    hierarchy = read_levels(arguments)
    if arguments.cores is not None:
        return hierarchy.used_by(arguments.cores)
    return hierarchy.used_by(len(os.sched_getaffinity(0))) if is_this_machine(arguments) else hierarchy


def is_this_machine(arguments: argparse.Namespace) -> bool:
    """Tells whether the levels of this machine are asked for, as its kernel tells them."""
    return arguments.caches is None and arguments.device == _THIS_MACHINE


def levels_table(hierarchy: MemoryHierarchy) -> Table:
    """Returns the levels, a row each."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("level")
    table.add_column("each holds", justify="right")
    table.add_column("units", justify="right")
    table.add_column("shared by", justify="right")
    for level in hierarchy.levels:
        table.add_row(level.name, size_text(level.bytes_per_unit), str(level.units), str(level.shared_by))
    return table
