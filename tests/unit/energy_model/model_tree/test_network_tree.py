"""Trees of networks, and their nodes run one by one."""

from __future__ import annotations

import pytest
import torch

from tuner.energy_model.model_tree.execution import Executions
from tuner.energy_model.model_tree.network_tree import NetworkTree, kind_of, tree_of_network
from tuner.energy_model.model_tree.node import CostNode, Level
from tuner.energy_model.network.extraction import extract


class Shared(torch.nn.Module):
    """Runs one block three times, as ALBERT does, and then a head."""

    def __init__(self) -> None:
        super().__init__()
        self.block = torch.nn.Sequential(torch.nn.Linear(16, 16), torch.nn.GELU())
        self.head = torch.nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(3):
            x = self.block(x)
        return self.head(x).view(-1)


class Cached(torch.nn.Module):
    """Hands something that grows to one of its modules."""

    class Inner(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(8, 8)

        def forward(self, x: torch.Tensor, memory: object) -> torch.Tensor:
            assert isinstance(memory, set)
            return torch.relu(self.linear(x))

    def __init__(self) -> None:
        super().__init__()
        self.inner = Cached.Inner()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x, {1}) + 1.0


def tree_of(module: torch.nn.Module, *inputs: torch.Tensor) -> NetworkTree:
    return tree_of_network(extract(module, inputs, "network"))


def leaves(root: CostNode) -> list[CostNode]:
    return [node for node in root.walk() if node.level is Level.LEAF]


def test_a_block_that_runs_three_times_stands_there_three_times() -> None:
    root = tree_of(Shared(), torch.rand(2, 16)).root
    assert [child.kind for child in root.children] == ["Sequential"] * 3 + ["linear"]
    assert sorted(leaf.kind for leaf in leaves(root)) == ["gelu"] * 3 + ["linear"] * 4


@pytest.mark.parametrize("make", [Shared, lambda: torch.nn.Sequential(torch.nn.Linear(16, 8), torch.nn.ReLU())])
def test_no_arithmetic_and_no_byte_is_lost(make: type[torch.nn.Module]) -> None:
    network = extract(make(), (torch.rand(2, 16),), "network")
    root = tree_of_network(network).root
    assert root.flops == network.root.flops
    assert root.n_bytes == network.root.bytes_moved


def test_a_view_has_no_node_and_a_module_of_one_operation_is_that_operation() -> None:
    root = tree_of(Shared(), torch.rand(2, 16)).root
    assert "view" not in {leaf.kind for leaf in leaves(root)}
    assert leaves(root)[-1].name == "head"


def test_primitives_of_equal_shapes_are_one_and_of_other_shapes_are_others() -> None:
    root = tree_of(Shared(), torch.rand(2, 16)).root
    linears = [leaf for leaf in leaves(root) if leaf.kind == "linear"]
    assert len({leaf.structure for leaf in linears}) == 2
    larger = leaves(tree_of(Shared(), torch.rand(4, 16)).root)
    assert {leaf.structure for leaf in larger}.isdisjoint(leaf.structure for leaf in leaves(root))


def test_convolutions_are_told_apart_by_their_algorithm() -> None:
    network = extract(
        torch.nn.Sequential(torch.nn.Conv2d(4, 4, 3, groups=4), torch.nn.Conv2d(4, 8, 1), torch.nn.Conv2d(8, 8, 3)),
        (torch.rand(1, 4, 12, 12),),
    )
    assert [kind_of(operation) for operation in network.operations] == [
        "conv2d depthwise",
        "conv2d pointwise",
        "conv2d",
    ]


def test_a_product_is_the_same_work_whoever_adds_the_bias() -> None:
    class Added(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.bias = torch.nn.Parameter(torch.rand(16, 8)), torch.nn.Parameter(torch.rand(8))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.addmm(self.bias, x, self.weight)

    added = tree_of(Added(), torch.rand(2, 16)).root.children[0]
    linear = tree_of(torch.nn.Linear(16, 8), torch.rand(2, 16)).root.children[0]
    assert (added.kind, added.flops, added.n_bytes) == (linear.kind, linear.flops, linear.n_bytes)


def test_another_precision_is_another_kind() -> None:
    module = torch.nn.Linear(16, 16).to(torch.bfloat16)
    network = extract(module, (torch.rand(2, 16).to(torch.bfloat16),))
    assert [kind_of(operation) for operation in network.operations] == ["linear bfloat16"]


def test_every_node_of_a_plain_network_runs_by_itself() -> None:
    module = Shared().eval()
    inputs = (torch.rand(2, 16),)
    tree = tree_of(module, *inputs)
    executions = Executions(module, inputs, tree)
    for node in tree.root.walk():
        execute = executions.of(node.structure)
        assert execute is not None, node.name
        execute()


def test_operations_run_on_tensors_of_the_shapes_and_ranges_that_they_had() -> None:
    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(5, 8)

        def forward(self, indices: torch.Tensor) -> torch.Tensor:
            return torch.cat([self.table(indices), self.table(indices)], dim=1).softmax(dim=-1)

    module = Network().eval()
    inputs = (torch.zeros(2, 3, dtype=torch.int64),)
    tree = tree_of(module, *inputs)
    executions = Executions(module, inputs, tree)
    assert {leaf.kind for leaf in leaves(tree.root)} == {"embedding", "cat", "softmax"}
    assert all(executions.of(leaf.structure) is not None for leaf in leaves(tree.root))


def test_a_module_that_is_handed_something_that_may_grow_does_not_run_by_itself_but_its_operations_do() -> None:
    module = Cached().eval()
    inputs = (torch.rand(2, 8),)
    tree = tree_of(module, *inputs)
    executions = Executions(module, inputs, tree)
    runs = {(node.level, node.kind): executions.of(node.structure) is not None for node in tree.root.walk()}
    assert runs == {
        (Level.MODEL, "Cached"): True,
        (Level.MODULE, "Inner"): False,
        **dict.fromkeys([(Level.LEAF, "add"), (Level.LEAF, "linear"), (Level.LEAF, "relu")], True),
    }
