"""``wattune predict run``: joules and seconds of each node of a model that never ran."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

from tuner.cli.arguments import positive_number
from tuner.cli.model_argument import add_batch_size, add_model, load_network, require_extra
from tuner.cli.terminal import print_json, remark, show
from tuner.report.vocabulary import quantity_text, share_text

if TYPE_CHECKING:
    from tuner.energy_model.model_tree.device_model import DeviceModel, Figure, PredictedNode

_LEAST_SHARE = 0.02


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments."""
    add_model(parser)
    add_batch_size(parser)
    parser.add_argument(
        "--device-model", type=Path, required=True, metavar="FILE", help="what 'wattune predict fit' wrote"
    )
    parser.add_argument(
        "--least-share",
        type=positive_number,
        default=_LEAST_SHARE,
        metavar="SHARE",
        help="show nodes that use this much or more (default %(default)g)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Predicts, and returns the exit status.

    Raises:
        BadInputError: The model or the device model cannot be used, or a library is missing.
    """
    require_extra("torch", "numpy", "scipy")
    from tuner.energy_model.model_tree.device_model import predict_tree, read_device_model, unseen_operators
    from tuner.energy_model.model_tree.network_tree import tree_of_network

    device = read_device_model(arguments.device_model)
    network = load_network(arguments.model, arguments.batch_size)
    predicted = predict_tree(device, tree_of_network(network).root)
    unseen = unseen_operators(predicted)
    if arguments.json:
        print_json(
            {
                "model": arguments.model,
                "batch_size": arguments.batch_size or 1,
                "metering": device.metering,
                "provenance": "estimated",
                "unseen_operators": unseen,
                "missing": network.missing,
                "tree": predicted,
            }
        )
        return 0
    _show(device, predicted, arguments.least_share)
    for kind, share in unseen.items():
        remark(f"{kind} was never measured: its {share_text(share)} of the joules are told by its sizes alone.")
    for sentence in network.missing:
        remark(sentence)
    return 0


def _show(device: DeviceModel, root: PredictedNode, least_share: float) -> None:
    metering = device.metering
    show(Text(f"Predicted, not measured: joules as of {metering.meter} (scope {metering.scope}) a batch.", "bold"))
    shown = Tree(_label(root, root))
    _hang(shown, root, root, least_share)
    show(shown)


def _hang(shown: Tree, node: PredictedNode, root: PredictedNode, least_share: float) -> None:
    for equal in _groups(node.children):
        if len(equal) * equal[0].energy_j.value >= least_share * root.energy_j.value:
            _hang(shown.add(_label(equal[0], root, len(equal))), equal[0], root, least_share)


def _groups(nodes: Sequence[PredictedNode]) -> list[list[PredictedNode]]:
    """Neighbours that cost the same, such as the layers of a transformer, together."""
    return [list(equal) for _, equal in groupby(nodes, lambda node: (node.kind, node.energy_j, node.time_s))]


def _label(node: PredictedNode, root: PredictedNode, count: int = 1) -> Text:
    share = count * node.energy_j.value / root.energy_j.value
    text = Text(node.name or root.name)
    text.append(f" {node.kind}", "dim")
    times = f"{count} times " if count > 1 else ""
    text.append(f": {times}{_figure_text(node.energy_j, 'J')}, {quantity_text(node.time_s.value, 's')}")
    text.append(f", {share_text(share)}", "bold")
    return text.append(f" ({node.source})", "dim")


def _figure_text(figure: Figure, unit: str) -> str:
    value = quantity_text(figure.value, unit)
    if figure.low is None or figure.high is None:
        return value
    return f"{value} [{quantity_text(figure.low, unit)} to {quantity_text(figure.high, unit)}]"
