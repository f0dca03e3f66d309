"""The prediction of a whole tree, from the leaves up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from tuner.energy_model.model_tree.leaf_model import Estimate, LeafModel, Quantity, Source
from tuner.energy_model.model_tree.node import CostNode, Level
from tuner.energy_model.model_tree.own_work import OwnWork, children_cost


class Reuse(StrEnum):
    """Which measurements of equal work elsewhere take the place of a formula."""

    NOTHING = "nothing"
    PRIMITIVES = "primitives"
    MODULES = "primitives and modules"


@dataclass(frozen=True)
class Method:
    """How a tree is predicted.

    Attributes:
        reuse: What is looked up rather than computed.
        by_operator: Whether a module's overhead has terms of single operators.
    """

    reuse: Reuse = Reuse.MODULES
    by_operator: bool = True


@dataclass(frozen=True)
class TreeModel:
    """What was learned of a device.

    Attributes:
        method: How trees are predicted.
        leaves: The costs of primitives.
        own_work: The overhead of modules.
        known_modules: Mean cost of each module that was measured, by identity.
    """

    method: Method
    leaves: LeafModel
    own_work: OwnWork
    known_modules: Mapping[str, float]

    @classmethod
    def fit(cls, forest: Sequence[CostNode], quantity: Quantity, method: Method) -> TreeModel:
        """Learns from measured trees. A single primitive is a tree, too.

        Args:
            forest: Trees. A module teaches something if it was measured, and so were the modules that it calls; of a
                primitive that was not, the regression of its operator is taken.
            quantity: What is predicted.
            method: How.
        """
        nodes = [node for tree in forest for node in _distinct(tree)]
        leaves = LeafModel.fit((node for node in nodes if node.level is Level.LEAF), quantity)
        by_leaves = cls(method, leaves, OwnWork({}), {})

        def costs(node: CostNode) -> float:
            return by_leaves.cost(node) if node.measured is None else quantity(node.measured)

        modules = [(node, quantity(node.measured)) for node in nodes if node.children and node.measured is not None]
        by_identity: dict[str, list[float]] = defaultdict(list)
        for module, value in modules:
            by_identity[module.identity].append(value)
        taught = [(module, value) for module, value in modules if not any(map(_is_unmeasured, module.children))]
        own_work = OwnWork.fit(taught, costs, by_operator=method.by_operator)
        return cls(method, leaves, own_work, {identity: fmean(values) for identity, values in by_identity.items()})

    def cost(self, node: CostNode) -> float:
        """Predicts one node."""
        return self.predict(node)[node.structure].value

    def predict(self, tree: CostNode) -> dict[str, Estimate]:
        """Predicts a tree; nothing that was measured of it is looked at.

        Returns:
            The estimate of each node, by its structure.
        """
        found: dict[str, Estimate] = {}
        self._predict(tree, found)
        return found

    def _predict(self, node: CostNode, found: dict[str, Estimate]) -> None:
        if node.structure in found:
            return
        if not node.children:
            found[node.structure] = self.leaves.estimate(node, look_up=self.method.reuse is not Reuse.NOTHING)
            return
        for child, _ in node.groups:
            self._predict(child, found)
        if self.method.reuse is Reuse.MODULES and node.identity in self.known_modules:
            found[node.structure] = Estimate(self.known_modules[node.identity], Source.MEASURED_ELSEWHERE)
            return

        def costs(child: CostNode) -> float:
            return found[child.structure].value

        value = children_cost(node, costs) + self.own_work.of(node, costs)
        found[node.structure] = Estimate(value, Source.CHILDREN)


def _is_unmeasured(node: CostNode) -> bool:
    return node.level is not Level.LEAF and node.measured is None


def _distinct(tree: CostNode) -> Iterable[CostNode]:
    """The nodes of a tree, those of equal structure once, one that was measured if there is any."""
    found: dict[str, CostNode] = {}
    for node in tree.walk():
        if node.structure not in found or found[node.structure].measured is None:
            found[node.structure] = node
    return found.values()
