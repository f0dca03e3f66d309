"""What a module costs beside its children: calls, arithmetic and bytes of its own, and what handing over data takes.

IrEne (Cao et al., ACL 2021, equation 3) multiplies each child's energy by a weight near one that depends on the
child's features, so that a parent's overhead is a share of its children's energy. Here the overhead is a sum of
physical terms with non-negative coefficients, of which such shares are some:

    cost(parent) = sum of its children + call + per_child * children + per_flop * own_flops + per_byte * own_bytes
                   + for each operator k among its leaves: share_k * their cost + per_byte_k * their bytes
                   + share_modules * cost of its modules
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuner.energy_model.model_tree.node import CostNode, Level
from tuner.energy_model.relative_fit import relative_fit

Costs = Callable[[CostNode], float]
"""Tells what a child costs."""

_OF_ANY_MODULE = ("call", "children", "own flops", "own bytes")
_LEAST_MODULES = 5
"""An operator that fewer measured modules run has no terms: they would take up whatever those modules leave over."""


@dataclass(frozen=True)
class OwnWork:
    """The overhead of modules.

    Attributes:
        coefficients: By the name of the term; a term that is missing counts nothing.
    """

    coefficients: Mapping[str, float]

    @classmethod
    def fit(cls, modules: Sequence[tuple[CostNode, float]], costs: Costs, *, by_operator: bool) -> OwnWork:
        """Fits measured modules.

        Args:
            modules: Modules and what each cost; none of them is a leaf.
            costs: Tells what their children cost.
            by_operator: Whether the terms of single operators are among them.
        """
        rows = [terms(module, costs, by_operator=by_operator) for module, _ in modules]
        seen = Counter(name for row in rows for name in row)
        names = sorted(name for name, count in seen.items() if count >= _LEAST_MODULES or name in _OF_ANY_MODULE)
        if not names:
            return cls({})
        features = np.array([[row.get(name, 0.0) for name in names] for row in rows])
        totals = np.array([total for _, total in modules])
        of_children = np.array([children_cost(module, costs) for module, _ in modules])
        fitted = relative_fit(features, totals - of_children, totals)
        return cls({name: float(value) for name, value in zip(names, fitted, strict=True) if value > 0})

    def of(self, module: CostNode, costs: Costs) -> float:
        """Returns what a module costs beside its children."""
        own = terms(module, costs, by_operator=True)
        return sum(coefficient * own.get(name, 0.0) for name, coefficient in self.coefficients.items())


def children_cost(module: CostNode, costs: Costs) -> float:
    """Returns the sum of a module's children."""
    return sum(count * costs(child) for child, count in module.groups)


def terms(module: CostNode, costs: Costs, *, by_operator: bool) -> dict[str, float]:
    """Returns the terms of a module's overhead, by name."""
    found = {
        "call": 1.0,
        "children": float(len(module.children)),
        "own flops": module.own_flops,
        "own bytes": module.own_bytes,
    }
    for child, count in module.groups if by_operator else ():
        kind = child.kind if child.level is Level.LEAF else ""
        _add(found, f"cost of {kind or 'modules'}", count * costs(child))
        if kind:
            _add(found, f"bytes of {kind}", count * child.n_bytes)
    return found


def _add(found: dict[str, float], name: str, value: float) -> None:
    found[name] = found.get(name, 0.0) + value
