"""The tree of costs of a network: its modules, and the primitive operations that they run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tuner.energy_model.model_tree.node import CostNode, Level
from tuner.energy_model.network.records import Argument, Kind, Module, Network, Operation

_USUAL_PRECISION = "float32"
_SAME_WORK = {"addmm": "linear", "mm": "matmul", "bmm": "matmul"}
"""Operators that another one stands for: a product is a product, whether the library or the model adds the bias."""


@dataclass
class NetworkTree:
    """A network as a tree of costs, and what each of its nodes runs.

    Attributes:
        root: The tree. A layer that runs several times for one batch stands there as often.
        operations: The operation of each primitive, by structure.
        module_paths: The path in the model of each module that runs as the tree has it, by structure.
    """

    root: CostNode
    operations: dict[str, Operation] = field(default_factory=dict)
    module_paths: dict[str, str] = field(default_factory=dict)


def tree_of_network(network: Network) -> NetworkTree:
    """Returns the tree of a network. Views cost nothing and have no node; a module that runs one operation is one."""
    found = NetworkTree(CostNode(network.name, network.root.class_name, Level.MODEL, 0.0, 0.0))
    children = tuple(_children(network.root, found))
    found.root = _node(network.name, network.root.class_name, Level.MODEL, children)
    found.module_paths[found.root.structure] = ""
    return found


def kind_of(operation: Operation) -> str:
    """Returns what an operation is measured as: its operator, and of a convolution which of its algorithms."""
    name = operation.operator.removeprefix("aten.")
    name = _SAME_WORK.get(name, name)
    if operation.kind is Kind.CONVOLUTION:
        weight = operation.inputs["weight"].shape
        groups = operation.arguments.get("groups", 1)
        name += " depthwise" if groups not in (1, None) else " pointwise" if set(weight[2:]) <= {1} else ""
    return name if operation.precision in (_USUAL_PRECISION, "") else f"{name} {operation.precision}"


def _children(module: Module, found: NetworkTree) -> Iterator[CostNode]:
    """The nodes that one call of a module runs."""
    own = [operation for operation in module.own_operations if operation.is_launch]
    for operation in own[: len(own) // module.calls] if len(own) % module.calls == 0 else own:
        yield _leaf(operation, operation.path, found)
    for child in module.children:
        node = _of_module(child, found)
        if node is not None:
            yield from [node] * max(1, child.calls // module.calls)


def _of_module(module: Module, found: NetworkTree) -> CostNode | None:
    children = tuple(_children(module, found))
    if not children:
        return None
    if len(children) == 1 and children[0].level is Level.LEAF:
        return children[0]
    node = _node(module.path, module.class_name, Level.MODULE, children)
    found.module_paths.setdefault(node.structure, module.path)
    return node


def _node(name: str, kind: str, level: Level, children: tuple[CostNode, ...]) -> CostNode:
    flops, n_bytes = sum(child.flops for child in children), sum(child.n_bytes for child in children)
    return CostNode(name, kind, level, flops, n_bytes, children=children)


def _leaf(operation: Operation, path: str, found: NetworkTree) -> CostNode:
    leaf = CostNode(
        name=path,
        kind=kind_of(operation),
        level=Level.LEAF,
        flops=float(operation.flops),
        n_bytes=float(operation.bytes_moved),
        sizes=tuple(_sizes(operation)),
    )
    found.operations.setdefault(leaf.structure, operation)
    return leaf


def _sizes(operation: Operation) -> Iterator[float]:
    """The dimensions of its inputs, each preceded by how many there are, and the numbers among its arguments."""
    for tensor in operation.inputs.values():
        yield float(len(tensor.shape))
        yield from map(float, tensor.shape)
    for _, argument in sorted(operation.arguments.items()):
        yield from _numbers(argument)


def _numbers(argument: Argument) -> Iterator[float]:
    if isinstance(argument, tuple):
        for each in argument:
            yield from _numbers(each)
    elif isinstance(argument, int | float):
        yield float(argument)
