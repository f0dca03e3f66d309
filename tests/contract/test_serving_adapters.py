"""Runs the contract suite over every serving adapter."""

from collections.abc import Iterator
from typing import Any

import pytest

from serving_adapter.contract import ServingAdapter, WorkloadDefinition
from serving_adapter.torch_module import TorchModuleAdapter
from tests.contract.serving_adapter_contract import ServingAdapterContract

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


def small_network() -> tuple[Any, Any]:
    return torch.nn.Linear(64, 64), lambda items: (torch.ones(items, 64),)


class TestTorchModuleAdapter(ServingAdapterContract):
    @pytest.fixture
    def adapter(self) -> Iterator[ServingAdapter]:
        threads = torch.get_num_threads()
        yield TorchModuleAdapter(
            WorkloadDefinition(
                name="small",
                options={"factory": f"{__name__}:small_network"},
                parameters={"batch_size": [1, 2, 4], "threads": [1, 2]},
            )
        )
        torch.set_num_threads(threads)
