"""``wattune predict evaluate --format irene-csv``: measured model trees, one model left out at a time."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from tuner.cli.model_argument import require_extra
from tuner.cli.terminal import print_json, remark, show
from tuner.energy_model.model_tree.node import Level
from tuner.errors import BadInputError

if TYPE_CHECKING:
    from tuner.energy_model.model_tree.evaluation import DeviceEvaluation, Evaluation, LevelErrors

_BASELINES = {
    "flops": "operations",
    "time": "time",
    "device_energy": "device energy",
    "device_energy_and_time": "device energy and time",
}


def run(arguments: argparse.Namespace) -> int:
    """Evaluates every device found, and returns the exit status.

    Raises:
        BadInputError: The data cannot be used, or a library is missing.
    """
    if arguments.transfer is not None:
        raise BadInputError("Trees are not transferred: --transfer goes with --format toml-jsonl.")
    require_extra("numpy", "scipy", "sklearn")
    from tuner.energy_model.model_tree.evaluation import Evaluation, evaluate
    from tuner.energy_model.model_tree.irene_csv import find_devices, read_forest

    forests = [read_forest(directory) for directory in find_devices(arguments.path)]
    found = []
    for forest in forests:
        remark(f"{forest.device}: {len(forest.trees)} models, each left out in turn.")
        found.append(evaluate(forest, every_model=arguments.every_model, seed=arguments.seed))
    mean = Evaluation.mean([each.evaluation for each in found])
    if arguments.json:
        print_json({**asdict(mean), "devices": {each.device: _record(each) for each in found}})
    else:
        _show(mean, found, verbose=arguments.verbose)
    return 0


def _record(found: DeviceEvaluation) -> dict[str, object]:
    record = asdict(found)
    return {**record.pop("evaluation"), **record}


def _show(mean: Evaluation, found: list[DeviceEvaluation], *, verbose: bool) -> None:
    for device in found:
        models = ", ".join(device.models)
        show(Text(f"{device.device}: {device.trees} trees of {len(device.models)} models ({models})", "bold"))
        show(_table(device.evaluation))
        if verbose:
            show(_by_model(device.unrun_by_model))
        for sentence in device.left_out:
            remark(f"Left out: {sentence}.")
    if len(found) > 1:
        show(Text(f"Mean of {len(found)} devices", "bold"))
        show(_table(mean))


def _table(evaluation: Evaluation) -> Table:
    table = _headed("mean error on a left-out model")
    for name, errors in _rows(evaluation):
        table.add_row(name, *_cells(errors))
    shares = evaluation.within_interval
    table.add_row(
        "share within the 90 % interval of unrun",
        *(f"{100 * shares[level]:.0f} %" if level in shares else "" for level in Level),
    )
    return table


def _rows(evaluation: Evaluation) -> Iterator[tuple[str, LevelErrors]]:
    yield "unrun: nothing of the target was measured", evaluation.unrun
    yield "  and no equal primitive or module elsewhere", evaluation.unrun_without_reuse
    yield "calibrated: its device energy and time are known", evaluation.calibrated
    yield "the published method, with observed features", evaluation.published
    for key, name in _BASELINES.items():
        yield f"line over {name}", evaluation.baselines[key]


def _by_model(errors: Mapping[str, LevelErrors]) -> Table:
    table = _headed("unrun, by left-out model")
    for name, of_model in errors.items():
        table.add_row(name, *_cells(of_model))
    return table


def _headed(first: str) -> Table:
    table = Table(first, box=None, padding=(0, 2, 0, 0))
    for level in Level:
        table.add_column(level, justify="right")
    return table


def _cells(errors: LevelErrors) -> Iterator[str]:
    for value in (errors.leaf_pct, errors.module_pct, errors.model_pct):
        yield "" if value is None else f"{value:.2f} %"
