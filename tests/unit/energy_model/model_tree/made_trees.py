"""Trees of made networks on a made device, whose costs follow known formulas."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tuner.energy_model.model_tree.node import CostNode, Level, Measured

DEVICE_SHARE, BASE_W = 0.8, 50.0
LAUNCH_J, FLOP_J, BYTE_J = 2e-3, 1e-11, 1e-10
LAUNCH_S, FLOP_S, BYTE_S = 1e-5, 1e-13, 4e-12
HANDOVER_SHARE = 0.1
CALL_J, OWN_BYTE_J = 1e-3, 2e-10

SIZES = [(8.0, 32.0), (8.0, 64.0), (16.0, 64.0)]


@dataclass(frozen=True)
class Blueprint:
    """A network of equal blocks: a product, then an activation, and bytes that the block moves itself."""

    name: str
    width: float
    layers: int
    block: str = "Block"


BLUEPRINTS = [
    Blueprint("small", 256.0, 3),
    Blueprint("wide", 1024.0, 2),
    Blueprint("deep", 512.0, 6),
    Blueprint("other", 512.0, 4, "Layer"),
]


def tree(blueprint: Blueprint, batch_size: float, seq_len: float) -> CostNode:
    """Returns a network's tree, measured."""
    rows = batch_size * seq_len
    sizes = (batch_size, seq_len)
    blocks = tuple(_block(blueprint, f"layer.{index}", rows, sizes) for index in range(blueprint.layers))
    root = CostNode(
        blueprint.name,
        blueprint.name,
        Level.MODEL,
        sum(block.flops for block in blocks),
        sum(block.n_bytes for block in blocks) + 4 * rows * blueprint.width,
        sizes,
        blocks,
    )
    return measured(root)


def _block(blueprint: Blueprint, path: str, rows: float, sizes: tuple[float, ...]) -> CostNode:
    width = blueprint.width
    product = CostNode(
        f"{path}.dense", "Linear", Level.LEAF, 2 * rows * width**2, 4 * (2 * rows * width + width**2), sizes
    )
    activation = CostNode(f"{path}.act", "Tanh", Level.LEAF, 4 * rows * width, 8 * rows * width, sizes)
    n_bytes = product.n_bytes + activation.n_bytes + 8 * rows * width
    return CostNode(
        path, blueprint.block, Level.MODULE, product.flops + activation.flops, n_bytes, sizes, (product, activation)
    )


def measured(node: CostNode) -> CostNode:
    """Returns a tree with what it costs on the made device, where handing over a product's result costs a share."""
    children = tuple(measured(child) for child in node.children)
    if not children:
        energy_j = LAUNCH_J + FLOP_J * node.flops + BYTE_J * node.n_bytes
        time_s = LAUNCH_S + FLOP_S * node.flops + BYTE_S * node.n_bytes
    else:
        costs = [child.measured for child in children if child.measured is not None]
        handover_j = sum(
            HANDOVER_SHARE * child.measured.energy_j
            for child in children
            if child.kind == "Linear" and child.measured is not None
        )
        energy_j = sum(cost.energy_j for cost in costs) + CALL_J + OWN_BYTE_J * node.own_bytes + handover_j
        time_s = sum(cost.time_s for cost in costs) + LAUNCH_S
    cost = Measured(energy_j, time_s, DEVICE_SHARE * (energy_j - BASE_W * time_s), (8.0, 10.0, 90.0, 15.0, 1900.0, 5e3))
    return replace(node, children=children, measured=cost)


def models(blueprints: list[Blueprint] | None = None) -> dict[str, tuple[CostNode, ...]]:
    """Returns the trees of every network at every size."""
    return {
        blueprint.name: tuple(tree(blueprint, batch_size, seq_len) for batch_size, seq_len in SIZES)
        for blueprint in blueprints or BLUEPRINTS
    }


Change = Callable[[dict[str, object]], dict[str, object] | None]
"""Returns a row as it is to be written; None of one that is to be missing."""


def write_device(directory: Path, of_models: Mapping[str, tuple[CostNode, ...]], change: Change = dict) -> Path:
    """Writes trees in the published layout and returns the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[dict[str, object]]] = {"ml1": [], "ml2": [], "module": [], "model": []}
    for trees in of_models.values():
        for root in trees:
            for file, row in _rows(root, root.name):
                changed = change(row)
                if changed is not None:
                    rows[file].append(changed)
    names = list(dict(next(_rows(next(iter(of_models.values()))[0], ""))[1]))
    for file, of_file in rows.items():
        with (directory / f"{file}_level_features.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            writer.writerows(of_file)
    return directory


def _rows(node: CostNode, model: str) -> Iterator[tuple[str, dict[str, object]]]:
    cost = node.measured
    assert cost is not None
    level_name = model if node.level is Level.MODEL else f"{node.name}:{node.kind}"
    file = {Level.MODEL: "model", Level.MODULE: "module", Level.LEAF: "ml1"}[node.level]
    if node.kind == "Tanh":  # names the scope that runs it
        file, level_name = "ml2", f"{node.name.rpartition('.')[0]}:Tanh"
    observed = dict(zip(("cpu", "mem", "gpu", "gpu_mem", "gpu_clk", "gpu_mem_clk"), cost.utilization, strict=True))
    yield (
        file,
        {
            "batch_size": node.sizes[0],
            "seq_len": node.sizes[1],
            "flops": node.flops / 1e6,
            "mem_bytes": node.n_bytes / 2**20,
            **observed,
            "times_mean": cost.time_s,
            "gpu_energy_mean": cost.device_energy_j,
            "energy_mean": cost.energy_j,
            "level_name": level_name,
            "model_name": model,
        },
    )
    for child in node.children:
        yield from _rows(child, model)
