"""The adapter of ONNX Runtime, beyond the contract."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from serving_adapter.contract import AdapterError, Load, WorkloadDefinition
from serving_adapter.onnx_runtime import OnnxRuntimeAdapter
from tests.unit.serving_adapter import onnx_models
from tests.unit.serving_adapter.conftest import StartRunner
from tests.unit.serving_adapter.onnx_models import FLOAT, WIDTH, helper, numpy_helper

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

CHECKOUT = Path(__file__).parents[3]


def adapter_of(path: Path, parameters: dict[str, list[Any]] | None = None, **options: Any) -> OnnxRuntimeAdapter:
    return OnnxRuntimeAdapter(WorkloadDefinition("tested", {"model": str(path), **options}, parameters or {}))


def opened(path: Path, parameters: dict[str, list[Any]] | None = None, **options: Any) -> OnnxRuntimeAdapter:
    adapter = adapter_of(path, parameters, **options)
    adapter.open()
    return adapter


def outputs(adapter: OnnxRuntimeAdapter, items: int) -> Any:
    return adapter._session.run(None, adapter._batches[items])[0]


@pytest.fixture
def linear(tmp_path: Path) -> Path:
    return onnx_models.linear(tmp_path / "linear.onnx")


def typed(path: Path, **inputs: tuple[int, list[Any]]) -> Path:
    """Writes a model of inputs of any types, whose sums are added."""
    nodes = [helper.make_node("Cast", [name], [f"{name}_cast"], to=FLOAT) for name in inputs]
    nodes += [helper.make_node("ReduceSum", [f"{name}_cast"], [f"{name}_sum"], keepdims=0) for name in inputs]
    nodes += [helper.make_node("Sum", [f"{name}_sum" for name in inputs], ["y"])]
    return onnx_models.save(
        path, nodes, [helper.make_tensor_value_info(name, dtype, shape) for name, (dtype, shape) in inputs.items()]
    )


def test_the_model_computes_what_it_says_for_every_batch_size(linear: Path) -> None:
    adapter = opened(linear, {"batch_size": [1, 3, 8]})
    for items in range(1, 9):
        adapter.infer(items)
        given = adapter._batches[items]["x"]
        assert given.shape == (items, WIDTH)
        assert np.allclose(outputs(adapter, items), given @ onnx_models.WEIGHTS, rtol=1e-5)


def test_smaller_batches_are_views_of_the_largest(linear: Path) -> None:
    adapter = opened(linear, {"batch_size": [4]})
    assert all(np.shares_memory(batch["x"], adapter._batches[4]["x"]) for batch in adapter._batches.values())


def test_values_depend_on_the_seed_only(linear: Path) -> None:
    first, second, third = (opened(linear, seed=seed)._batches[1]["x"] for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_infer_does_the_work_of_the_whole_batch(tmp_path: Path) -> None:
    width, layers = 256, 8
    weights = numpy_helper.from_array(np.eye(width, dtype=np.float32), "weights")
    nodes = [
        helper.make_node("MatMul", ["x" if layer == 0 else f"h{layer}", "weights"], [f"h{layer + 1}"])
        for layer in range(layers)
    ]
    nodes.append(helper.make_node("Relu", [f"h{layers}"], ["y"]))
    path = onnx_models.save(
        tmp_path / "deep.onnx", nodes, [helper.make_tensor_value_info("x", FLOAT, ["n", width, width])], [weights]
    )
    adapter = opened(path, {"batch_size": [32], "threads": [1]})

    def cpu_s(items: int) -> float:
        before_s = time.process_time()
        adapter.infer(items)
        return time.process_time() - before_s

    assert min(cpu_s(32) for _ in range(3)) > 4 * min(cpu_s(1) for _ in range(3))


@pytest.mark.parametrize("allow_spinning", [False, True])
def test_threads_sleep_between_batches_unless_they_may_spin(linear: Path, allow_spinning: bool) -> None:
    """The runtime keeps the promise: its own options are all that is looked at, CPU times on a busy machine lie."""
    adapter = opened(linear, {"threads": [3]}, allow_spinning=allow_spinning)
    options = adapter._session.get_session_options()
    for pool in ("intra_op", "inter_op"):
        assert options.get_session_config_entry(f"session.{pool}.allow_spinning") == str(int(allow_spinning))


def test_a_session_is_made_for_each_number_of_threads(linear: Path) -> None:
    adapter = opened(linear, {"threads": [1, 2]})
    for threads in (1, 2):
        adapter.configure({"serving.threads": threads})
        assert adapter._session.get_session_options().intra_op_num_threads == threads
        session = adapter._session
        adapter.configure({"serving.threads": threads})
        assert adapter._session is session


def test_several_operators_at_a_time_are_the_runtimes_parallel_mode(linear: Path) -> None:
    adapter = opened(linear, {"inter_op_threads": [1, 2], "threads": [1]})
    for operators, mode in ((1, "ORT_SEQUENTIAL"), (2, "ORT_PARALLEL")):
        adapter.configure({"serving.inter_op_threads": operators})
        options = adapter._session.get_session_options()
        assert options.execution_mode == getattr(onnxruntime.ExecutionMode, mode)
        assert options.inter_op_num_threads == operators
        adapter.infer(1)


def test_a_session_that_cannot_be_made_leaves_the_old_one_in_force(linear: Path) -> None:
    adapter = opened(linear, {"batch_size": [1, 2], "threads": [1, 2]})
    before = adapter.current()
    linear.write_bytes(b"overwritten while it was served")
    other = ({1, 2} - {before["serving.threads"]}).pop()
    with pytest.raises(AdapterError, match="is no ONNX model, or is damaged"):
        adapter.configure({"serving.batch_size": 2, "serving.threads": other})
    assert adapter.current() == before
    adapter.infer(1)


def test_a_first_dimension_that_is_fixed_allows_only_that_batch(tmp_path: Path) -> None:
    path = onnx_models.linear(tmp_path / "fixed.onnx", shape=[4, WIDTH])
    adapter = opened(path)
    assert adapter.current()["serving.batch_size"] == 4
    adapter.infer(4)
    with pytest.raises(AdapterError, match="the model takes 4 items a batch, no more and no less"):
        adapter.infer(1)
    with pytest.raises(AdapterError, match=r"takes 4 items a batch and nothing else: list batch_size = \[4\]"):
        adapter_of(path, {"batch_size": [1, 4]}).open()


def test_a_dimension_that_bears_the_name_of_the_batch_follows_it(tmp_path: Path) -> None:
    path = typed(tmp_path / "state.onnx", x=(FLOAT, ["b", 3]), state=(FLOAT, [2, "b", 5]), rate=(FLOAT, []))
    adapter = opened(path, {"batch_size": [4]})
    assert adapter._batches[3]["x"].shape == (3, 3)
    assert adapter._batches[3]["state"].shape == (2, 3, 5)
    assert adapter._batches[3]["rate"].shape == ()
    adapter.infer(3)


def test_open_dimensions_are_as_the_definition_says(tmp_path: Path) -> None:
    path = typed(tmp_path / "tokens.onnx", ids=(onnx.TensorProto.INT64, ["b", "tokens"]))
    wanted = (
        r"'ids' leaves dimensions open \(b, tokens\): add inputs = \[\{ name = \"ids\", shape = \[\"batch\", tokens"
    )
    with pytest.raises(AdapterError, match=wanted):
        adapter_of(path).open()
    declared = [{"name": "ids", "shape": ["batch", 7], "range": [100, 102]}]
    adapter = opened(path, {"batch_size": [64]}, inputs=declared)
    ids = adapter._batches[64]["ids"]
    assert ids.shape == (64, 7)
    assert set(ids.flat) == {100, 101, 102}


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        ("FLOAT16", "float16"),
        ("DOUBLE", "float64"),
        ("BOOL", "bool"),
        ("UINT8", "uint8"),
        ("INT8", "int8"),
        ("INT32", "int32"),
        ("UINT64", "uint64"),
    ],
)
def test_inputs_have_the_type_that_the_model_says(tmp_path: Path, dtype: str, name: str) -> None:
    path = typed(tmp_path / "typed.onnx", x=(getattr(onnx.TensorProto, dtype), ["b", 3]))
    assert opened(path)._batches[1]["x"].dtype == name


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ([{"name": "z"}], "has no input 'z': declare only x, by name"),
        ([{"shape": ["batch", WIDTH]}], "has no input ''"),
        ([{"name": "x", "shape": ["batch", 9]}], r"which the shape \(batch, 9\) of the definition does not fit"),
        ([{"name": "x", "shape": ["batch"]}], "does not fit"),
        ([{"name": "x", "shape": [2, "batch"]}], "does not fit"),
        ([{"name": "x", "dtype": "int64"}], "is of type float32, not int64: leave dtype out"),
    ],
)
def test_a_declaration_that_does_not_fit_the_model_is_refused(linear: Path, declared: Any, message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        adapter_of(linear, inputs=declared).open()


def test_a_type_that_cannot_be_made_up_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("Shape", ["x"], ["s"])
    cast = helper.make_node("Cast", ["s"], ["y"], to=FLOAT)
    text = helper.make_tensor_value_info("x", onnx.TensorProto.STRING, ["b"])
    path = onnx_models.save(tmp_path / "text.onnx", [node, cast], [text])
    with pytest.raises(AdapterError, match=r"'x' is a tensor\(string\), which cannot be made up"):
        adapter_of(path).open()


def test_files_that_are_no_model_are_named_in_one_sentence(tmp_path: Path, linear: Path) -> None:
    garbage, cut, empty = tmp_path / "garbage.onnx", tmp_path / "cut.onnx", tmp_path / "empty.onnx"
    garbage.write_bytes(b"\n\x04this is no model" * 9)
    cut.write_bytes(linear.read_bytes()[:-40])
    empty.touch()
    for path, message in [
        (garbage, "is no ONNX model, or is damaged"),
        (cut, "is no ONNX model, or is damaged: it ends too early"),
        (empty, "is no ONNX model"),
        (tmp_path / "missing.onnx", "does not exist or is no file"),
        (tmp_path, "does not exist or is no file"),
        (Path("/dev/zero"), "does not exist or is no file"),
    ]:
        with pytest.raises(AdapterError, match=message) as raised:
            adapter_of(path).open()
        assert "\n" not in str(raised.value)
        assert str(raised.value).endswith(".")


def test_weights_outside_of_the_models_folder_are_never_read(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "secret").write_bytes(bytes(4 * WIDTH * WIDTH))
    path = onnx_models.linear(tmp_path / "model" / "m.onnx", weights=onnx_models.external("../secret"))
    with pytest.raises(AdapterError, match="refers to weights outside of its folder"):
        adapter_of(path).open()


def test_weights_beside_the_model_are_read(tmp_path: Path) -> None:
    onnx_models.WEIGHTS.tofile(tmp_path / "weights.bin")
    path = onnx_models.linear(tmp_path / "m.onnx", weights=onnx_models.external("weights.bin"))
    adapter = opened(path)
    assert np.allclose(outputs(adapter, 1), adapter._batches[1]["x"] @ onnx_models.WEIGHTS, rtol=1e-5)


def test_operators_of_others_are_not_loaded(tmp_path: Path) -> None:
    node = helper.make_node("Foreign", ["x"], ["y"], domain="com.example")
    path = onnx_models.save(
        tmp_path / "custom.onnx", [node], [helper.make_tensor_value_info("x", FLOAT, ["b", 2])], domains=["com.example"]
    )
    with pytest.raises(AdapterError, match=r"cannot be loaded: .*com\.example:Foreign.* is not a registered"):
        adapter_of(path).open()


def test_a_model_that_fails_for_a_batch_is_named_with_its_size(tmp_path: Path) -> None:
    four = numpy_helper.from_array(np.array([4, WIDTH], dtype=np.int64), "four")
    node = helper.make_node("Reshape", ["x", "four"], ["y"])
    path = onnx_models.save(
        tmp_path / "reshape.onnx", [node], [helper.make_tensor_value_info("x", FLOAT, ["b", WIDTH])], [four]
    )
    with pytest.raises(AdapterError, match="A batch of 1 items failed in the workload 'tested'"):
        adapter_of(path, {"batch_size": [1, 4]}).open()


@pytest.mark.parametrize(
    ("parameters", "options", "message"),
    [
        ({"bach_size": [1]}, {}, "'bach_size', which its adapter does not have"),
        ({"inter_op_threads": [0]}, {}, "whole numbers above zero"),
        ({}, {"threads": 2}, "has the option 'threads', which its adapter does not know"),
        ({}, {"providers": ["MagicExecutionProvider"]}, "wants the provider 'MagicExecutionProvider'.*CPUExecution"),
        ({}, {"graph_optimization": "most"}, "'all' or 'extended' or 'basic' or 'disabled'"),
        ({}, {"allow_spinning": 1}, "true or false"),
        ({}, {"seed": -1}, "a whole number of at least 0"),
        ({}, {"model": 3}, "must be a text"),
    ],
)
def test_a_definition_that_is_wrong_is_refused(
    linear: Path, parameters: dict[str, list[Any]], options: dict[str, Any], message: str
) -> None:
    definition = WorkloadDefinition("tested", {"model": str(linear), **options}, parameters)
    with pytest.raises(AdapterError, match=message):
        OnnxRuntimeAdapter(definition).open()


def test_the_graph_is_optimized_as_the_definition_says(linear: Path) -> None:
    levels = {
        wanted: opened(linear, graph_optimization=wanted)._session.get_session_options().graph_optimization_level
        for wanted in ("all", "disabled")
    }
    assert levels["all"] == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    assert levels["disabled"] == onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL


def test_nothing_is_sent_to_a_service_elsewhere(linear: Path) -> None:
    assert opened(linear)._session.get_providers() == ["CPUExecutionProvider"]


@pytest.mark.parametrize("module", ["onnxruntime", "numpy"])
def test_an_interpreter_without_the_runtime_is_named(
    monkeypatch: pytest.MonkeyPatch, linear: Path, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(AdapterError, match=f"needs ONNX Runtime, but .* cannot import {module}.*install"):
        adapter_of(linear).open()


def test_a_model_is_served_by_a_runner(start_runner: StartRunner, linear: Path) -> None:
    runner = start_runner(
        "serving_adapter.onnx_runtime:OnnxRuntimeAdapter",
        {"model": str(linear)},
        {"batch_size": [1, 2], "threads": [1, 2]},
    )
    runner.open()
    assert runner.configure({"serving.batch_size": 2, "serving.threads": 1}) == runner.current()
    runner.start_load(Load("multi-stream", 2))
    assert all(len(batch.arrivals_s) == 2 for batch in runner.run(0.05).completions)


STARVED = """
import resource, sys
from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.onnx_runtime import OnnxRuntimeAdapter
adapter = OnnxRuntimeAdapter(WorkloadDefinition("tested", {"model": sys.argv[1]}, {"batch_size": [1], "threads": [1]}))
adapter.open()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), resource.RLIM_INFINITY))
adapter._batches[1]["size"][0] = 256 << 20
try:
    adapter.infer(1)
except AdapterError as error:
    print(error)
"""


def test_a_model_that_needs_more_memory_than_there_is_gets_one_sentence(tmp_path: Path) -> None:
    nodes = [helper.make_node("ConstantOfShape", ["size"], ["zeros"]), helper.make_node("Relu", ["zeros"], ["y"])]
    size = helper.make_tensor_value_info("size", onnx.TensorProto.INT64, [1])
    path = onnx_models.save(tmp_path / "huge.onnx", nodes, [size])
    child = subprocess.run(
        [sys.executable, "-c", STARVED, str(path)], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert "A batch of 1 items of the workload 'tested' does not fit into memory" in child.stdout, child
    assert "list smaller batch sizes" in child.stdout
