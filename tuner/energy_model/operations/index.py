"""The index of operations: one number for what a network's forward pass costs, told from shapes alone.

    index = sum over operations and kinds of work of (count x cost) + bytes of weights x cost off chip
            + other bytes x cost on chip

after Li, Tsourdos and Guo (IEEE Transactions on Artificial Intelligence 5(1), 2024), who sum transistor operations of
linear and non-linear work; the terms of memory are those of TOML (Syed et al., FLAIRS-39, 2026): weights come from
outside the chip, activations stay on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tuner.energy_model.network.records import Module, Network, Operation
from tuner.energy_model.operations.costs import OFF_CHIP_TO_PER_BYTE, ON_CHIP_TO_PER_BYTE, linear_to, nonlinear_to

LINEAR = "multiply_accumulates"
WEIGHTS = "weights, off chip"
ACTIVATIONS = "activations, on chip"


@dataclass(frozen=True)
class Index:
    """The index of some operations, in transistor operations (TO).

    Attributes:
        by_kind: TO by kind of work and of memory.
        launches: Operations that give a device something to do: no TO, but they cost where networks are small.
    """

    by_kind: dict[str, float]
    launches: int

    @property
    def total_to(self) -> float:
        """The index."""
        return sum(self.by_kind.values())

    @property
    def linear_to(self) -> float:
        """Of the multiply-accumulates."""
        return self.by_kind.get(LINEAR, 0.0)

    @property
    def memory_to(self) -> float:
        """Of what is read and written."""
        return self.by_kind.get(WEIGHTS, 0.0) + self.by_kind.get(ACTIVATIONS, 0.0)

    @property
    def nonlinear_to(self) -> float:
        """Of all other arithmetic."""
        return self.total_to - self.linear_to - self.memory_to


@dataclass(frozen=True)
class ModuleIndex:
    """A module and its index, everything below it included.

    Attributes:
        path: The module's name in the model; empty for the model itself.
        class_name: Its class.
        index: Its index.
        children: The modules that it calls.
    """

    path: str
    class_name: str
    index: Index
    children: tuple[ModuleIndex, ...]


def index_of(operations: Iterable[Operation]) -> Index:
    """Returns the index of operations."""
    by_kind: defaultdict[str, float] = defaultdict(float)
    launches = 0
    for operation in operations:
        weights = operation.parameter_bytes_read
        by_kind[LINEAR] += linear_to(operation.work, operation.precision)
        by_kind[WEIGHTS] += weights * OFF_CHIP_TO_PER_BYTE
        by_kind[ACTIVATIONS] += (operation.bytes_moved - weights) * ON_CHIP_TO_PER_BYTE
        for kind, to in nonlinear_to(operation.work).items():
            by_kind[kind] += to
        launches += operation.is_launch
    return Index({kind: to for kind, to in by_kind.items() if to}, launches)


def index_network(network: Network) -> ModuleIndex:
    """Returns the index of every module of a network, as a tree."""
    return _index_module(network.root)


def _index_module(module: Module) -> ModuleIndex:
    children = tuple(_index_module(child) for child in module.children)
    return ModuleIndex(module.path, module.class_name, index_of(module.operations), children)
