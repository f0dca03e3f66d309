"""Working sets and traffic of any network: against the paper's formulas, by hand, and for what must hold for all."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from tuner.energy_model.network.extraction import extract
from tuner.energy_model.working_set.batched import BatchedNetwork, batched
from tuner.energy_model.working_set.dense import DenseNetwork
from tuner.energy_model.working_set.device_table import known_hierarchy
from tuner.energy_model.working_set.levels import MemoryHierarchy, MemoryLevel
from tuner.energy_model.working_set.passes import load, working_sets
from tuner.energy_model.working_set.sets import Part
from tuner.errors import BadInputError

WIDTHS = (12, 40, 24, 8)
DENSE = DenseNetwork(WIDTHS)


def network_of(module: nn.Module, *item: int) -> BatchedNetwork:
    return batched({size: extract(module, (torch.zeros(size, *item),), "a network") for size in (2, 4)})


@pytest.fixture(scope="module")
def chain() -> BatchedNetwork:
    layers = [nn.Linear(first, second) for first, second in pairwise(WIDTHS)]
    return network_of(nn.Sequential(*layers), WIDTHS[0])


class _Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(16, 64)
        self.second = nn.Linear(64, 16)

    def forward(self, x: Any) -> Any:
        return x + self.second(self.first(x))


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
@pytest.mark.parametrize("training", [False, True])
def test_a_chain_of_layers_has_the_working_sets_of_the_paper(chain: BatchedNetwork, batch: int, training: bool) -> None:
    found = working_sets(chain, batch, training=training)
    expected = DENSE.working_sets(batch, training=training)
    assert {part: found.total(part) for part in Part} == {part: expected.total(part) for part in Part}


@pytest.mark.parametrize("batch", [1, 7])
def test_its_arithmetic_is_that_of_the_layers(chain: BatchedNetwork, batch: int) -> None:
    # A multiply-accumulate is two, and each unit adds its bias.
    assert chain.flops(batch) == 2 * (DENSE.forward_operations(batch) - batch * sum(WIDTHS[1:])) + batch * sum(
        WIDTHS[1:]
    )


def test_a_branch_keeps_its_activations_alive() -> None:
    sets = working_sets(network_of(_Residual(), 16), 10)
    # While the second layer works, the input waits for the sum: 16 + 64 + 16.
    assert sets.inter_layer.distributed_bytes == 4 * 10 * (16 + 64 + 16)


def test_a_shared_layer_counts_once() -> None:
    layer = nn.Linear(16, 16)
    sets = working_sets(network_of(nn.Sequential(layer, nn.ReLU(), layer), 16), 1)
    assert sets.parameters.replicated_bytes == 4 * (16 * 16 + 16)


def test_of_a_table_the_rows_that_are_looked_up_count() -> None:
    module = nn.Embedding(10_000, 32)
    records = {size: extract(module, (torch.zeros(size, 5, dtype=torch.int64),), "a table") for size in (2, 4)}
    table = batched(records)
    assert working_sets(table, 3).parameters.n_bytes == 4 * 3 * 5 * 32
    assert working_sets(table, 100_000).parameters.n_bytes == 4 * 10_000 * 32


def test_every_byte_is_served_by_some_level(chain: BatchedNetwork) -> None:
    touched = sum(touch.n_bytes for step in chain.steps(9) for touch in step)
    for device in ("jetson-tx2", "h100"):
        assert sum(load(chain, 9, known_hierarchy(device)).served_bytes) == pytest.approx(touched)


def test_what_fits_the_first_cache_comes_from_there(chain: BatchedNetwork) -> None:
    roomy = MemoryHierarchy("a device", (MemoryLevel("L1", 1 << 20), MemoryLevel("memory", 1 << 30)), "a test")
    cramped = MemoryHierarchy("a device", (MemoryLevel("L1", 64), MemoryLevel("memory", 1 << 30)), "a test")
    assert load(chain, 4, roomy).served_bytes[1] == 0
    assert load(chain, 4, cramped).served_bytes[1] > load(chain, 4, cramped).served_bytes[0]


def test_memory_serves_an_item_least_where_parameters_are_shared_and_activations_still_fit() -> None:
    layers: list[nn.Module] = [nn.Linear(64, 64) for _ in range(8)]
    network = network_of(nn.Sequential(*layers), 64)
    cache = MemoryHierarchy("a device", (MemoryLevel("L1", 64 << 10), MemoryLevel("memory", 1 << 30)), "a test")
    per_item = [load(network, batch, cache).served_bytes[1] / batch for batch in (1, 64, 4096)]
    assert per_item[1] < per_item[0]
    assert per_item[1] < per_item[2]


def test_training_asks_for_more_of_everything(chain: BatchedNetwork) -> None:
    hierarchy = known_hierarchy("t4")
    inference, training = (load(chain, 8, hierarchy, training=training) for training in (False, True))
    assert training.launches == 2 * inference.launches + 2 * (len(WIDTHS) - 1)
    assert training.flops > 3 * inference.flops
    assert sum(training.served_bytes) > 2 * sum(inference.served_bytes)


def test_a_backward_pass_touches_what_it_must() -> None:
    network = network_of(nn.Linear(8, 4, bias=False), 8)
    everything = MemoryHierarchy("a device", (MemoryLevel("memory", 1 << 30),), "a test")
    (served,) = load(network, 1, everything, training=True).served_bytes
    x, w, y = 4 * 8, 4 * 8 * 4, 4 * 4
    forward, backward, update = x + w + y, y + x + w + w, 3 * w
    assert served == forward + backward + update


class _Fickle(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.relu() if x.shape[0] > 3 else x.exp()


class _Shrinking(nn.Module):
    def forward(self, x: Any) -> Any:
        return torch.ones(12 // x.shape[0], 4) + x.sum()


def test_a_network_that_changes_with_the_batch_is_refused() -> None:
    with pytest.raises(BadInputError, match="runs other operations at batch size 4 than at 2"):
        network_of(_Fickle(), 4)


def test_a_network_that_shrinks_with_the_batch_is_refused() -> None:
    with pytest.raises(BadInputError, match="is smaller at batch size 4 than at 2"):
        network_of(_Shrinking(), 4)
