"""The ways to run a module: each computes what the module does, and none compiles while something is measured."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.torch_module import TorchModuleAdapter
from tests.unit.serving_adapter.compiler_cache import compiler_cache

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

__all__ = ["compiler_cache"]

HERE = __name__
CHECKOUT = Path(__file__).parents[3]
WAYS = ["eager", "torch.compile", "torchscript", "export"]


class Network(torch.nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(16, 16)
        self.factor = 1.0

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.linear(pixels) * self.factor).flatten(1)


def network() -> tuple[Any, Any]:
    return Network(), lambda items: {"pixels": torch.randn(items, 16)}


def positional() -> tuple[Any, Any]:
    return Network(), lambda items: (torch.randn(items, 16),)


class Counting(torch.nn.Module):  # type: ignore[misc]
    """Computes with the number of items in Python, as a trace cannot."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros(int(x.shape[0])) if len(x) > 2 else x


def counting() -> tuple[Any, Any]:
    return Counting(), lambda items: (torch.ones(items),)


class Deciding(torch.nn.Module):  # type: ignore[misc]
    """Decides by values, as neither a trace nor an exported program can."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum().item() > 0 else -x


def deciding() -> tuple[Any, Any]:
    return Deciding(), lambda items: (torch.ones(items, 3),)


class Raising(torch.nn.Module):  # type: ignore[misc]
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise ValueError("the tensor is upside down")


def raising() -> tuple[Any, Any]:
    return Raising(), lambda items: (torch.ones(items),)


class Left(torch.nn.Module):  # type: ignore[misc]
    @torch.compiler.disable
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


def left() -> tuple[Any, Any]:
    return Left(), lambda items: (torch.ones(items),)


def adapter_of(
    way: str, factory: str = "network", parameters: dict[str, list[Any]] | None = None, **options: Any
) -> TorchModuleAdapter:
    given = {"factory": f"{HERE}:{factory}", "compile": way, **options}
    return TorchModuleAdapter(
        WorkloadDefinition("tested", given, {"batch_size": [1, 3], "threads": [1], **(parameters or {})})
    )


@pytest.fixture
def opened(compiler_cache: Path) -> Iterator[Any]:
    adapters = []

    def open_adapter(*arguments: Any, **named: Any) -> TorchModuleAdapter:
        adapter = adapter_of(*arguments, **named)
        adapters.append(adapter)
        adapter.open()
        return adapter

    yield open_adapter
    for adapter in adapters:
        adapter.close()


@pytest.fixture(autouse=True)
def keep_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def results(adapter: TorchModuleAdapter, items: int) -> Any:
    batch = adapter._batches[items]
    with torch.inference_mode():
        return adapter._module(**batch) if isinstance(batch, dict) else adapter._module(*batch)


@pytest.mark.parametrize("factory", ["network", "positional"])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_computes_what_the_module_does(opened: Any, way: str, factory: str) -> None:
    adapter, plain = opened(way, factory), opened("eager", factory)
    assert (adapter._module is plain._module) is False
    for items in (1, 2, 3):
        adapter.infer(items)
        assert torch.allclose(results(adapter, items), results(plain, items), atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_runs_the_matrix_product_of_every_batch(opened: Any, way: str) -> None:
    adapter = opened(way)
    # One item is a product of a matrix and a vector, which a compiler makes a part of its own code.
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        for items in (2, 3, 2):
            adapter.infer(items)
    products = {"aten::addmm", "aten::mkldnn_linear", "mkl::_mkl_linear", "mkldnn::_linear_pointwise"}
    assert sum(event.count for event in profile.key_averages() if event.key in products) == 3


def test_the_module_is_really_brought_into_another_form(opened: Any) -> None:
    assert isinstance(opened("torchscript")._module, torch.jit.ScriptModule)
    assert isinstance(opened("export")._module, torch.fx.GraphModule)
    compiled = opened("torch.compile")
    assert isinstance(compiled._module, torch._dynamo.eval_frame.OptimizedModule)


@pytest.mark.parametrize("dynamic", [None, True, False])
def test_nothing_is_left_to_be_compiled_when_load_begins(opened: Any, dynamic: bool | None) -> None:
    settings = {} if dynamic is None else {"dynamic": dynamic}
    adapter = opened("torch.compile", parameters={"threads": [1, 2]}, **settings)
    for threads in (1, 2):
        adapter.configure({"serving.threads": threads})
        before = adapter._graphs()
        for items in (3, 1, 2, 1, 3):
            adapter.infer(items)
        assert adapter._graphs() == before


def test_more_batch_sizes_are_compiled_than_torch_would_by_itself(opened: Any) -> None:
    adapter = opened("torch.compile", parameters={"batch_size": [9]}, dynamic=False)
    before = torch._dynamo.utils.counters["frames"]["ok"]
    for items in range(1, 10):
        adapter.infer(items)
    assert torch._dynamo.utils.counters["frames"]["ok"] == before
    assert torch._dynamo.config.recompile_limit >= 9


def test_compiling_again_while_something_is_measured_is_an_error(opened: Any) -> None:
    adapter = opened("torch.compile")
    adapter.infer(2)
    adapter._module._orig_mod.factor = 2.0
    with pytest.raises(AdapterError, match="compiled the module of 'tested' again while it was measured"):
        adapter.infer(2)


def test_compiling_has_a_bound_that_is_said(compiler_cache: Path) -> None:
    adapter = adapter_of("torch.compile", compile_limit_s=1e-9)
    with pytest.raises(AdapterError, match=r"took more than 1e-09 s and got to 1 of 3 items a batch: list smaller"):
        adapter.open()
    adapter.close()


def test_threads_that_cannot_be_compiled_for_are_not_set(opened: Any) -> None:
    adapter = opened("torch.compile", parameters={"threads": [1, 2]})
    before = adapter.current()
    other = ({1, 2} - {before["serving.threads"]}).pop()
    adapter._batches[2] = {"pixels": torch.ones(2, 5)}
    with pytest.raises(AdapterError, match="cannot run a batch of 2 items"):
        adapter.configure({"serving.batch_size": 3, "serving.threads": other})
    assert adapter.current() == before


def test_a_module_of_which_nothing_is_compiled_is_refused(opened: Any) -> None:
    with pytest.raises(AdapterError, match=r'found nothing to compile in the module of .* use compile = "eager"'):
        opened("torch.compile", "left")


@pytest.mark.parametrize("way", WAYS)
def test_a_module_that_raises_is_named_in_one_sentence(opened: Any, way: str) -> None:
    with pytest.raises(AdapterError, match="upside down") as raised:
        opened(way, "raising")
    assert "\n" not in str(raised.value)


def test_a_program_cannot_decide_by_values(opened: Any) -> None:
    with pytest.raises(AdapterError, match='cannot be run with compile = "export"') as raised:
        opened("export", "deciding")
    assert "\n" not in str(raised.value)


def test_a_trace_that_has_swallowed_the_batch_size_is_refused(opened: Any) -> None:
    with pytest.raises(AdapterError, match="gives other results as TorchScript than without for another batch size"):
        opened("torchscript", "counting")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compile": "tensorrt"}, "'eager' or 'torch.compile' or 'torchscript' or 'export'"),
        ({"compile_mode": "fastest"}, "'default' or 'reduce-overhead'"),
        ({"dynamic": "yes"}, "true or false"),
        ({"compile_limit_s": 0}, "a number above zero"),
    ],
)
def test_options_that_are_wrong_are_refused(options: dict[str, Any], message: str) -> None:
    definition = WorkloadDefinition("tested", {"factory": f"{HERE}:network", **options})
    with pytest.raises(AdapterError, match=message):
        TorchModuleAdapter(definition).open()


NO_COMPILER = f"""
from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.torch_module import TorchModuleAdapter
options = {{"factory": "{HERE}:network", "compile": "torch.compile"}}
try:
    TorchModuleAdapter(WorkloadDefinition("tested", options)).open()
except AdapterError as error:
    print(error)
"""


def test_a_compiler_that_is_missing_is_named(tmp_path: Path) -> None:
    environment = {**os.environ, "CXX": "no-such-compiler", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    child = subprocess.run(
        [sys.executable, "-c", NO_COMPILER], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False
    )
    assert "there is no C++ compiler, which torch.compile needs; install g++." in child.stdout, child
