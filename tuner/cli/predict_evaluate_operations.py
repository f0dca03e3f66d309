"""``wattune predict evaluate --format toml-jsonl``: joules from operations, on models that the fit has not seen."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.text import Text

from tuner.cli.model_argument import require_extra
from tuner.cli.terminal import print_json, remark, show
from tuner.errors import BadInputError
from tuner.report.plain_table import plain_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tuner.energy_model.operations.evaluation import HeldOut, Transferred


def run(arguments: argparse.Namespace) -> int:
    """Evaluates on one device, and on a second one to which the first is transferred.

    Raises:
        BadInputError: A file cannot be used, or a library is missing.
    """
    require_extra("numpy", "scipy", "sklearn")
    from tuner.energy_model.operations.evaluation import evaluate, evaluate_transfer
    from tuner.energy_model.operations.recorded import read_points

    points = read_points(arguments.path)
    models = len({point.model for point in points})
    if models < 2:
        raise BadInputError(f"{arguments.path} holds one model only: none can be left out.")
    other = read_points(arguments.transfer) if arguments.transfer else []
    remark(f"{len(points)} runs of {models} models.")
    held_out = evaluate(points, arguments.seed)
    transferred = evaluate_transfer(points, other, arguments.seed) if other else []
    if arguments.json:
        rows = {"runs": len(points), "models": models, "held_out": [asdict(row) for row in held_out]}
        print_json({**rows, "transfer": [asdict(row) for row in transferred]})
        return 0
    _show_held_out(held_out)
    if transferred:
        show(Text(""))
        _show_transfer(transferred, len(other))
    return 0


def _show_held_out(rows: Sequence[HeldOut]) -> None:
    table = plain_table("Error of energy where the fit has not seen it", "method", "left out")
    for heading in ("mean", "median", "worst model", "", "in 90 %"):
        table.add_column(heading, justify="left" if heading == "worst model" else "right")
    for row in rows:
        inside = "" if row.inside_90_pct is None else f"{row.inside_90_pct:.0f} %"
        errors = (f"{row.mean_pct:.1f} %", f"{row.median_pct:.1f} %")
        table.add_row(row.method, row.left_out, *errors, row.worst_model, f"{row.worst_model_pct:.1f} %", inside)
    show(table)


def _show_transfer(rows: Sequence[Transferred], runs: int) -> None:
    table = plain_table(f"Error on another device, of its {runs} runs", "method")
    for heading in ("runs known", "chosen", "at random", "9 of 10 draws below"):
        table.add_column(heading, justify="right")
    for row in rows:
        errors = (f"{error:.1f} %" for error in (row.chosen_pct, row.random_pct, row.random_90_pct))
        table.add_row(row.method, str(row.points), *errors)
    show(table)
