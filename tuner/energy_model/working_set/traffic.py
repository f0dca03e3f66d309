"""Which level of memory serves which bytes, by reuse distance.

The **reuse distance** of a touch is how many different bytes were touched since the same block was touched last, itself
included: the stack distance of Mattson, Gecsei, Slutz and Traiger, "Evaluation Techniques for Storage Hierarchies" (IBM
Systems Journal 9(2), 1970). A cache that replaces what was not used for longest holds the block if and only if the
distance is at most its capacity.

Beyond, such a cache would lose all of a block that is gone through again and again, and real ones do not: they keep
``capacity / distance`` of it, as Qureshi et al., "Adaptive Insertion Policies for High Performance Caching" (ISCA 2007,
section 4) derive for cyclic access. Both agree on where a cache starts to overflow, and that is where the knee is.
"""

from __future__ import annotations

from collections.abc import Sequence

from tuner.energy_model.working_set.levels import MemoryHierarchy
from tuner.energy_model.working_set.sets import Extent
from tuner.energy_model.working_set.touches import BlockTouch


def held_share(distance_bytes: float, capacity_bytes: float) -> float:
    """Returns the share of a block that a cache still holds when it is touched again.

    Args:
        distance_bytes: The reuse distance, as this cache sees it.
        capacity_bytes: What the cache holds.
    """
    return 1.0 if distance_bytes <= capacity_bytes else capacity_bytes / distance_bytes


def reuse_distances(touches: Sequence[BlockTouch]) -> tuple[Extent, ...]:
    """Returns the reuse distance of every touch when all of them happen again and again, in the same order."""
    return tuple(_distance(touches, position) for position in range(len(touches)))


def served_bytes(touches: Sequence[BlockTouch], hierarchy: MemoryHierarchy) -> tuple[float, ...]:
    """Returns how many bytes each level serves, fastest first, when the touches happen again and again.

    What no cache holds comes from the last level, whatever its size.
    """
    served = [0.0] * len(hierarchy.levels)
    for touch, distance in zip(touches, reuse_distances(touches), strict=True):
        for level, share in enumerate(level_shares(distance, hierarchy)):
            served[level] += share * touch.n_bytes
    return tuple(served)


def level_shares(distance: Extent, hierarchy: MemoryHierarchy) -> tuple[float, ...]:
    """Returns the share of a touch that each level serves, fastest first; together 1."""
    shares = []
    held = 0.0
    for level in hierarchy.levels[:-1]:
        here = max(held, held_share(distance.bytes_per_unit(level.units), level.bytes_per_unit))
        shares.append(here - held)
        held = here
    return (*shares, 1.0 - held)


def _distance(touches: Sequence[BlockTouch], position: int) -> Extent:
    """Goes back to the last touch of the same block, past the beginning if need be."""
    touch = touches[position]
    between: dict[int, BlockTouch] = {touch.block: touch}
    for back in range(1, len(touches)):
        earlier = touches[position - back]
        if earlier.block == touch.block:
            break
        known = between.get(earlier.block)
        if known is None or known.n_bytes < earlier.n_bytes:
            between[earlier.block] = earlier
    replicated = sum(each.n_bytes for each in between.values() if each.is_replicated)
    return Extent(replicated, sum(each.n_bytes for each in between.values()) - replicated)
