"""What a network touches in memory, step by step, and in which blocks of memory that lies.

A block that is no longer needed is given to the next activation that fits, as allocators do: what was touched last is
used again first, and finds its lines in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Touch:
    """A tensor that a step reads or writes as a whole.

    Attributes:
        storage: Names the memory behind it, as the network's records do.
        n_bytes: How much of it is touched.
        is_replicated: Whether every cache needs a copy (parameters), or its part (activations).
        is_lasting: Whether its memory is never given to anything else.
    """

    storage: str
    n_bytes: int
    is_replicated: bool = False
    is_lasting: bool = False


Step = tuple[Touch, ...]
"""What one operation touches: first what it reads, then what it writes."""


@dataclass(frozen=True)
class BlockTouch:
    """A touch of a block of memory.

    Attributes:
        block: The block's number.
        n_bytes: How much of it is touched.
        is_replicated: Whether every cache needs a copy.
    """

    block: int
    n_bytes: int
    is_replicated: bool


def in_blocks(steps: Sequence[Step]) -> tuple[BlockTouch, ...]:
    """Returns the same touches, of blocks of memory.

    A block is free after the last step that touches what lies in it.
    """
    allocator = _Allocator()
    last_steps = {touch.storage: number for number, step in enumerate(steps) for touch in step}
    found: list[BlockTouch] = []
    for number, step in enumerate(steps):
        found += [BlockTouch(allocator.block(touch), touch.n_bytes, touch.is_replicated) for touch in step]
        for touch in dict.fromkeys(step):
            if last_steps[touch.storage] == number and not touch.is_lasting:
                allocator.free(touch.storage)
    return tuple(found)


class _Allocator:
    """Gives the smallest free block that is large enough, of several the one that was freed last."""

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._blocks: dict[str, int] = {}
        self._free: list[int] = []

    def block(self, touch: Touch) -> int:
        """Returns the block of a storage, which gets one when it is first touched."""
        if touch.storage not in self._blocks:
            self._blocks[touch.storage] = self._allocate(touch.n_bytes)
        return self._blocks[touch.storage]

    def free(self, storage: str) -> None:
        """Lets others have the block of a storage; of one that has none, does nothing."""
        block = self._blocks.pop(storage, None)
        if block is not None:
            self._free.append(block)

    def _allocate(self, n_bytes: int) -> int:
        fitting = [block for block in reversed(self._free) if self._sizes[block] >= n_bytes]
        if fitting:
            block = min(fitting, key=self._sizes.__getitem__)
            self._free.remove(block)
            return block
        self._sizes.append(n_bytes)
        return len(self._sizes) - 1


def peak_bytes(steps: Sequence[Step]) -> int:
    """Returns the most bytes that are live at once, of what is not replicated.

    A storage is live from the first step that touches it to the last one, both included.
    """
    lives: dict[str, tuple[int, int, int]] = {}
    for number, touch in _distributed(steps):
        first, _, n_bytes = lives.get(touch.storage, (number, number, 0))
        lives[touch.storage] = (first, number, max(n_bytes, touch.n_bytes))
    changes = [0] * (len(steps) + 1)
    for first, last, n_bytes in lives.values():
        changes[first] += n_bytes
        changes[last + 1] -= n_bytes
    live = peak = 0
    for change in changes:
        live += change
        peak = max(peak, live)
    return peak


def _distributed(steps: Sequence[Step]) -> Iterator[tuple[int, Touch]]:
    for number, step in enumerate(steps):
        yield from ((number, touch) for touch in step if not touch.is_replicated)
