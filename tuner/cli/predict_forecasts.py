"""``wattune predict forecasts MODEL``: what each batch size costs, as a file from which a search starts."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from tuner.cli.arguments import positive_integer
from tuner.cli.model_argument import add_model, load_network, require_extra
from tuner.cli.terminal import print_json, remark, show
from tuner.errors import BadInputError
from tuner.forecast_file import BatchForecast, ForecastFile
from tuner.record_file import write_record
from tuner.report.plain_table import plain_table
from tuner.report.vocabulary import quantity_text, share_text

if TYPE_CHECKING:
    from tuner.energy_model.model_tree.device_model import DeviceModel, Figure

_DEVIATIONS_OF_90_PERCENT = 1.645
_UNKNOWN_SD = 0.5
"""Of a forecast whose error nobody could tell: off by a factor of up to 2.7."""

_LEAST_SD = 0.02


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments."""
    add_model(parser)
    parser.add_argument(
        "--batch-sizes",
        type=positive_integer,
        nargs="+",
        required=True,
        metavar="N",
        help="items a batch, as in the workload's file",
    )
    parser.add_argument(
        "--device-model", type=Path, required=True, metavar="FILE", help="what 'wattune predict fit' wrote"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="where the forecasts go")


def run(arguments: argparse.Namespace) -> int:
    """Predicts every batch size, writes the file and shows it.

    Raises:
        BadInputError: The model or the device model cannot be used, or a library is missing.
        WattuneError: The file cannot be written.
    """
    require_extra("torch", "numpy", "scipy")
    from tuner.energy_model.model_tree.device_model import read_device_model

    if len(set(arguments.batch_sizes)) != len(arguments.batch_sizes):
        raise BadInputError("A batch size is named twice: name each once.")
    device = read_device_model(arguments.device_model)
    batches = [_forecast(device, arguments.model, size) for size in sorted(arguments.batch_sizes)]
    metering = device.metering
    file = ForecastFile(arguments.model, metering.scope, metering.provenance, tuple(batches))
    write_record(arguments.output, file)
    if arguments.json:
        print_json(file)
    else:
        _show(file)
    return 0


def _forecast(device: DeviceModel, model: str, batch_size: int) -> BatchForecast:
    from tuner.energy_model.model_tree.device_model import predict_tree, unseen_operators
    from tuner.energy_model.model_tree.network_tree import tree_of_network

    predicted = predict_tree(device, tree_of_network(load_network(model, batch_size)).root)
    for kind, share in unseen_operators(predicted).items():
        remark(
            f"Batch {batch_size}: {kind} was never measured; its {share_text(share)} of the joules is told by sizes."
        )
    return BatchForecast(
        batch_size,
        latency_s=predicted.time_s.value,
        energy_per_request_j=predicted.energy_j.value / batch_size,
        latency_sd=_log_sd(predicted.time_s),
        energy_sd=_log_sd(predicted.energy_j),
    )


def _log_sd(figure: Figure) -> float:
    """Returns the standard deviation of the logarithm that a 90 % interval stands for."""
    if figure.low is None or figure.high is None:
        return _UNKNOWN_SD
    return max(math.log(figure.high / figure.low) / (2 * _DEVIATIONS_OF_90_PERCENT), _LEAST_SD)


def _show(file: ForecastFile) -> None:
    show(Text(f"Predicted, not measured: {file.model}, joules of scope {file.scope}.", style="bold"))
    table = plain_table("")
    for heading in ("batch size", "latency", "off by", "energy per request", "off by"):
        table.add_column(heading, justify="right")
    for one in file.batches:
        table.add_row(
            str(one.batch_size),
            quantity_text(one.latency_s, "s"),
            share_text(math.expm1(one.latency_sd)),
            quantity_text(one.energy_per_request_j, "J"),
            share_text(math.expm1(one.energy_sd)),
        )
    show(table)
