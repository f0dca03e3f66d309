"""``wattune predict caches``: the levels of memory of a device, as they are stated or as they are in effect."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path

from rich.text import Text

from tuner.cli.hierarchy_argument import add_hierarchy, is_this_machine, levels_table, read_levels
from tuner.cli.model_argument import require_extra
from tuner.cli.terminal import print_json, remark, show
from tuner.energy_model.working_set.hierarchy_file import hierarchy_text
from tuner.energy_model.working_set.levels import MemoryHierarchy
from tuner.energy_model.working_set.probe import MeasuredHierarchy, measured, read_costs
from tuner.errors import BadInputError, WattuneError

_TURNS = 9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments."""
    add_hierarchy(parser)
    parser.add_argument(
        "--measure", action="store_true", help="find out how large this machine's caches are in effect (10 s, one core)"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the levels there, for --caches FILE")


def run(arguments: argparse.Namespace) -> int:
    """Shows the levels and returns the exit status.

    Raises:
        BadInputError: There is no such device or file, or it is not this machine that is to be measured.
        WattuneError: The file cannot be written.
    """
    if arguments.measure and not is_this_machine(arguments):
        raise BadInputError("Only this machine can be measured: leave --device and --caches out.")
    hierarchy = read_levels(arguments)
    found = _measured(hierarchy) if arguments.measure else None
    if found is not None:
        hierarchy = found.hierarchy
    if arguments.write is not None:
        _write(arguments.write, hierarchy)
    if arguments.json:
        print_json({**asdict(hierarchy), "measured": _curve(found) if found else None})
    else:
        _show(hierarchy)
    return 0


def _measured(stated: MemoryHierarchy) -> MeasuredHierarchy:
    require_extra("numpy", "scipy")
    remark("Reading memory on one core: what else runs meanwhile takes its share of the caches.")
    return measured(stated, read_costs(stated, _TURNS, time.perf_counter))


def _curve(found: MeasuredHierarchy) -> dict[str, object]:
    knees = {name: asdict(knee) for name, knee in found.knees.items()}
    return {"knees": knees, "sharpness": found.sharpness, "curve": [asdict(each) for each in found.curve]}


def _write(path: Path, hierarchy: MemoryHierarchy) -> None:
    try:
        path.write_text(hierarchy_text(hierarchy), encoding="utf-8")
    except OSError as error:
        raise WattuneError(f"The levels cannot be written to {path}: {error.strerror}.") from error
    remark(f"Written to {path}.")


def _show(hierarchy: MemoryHierarchy) -> None:
    show(Text(hierarchy.device, "bold"))
    show(levels_table(hierarchy))
    show(Text(f"From {hierarchy.source}.", "dim"))
    for sentence in hierarchy.remarks:
        remark(sentence)
