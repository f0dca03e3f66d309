"""Fully-connected networks of many widths and depths, at many batch sizes, and what one batch of each takes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from tuner.energy_model.working_set.dense import DenseNetwork
from tuner.energy_model.working_set.sets import Part

_LEAST_TURN_S = 4e-3
_STEPS_A_DOUBLING = 4


@dataclass(frozen=True)
class Row:
    """What was measured of one network at one batch size.

    Attributes:
        sweep: What is varied: ``depth``, ``width``, ``batch`` or ``mixed``.
        width: Units of every layer, inputs and outputs included.
        depth: Layers.
        batch: Items a batch.
        batch_s: The shortest time of a batch that was seen.
    """

    sweep: str
    width: int
    depth: int
    batch: int
    batch_s: float = math.inf

    @property
    def network(self) -> DenseNetwork:
        """The network."""
        return DenseNetwork((self.width,) * (self.depth + 1))

    @property
    def forward_bytes(self) -> int:
        """Bytes of the forward pass's working set."""
        return self.network.working_sets(self.batch).total(Part.FORWARD).n_bytes

    @property
    def cost(self) -> float:
        """Seconds a datum; a datum and parameter where the parameters are what is varied."""
        datum_s = self.batch_s / self.batch
        return datum_s if self.sweep == "batch" else datum_s / self.network.parameters


def planned() -> tuple[Row, ...]:
    """Returns what is measured, without times."""
    return tuple(dict.fromkeys([*_depths(), *_widths(), *_batches(), *_mixed()]))


def measured(rows: Sequence[Row], turns: int) -> tuple[Row, ...]:
    """Returns the rows with the shortest time of a batch.

    Networks are made anew in each turn, so that no row owns a lucky place in memory.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    shortest = [math.inf] * len(rows)
    with torch.no_grad():
        for _ in range(turns):
            for number, row in enumerate(rows):
                shortest[number] = min(shortest[number], _batch_s(_pass_of(row)))
    return tuple(
        Row(row.sweep, row.width, row.depth, row.batch, batch_s) for row, batch_s in zip(rows, shortest, strict=True)
    )


def _depths() -> Iterator[Row]:
    yield from (Row("depth", 256, depth, 1) for depth in _geometric(1, 400))


def _widths() -> Iterator[Row]:
    yield from (Row("width", width, 4, 1) for width in _geometric(96, 2560, step=2 * _STEPS_A_DOUBLING))


def _batches() -> Iterator[Row]:
    yield from (Row("batch", 32, 4, batch) for batch in _geometric(256, 1 << 18))


def _mixed() -> Iterator[Row]:
    for width in (64, 128, 256, 512):
        for depth in (2, 8, 32):
            yield from (Row("mixed", width, depth, batch) for batch in (1, 8, 64, 512))


def _geometric(first: int, last: int, step: int = _STEPS_A_DOUBLING) -> Sequence[int]:
    count = int(math.log2(last / first) * step)
    return sorted({round(first * 2 ** (number / step)) for number in range(count + 1)})


def _pass_of(row: Row) -> Callable[[], None]:
    """Returns the forward pass: two buffers take turns as input and output of a layer."""
    scale = math.sqrt(2.0 / row.width)
    weights = [torch.randn(row.width, row.width) * scale for _ in range(row.depth)]
    biases = [torch.zeros(row.width) for _ in range(row.depth)]
    buffers = [torch.randn(row.batch, row.width), torch.empty(row.batch, row.width)]

    def run() -> None:
        for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            source, target = buffers[number % 2], buffers[1 - number % 2]
            torch.addmm(bias, source, weight, out=target).relu_()

    return run


def _batch_s(run: Callable[[], None]) -> float:
    """Returns the mean time of a batch over a turn, once everything is where it stays."""
    start = time.perf_counter()
    run()
    run()
    rounds = max(1, round(_LEAST_TURN_S / max((time.perf_counter() - start) / 2, 1e-7)))
    start = time.perf_counter()
    for _ in range(rounds):
        run()
    return (time.perf_counter() - start) / rounds
