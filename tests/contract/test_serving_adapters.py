"""Runs the contract suite over every adapter of a model that runs in the runner's own process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving_adapter.contract import ServingAdapter, WorkloadDefinition
from serving_adapter.onnx_runtime import OnnxRuntimeAdapter
from serving_adapter.torch_module import TorchModuleAdapter
from tests.contract.serving_adapter_contract import ServingAdapterContract
from tests.unit.serving_adapter.compiler_cache import compiler_cache

__all__ = ["compiler_cache"]

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

WIDTH = 64
DECLARED = [{"shape": ["batch", WIDTH]}]


def small_network() -> tuple[Any, Any]:
    return torch.nn.Sequential(torch.nn.Linear(WIDTH, WIDTH), torch.nn.ReLU()), lambda items: (
        torch.ones(items, WIDTH),
    )


@pytest.fixture(autouse=True)
def keep_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def torch_adapter(options: dict[str, Any], **parameters: list[Any]) -> TorchModuleAdapter:
    listed: dict[str, list[Any]] = {"batch_size": [1, 2, 4], "threads": [1, 2]}
    return TorchModuleAdapter(WorkloadDefinition("small", options, {**listed, **parameters}))


class TestModuleOfFactory(ServingAdapterContract):
    @pytest.fixture(params=["eager", "torchscript", "export"])
    def adapter(self, request: pytest.FixtureRequest) -> ServingAdapter:
        return torch_adapter({"factory": f"{__name__}:small_network", "compile": request.param})


class TestCompiledModule(ServingAdapterContract):
    @pytest.fixture
    def adapter(self, compiler_cache: Path) -> ServingAdapter:
        options = {"factory": f"{__name__}:small_network", "compile": "torch.compile", "dynamic": True}
        return torch_adapter(options, batch_size=[1, 2], threads=[1])


class TestTorchScriptFile(ServingAdapterContract):
    @pytest.fixture
    def adapter(self, tmp_path: Path) -> ServingAdapter:
        module, make_inputs = small_network()
        torch.jit.save(torch.jit.trace(module.eval(), make_inputs(2)), str(tmp_path / "small.ts"))
        return torch_adapter({"model": str(tmp_path / "small.ts"), "inputs": DECLARED})


class TestExportedProgramFile(ServingAdapterContract):
    @pytest.fixture
    def adapter(self, tmp_path: Path) -> ServingAdapter:
        module, make_inputs = small_network()
        sizes = {"input": {0: torch.export.Dim("batch", min=1, max=64)}}
        torch.export.save(
            torch.export.export(module.eval(), make_inputs(2), dynamic_shapes=sizes), tmp_path / "small.pt2"
        )
        return torch_adapter({"model": str(tmp_path / "small.pt2"), "inputs": DECLARED})


class TestOnnxModel(ServingAdapterContract):
    @pytest.fixture(params=["threads only", "every parameter"])
    def adapter(self, request: pytest.FixtureRequest, tmp_path: Path) -> ServingAdapter:
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
        pytest.importorskip("onnx", reason="onnx is not installed")
        from tests.unit.serving_adapter import onnx_models

        parameters: dict[str, list[Any]] = {"batch_size": [1, 2, 4], "threads": [1, 2]}
        if request.param == "every parameter":
            parameters["inter_op_threads"] = [1, 2]
        model = onnx_models.linear(tmp_path / "linear.onnx")
        return OnnxRuntimeAdapter(WorkloadDefinition("small", {"model": str(model)}, parameters))
