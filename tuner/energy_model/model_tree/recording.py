"""What was measured on a device: trees of models and single primitives, kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from knobs.contract import Provenance, Scope
from tuner.energy_model.model_tree.node import CostNode, Measured
from tuner.record_file import read_record


@dataclass(frozen=True)
class Metering:
    """What the joules of a recording are.

    Attributes:
        meter: The meter's id.
        scope: What a joule covers.
        provenance: Whether joules were measured.
        threads: How many threads an operator may use.
    """

    meter: str
    scope: Scope
    provenance: Provenance
    threads: int


@dataclass(frozen=True)
class Recording:
    """Measured trees.

    Attributes:
        metering: What their joules are.
        forest: Trees, those of models and primitives that stand alone.
    """

    metering: Metering
    forest: tuple[CostNode, ...] = ()

    @property
    def known(self) -> dict[str, Measured]:
        """What each node cost, by structure."""
        nodes = (node for tree in self.forest for node in tree.walk())
        return {node.structure: node.measured for node in nodes if node.measured is not None}

    @property
    def by_model(self) -> dict[str, tuple[CostNode, ...]]:
        """The trees of each model, by its name."""
        found: dict[str, tuple[CostNode, ...]] = {}
        for tree in self.forest:
            found[tree.name] = (*found.get(tree.name, ()), tree)
        return found

    def with_tree(self, tree: CostNode) -> Recording:
        """Returns the recording with a tree added, in place of the same one if it was there."""
        others = tuple(each for each in self.forest if each.structure != tree.structure or each.name != tree.name)
        return replace(self, forest=(*others, tree))


def with_measurements(tree: CostNode, known: Mapping[str, Measured]) -> CostNode:
    """Returns a tree with what its nodes cost, so far as that is known."""
    children = tuple(with_measurements(child, known) for child in tree.children)
    return replace(tree, children=children, measured=known.get(tree.structure, tree.measured))


def read_recording(path: Path) -> Recording:
    """Reads a recording.

    Raises:
        BadInputError: The file cannot be read or holds something else.
    """
    return read_record(path, Recording, "recording", "wattune predict collect")
