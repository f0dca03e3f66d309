"""The adapter of the Open Inference Protocol over gRPC, against a local server that may fail in every way."""

import struct
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool

from serving_adapter.contract import AdapterError, RequestFailedError
from serving_adapter.kserve import KserveAdapter
from serving_adapter.kserve.grpc_messages import build_messages
from serving_adapter.web import LONGEST_ANSWER_BYTES
from tests.unit.serving_adapter.kserve_servers import (
    MODEL,
    MODEL_METADATA,
    TRITON_METADATA,
    GrpcServer,
    adapter_of,
    grpc_server,
    messages,
    opened,
)


@pytest.fixture
def server() -> Iterator[GrpcServer]:
    with grpc_server() as server:
        yield server


@pytest.fixture
def adapter(server: GrpcServer) -> Iterator[KserveAdapter]:
    with opened(server.url, timeout_s=5.0) as adapter:
        yield adapter


def test_a_request_holds_the_tensors_as_bytes(server: GrpcServer) -> None:
    with opened(server.url, version="7", inputs={"features": {"data": [1, 2, 3]}}) as adapter:
        adapter.infer(2)
    request = server.received[-1]
    assert (request.model_name, request.model_version) == (MODEL, "7")
    [features] = request.inputs
    assert (features.name, features.datatype, list(features.shape)) == ("features", "FP32", [2, 3])
    [raw] = request.raw_input_contents
    assert struct.unpack("<6f", raw) == (1, 2, 3, 1, 2, 3)


def test_the_largest_batch_of_triton_bounds_the_batch_sizes(server: GrpcServer) -> None:
    server.server_metadata = TRITON_METADATA
    server.max_batch_size = 4
    with opened(server.url, [1, 4]) as adapter:
        adapter.infer(4)
    with pytest.raises(AdapterError, match="at most 4 items"):
        adapter_of(server.url, [5]).open()
    server.max_batch_size = 0
    with opened(server.url, [5]) as adapter:
        adapter.infer(5)


def test_the_messages_clash_with_nobody() -> None:
    again = build_messages()
    assert again.ModelInferRequest is not messages.ModelInferRequest
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("inference.ModelInferRequest")


class TestDefinitions:
    """A wrong definition is found at once, with one sentence."""

    def test_a_model_that_is_not_there(self, server: GrpcServer) -> None:
        with pytest.raises(AdapterError, match="ModelMetadata with NOT_FOUND: there is no such model") as raised:
            adapter_of(server.url, model="nobody").open()
        assert not isinstance(raised.value, RequestFailedError)

    def test_a_server_without_a_configuration_that_it_claims_to_have(self, server: GrpcServer) -> None:
        server.server_metadata = TRITON_METADATA
        with pytest.raises(AdapterError, match="ModelConfig with UNIMPLEMENTED"):
            adapter_of(server.url).open()

    def test_a_server_of_something_else(self) -> None:
        other = grpc.server(ThreadPoolExecutor(1))
        port = other.add_insecure_port("127.0.0.1:0")
        other.start()
        with pytest.raises(AdapterError, match="ServerMetadata with UNIMPLEMENTED"):
            adapter_of(f"grpc://127.0.0.1:{port}").open()
        other.stop(None).wait()

    @pytest.mark.parametrize(
        "url",
        [
            "grpc://localhost",
            "grpc://:8001",
            "grpc://u:p@localhost:1",
            "grpc://localhost:0",
            "grpc://localhost:99999",
            "grpc://localhost:1/path",
            "grpc://localhost:1?x",
            "grpc://[::1",
        ],
    )
    def test_an_address_that_is_none(self, url: str) -> None:
        with pytest.raises(AdapterError, match="is no address"):
            adapter_of(url).open()

    @pytest.mark.parametrize("module", ["grpc", "google.protobuf"])
    def test_an_interpreter_without_grpc(self, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(AdapterError, match=f"needs grpcio and protobuf, and {sys.executable} cannot import them"):
            adapter_of("grpc://localhost:1").open()

    def test_metadata_that_are_none(self, server: GrpcServer) -> None:
        features = {"name": "features", "datatype": "FP31", "shape": [-1, 3]}
        server.model_metadata = {**MODEL_METADATA, "inputs": [features]}
        with pytest.raises(AdapterError, match="unknown datatype 'FP31'"):
            adapter_of(server.url).open()


class TestFaults:
    """A request that fails is one request that failed."""

    def test_a_server_that_is_down(self) -> None:
        with pytest.raises(AdapterError, match="ServerMetadata with UNAVAILABLE"):
            adapter_of("grpc://127.0.0.1:9", timeout_s=1.0).open()

    def test_a_server_that_is_slow(self, server: GrpcServer) -> None:
        with opened(server.url, timeout_s=0.3) as adapter:
            server.delay_s = 0.6
            with pytest.raises(RequestFailedError, match="ModelInfer with DEADLINE_EXCEEDED"):
                adapter.infer(1)
            server.delay_s = 0.0
            adapter.infer(1)

    @pytest.mark.parametrize(
        "status",
        [
            grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            grpc.StatusCode.INTERNAL,
            grpc.StatusCode.NOT_FOUND,
            grpc.StatusCode.INVALID_ARGUMENT,
        ],
    )
    def test_a_server_that_flaps(self, server: GrpcServer, adapter: KserveAdapter, status: grpc.StatusCode) -> None:
        server.failure = status
        with pytest.raises(RequestFailedError, match=f"ModelInfer with {status.name}: the model has no mood. Ask"):
            adapter.infer(1)
        server.failure = None
        adapter.infer(1)

    def test_a_server_that_is_started_again_is_found_again(self, server: GrpcServer, adapter: KserveAdapter) -> None:
        server.stop()
        with pytest.raises(RequestFailedError, match="UNAVAILABLE"):
            adapter.infer(1)
        with grpc_server(server.port):
            assert _succeeds_within(adapter, 10.0)

    def test_an_answer_that_is_too_long(self, server: GrpcServer, adapter: KserveAdapter) -> None:
        server.alter = lambda answer: bytes(LONGEST_ANSWER_BYTES + 1)
        with pytest.raises(RequestFailedError, match="RESOURCE_EXHAUSTED"):
            adapter.infer(1)

    @pytest.mark.parametrize(
        ("alter", "message"),
        [
            (lambda answer: b"\xff\xff\xff", "is not one of the Open Inference Protocol"),
            (lambda answer: b"", "is one of the model ''"),
            (lambda answer: _changed(answer, model_name="subtracter"), "is one of the model 'subtracter'"),
            (lambda answer: _changed(answer, raw=[b"", b""]), "has 1 outputs and the contents of 2"),
            (lambda answer: _changed(answer, raw=[b"\0\0\0"]), "ends within an element"),
            (lambda answer: _changed(answer, raw=[b"\0\0\0\0\0\0\0\0"]), "has 2 elements in 'totals'"),
            (lambda answer: _changed(answer, raw=[]), "has 0 elements in 'totals'"),
            (lambda answer: _changed(answer, shape=[-1]), "a shape that is none"),
            (lambda answer: _changed(answer, shape=[2]), "in 'totals', whose shape is"),
            (lambda answer: _changed(answer, datatype="FP64", raw=[bytes(8)]), "holds FP64"),
            (lambda answer: _changed(answer, datatype="FP33"), "unknown datatype 'FP33'"),
            (lambda answer: _changed(answer, name="others"), "lacks the output 'totals'"),
        ],
    )
    def test_a_wrong_answer(
        self, server: GrpcServer, adapter: KserveAdapter, alter: Callable[[Any], Any], message: str
    ) -> None:
        server.alter = alter
        with pytest.raises(RequestFailedError, match=message):
            adapter.infer(1)

    def test_an_answer_in_typed_fields_is_one(self, server: GrpcServer, adapter: KserveAdapter) -> None:
        def alter(answer: Any) -> Any:
            answer.outputs[0].contents.fp32_contents.extend([1.0, 2.0])
            return _changed(answer, raw=[])

        server.alter = alter
        adapter.infer(2)
        with pytest.raises(RequestFailedError, match="has 2 elements"):
            adapter.infer(1)


def _changed(answer: Any, raw: list[bytes] | None = None, model_name: str = MODEL, **output: Any) -> Any:
    answer.model_name = model_name
    if raw is not None:
        answer.raw_output_contents[:] = raw
    for name, value in output.items():
        if name == "shape":
            answer.outputs[0].shape[:] = value
        else:
            setattr(answer.outputs[0], name, value)
    return answer


def _succeeds_within(adapter: KserveAdapter, limit_s: float) -> bool:
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        try:
            adapter.infer(1)
        except RequestFailedError:
            time.sleep(0.02)
        else:
            return True
    return False
