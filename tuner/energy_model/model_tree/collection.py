"""The measurement of a network's tree: each distinct primitive and module once, the most useful ones first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tuner.energy_model.model_tree.node import CostNode, Level, Measured
from tuner.energy_model.model_tree.recording import with_measurements

Execute = Callable[[], object]

_ORDER = (Level.LEAF, Level.MODEL, Level.MODULE)


@dataclass(frozen=True)
class Collected:
    """What became of the measurement of a tree.

    Attributes:
        tree: The tree, with what was measured.
        failed: Names of nodes that could not be measured.
        postponed: How many nodes the budget left over.
    """

    tree: CostNode
    failed: tuple[str, ...]
    postponed: int


def missing_nodes(tree: CostNode, known: Mapping[str, Measured]) -> list[CostNode]:
    """Returns the distinct nodes that were not measured yet: primitives, then the model, then its modules."""
    distinct = {node.structure: node for node in reversed(list(tree.walk())) if node.structure not in known}
    return sorted(distinct.values(), key=lambda node: _ORDER.index(node.level))


def collect(
    tree: CostNode,
    known: Mapping[str, Measured],
    execution_of: Callable[[str], Execute | None],
    measure: Callable[[Execute], Measured],
    has_time: Callable[[], bool],
    *,
    again: bool = False,
) -> Collected:
    """Measures what is missing of a tree.

    Args:
        tree: The tree.
        known: What was measured before, by structure.
        execution_of: Returns what runs a node once; None of one that cannot run by itself.
        measure: Measures it.
        has_time: Whether the budget allows another one.
        again: Whether to measure what is known once more: the quicker of both counts, as it was disturbed less.
    """
    found = dict(known)
    failed: list[str] = []
    missing = missing_nodes(tree, {} if again else known)
    for index, node in enumerate(missing):
        if not has_time():
            return Collected(with_measurements(tree, found), tuple(failed), len(missing) - index)
        execute = execution_of(node.structure)
        cost = measure(execute) if execute is not None else None
        if cost is not None and cost.energy_j > 0 and cost.time_s > 0:
            found[node.structure] = min(cost, found.get(node.structure, cost), key=lambda each: each.time_s)
        else:
            failed.append(f"{node.name or tree.name} ({node.kind})")
    return Collected(with_measurements(tree, found), tuple(failed), 0)
