"""The batch sizes at which a level of memory overflows, and batch sizes that are worth a trial because of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tuner.energy_model.working_set.levels import MemoryHierarchy
from tuner.energy_model.working_set.sets import Part, WorkingSets, place

SetsAt = Callable[[int], WorkingSets]
"""The working sets at a batch size."""

_CLOSE = 1.25
"""A power of two this close to an overflow tells nothing that the overflow does not."""


@dataclass(frozen=True)
class Overflow:
    """How far a working set fits a level of memory.

    Attributes:
        part: The working set.
        level: The level's name.
        last_batch: The largest batch at which it fits there, or closer; 0 if it never does.
        is_bound: Whether the next larger batch overflows; if not, the search ended there.
    """

    part: Part
    level: str
    last_batch: int
    is_bound: bool


def overflows(sets_at: SetsAt, hierarchy: MemoryHierarchy, largest: int) -> tuple[Overflow, ...]:
    """Returns how far each working set fits each level, level by level.

    What a larger batch needs is never less, so that the boundary is found by halving.

    Args:
        sets_at: The working sets at a batch size.
        hierarchy: The levels that serve the cores at work.
        largest: The largest batch that is looked at.
    """
    parts = [placement.part for placement in place(sets_at(1), hierarchy)]
    return tuple(
        _overflow(sets_at, hierarchy, largest, part, index) for index in range(len(hierarchy.levels)) for part in parts
    )


def _overflow(sets_at: SetsAt, hierarchy: MemoryHierarchy, largest: int, part: Part, index: int) -> Overflow:
    def fits(batch: int) -> bool:
        return next(each.level <= index for each in place(sets_at(batch), hierarchy) if each.part is part)

    last = _last(fits, largest)
    return Overflow(part, hierarchy.levels[index].name, last, is_bound=last < largest)


def batch_sizes_to_try(found: Sequence[Overflow], largest: int) -> tuple[int, ...]:
    """Returns batch sizes for the search: those at which something still just fits, and powers of two between them.

    Of several that lie within a quarter of each other the lowest stands for all.

    What does not fit the last level cannot run, and is left out.

    Args:
        found: The overflows.
        largest: The largest batch to propose.
    """
    memory = found[-1].level
    fitting = min([largest, *(each.last_batch for each in found if each.level == memory and each.is_bound)])
    edges = _lowest_of_close(each.last_batch for each in found if each.is_bound and 0 < each.last_batch <= fitting)
    powers = (1 << exponent for exponent in range(fitting.bit_length()))
    apart = {power for power in powers if not any(_is_close(power, edge) for edge in edges)}
    return tuple(sorted({1, *edges, *apart})) if fitting else ()


def _lowest_of_close(edges: Iterable[int]) -> list[int]:
    """Keeps of edges that lie close together the lowest: everything else still fits there, too."""
    kept: list[int] = []
    for edge in sorted(edges):
        if not kept or not _is_close(edge, kept[-1]):
            kept.append(edge)
    return kept


def _is_close(first: int, second: int) -> bool:
    return max(first, second) <= _CLOSE * min(first, second)


def _last(fits: Callable[[int], bool], largest: int) -> int:
    """Returns the largest number from 1 on that fits; 0 if none does."""
    if fits(largest):
        return largest
    low, high = 0, largest
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
