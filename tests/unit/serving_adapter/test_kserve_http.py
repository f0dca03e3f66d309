"""The adapter of the Open Inference Protocol over HTTP, against a local server that may fail in every way."""

import json
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from serving_adapter.contract import AdapterError, Load, RequestFailedError
from serving_adapter.kserve import KserveAdapter
from serving_adapter.kserve.answer import Answer
from serving_adapter.kserve.http_body import read_answer
from serving_adapter.kserve.http_transport import HttpTransport
from serving_adapter.kserve.transport import Encoder, Reply, Request, Requests, Transport
from serving_adapter.scenario import load_generator
from tests.unit.serving_adapter.kserve_servers import (
    MODEL,
    MODEL_METADATA,
    SERVER_METADATA,
    HttpServer,
    adapter_of,
    http_server,
    opened,
)


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as server:
        yield server


@pytest.fixture
def adapter(server: HttpServer) -> Iterator[KserveAdapter]:
    with opened(server.url, timeout_s=5.0) as adapter:
        yield adapter


def test_a_request_is_what_the_protocol_says(server: HttpServer, adapter: KserveAdapter) -> None:
    adapter.infer(2)
    path, headers, body = server.received[-1]
    request = json.loads(body)
    [features] = request["inputs"]
    data = features.pop("data")
    assert path == f"/v2/models/{MODEL}/infer"
    assert headers["Content-Type"] == "application/json"
    assert request.keys() == {"id", "inputs"}
    assert features == {"name": "features", "datatype": "FP32", "shape": [2, 3]}
    assert len(data) == 6
    assert all(0 <= element <= 1 and element == struct.unpack("f", struct.pack("f", element))[0] for element in data)


def test_a_version_is_asked_for_by_its_own_path(server: HttpServer) -> None:
    server.documents[f"/v2/models/{MODEL}/versions/7"] = MODEL_METADATA
    with opened(server.url, version="7"):
        assert server.received[-1][0] == f"/v2/models/{MODEL}/versions/7/infer"


def test_names_are_escaped_in_paths(server: HttpServer) -> None:
    server.documents["/v2/models/a%2Fb%3F%23"] = {**MODEL_METADATA, "name": "a/b?#"}
    server.alter = lambda answer: {**answer, "model_name": "a/b?#"}
    with opened(server.url, model="a/b?#"):
        assert server.received[-1][0] == "/v2/models/a%2Fb%3F%23/infer"


class CountingEncoder(Encoder):
    """Counts what it encodes, a hundred bytes an item."""

    def __init__(self) -> None:
        self.encoded: list[int] = []

    def encode(self, items: int) -> Request:
        self.encoded.append(items)
        return Request(bytes(100 * items))


def test_requests_are_encoded_ahead_and_once() -> None:
    encoder = CountingEncoder()
    requests = Requests(encoder, largest_batch=4)
    assert [len(requests.of(items).body) for items in (4, 1, 4)] == [400, 100, 400]
    assert encoder.encoded == [1, 2, 3, 4]


def test_requests_that_are_too_large_to_keep_are_put_together_each_time(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(server.url) as adapter:
        adapter.infer(4)
    monkeypatch.setattr("serving_adapter.kserve.transport._MOST_PREPARED_BYTES", 100)
    with opened(server.url) as again:
        again.infer(4)
    assert server.received[-1][2] == server.received[1][2]


def test_an_answer_that_was_accepted_is_not_read_again(
    server: HttpServer, adapter: KserveAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Reply] = []

    def read_and_count(reply: Reply) -> Answer:
        read.append(reply)
        return read_answer(reply)

    monkeypatch.setattr("serving_adapter.kserve.http_transport.read_answer", read_and_count)
    for items in (2, 2, 2, 4, 2):
        adapter.infer(items)
    assert len(read) == 2
    server.alter = lambda answer: {**answer, "model_name": "subtracter"}
    for _ in range(2):
        with pytest.raises(RequestFailedError, match="subtracter"):
            adapter.infer(2)
    assert len(read) == 4


@pytest.mark.parametrize("items", [0, -1, 5])
def test_a_batch_that_is_not_admitted_is_refused(server: HttpServer, adapter: KserveAdapter, items: int) -> None:
    with pytest.raises(AdapterError, match=f"batch of {items} items") as raised:
        adapter.infer(items)
    assert not isinstance(raised.value, RequestFailedError)
    assert len(server.received) == 1


class TestTriton:
    """What Triton adds: tensors as bytes ("Binary Tensor Data Extension") and the model's configuration."""

    def test_tensors_are_sent_as_bytes(self, server: HttpServer) -> None:
        server.become_triton()
        with opened(server.url, inputs={"features": {"data": [1, 2, 3]}}) as adapter:
            adapter.infer(2)
        _, headers, body = server.received[-1]
        head_length = int(headers["Inference-Header-Content-Length"])
        assert headers["Content-Type"] == "application/octet-stream"
        assert json.loads(body[:head_length]) == {
            "id": "wattune",
            "inputs": [
                {"name": "features", "datatype": "FP32", "shape": [2, 3], "parameters": {"binary_data_size": 24}}
            ],
            "parameters": {"binary_data_output": True},
        }
        assert struct.unpack("<6f", body[head_length:]) == (1, 2, 3, 1, 2, 3)

    def test_its_largest_batch_bounds_the_batch_sizes(self, server: HttpServer) -> None:
        server.become_triton(max_batch_size=4)
        with opened(server.url, [1, 4]) as adapter:
            adapter.infer(4)
        with pytest.raises(AdapterError, match=r"at most 4 items \(max_batch_size .* up to 5\)"):
            adapter_of(server.url, [1, 5]).open()

    def test_a_configuration_without_batches_leaves_it_to_the_shape(self, server: HttpServer) -> None:
        server.become_triton(max_batch_size=0)
        with opened(server.url, [1, 64]) as adapter:
            adapter.infer(64)

    @pytest.mark.parametrize("max_batch_size", [-1, "4", True, None, 4.0])
    def test_a_largest_batch_that_is_none_is_refused(self, server: HttpServer, max_batch_size: Any) -> None:
        server.become_triton(max_batch_size)
        with pytest.raises(AdapterError, match="max_batch_size"):
            adapter_of(server.url).open()

    @pytest.mark.parametrize("configuration", [[], b"no JSON"])
    def test_a_configuration_that_is_none_is_refused(self, server: HttpServer, configuration: Any) -> None:
        server.become_triton()
        server.documents[f"/v2/models/{MODEL}/config"] = configuration
        with pytest.raises(AdapterError, match=r"configuration that is none|is no JSON"):
            adapter_of(server.url).open()

    @pytest.mark.parametrize("size", [-1, 2, 10, "8", True, 10**30])
    def test_a_size_of_a_tensor_that_it_does_not_have_is_refused(self, server: HttpServer, size: Any) -> None:
        server.become_triton()
        with opened(server.url) as adapter:
            server.alter = lambda answer: _with_output(answer, parameters={"binary_data_size": size})
            with pytest.raises(RequestFailedError, match=r"size of a tensor|ends within an element"):
                adapter.infer(1)

    @pytest.mark.parametrize("stated", [b"9999", b"-1", b"x", b"1e2", b"0x10", "²".encode("latin-1"), b"9" * 5000])
    def test_a_length_of_the_json_that_it_does_not_have_is_refused(self, server: HttpServer, stated: bytes) -> None:
        server.become_triton()
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nInference-Header-Content-Length: " + stated + b"\r\n\r\n{}"
        with opened(server.url) as adapter:
            server.raw_reply = lambda out: out.write(head)
            with pytest.raises(RequestFailedError, match="length of its JSON"):
                adapter.infer(1)


class TestDefinitions:
    """A wrong definition is found at once, with one sentence."""

    def test_a_model_that_is_not_there(self, server: HttpServer) -> None:
        with pytest.raises(AdapterError, match=r"GET /v2/models/nobody with status 404: .*nothing at"):
            adapter_of(server.url, model="nobody").open()

    def test_a_batch_size_for_a_model_that_takes_one_item(self, server: HttpServer) -> None:
        server.documents[f"/v2/models/{MODEL}"] = {
            **MODEL_METADATA,
            "inputs": [{"name": "features", "datatype": "FP32", "shape": [1, 3]}],
        }
        with opened(server.url, [1]):
            assert json.loads(server.received[-1][2])["inputs"][0]["shape"] == [1, 3]
        with pytest.raises(AdapterError, match="takes one item a request"):
            adapter_of(server.url, [1, 2]).open()

    def test_a_batch_size_for_a_first_dimension_that_is_no_batch(self, server: HttpServer) -> None:
        inputs = {"features": {"shape": [5, 3]}}
        with opened(server.url, [1], batch_dimension=False, inputs=inputs):
            assert json.loads(server.received[-1][2])["inputs"][0]["shape"] == [5, 3]
        with pytest.raises(AdapterError, match="takes one item a request"):
            adapter_of(server.url, [2], batch_dimension=False, inputs=inputs).open()

    def test_a_server_that_does_not_name_inputs_and_outputs(self, server: HttpServer) -> None:
        server.documents[f"/v2/models/{MODEL}"] = {"name": MODEL, "platform": ""}
        with opened(server.url, inputs={"features": {"shape": [3], "datatype": "FP32"}}):
            assert json.loads(server.received[-1][2])["inputs"][0]["shape"] == [1, 3]

    @pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://", "grpc+http://a:1", "http://u:p@h"])
    def test_an_address_that_is_none(self, url: str) -> None:
        with pytest.raises(AdapterError, match=r"http://host|password"):
            adapter_of(url).open()

    def test_a_parameter_that_is_not_known(self, server: HttpServer) -> None:
        with pytest.raises(AdapterError, match=r"'threads'.*batch_size or concurrency"):
            adapter_of(server.url, parameters={"threads": [1]}).open()

    @pytest.mark.parametrize("metadata", [[], {}, {"name": 3}, {"name": "x", "extensions": [1]}, b"<html>"])
    def test_what_is_no_server_of_the_protocol(self, server: HttpServer, metadata: Any) -> None:
        server.documents["/v2"] = metadata
        with pytest.raises(AdapterError, match=r"metadata are not those|is no JSON"):
            adapter_of(server.url).open()

    @pytest.mark.parametrize(
        "features",
        [
            3,
            {},
            {"name": "features", "datatype": "FP32"},
            {"name": "features", "datatype": "FP31", "shape": [-1, 3]},
            {"name": "features", "datatype": [], "shape": [-1, 3]},
            {"name": "features", "datatype": "FP32", "shape": [-2, 3]},
            {"name": "features", "datatype": "FP32", "shape": [-1, "3"]},
            {"name": "features", "datatype": "FP32", "shape": [-1, 1.5]},
            {"name": "", "datatype": "FP32", "shape": [-1, 3]},
        ],
    )
    def test_what_are_no_metadata_of_a_model(self, server: HttpServer, features: Any) -> None:
        server.documents[f"/v2/models/{MODEL}"] = {**MODEL_METADATA, "inputs": [features]}
        with pytest.raises(AdapterError, match=r"metadata are not those|unknown datatype|not a list of sizes"):
            adapter_of(server.url).open()

    def test_a_model_that_refuses_its_own_shape(self, server: HttpServer) -> None:
        server.status = 400
        with pytest.raises(AdapterError, match=r"status 400: .*no mood") as raised:
            adapter_of(server.url).open()
        assert not isinstance(raised.value, RequestFailedError)
        assert "\n" not in str(raised.value)

    def test_what_failed_to_open_is_not_open(self, server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
        adapter = adapter_of(server.url)
        server.status = 500
        closed: list[Transport] = []
        with monkeypatch.context() as patched, pytest.raises(AdapterError, match="status 500"):
            patched.setattr(HttpTransport, "close", lambda transport: closed.append(transport))
            adapter.open()
        assert len(closed) == 1
        with pytest.raises(AdapterError, match="not open"):
            adapter.infer(1)
        server.status = 200
        adapter.open()
        adapter.infer(4)
        adapter.close()

    def test_without_metrics_there_is_no_live_traffic(self, adapter: KserveAdapter) -> None:
        with pytest.raises(AdapterError, match="metrics_url"):
            adapter.traffic()


class TestFaults:
    """A request that fails is one request that failed."""

    def test_a_server_that_is_down(self) -> None:
        with pytest.raises(AdapterError, match=r"http://127\.0\.0\.1:9 .*Connection refused"):
            adapter_of("http://127.0.0.1:9", timeout_s=1.0).open()

    def test_a_server_that_is_slow(self, server: HttpServer) -> None:
        with opened(server.url, timeout_s=0.3) as adapter:
            server.delay_s = 0.6
            with pytest.raises(RequestFailedError, match=r"within 0\.3 s"):
                adapter.infer(1)
            server.delay_s = 0.0
            adapter.infer(1)

    def test_a_server_that_drips(self, server: HttpServer) -> None:
        stop = threading.Event()

        def drip(out: Any) -> None:
            out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not stop.wait(0.05):
                out.write(b" ")

        with opened(server.url, timeout_s=0.3) as adapter:
            server.raw_reply = drip
            with pytest.raises(RequestFailedError, match=r"within 0\.3 s"):
                adapter.infer(1)
        stop.set()

    def test_a_server_that_flaps(self, server: HttpServer, adapter: KserveAdapter) -> None:
        for status in (503, 200, 429, 200, 500, 200):
            server.status = status
            if status == 200:
                adapter.infer(2)
            else:
                with pytest.raises(RequestFailedError, match=f"status {status}: .*no mood"):
                    adapter.infer(2)

    def test_a_server_that_closes_in_the_middle_of_its_answer(self, server: HttpServer, adapter: KserveAdapter) -> None:
        server.raw_reply = lambda out: out.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"model_name"')
        with pytest.raises(RequestFailedError, match="ended too early"):
            adapter.infer(1)
        server.raw_reply = None
        adapter.infer(1)

    def test_an_answer_that_is_too_long(self, server: HttpServer, adapter: KserveAdapter) -> None:
        server.raw_reply = lambda out: out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        with pytest.raises(RequestFailedError, match="long"):
            adapter.infer(1)

    def test_load_flows_on_over_failures(self, server: HttpServer, adapter: KserveAdapter) -> None:
        calls = iter(range(10**6))
        server.alter = lambda answer: answer if next(calls) % 2 else {}
        stretch = load_generator(adapter, Load("offline", 4)).run(0.1)
        failed = [completion for completion in stretch.completions if completion.failure]
        assert 0 < len(failed) < len(stretch.completions)
        assert all("not one of the Open Inference Protocol" in completion.failure for completion in failed)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b'"text"',
            b"{",
            b"\xff\xfe",
            b"{}",
            b"[" * 100_000,
            b'{"model_name": "adder"}',
            b'{"model_name": "adder", "outputs": {}}',
            b'{"model_name": "adder", "outputs": [3]}',
            b'{"model_name": 3, "outputs": []}',
            b'{"model_name": "adder", "outputs": [{"name": "totals", "datatype": "FP32", "shape": [1]}]}',
            b'{"model_name": "adder", "outputs": [{"name": "totals", "datatype": "FP32", "shape": 1, "data": [1]}]}',
        ],
    )
    def test_garbage(self, server: HttpServer, adapter: KserveAdapter, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        server.raw_reply = lambda out: out.write(head + body)
        with pytest.raises(RequestFailedError, match=r"is no JSON|is not one of the Open Inference Protocol"):
            adapter.infer(1)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"shape": [2]}, "2 .*for 1 items|1 elements in 'totals'"),
            ({"shape": [-1]}, "a shape that is none"),
            ({"shape": [1.0]}, "a shape that is none"),
            ({"shape": [2], "data": [1, 2]}, "for 1 items"),
            ({"data": []}, "0 elements"),
            ({"data": [[1], [2]]}, "2 elements"),
            ({"datatype": "FP64"}, "holds FP64"),
            ({"datatype": "FP33"}, "unknown datatype 'FP33'"),
            ({"name": "others"}, "lacks the output 'totals'"),
        ],
    )
    def test_a_wrong_output(
        self, server: HttpServer, adapter: KserveAdapter, changes: dict[str, Any], message: str
    ) -> None:
        server.alter = lambda answer: _with_output(answer, **changes)
        with pytest.raises(RequestFailedError, match=message):
            adapter.infer(1)

    def test_rows_in_rows_are_counted(self, server: HttpServer, adapter: KserveAdapter) -> None:
        server.alter = lambda answer: _with_output(answer, data=[[[1]], [[2]]])
        adapter.infer(2)

    def test_another_models_answer(self, server: HttpServer, adapter: KserveAdapter) -> None:
        server.alter = lambda answer: {**answer, "model_name": "subtracter"}
        with pytest.raises(RequestFailedError, match="is one of the model 'subtracter'"):
            adapter.infer(1)


def test_many_threads_share_the_adapter(server: HttpServer, adapter: KserveAdapter) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(adapter.infer, [1, 2, 3, 4] * 20))
    assert len(server.received) == 81


def test_concurrency_is_a_parameter(adapter: KserveAdapter, server: HttpServer) -> None:
    assert adapter.concurrency == 64
    with opened(server.url, parameters={"concurrency": [2, 8]}) as explored:
        explored.configure({"serving.concurrency": 2})
        assert explored.concurrency == 2
        assert explored.current() == {"serving.batch_size": 1, "serving.concurrency": 2}


@pytest.mark.parametrize(
    ("name", "series"),
    [("Triton", "nv_inference_request_success"), ("mlserver", "model_infer_request_success_total"), ("other", None)],
)
def test_the_servers_name_tells_what_its_metrics_are_called(server: HttpServer, name: str, series: str | None) -> None:
    server.documents["/v2"] = {**SERVER_METADATA, "name": name}
    server.documents["/metrics"] = b"# TYPE up gauge\nup 1\n"
    adapter = adapter_of(server.url, metrics_url=f"{server.url}/metrics")
    if series is None:
        with pytest.raises(AdapterError, match=r"metrics\.requests"):
            adapter.open()
    else:
        adapter.open()
        with pytest.raises(AdapterError, match=r"MLServer|Triton"):
            adapter.traffic()
        adapter.close()


def _with_output(answer: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**answer, "outputs": [{**answer["outputs"][0], **changes}]}
