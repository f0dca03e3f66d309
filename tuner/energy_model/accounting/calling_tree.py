"""The calling tree: events that do the same in the same place are one node.

A node's place is the pass, forward or backward, then modules and operators from the outside in. A kernel's place is
within the operator that launched it, on whatever thread and at whatever time it runs; that of a gradient is within the
module of its forward operator. Everything is done for all events of one depth at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from tuner.energy_model.accounting.nesting import Nesting
from tuner.energy_model.accounting.timeline import NONE, Integers, Kind, Label, Timeline, Truths

_LARGEST_TABLE = 1 << 20


class Phase(StrEnum):
    """The pass through the network."""

    FORWARD = "forward"
    BACKWARD = "backward"


@dataclass(frozen=True)
class Place:
    """One node of the tree.

    Attributes:
        parent: The position of the node around it; NONE at the root of a pass.
        phase: The pass.
        label: What is done there; None at the root of a pass.
    """

    parent: int
    phase: Phase
    label: Label | None


def calling_tree(timeline: Timeline, nesting: Nesting) -> tuple[list[Place], Integers]:
    """Returns the nodes, each after the one around it, and of each event the position of its node."""
    tree = _Tree(timeline)
    node = np.full(len(timeline), NONE, dtype=np.int64)
    kind = timeline.kind
    levels = list(nesting.levels())
    in_gradient = _within(kind == Kind.GRADIENT, nesting, levels)
    is_kernel = kind == Kind.KERNEL
    for level in levels:
        events = level[~(in_gradient[level] | is_kernel[level])]
        tree.place(events, node, _around(nesting, node, events, tree.root(Phase.FORWARD)))
    for level in levels if in_gradient.any() else ():
        events = level[in_gradient[level] & ~is_kernel[level]]
        around = _around(nesting, node, events, tree.root(Phase.BACKWARD))
        begins = (kind[events] == Kind.GRADIENT) & ~_in_gradient_already(in_gradient, nesting, events)
        around[begins] = tree.twins(_origins(timeline, node, events[begins]))
        tree.place(events, node, around)
    kernels = np.flatnonzero(is_kernel)
    launched = _origins(timeline, node, kernels)
    tree.place(kernels, node, np.where(launched == NONE, tree.root(Phase.FORWARD), launched))
    return tree.places, node


def _within(chosen: Truths, nesting: Nesting, levels: list[Integers]) -> Truths:
    """Tells of each event whether it is one of those chosen, or within one."""
    within = chosen.copy()
    for level in levels:
        inside = level[nesting.parent[level] != NONE]
        within[inside] |= within[nesting.parent[inside]]
    return within


def _in_gradient_already(in_gradient: Truths, nesting: Nesting, events: Integers) -> Truths:
    parent = nesting.parent[events]
    return np.where(parent == NONE, False, in_gradient[parent])


def _around(nesting: Nesting, node: Integers, events: Integers, root: int) -> Integers:
    parent = nesting.parent[events]
    return np.where(parent == NONE, root, node[parent])


def _origins(timeline: Timeline, node: Integers, events: Integers) -> Integers:
    origin = timeline.origin[events]
    return np.where(origin == NONE, NONE, node[origin])


class _Tree:
    """The nodes so far."""

    def __init__(self, timeline: Timeline) -> None:
        self.places: list[Place] = []
        self._timeline = timeline
        self._numbers: dict[tuple[int, Phase, int], int] = {}

    def root(self, phase: Phase) -> int:
        """Returns the node of a whole pass."""
        return self._number(NONE, phase, NONE)

    def place(self, events: Integers, node: Integers, around: Integers) -> None:
        """Puts events into the nodes of their labels within the nodes around them."""
        labels = len(self._timeline.labels)
        pairs, position = _distinct(around * labels + self._timeline.label[events])
        numbers = [self._number(pair // labels, None, pair % labels) for pair in pairs.tolist()]
        node[events] = np.array(numbers, dtype=np.int64)[position]

    def twins(self, nodes: Integers) -> Integers:
        """Returns, of each node of the forward pass, the backward node of the module that it is in."""
        found, position = _distinct(nodes)
        return np.array([self._twin(number) for number in found.tolist()], dtype=np.int64)[position]

    def _twin(self, number: int) -> int:
        if number == NONE or self.places[number].label is None:
            return self.root(Phase.BACKWARD)
        place = self.places[number]
        around = self._twin(place.parent)
        if place.label is None or place.label.kind is not Kind.MODULE:
            return around
        return self._number(around, Phase.BACKWARD, self._timeline.labels.index(place.label))

    def _number(self, around: int, phase: Phase | None, label: int) -> int:
        phase = self.places[around].phase if phase is None else phase
        key = (around, phase, label)
        if key not in self._numbers:
            self._numbers[key] = len(self.places)
            self.places.append(Place(around, phase, None if label == NONE else self._timeline.labels[label]))
        return self._numbers[key]


def _distinct(values: Integers) -> tuple[Integers, Integers]:
    """Returns the different values, and of each value where it stands among them.

    Where they are small a table of all possible ones takes the place of sorting.
    """
    least = int(values.min(initial=0))
    size = int(values.max(initial=0)) - least + 1
    if size > max(_LARGEST_TABLE, len(values)):
        return np.unique(values, return_inverse=True)
    table = np.zeros(size, dtype=np.int64)
    table[values - least] = 1
    found = np.flatnonzero(table)
    table[found] = np.arange(len(found))
    return found + least, table[values - least]
