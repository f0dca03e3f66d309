"""The example networks as files give what the networks give, for any batch size."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from serving_adapter.contract import WorkloadDefinition
from serving_adapter.onnx_runtime import OnnxRuntimeAdapter
from serving_adapter.torch_module import TorchModuleAdapter

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from serving_adapter import export_example  # noqa: E402 - only where its libraries are
from serving_adapter.example_models import mobilenet_v2  # noqa: E402
from serving_adapter.torch_module import TorchWorkload  # noqa: E402

CHECKOUT = Path(__file__).parents[3]
WORKLOADS = CHECKOUT / "deploy" / "examples" / "workloads.d"
IMAGES = [{"shape": ["batch", 3, 224, 224]}]


@pytest.fixture(scope="module")
def network() -> TorchWorkload:
    return mobilenet_v2()


@pytest.fixture(autouse=True)
def keep_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def expected(network: TorchWorkload, images: Any) -> Any:
    with torch.inference_mode():
        return network.module.eval()(pixel_values=images).logits


@pytest.mark.parametrize("export", [export_example.export_torchscript, export_example.export_program])
def test_a_network_as_a_file_of_torch_gives_the_same_logits(
    tmp_path: Path, network: TorchWorkload, export: Callable[[TorchWorkload, Path], None]
) -> None:
    export(network, tmp_path / "network")
    options = {"model": str(tmp_path / "network"), "inputs": IMAGES}
    adapter = TorchModuleAdapter(WorkloadDefinition("tested", options, {"batch_size": [3]}))
    adapter.open()
    for items in (1, 3):
        (images,) = adapter._batches[items]
        with torch.inference_mode():
            assert torch.allclose(adapter._module(images), expected(network, images), atol=1e-3)


def test_a_network_as_onnx_gives_the_same_logits(tmp_path: Path, network: TorchWorkload) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnx", reason="onnx is not installed")
    export_example.export_onnx(network, tmp_path / "network.onnx")
    options = {"model": str(tmp_path / "network.onnx")}
    adapter = OnnxRuntimeAdapter(WorkloadDefinition("tested", options, {"batch_size": [3]}))
    adapter.open()
    for items in (1, 3):
        images = adapter._batches[items]["pixel_values"]
        logits = torch.from_numpy(adapter._session.run(None, {"pixel_values": images})[0])
        assert torch.allclose(logits, expected(network, torch.from_numpy(images)), atol=1e-3)


@pytest.mark.parametrize("name", ["mobilenet-v2-onnx", "mobilenet-v2-exported"])
def test_an_example_workload_opens_the_file_that_its_comment_tells_how_to_make(
    tmp_path: Path, network: TorchWorkload, name: str
) -> None:
    text = (WORKLOADS / f"{name}.toml").read_text()
    example = tomllib.loads(text)
    path = Path(example["options"]["model"])
    assert f"python -m serving_adapter.export_example mobilenet_v2 {path}\n" in text
    is_onnx = path.suffix == ".onnx"
    pytest.importorskip("onnx" if is_onnx else "torch", reason="onnx is not installed")
    export = export_example.export_onnx if is_onnx else export_example.export_program
    export(network, tmp_path / path.name)
    options = {**example["options"], "model": str(tmp_path / path.name)}
    adapter = (OnnxRuntimeAdapter if is_onnx else TorchModuleAdapter)(
        WorkloadDefinition(example["name"], options, example["parameters"])
    )
    adapter.open()
    adapter.infer(8)


def test_the_command_writes_a_file_and_refuses_an_unknown_kind(tmp_path: Path) -> None:
    def run(name: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "serving_adapter.export_example", "mobilenet_v2", str(tmp_path / name)]
        return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)

    refused, written = run("network.h5"), run("network.ts")
    assert refused.returncode == 2
    assert "must end with .ts, .pt2, .onnx" in refused.stderr
    assert written.returncode == 0, written.stderr
    assert torch.jit.load(str(tmp_path / "network.ts"))(torch.ones(2, 3, 224, 224)).shape == (2, 1000)
