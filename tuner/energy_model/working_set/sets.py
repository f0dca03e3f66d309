"""The working sets of a network, and the level of memory at which each one fits.

As in Tripp et al., "Measuring the Energy Consumption and Efficiency of Deep Neural Networks" (arXiv 2403.08151), and
the notebook ``3_standardize`` of its supplementary code: data that every cache needs a copy of are *replicated*, data
that the work is divided over are *distributed*. What is used again soonest has the first call on the nearest cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tuner.energy_model.working_set.levels import MemoryHierarchy


class Part(StrEnum):
    """A working set, in the order in which they claim the caches. Each one includes those that stand before it."""

    INTER_LAYER = "inter-layer activations"
    FORWARD = "forward pass"
    BACKWARD = "backward pass"
    DATA = "data"


@dataclass(frozen=True)
class Extent:
    """Bytes that are needed at the same time.

    Attributes:
        replicated_bytes: Bytes of which every cache of a level needs a copy.
        distributed_bytes: Bytes of which every cache of a level needs its part.
    """

    replicated_bytes: int = 0
    distributed_bytes: int = 0

    @property
    def n_bytes(self) -> int:
        """Bytes of one copy."""
        return self.replicated_bytes + self.distributed_bytes

    def bytes_per_unit(self, units: int) -> float:
        """Returns what each of so many caches must hold."""
        return self.replicated_bytes + self.distributed_bytes / units

    def __add__(self, other: Extent) -> Extent:
        return Extent(self.replicated_bytes + other.replicated_bytes, self.distributed_bytes + other.distributed_bytes)


NOTHING = Extent()


@dataclass(frozen=True)
class WorkingSets:
    """What one batch needs, in parts that exclude each other.

    Attributes:
        inter_layer: Activations on which one layer works (``l``): distributed.
        parameters: Parameters: replicated.
        kept: All other activations, which the backward pass needs: distributed; none in inference.
        gradients: Gradients of the parameters: replicated; none in inference.
        data: The batch's inputs and outputs, or the data set's: distributed.
    """

    inter_layer: Extent
    parameters: Extent
    kept: Extent = NOTHING
    gradients: Extent = NOTHING
    data: Extent = NOTHING

    @property
    def is_training(self) -> bool:
        """Whether there is a backward pass."""
        return bool(self.gradients.n_bytes or self.kept.n_bytes)

    @property
    def backward(self) -> Extent:
        """What a backward pass needs beside the activations of one layer."""
        return self.parameters + self.gradients + self.kept

    def total(self, part: Part) -> Extent:
        """Returns a working set with all that stands before it."""
        forward = self.inter_layer + self.parameters
        return {
            Part.INTER_LAYER: self.inter_layer,
            Part.FORWARD: forward,
            Part.BACKWARD: self.inter_layer + self.backward,
            Part.DATA: self.inter_layer + self.backward + self.data,
        }[part]


@dataclass(frozen=True)
class Placement:
    """Where a working set fits.

    Attributes:
        part: The working set.
        level: Index of the level in the hierarchy; as many as there are levels if it fits nowhere.
        bytes_per_unit: What each cache of that level must hold of it.
        occupied_bytes: What is occupied then, of the caches up to there.
    """

    part: Part
    level: int
    bytes_per_unit: float
    occupied_bytes: float


def place(sets: WorkingSets, hierarchy: MemoryHierarchy) -> tuple[Placement, ...]:
    """Returns the effective level of each working set, in order of priority.

    Both passes start where the activations of one layer end, as in the paper; the backward pass, if there is one,
    leaves to the data what it does not occupy itself.

    Args:
        sets: The working sets.
        hierarchy: The levels that serve the cores at work.
    """
    inter_layer = _place(Part.INTER_LAYER, sets.inter_layer, 0.0, hierarchy)
    forward = _place(Part.FORWARD, sets.parameters, inter_layer.occupied_bytes, hierarchy)
    if not sets.is_training:
        return inter_layer, forward, _place(Part.DATA, sets.data, forward.occupied_bytes, hierarchy)
    backward = _place(Part.BACKWARD, sets.backward, inter_layer.occupied_bytes, hierarchy)
    return inter_layer, forward, backward, _place(Part.DATA, sets.data, backward.occupied_bytes, hierarchy)


def _place(part: Part, extent: Extent, occupied_bytes: float, hierarchy: MemoryHierarchy) -> Placement:
    """Walks the levels until the extent fits into what is left of one; a level that is too small is full then."""
    capacity = 0
    for index, level in enumerate(hierarchy.levels):
        capacity += level.bytes_per_unit
        if capacity <= occupied_bytes:
            continue
        cached = extent.bytes_per_unit(level.units)
        if occupied_bytes + cached <= capacity:
            return Placement(part, index, cached, occupied_bytes + cached)
        occupied_bytes = capacity
    return Placement(part, len(hierarchy.levels), extent.bytes_per_unit(1), occupied_bytes + extent.bytes_per_unit(1))
