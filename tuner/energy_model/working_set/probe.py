"""How large the caches are in effect: one core reads lines of memory in random order, from ever larger buffers.

In random order no prefetcher hides where a line comes from. What a virtual machine is told of its caches need not be
what it gets: neighbours that it does not see use them as well, or the host gives it only a part.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tuner.energy_model.working_set.knees import Knee, Knees, find_knees
from tuner.energy_model.working_set.levels import MemoryHierarchy, MemoryLevel, size_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LINE_BYTES = 64
_INDEX_BYTES = 8
_RESULT_BYTES = 4
_TOUCHED_BYTES = _LINE_BYTES + _INDEX_BYTES + _RESULT_BYTES
"""What reading one line touches: the line, its place in the order, and the number that is taken from it."""

_SMALLEST_BYTES = 16 << 10
_LARGEST_BYTES = 512 << 20
_BEYOND_LAST_CACHE = 4
_STEPS_A_DOUBLING = 3
_LINES_A_TURN = 500_000
_FAR_BELOW, _ABOVE = 8.0, 2.0
"""A knee belongs to a level if it lies between the level's size over the first, and times the second."""


@dataclass(frozen=True)
class ReadCost:
    """What reading one line costs in a buffer of some size.

    Attributes:
        n_bytes: What is touched again and again.
        line_s: The shortest time for one line that was seen.
    """

    n_bytes: int
    line_s: float


@dataclass(frozen=True)
class MeasuredHierarchy:
    """Levels with the sizes that they have in effect.

    Attributes:
        hierarchy: The levels.
        knees: The knees by the level's name; a level in which none was found keeps its size.
        curve: What reading cost.
        sharpness: How sharply the curve bends.
    """

    hierarchy: MemoryHierarchy
    knees: dict[str, Knee]
    curve: tuple[ReadCost, ...]
    sharpness: float


def read_costs(claimed: MemoryHierarchy, turns: int, clock: Callable[[], float]) -> tuple[ReadCost, ...]:
    """Returns what reading costs, from buffers in the first cache to such that no cache holds.

    The sizes take turns, so that what disturbs for a while disturbs all of them, and the shortest time of each counts.

    Args:
        claimed: The levels that are looked for.
        turns: How often each size is read.
        clock: Seconds that only grow.
    """
    import numpy as np

    largest = _largest(claimed)
    buffer = _buffer(largest)
    generator = np.random.default_rng(0)
    counts = [size // _TOUCHED_BYTES for size in _sizes(largest)]
    orders = [generator.permutation(count) * (_LINE_BYTES // _RESULT_BYTES) for count in counts]
    shortest = [math.inf] * len(orders)
    for _ in range(turns):
        for number, order in enumerate(orders):
            shortest[number] = min(shortest[number], _line_s(buffer, order, clock))
    return tuple(ReadCost(count * _TOUCHED_BYTES, line_s) for count, line_s in zip(counts, shortest, strict=True))


def measured(claimed: MemoryHierarchy, curve: Sequence[ReadCost], seed: int = 0) -> MeasuredHierarchy:
    """Returns the levels with the sizes that a curve shows.

    Args:
        claimed: The levels as the device describes them.
        curve: What reading costs there.
        seed: Of the resampling behind the intervals.

    Raises:
        BadInputError: The curve has too few points.
    """
    found = find_knees([each.n_bytes for each in curve], [each.line_s for each in curve], len(claimed.levels) - 1, seed)
    knees = _assigned(claimed.levels[:-1], found)
    levels = [_resized(level, knees.get(level.name)) for level in claimed.levels]
    unseen = [level.name for level in claimed.levels[:-1] if level.name not in knees]
    remarks = [f"No knee was found for {', '.join(unseen)}: its size is as stated."] if unseen else []
    remarks += [_remark(level, knees[level.name]) for level in claimed.levels if level.name in knees]
    hierarchy = replace(
        claimed, levels=tuple(levels), source=f"read times, and {claimed.source}", remarks=tuple(remarks)
    )
    return MeasuredHierarchy(hierarchy, knees, tuple(curve), found.sharpness)


def _assigned(levels: Sequence[MemoryLevel], found: Knees) -> dict[str, Knee]:
    """Gives each level, of the knees that can be its end, the one at which the cost rises most."""
    assigned: dict[str, Knee] = {}
    free = list(found.knees)
    for level in levels:
        size = level.bytes_per_unit
        fitting = [knee for knee in free if size / _FAR_BELOW <= knee.n_bytes <= size * _ABOVE]
        if fitting:
            knee = max(fitting, key=_rise)
            free.remove(knee)
            assigned[level.name] = knee
    return assigned


def _rise(knee: Knee) -> float:
    return knee.rise


def _resized(level: MemoryLevel, knee: Knee | None) -> MemoryLevel:
    return level if knee is None else replace(level, bytes_per_unit=round(knee.n_bytes))


def _remark(level: MemoryLevel, knee: Knee) -> str:
    low, high = size_text(knee.low_bytes), size_text(knee.high_bytes)
    stated = size_text(level.bytes_per_unit)
    return f"{level.name} holds {size_text(knee.n_bytes)} ({low} to {high}) in effect; {stated} are stated."


def _largest(claimed: MemoryHierarchy) -> int:
    caches = [level.bytes_per_unit for level in claimed.levels[:-1]] or [_SMALLEST_BYTES]
    memory_bytes = claimed.levels[-1].bytes_per_unit
    return min(_BEYOND_LAST_CACHE * max(caches), _LARGEST_BYTES, memory_bytes // 4)


def _sizes(largest: int) -> Sequence[int]:
    steps = int(math.log2(largest / _SMALLEST_BYTES) * _STEPS_A_DOUBLING)
    return [round(_SMALLEST_BYTES * 2 ** (step / _STEPS_A_DOUBLING)) for step in range(steps + 1)]


def _buffer(n_bytes: int) -> NDArray[Any]:
    """Returns memory on large pages where there are some: the caches are looked for, not the translation buffers."""
    import numpy as np

    memory = mmap.mmap(-1, n_bytes)
    with suppress(AttributeError, OSError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    buffer = np.frombuffer(memory, dtype=np.float32)
    buffer[:] = 1.0
    return buffer


def _line_s(buffer: NDArray[Any], order: NDArray[Any], clock: Callable[[], float]) -> float:
    import numpy as np

    result = np.empty(len(order), dtype=np.float32)
    rounds = max(1, _LINES_A_TURN // len(order))
    np.take(buffer, order, out=result, mode="wrap")
    start = clock()
    for _ in range(rounds):
        np.take(buffer, order, out=result, mode="wrap")
    return (clock() - start) / (rounds * len(order))
