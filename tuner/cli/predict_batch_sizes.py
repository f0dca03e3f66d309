"""``wattune predict batch-sizes``: the batch sizes at which a level of memory overflows, told without running them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.table import Table
from rich.text import Text

from tuner.cli.arguments import positive_integer
from tuner.cli.hierarchy_argument import add_cores, add_hierarchy, levels_table, read_used_levels
from tuner.cli.model_argument import add_model, load_network
from tuner.cli.terminal import print_json, remark, show
from tuner.energy_model.working_set.batched import BatchedNetwork, batched
from tuner.energy_model.working_set.levels import MemoryHierarchy, size_text
from tuner.energy_model.working_set.overflow import Overflow, batch_sizes_to_try, overflows
from tuner.energy_model.working_set.passes import load, working_sets

_LARGEST = 256
_RECORDED_BATCHES = (2, 4)
"""Batch sizes at which the model is looked at: 1 is special to too many operators."""


@dataclass(frozen=True)
class _Prediction:
    """What is told.

    Attributes:
        model: How the model was named.
        training: Whether it is trained.
        hierarchy: The levels that serve the cores at work.
        overflows: How far each working set fits each level.
        batch_sizes: What to try.
        parameter_bytes: Parameters that a batch reads.
        item_bytes: How the activations of one layer grow with an item.
        served_bytes: Bytes that each level serves for one item, by batch size.
        least_memory_batch: Of these batch sizes the one at which memory serves least for an item; None without any.
    """

    model: str
    training: bool
    hierarchy: MemoryHierarchy
    overflows: tuple[Overflow, ...]
    batch_sizes: tuple[int, ...]
    parameter_bytes: int
    item_bytes: int
    served_bytes: dict[int, tuple[float, ...]]
    least_memory_batch: int | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments."""
    add_model(parser)
    add_hierarchy(parser)
    add_cores(parser)
    parser.add_argument("--train", action="store_true", help="the model is trained: with gradients and all activations")
    parser.add_argument(
        "--largest",
        type=positive_integer,
        default=_LARGEST,
        metavar="N",
        help="the largest batch size to look at (default %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Shows the batch sizes and returns the exit status.

    Raises:
        BadInputError: The model or the device cannot be looked into, or torch is missing.
    """
    hierarchy = read_used_levels(arguments)
    records = {batch: load_network(arguments.model, batch) for batch in _RECORDED_BATCHES}
    for sentence in (*hierarchy.remarks, *records[_RECORDED_BATCHES[0]].missing):
        remark(sentence)
    prediction = _predicted(batched(records), hierarchy, arguments.largest, training=arguments.train)
    if arguments.json:
        print_json({**asdict(prediction), "provenance": "estimated"})
    else:
        _show(prediction)
    return 0


def _predicted(network: BatchedNetwork, hierarchy: MemoryHierarchy, largest: int, *, training: bool) -> _Prediction:
    found = overflows(lambda batch: working_sets(network, batch, training=training), hierarchy, largest)
    batch_sizes = batch_sizes_to_try(found, largest)
    sets = working_sets(network, 1, training=training)
    served = {batch: _served_bytes(network, batch, hierarchy, training=training) for batch in batch_sizes}
    return _Prediction(
        model=network.name,
        training=training,
        hierarchy=hierarchy,
        overflows=found,
        batch_sizes=batch_sizes,
        parameter_bytes=sets.parameters.n_bytes,
        item_bytes=working_sets(network, 2, training=training).inter_layer.n_bytes - sets.inter_layer.n_bytes,
        served_bytes=served,
        least_memory_batch=min(served, key=lambda batch: served[batch][-1], default=None),
    )


def _served_bytes(
    network: BatchedNetwork, batch: int, hierarchy: MemoryHierarchy, *, training: bool
) -> tuple[float, ...]:
    """Returns the bytes that each level serves for one item."""
    served = load(network, batch, hierarchy, training=training).served_bytes
    return tuple(n_bytes / batch for n_bytes in served)


def _show(prediction: _Prediction) -> None:
    what = "training" if prediction.training else "inference"
    show(Text(f"{prediction.model}, {what}, on {prediction.hierarchy.device}", "bold"))
    show(levels_table(prediction.hierarchy))
    show(
        Text(
            f"\nA batch reads {size_text(prediction.parameter_bytes)} of parameters; the activations of one layer grow "
            f"by {size_text(prediction.item_bytes)} with each item.\n"
        )
    )
    show(_fits(prediction.overflows))
    show(Text("\nBytes an item, by the level that serves them (estimated)\n"))
    show(_served(prediction))
    if prediction.least_memory_batch is not None:
        show(Text(f"\nMemory serves least for an item at batch {prediction.least_memory_batch}."))
    show(Text("\nFor the workload's file:\n"))
    show(Text(f"batch_size = {list(prediction.batch_sizes)}", "bold"))


def _fits(found: Sequence[Overflow]) -> Table:
    parts = list(dict.fromkeys(each.part for each in found))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("fits up to batch")
    for part in parts:
        table.add_column(str(part), justify="right")
    for level in dict.fromkeys(each.level for each in found):
        row = {each.part: _last_text(each) for each in found if each.level == level}
        table.add_row(level, *(row[part] for part in parts))
    return table


def _last_text(overflow: Overflow) -> str:
    if not overflow.is_bound:
        return f"{overflow.last_batch} and more"
    return str(overflow.last_batch) if overflow.last_batch else "none"


def _served(prediction: _Prediction) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("batch", justify="right")
    for name in prediction.hierarchy.names:
        table.add_column(name, justify="right")
    for batch, served in prediction.served_bytes.items():
        table.add_row(str(batch), *map(size_text, served))
    return table
