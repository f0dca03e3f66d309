"""What a batch of a sweep's network asks of the device, by the working-set model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from benchmarks.working_set.sweeps import Row
from tuner.energy_model.working_set.dense import BYTES_PER_NUMBER
from tuner.energy_model.working_set.levels import MemoryHierarchy
from tuner.energy_model.working_set.load import Load
from tuner.energy_model.working_set.touches import Step, Touch, in_blocks
from tuner.energy_model.working_set.traffic import served_bytes


def load_of(row: Row, hierarchy: MemoryHierarchy) -> Load:
    """Returns the load of one batch, when batches follow each other.

    Args:
        row: The network and the batch size.
        hierarchy: The levels that serve the core at work.
    """
    steps = tuple(_steps(row))
    flops = row.batch * sum(2 * first * second + 2 * second for first, second in pairwise(row.network.widths))
    return Load(len(steps), flops, served_bytes(in_blocks(steps), hierarchy))


def _steps(row: Row) -> Iterator[Step]:
    """Yields a product and an activation for each layer, between two buffers that take turns."""
    buffer_bytes = BYTES_PER_NUMBER * row.batch * row.width
    buffers = [Touch(name, buffer_bytes, is_lasting=True) for name in ("even", "odd")]
    weight_bytes = BYTES_PER_NUMBER * (row.width + 1) * row.width
    for layer in range(row.depth):
        source, target = buffers[layer % 2], buffers[1 - layer % 2]
        yield (source, Touch(f"weight {layer}", weight_bytes, is_replicated=True, is_lasting=True), target)
        yield (target, target)
