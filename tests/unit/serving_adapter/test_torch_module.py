"""The adapter of a PyTorch module, beyond the contract."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving_adapter.contract import AdapterError, Load, WorkloadDefinition
from serving_adapter.torch_module import TorchModuleAdapter, TorchWorkload
from tests.unit.serving_adapter.conftest import StartRunner

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

HERE = __name__
CHECKOUT = Path(__file__).parents[3]


class Recorder(torch.nn.Module):  # type: ignore[misc]
    """Keeps what it was fed with."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(3))
        self.fed: list[tuple[Any, ...]] = []
        self.modes: list[tuple[bool, bool]] = []

    def forward(self, *inputs: Any, **named: Any) -> Any:
        self.fed.append(tuple(inputs) + tuple(named.values()))
        self.modes.append((self.training, torch.is_inference_mode_enabled()))
        return inputs


def positional() -> TorchWorkload:
    return TorchWorkload(Recorder(), lambda items: (torch.arange(items), torch.ones(9), "as it is"))


def named() -> tuple[Any, Any]:
    return Recorder(), lambda items: {"pixels": torch.arange(items), "scale": torch.tensor(2.0)}


def raising() -> None:
    raise FileNotFoundError("no weights in /nowhere\nlook again")


def printing() -> TorchWorkload:
    print("a factory that talks")
    return positional()


def inputs_raise() -> tuple[Any, Any]:
    return Recorder(), lambda items: torch.ones(items).reshape(7, 7)


def inputs_are_a_tensor() -> tuple[Any, Any]:
    return Recorder(), torch.ones


def misfit() -> tuple[Any, Any]:
    return torch.nn.Linear(4, 4), lambda items: (torch.ones(items, 5),)


def no_pair() -> Any:
    return Recorder()


NO_FUNCTION = 3


class Hungry(torch.nn.Module):  # type: ignore[misc]
    """Needs a terabyte for every item but the first."""

    def forward(self, items: Any) -> Any:
        return torch.empty((len(items) - 1, 10**12), dtype=torch.uint8)


def hungry() -> tuple[Any, Any]:
    return Hungry(), lambda items: (torch.ones(items),)


def linear() -> tuple[Any, Any]:
    return torch.nn.Sequential(torch.nn.Linear(4, 4), Recorder()), lambda items: (torch.ones(items, 4),)


def adapter_of(
    factory: str | None, options: dict[str, Any] | None = None, **parameters: list[Any]
) -> TorchModuleAdapter:
    named = {} if factory is None else {"factory": f"{HERE}:{factory}", "seed": 5}
    return TorchModuleAdapter(WorkloadDefinition("tested", {**named, **(options or {})}, parameters))


@pytest.fixture(autouse=True)
def keep_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_smaller_batches_are_views_of_the_largest_made_before_any_batch_runs() -> None:
    adapter = adapter_of("positional", batch_size=[4, 1])
    adapter.open()
    module = adapter._module
    for items in (1, 3, 4):
        adapter.infer(items)
        tensor, constant, text = module.fed[-1]
        assert tensor.tolist() == list(range(items))
        assert tensor.data_ptr() == module.fed[0][0].data_ptr()
        assert (len(constant), text) == (9, "as it is")


def test_inputs_may_be_named() -> None:
    adapter = adapter_of("named", batch_size=[2])
    adapter.open()
    adapter.infer(2)
    pixels, scale = adapter._module.fed[-1]
    assert pixels.tolist() == [0, 1]
    assert scale.item() == 2.0


def test_the_module_runs_in_evaluation_and_inference_mode() -> None:
    adapter = adapter_of("positional")
    adapter.open()
    assert adapter._module.modes == [(False, True)]


def test_threads_are_those_that_torch_reports() -> None:
    adapter = adapter_of("positional", threads=[1, 2])
    adapter.open()
    for threads in (2, 1):
        adapter.configure({"serving.threads": threads})
        assert torch.get_num_threads() == threads == adapter.current()["serving.threads"]


def test_torchs_own_threads_stay_in_force_until_configured() -> None:
    torch.set_num_threads(2)
    adapter = adapter_of("positional", threads=[1, 2, 3])
    adapter.open()
    assert torch.get_num_threads() == 2
    adapter = adapter_of("positional")
    adapter.open()
    assert adapter.parameters()[1].values == (2,)


def test_weights_are_the_same_in_every_process_that_uses_the_seed() -> None:
    first, second = adapter_of("positional"), adapter_of("positional")
    first.open()
    second.open()
    assert torch.equal(first._module.weight, second._module.weight)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (None, "names neither a factory nor a model file"),
        ("raising", r"factory '.*:raising' of 'tested' failed: FileNotFoundError: no weights in /nowhere\."),
        ("nowhere", "has no 'nowhere'"),
        ("NO_FUNCTION", "failed: TypeError: 'int' object is not callable"),
        ("no_pair", "returned a Recorder: return a pair"),
        ("inputs_raise", "inputs of 1 items of the workload 'tested' cannot be made: RuntimeError"),
        ("inputs_are_a_tensor", "are a Tensor: return a tuple"),
        ("misfit", "A batch of 1 items failed in the workload 'tested': RuntimeError"),
    ],
)
def test_a_factory_that_is_wrong_is_named_in_one_sentence(factory: str | None, message: str) -> None:
    with pytest.raises(AdapterError, match=message) as raised:
        adapter_of(factory).open()
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize("values", [[], [0], [-1], [1, 1], [1.5], ["2"], [True], [None]])
@pytest.mark.parametrize("name", ["batch_size", "threads"])
def test_values_that_count_nothing_are_refused(name: str, values: list[Any]) -> None:
    with pytest.raises(AdapterError, match=f"values of '{name}'.*whole numbers above zero"):
        adapter_of("positional", **{name: values}).open()


def test_a_parameter_that_the_adapter_does_not_have_is_refused() -> None:
    with pytest.raises(AdapterError, match="'bach_size', which its adapter does not have: use batch_size or threads"):
        adapter_of("positional", bach_size=[1]).open()


@pytest.mark.parametrize("value", [True, 1.0, "1"])
def test_a_value_of_another_type_is_refused(value: Any) -> None:
    adapter = adapter_of("positional", batch_size=[1, 2])
    adapter.open()
    with pytest.raises(AdapterError, match=r"serving\.batch_size cannot be"):
        adapter.configure({"serving.batch_size": value})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modle": "x.pt2"}, "has the option 'modle', which its adapter does not know"),
        ({"model": "x.pt2"}, "names a factory and a model: leave one of them out"),
        ({"precision": "int4"}, "'float32' or 'bfloat16' or 'float16'"),
        ({"device": "gpu"}, "cannot run on the device 'gpu': RuntimeError"),
        ({"device": "meta:x"}, "cannot run on the device 'meta:x'"),
        ({"seed": "five"}, "a whole number of at least 0"),
    ],
)
def test_options_that_are_wrong_are_refused_in_one_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(AdapterError, match=message) as raised:
        adapter_of("positional", options).open()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_the_module_computes_in_the_precision_that_is_asked_for(precision: str) -> None:
    adapter = adapter_of("linear", {"precision": precision})
    adapter.open()
    (received,) = adapter._module[1].fed[-1]
    assert received.dtype == getattr(torch, precision)


def test_module_and_inputs_are_moved_to_the_device() -> None:
    adapter = adapter_of("linear", {"device": "meta"}, batch_size=[2])
    adapter.open()
    assert adapter._module[0].weight.device.type == "meta"
    assert all(batch[0].device.type == "meta" for batch in adapter._batches.values())


def test_a_batch_that_needs_too_much_memory_is_named_with_what_to_do() -> None:
    adapter = adapter_of("hungry", batch_size=[1, 8])
    adapter.open()
    with pytest.raises(
        AdapterError, match=r"A batch of 8 items .* does not fit into memory .*list smaller batch sizes"
    ):
        adapter.infer(8)
    adapter.infer(1)


STARVED = f"""
import resource, torch
from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.torch_module import TorchModuleAdapter
options = {{"factory": "{__name__}:wide"}}
adapter = TorchModuleAdapter(WorkloadDefinition("tested", options, {{"batch_size": [4096], "threads": [1]}}))
adapter.open()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), resource.RLIM_INFINITY))
try:
    adapter.infer(4096)
except AdapterError as error:
    print(error)
"""


def wide() -> tuple[Any, Any]:
    """Needs 128 KiB an item: 512 MiB for the largest batch."""
    return torch.nn.Linear(1, 1 << 15), lambda items: (torch.ones(items, 1),)


def test_a_module_that_needs_more_memory_than_its_runner_may_have_gets_one_sentence() -> None:
    child = subprocess.run([sys.executable, "-c", STARVED], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert "A batch of 4096 items of the workload 'tested' does not fit into memory" in child.stdout, child


def test_an_interpreter_without_torch_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(AdapterError, match=r"needs PyTorch, which .* cannot import"):
        adapter_of("positional").open()


def test_a_module_is_served_by_a_runner_even_if_its_factory_prints(start_runner: StartRunner) -> None:
    runner = start_runner(
        "serving_adapter.torch_module:TorchModuleAdapter",
        {"factory": f"{HERE}:printing"},
        {"batch_size": [1, 2], "threads": [1, 2]},
        environment={"PYTHONPATH": str(CHECKOUT)},
    )
    runner.open()
    assert runner.configure({"serving.batch_size": 2, "serving.threads": 1}) == runner.current()
    runner.start_load(Load("multi-stream", 2))
    assert all(len(batch.arrivals_s) == 2 for batch in runner.run(0.05).completions)
