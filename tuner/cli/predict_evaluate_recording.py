"""``wattune predict evaluate --format recording``: models measured on this device, one left out at a time."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from tuner.cli.model_argument import require_extra
from tuner.cli.terminal import print_json, show
from tuner.report.vocabulary import quantity_text

if TYPE_CHECKING:
    from tuner.energy_model.model_tree.left_out import LeftOutModel
    from tuner.energy_model.model_tree.recording import Metering


def run(arguments: argparse.Namespace) -> int:
    """Evaluates what 'wattune predict collect' wrote, and returns the exit status.

    Raises:
        BadInputError: The recording cannot be used, or a library is missing.
    """
    require_extra("numpy", "scipy")
    from tuner.energy_model.model_tree.left_out import leave_each_out
    from tuner.energy_model.model_tree.recording import read_recording

    recording = read_recording(arguments.path)
    found = leave_each_out(recording)
    if arguments.json:
        print_json({"metering": recording.metering, "models": [asdict(each) for each in found]})
    else:
        _show(recording.metering, found)
    return 0


def _show(metering: Metering, found: list[LeftOutModel]) -> None:
    title = f"{metering.meter} (scope {metering.scope}, {metering.provenance}), {metering.threads} threads"
    show(Text(f"Each model predicted from the others; {title}", "bold"))
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("model", no_wrap=True)
    for column in ("time", "predicted", "off", "energy", "predicted", "off", "modules", "unseen"):
        table.add_column(column, justify="right", no_wrap=True)
    for each in found:
        table.add_row(
            each.model,
            quantity_text(each.time_s, "s"),
            quantity_text(each.predicted_s, "s"),
            f"{each.time_error_pct:.0f} %",
            quantity_text(each.energy_j, "J"),
            quantity_text(each.predicted_j, "J"),
            f"{each.energy_error_pct:.0f} %",
            "" if each.module_error_pct is None else f"{each.module_error_pct:.0f} %",
            f"{each.unseen_pct:.0f} %",
        )
    show(table)
