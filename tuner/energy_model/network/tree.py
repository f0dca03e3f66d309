"""Hangs operations into the tree of the modules that ran them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tuner.energy_model.network.records import Module, Operation


@dataclass(frozen=True)
class Frame:
    """A module that is running.

    Attributes:
        path: Its name in the model.
        class_name: Its class.
        call: Tells this call of it from others.
    """

    path: str
    class_name: str
    call: str


Stack = Sequence[Frame]
"""The modules that are running, from the model itself inwards."""


@dataclass
class _Node:
    path: str
    class_name: str
    children: list[_Node] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)

    def module(self) -> Module:
        return Module(
            path=self.path,
            class_name=self.class_name,
            children=tuple(child.module() for child in self.children),
            own_operations=tuple(self.operations),
            calls=max(1, len(self.calls)),
        )


def tree_of(class_name: str, operations: Iterable[tuple[Stack, Operation]]) -> Module:
    """Returns the tree.

    A module that several others call (layers may share it) stands where it is called first.

    Args:
        class_name: The model's class.
        operations: In the order in which they ran, each with the modules that were running.
    """
    root = _Node("", class_name)
    nodes = {"": root}
    for stack, operation in operations:
        node = root
        for frame in stack:
            parent, node = node, nodes.get(frame.path) or _Node(frame.path, frame.class_name)
            node.calls.add(frame.call)
            if frame.path not in nodes:
                nodes[frame.path] = node
                parent.children.append(node)
        node.operations.append(operation)
    return root.module()
