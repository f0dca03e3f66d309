"""The adapter of the Open Inference Protocol against a real MLServer, over HTTP and gRPC."""

import json
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import serving_adapter
from serving_adapter.contract import AdapterError, Completion, Load, RequestFailedError, WorkloadDefinition
from serving_adapter.kserve import KserveAdapter
from serving_adapter.runner.client import RunnerClient
from serving_adapter.scenario import LoadGenerator, load_generator
from tests.contract.serving_adapter_contract import ServingAdapterContract
from tests.serving.environments import MLSERVER
from tests.serving.mlserver_process import INPUT, MODEL, MLServer, Network, mlserver
from tests.unit.serving_adapter.conftest import find_python

pytestmark = pytest.mark.serving

NETWORK = Network(width=128, layers=4)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MLServer]:
    with mlserver(tmp_path_factory.mktemp("mlserver"), NETWORK) as server:
        yield server


@pytest.fixture(params=["http", "grpc"])
def url(running: MLServer, request: pytest.FixtureRequest) -> str:
    return running.http_url if request.param == "http" else running.grpc_url


def definition(url: str, batch_sizes: tuple[int, ...] = (1, 2, 4), **options: Any) -> WorkloadDefinition:
    parameters: dict[str, Any] = {"batch_size": list(batch_sizes), "concurrency": [2, 8]}
    return WorkloadDefinition("dense", {"url": url, "model": MODEL, "timeout_s": 10.0, **options}, parameters)


@pytest.fixture
def adapter(url: str) -> Iterator[KserveAdapter]:
    adapter = KserveAdapter(definition(url))
    adapter.open()
    yield adapter
    adapter.close()


class TestContract(ServingAdapterContract):
    """Every promise of an adapter, kept by real servers."""

    @pytest.fixture
    def adapter(self, url: str) -> KserveAdapter:
        return KserveAdapter(definition(url))


def test_a_larger_batch_is_more_work(adapter: KserveAdapter, url: str) -> None:
    larger = KserveAdapter(definition(url, (1, 64)))
    larger.open()
    single_s, batch_s = _median_s(larger, 1), _median_s(larger, 64)
    larger.close()
    assert single_s < batch_s < 64 * single_s


def test_latency_is_not_less_than_what_the_server_itself_counts(running: MLServer, url: str) -> None:
    adapter = KserveAdapter(definition(url, (32,), metrics_url=running.metrics_url))
    adapter.open()
    before = adapter.traffic()
    start_s = time.monotonic()
    for _ in range(50):
        adapter.infer(32)
    elapsed_s = time.monotonic() - start_s
    counted = adapter.traffic().since(before)
    adapter.close()
    assert counted.requests == 50
    assert counted.failures == 0
    assert counted.busy_s is not None
    assert 0 < counted.busy_s < elapsed_s
    assert 0 < counted.histograms["latency"].sum_s < elapsed_s


def test_equal_requests_have_equal_answers_which_need_not_be_read_again(
    adapter: KserveAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport, read = adapter._opened.server, []
    monkeypatch.setattr(transport, "read", lambda reply: read.append(reply) or type(transport).read(transport, reply))
    for items in (2, 4, 2, 4, 2, 4):
        adapter.infer(items)
    assert len(read) == 2


def test_the_process_that_serves_is_the_server(running: MLServer, adapter: KserveAdapter) -> None:
    assert adapter.serving_pid == running.pid


def test_requests_from_many_threads_are_answered(adapter: KserveAdapter) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(adapter.infer, [1, 2, 3, 4] * 25))


def test_a_version_can_be_named(url: str) -> None:
    adapter = KserveAdapter(definition(url, version="1"))
    adapter.open()
    adapter.infer(4)
    adapter.close()
    with pytest.raises(AdapterError, match=r"not found"):
        KserveAdapter(definition(url, version="2")).open()


def test_a_model_that_is_not_there_is_told_of(url: str) -> None:
    with pytest.raises(AdapterError, match=r"Model nobody .*not found") as raised:
        KserveAdapter(definition(url, model="nobody")).open()
    assert not isinstance(raised.value, RequestFailedError)


def test_a_shape_that_is_wrong_is_told_of(url: str) -> None:
    with pytest.raises(AdapterError, match=rf"'{INPUT}' .* items of the shape \[128\]"):
        KserveAdapter(definition(url, inputs={INPUT: {"shape": [64]}})).open()


def test_a_model_that_raises_is_told_of_in_its_own_words(tmp_path: Path) -> None:
    with mlserver(tmp_path, Network(width=8, layers=1), told_width=9) as server:
        for url in (server.http_url, server.grpc_url):
            with pytest.raises(AdapterError, match=r"Internal Server Error|the features are \[1, 9\] and not \[n, 8\]"):
                KserveAdapter(definition(url)).open()


def test_a_server_that_tells_nothing_of_its_tensors_is_told_by_the_definition(tmp_path: Path) -> None:
    with mlserver(tmp_path, Network(width=8, layers=1), told_width=None) as server:
        for url in (server.http_url, server.grpc_url):
            with pytest.raises(AdapterError, match=r"does not say which inputs"):
                KserveAdapter(definition(url)).open()
            adapter = KserveAdapter(definition(url, inputs={INPUT: {"shape": [8], "datatype": "FP32"}}))
            adapter.open()
            adapter.infer(4)
            adapter.close()


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_load_flows_over_a_server_that_dies_and_comes_back(tmp_path: Path, protocol: str) -> None:
    with mlserver(tmp_path, Network(width=64, layers=1)) as server:
        url = server.http_url if protocol == "http" else server.grpc_url
        adapter = KserveAdapter(definition(url))
        adapter.open()
        load = load_generator(adapter, Load("server", batch_size=4, rate_hz=50.0))
        assert all(not completion.failure for completion in load.run(0.3).completions)
        first_pid = server.pid
        killer = threading.Timer(0.1, server.kill)
        killer.start()
        failure = _first(load, lambda completion: bool(completion.failure)).failure
        killer.join()
        assert url in failure
        assert "\n" not in failure
        assert adapter.serving_pid is None
        server.start()
        _first(load, lambda completion: not completion.failure)
        assert all(not completion.failure for completion in load.run(0.3).completions)
        assert adapter.serving_pid == server.pid != first_pid
        load.stop()
        adapter.close()


def test_it_runs_under_python_3_8(running: MLServer) -> None:
    interpreter = find_python("3.8")
    if interpreter is None:
        pytest.skip("there is no Python 3.8 on this machine")
    package = Path(serving_adapter.__file__).parent
    runner = RunnerClient(
        interpreter=interpreter,
        adapter="serving_adapter.kserve:KserveAdapter",
        definition=definition(running.http_url),
        packages={"serving_adapter": str(package)},
    )
    runner.start()
    runner.open()
    assert runner.serving_pid() == running.pid
    runner.start_load(Load("multi-stream", batch_size=4))
    assert runner.run(0.2).completions
    runner.close()


def test_the_messages_are_those_of_triton_and_mlserver() -> None:
    """Compares our description with the generated code of both, under the protobuf that MLServer has installed."""
    if MLSERVER.obstacle:
        pytest.skip(MLSERVER.obstacle)
    root = Path(serving_adapter.__file__).parents[1]
    for module in ("tritonclient.grpc.service_pb2", "mlserver.grpc.dataplane_pb2"):
        program = f"import sys; sys.path.append({str(root)!r})\n{_COMPARISON.format(module=module)}"
        shown = subprocess.run(
            [str(MLSERVER.python), "-c", program], capture_output=True, text=True, check=False, timeout=60
        )
        assert shown.returncode == 0, shown.stderr
        compared = json.loads(shown.stdout.splitlines()[-1])
        assert {"ModelInferRequest", "ModelInferResponse", "ModelMetadataResponse"} <= set(compared["messages"])
        assert compared["differences"] == []


_COMPARISON = """
import importlib, json
from serving_adapter.kserve.grpc_messages import build_messages
theirs = importlib.import_module("{module}")
messages, differences = set(), []

def compare(ours, other, name):
    messages.add(name)
    for field in ours.fields:
        twin = other.fields_by_name.get(field.name)
        facts = (field.number, field.type, field.has_presence, field.message_type is None)
        if twin is None or (twin.number, twin.type, twin.has_presence, twin.message_type is None) != facts:
            differences.append(name + "." + field.name)
        elif field.message_type is not None:
            compare(field.message_type, twin.message_type, twin.message_type.name)

for name, message in vars(build_messages()).items():
    if name in theirs.DESCRIPTOR.message_types_by_name:
        compare(message.DESCRIPTOR, theirs.DESCRIPTOR.message_types_by_name[name], name)
print(json.dumps(dict(messages=sorted(messages), differences=differences)))
"""


def _first(load: LoadGenerator, is_it: Callable[[Completion], bool], limit_s: float = 20.0) -> Completion:
    """Lets load flow until a batch comes to such an end."""
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        for completion in load.run(0.1).completions:
            if is_it(completion):
                return completion
    raise AssertionError(f"no batch came to such an end within {limit_s} s")


def _median_s(adapter: KserveAdapter, items: int) -> float:
    latencies_s = []
    for _ in range(30):
        start_s = time.monotonic()
        adapter.infer(items)
        latencies_s.append(time.monotonic() - start_s)
    return statistics.median(latencies_s)
