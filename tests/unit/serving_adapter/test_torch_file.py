"""PyTorch modules that come as files: they compute what the module did, and nothing else is taken for one."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving_adapter.contract import AdapterError, Load, WorkloadDefinition
from serving_adapter.torch_module import TorchModuleAdapter
from tests.unit.serving_adapter.conftest import StartRunner

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

WIDTH = 16
DECLARED = [{"shape": ["batch", WIDTH]}]


@pytest.fixture
def module() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(WIDTH, WIDTH), torch.nn.GELU()).eval()


def save_torchscript(module: Any, path: Path) -> None:
    torch.jit.save(torch.jit.trace(module, torch.ones(2, WIDTH)), str(path))


def save_exported(module: Any, path: Path) -> None:
    sizes = {"input": {0: torch.export.Dim("batch", min=1, max=8)}}
    torch.export.save(torch.export.export(module, (torch.ones(2, WIDTH),), dynamic_shapes=sizes), str(path))


# The format is known by what is in the file, whatever its name is.
SAVES = [save_torchscript, save_exported]


def adapter_of(
    path: Path, inputs: Any = None, batch_size: list[Any] | None = None, **options: Any
) -> TorchModuleAdapter:
    given = {"model": str(path), "inputs": DECLARED if inputs is None else inputs, **options}
    return TorchModuleAdapter(WorkloadDefinition("tested", given, {"batch_size": batch_size or [1, 8], "threads": [1]}))


@pytest.fixture(autouse=True)
def keep_threads() -> Any:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("save", SAVES)
def test_a_file_computes_what_the_module_did(tmp_path: Path, module: Any, save: Callable[[Any, Path], None]) -> None:
    save(module, tmp_path / "model")
    adapter = adapter_of(tmp_path / "model")
    adapter.open()
    for items in range(1, 9):
        adapter.infer(items)
        (given,) = adapter._batches[items]
        assert given.shape == (items, WIDTH)
        assert given.data_ptr() == adapter._batches[8][0].data_ptr()
        with torch.inference_mode():
            assert torch.allclose(adapter._module(given), module(given), atol=1e-6)


@pytest.mark.parametrize("save", SAVES)
def test_infer_runs_every_operator_of_the_file(tmp_path: Path, module: Any, save: Callable[[Any, Path], None]) -> None:
    save(module, tmp_path / "model")
    adapter = adapter_of(tmp_path / "model")
    adapter.open()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        for _ in range(3):
            adapter.infer(8)
    calls = {event.key: event.count for event in profile.key_averages()}
    assert calls["aten::linear"] == calls["aten::gelu"] == 3


@pytest.mark.parametrize("save", SAVES)
def test_values_depend_on_the_seed_only(tmp_path: Path, module: Any, save: Callable[[Any, Path], None]) -> None:
    save(module, tmp_path / "model")
    batches = []
    for seed in (1, 1, 2):
        adapter = adapter_of(tmp_path / "model", seed=seed)
        adapter.open()
        batches.append(adapter._batches[8][0])
    assert torch.equal(batches[0], batches[1])
    assert not torch.equal(batches[0], batches[2])


def test_inputs_may_be_named_and_of_any_type(tmp_path: Path) -> None:
    class Tokens(torch.nn.Module):  # type: ignore[misc]
        def forward(self, ids: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
            return ids * scale

    script = torch.jit.script(Tokens())
    torch.jit.save(script, str(tmp_path / "tokens.ts"))
    inputs = [
        {"name": "scale", "shape": [8], "dtype": "float64", "fill": 0.5},
        {"name": "ids", "shape": [8, "batch"], "dtype": "int64", "range": [5, 6]},
    ]
    adapter = adapter_of(tmp_path / "tokens.ts", inputs=[*inputs[1:], {**inputs[0], "shape": [1]}])
    adapter.open()
    batch = adapter._batches[3]
    assert batch["ids"].shape == (8, 3)
    assert batch["ids"].dtype == torch.int64
    assert set(batch["ids"].flatten().tolist()) == {5, 6}
    assert batch["scale"].tolist() == [0.5]
    # A tensor that does not count items stays whole, even if it is as long as the largest batch.
    adapter = adapter_of(tmp_path / "tokens.ts", inputs=[inputs[0], {**inputs[1], "shape": ["batch", 8]}])
    adapter.open()
    assert adapter._batches[3]["scale"].shape == (8,)


def test_a_program_of_a_fixed_batch_runs_that_batch_only(tmp_path: Path, module: Any) -> None:
    torch.export.save(torch.export.export(module, (torch.ones(4, WIDTH),)), str(tmp_path / "fixed.pt2"))
    adapter = adapter_of(tmp_path / "fixed.pt2", inputs=[{"shape": [4, WIDTH]}], batch_size=[4])
    adapter.open()
    adapter.infer(4)
    with pytest.raises(AdapterError, match="takes 4 items a batch, no more and no less"):
        adapter.infer(1)
    with pytest.raises(AdapterError, match=r"takes 4 items a batch and nothing else: list batch_size = \[4\]"):
        adapter_of(tmp_path / "fixed.pt2", inputs=[{"shape": [4, WIDTH]}]).open()
    with pytest.raises(AdapterError, match="A batch of 1 items failed in the workload 'tested'"):
        adapter_of(tmp_path / "fixed.pt2").open()


def test_a_batch_larger_than_a_program_takes_is_found_before_anything_is_measured(tmp_path: Path, module: Any) -> None:
    save_exported(module, tmp_path / "model.pt2")
    with pytest.raises(AdapterError, match="A batch of 9 items failed in the workload 'tested'"):
        adapter_of(tmp_path / "model.pt2", batch_size=[1, 9]).open()


@pytest.mark.parametrize("what", ["module", "weights"])
@pytest.mark.parametrize("is_zip", [True, False])
def test_a_pickled_checkpoint_is_refused_and_never_unpickled(
    tmp_path: Path, module: Any, what: str, is_zip: bool
) -> None:
    path = tmp_path / "checkpoint.pt"
    torch.save(module if what == "module" else module.state_dict(), path, _use_new_zipfile_serialization=is_zip)
    with pytest.raises(AdapterError, match=r"is a pickled checkpoint.*torch\.jit\.save or torch\.export\.save"):
        adapter_of(path).open()


class Trap:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return (Path.touch, (self.trace,))


@pytest.mark.parametrize("pack", ["pickle", "torch"])
def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path, pack: str) -> None:
    path, trace = tmp_path / "trap.pt", tmp_path / "trace"
    if pack == "pickle":
        path.write_bytes(pickle.dumps(Trap(trace)))
    else:
        torch.save({"weights": Trap(trace)}, path)
    with pytest.raises(AdapterError, match="is a pickled checkpoint"):
        adapter_of(path).open()
    assert not trace.exists()


def test_compiled_native_code_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "native.pt2", "w") as archive:
        archive.writestr("native/archive_format", "pt2")
        archive.writestr("native/data/aotinductor/model/model.so", b"\x7fELF")
    with pytest.raises(AdapterError, match="holds native code"):
        adapter_of(tmp_path / "native.pt2").open()


def test_files_that_hold_no_model_are_named_in_one_sentence(tmp_path: Path, module: Any) -> None:
    save_torchscript(module, tmp_path / "whole.ts")
    whole = (tmp_path / "whole.ts").read_bytes()
    (tmp_path / "cut.ts").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.pt").write_bytes(b"this is no model")
    (tmp_path / "empty.pt").touch()
    (tmp_path / "unreadable.pt").symlink_to(tmp_path / "nowhere")
    for path, message in [
        (tmp_path / "cut.ts", "is neither TorchScript nor an exported program, or is damaged"),
        (tmp_path / "text.pt", "is neither TorchScript nor an exported program, or is damaged"),
        (tmp_path / "empty.pt", "is neither TorchScript nor an exported program, or is damaged"),
        (tmp_path / "unreadable.pt", "does not exist or is no file"),
        (tmp_path / "missing.pt", "does not exist or is no file"),
        (tmp_path, "does not exist or is no file"),
    ]:
        with pytest.raises(AdapterError, match=message) as raised:
            adapter_of(path).open()
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("save", SAVES)
def test_an_archive_that_is_damaged_inside_is_named_with_the_reason(
    tmp_path: Path, module: Any, save: Callable[[Any, Path], None]
) -> None:
    save(module, tmp_path / "model")
    with zipfile.ZipFile(tmp_path / "model") as whole, zipfile.ZipFile(tmp_path / "damaged", "w") as damaged:
        for name in whole.namelist():
            spoilt = name.endswith((".py", "model.json"))
            damaged.writestr(name, b"{ not what it was" if spoilt else whole.read(name))
    with pytest.raises(AdapterError, match=r"cannot be loaded: \w+") as raised:
        adapter_of(tmp_path / "damaged").open()
    assert "\n" not in str(raised.value)
    assert "warnings above" not in str(raised.value)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "does not say what its model file is fed with: add inputs"),
        ([{"dtype": "float32"}], "does not say what its model file is fed with"),
        ([{"name": "a", "shape": ["batch"]}, {"shape": ["batch"]}], "have a name: name all, or none"),
        ([{"shape": ["batch", WIDTH + 1]}], "A batch of 1 items failed"),
        ([{"shape": ["batch", 2**31 - 1, 2**20]}], "inputs of 8 items of the workload 'tested' cannot be made"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(tmp_path: Path, module: Any, inputs: Any, message: str) -> None:
    save_torchscript(module, tmp_path / "model.ts")
    with pytest.raises(AdapterError, match=message):
        adapter_of(tmp_path / "model.ts", inputs=inputs).open()


def test_how_to_compile_is_nothing_that_a_file_can_be_told(tmp_path: Path, module: Any) -> None:
    save_torchscript(module, tmp_path / "model.ts")
    with pytest.raises(AdapterError, match="has the option 'compile', which its adapter does not know"):
        adapter_of(tmp_path / "model.ts", compile="torch.compile").open()


def test_a_model_that_raises_is_named(tmp_path: Path) -> None:
    class Raises(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            assert x.shape[0] < 3, "three is too many"
            return x

    torch.jit.save(torch.jit.script(Raises()), str(tmp_path / "raises.ts"))
    with pytest.raises(AdapterError, match=r"A batch of 8 items failed .*three is too many\.$") as raised:
        adapter_of(tmp_path / "raises.ts").open()
    assert "\n" not in str(raised.value)


def test_a_file_is_served_by_a_runner(start_runner: StartRunner, tmp_path: Path, module: Any) -> None:
    save_exported(module, tmp_path / "model.pt2")
    runner = start_runner(
        "serving_adapter.torch_module:TorchModuleAdapter",
        {"model": str(tmp_path / "model.pt2"), "inputs": DECLARED},
        {"batch_size": [1, 2], "threads": [1]},
    )
    runner.open()
    runner.start_load(Load("multi-stream", 2))
    assert all(len(batch.arrivals_s) == 2 for batch in runner.run(0.05).completions)
