"""What Triton adds: tensors as bytes ("Binary Tensor Data Extension") and the model's configuration."""

import json
import struct
from typing import Any

import pytest

from serving_adapter.contract import AdapterError, RequestFailedError
from tests.unit.serving_adapter.kserve_http.conftest import with_output
from tests.unit.serving_adapter.kserve_servers import MODEL, HttpServer, adapter_of, opened


def test_tensors_are_sent_as_bytes(server: HttpServer) -> None:
    server.become_triton()
    with opened(server.url, inputs={"features": {"data": [1, 2, 3]}}) as adapter:
        adapter.infer(2)
    _, headers, body = server.received[-1]
    head_length = int(headers["Inference-Header-Content-Length"])
    assert headers["Content-Type"] == "application/octet-stream"
    assert json.loads(body[:head_length]) == {
        "id": "wattune",
        "inputs": [{"name": "features", "datatype": "FP32", "shape": [2, 3], "parameters": {"binary_data_size": 24}}],
        "parameters": {"binary_data_output": True},
    }
    assert struct.unpack("<6f", body[head_length:]) == (1, 2, 3, 1, 2, 3)


def test_its_largest_batch_bounds_the_batch_sizes(server: HttpServer) -> None:
    server.become_triton(max_batch_size=4)
    with opened(server.url, [1, 4]) as adapter:
        adapter.infer(4)
    with pytest.raises(AdapterError, match=r"at most 4 items \(max_batch_size .* up to 5\)"):
        adapter_of(server.url, [1, 5]).open()


def test_a_configuration_without_batches_leaves_it_to_the_shape(server: HttpServer) -> None:
    server.become_triton(max_batch_size=0)
    with opened(server.url, [1, 64]) as adapter:
        adapter.infer(64)


@pytest.mark.parametrize("max_batch_size", [-1, "4", True, None, 4.0])
def test_a_largest_batch_that_is_none_is_refused(server: HttpServer, max_batch_size: Any) -> None:
    server.become_triton(max_batch_size)
    with pytest.raises(AdapterError, match="max_batch_size"):
        adapter_of(server.url).open()


@pytest.mark.parametrize("configuration", [[], b"no JSON"])
def test_a_configuration_that_is_none_is_refused(server: HttpServer, configuration: Any) -> None:
    server.become_triton()
    server.documents[f"/v2/models/{MODEL}/config"] = configuration
    with pytest.raises(AdapterError, match=r"configuration that is none|is no JSON"):
        adapter_of(server.url).open()


@pytest.mark.parametrize("size", [-1, 2, 10, "8", True, 10**30])
def test_a_size_of_a_tensor_that_it_does_not_have_is_refused(server: HttpServer, size: Any) -> None:
    server.become_triton()
    with opened(server.url) as adapter:
        server.alter = lambda answer: with_output(answer, parameters={"binary_data_size": size})
        with pytest.raises(RequestFailedError, match=r"size of a tensor|ends within an element"):
            adapter.infer(1)


@pytest.mark.parametrize("stated", [b"9999", b"-1", b"x", b"1e2", b"0x10", "²".encode("latin-1"), b"9" * 5000])
def test_a_length_of_the_json_that_it_does_not_have_is_refused(server: HttpServer, stated: bytes) -> None:
    server.become_triton()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nInference-Header-Content-Length: " + stated + b"\r\n\r\n{}"
    with opened(server.url) as adapter:
        server.raw_reply = lambda out: out.write(head)
        with pytest.raises(RequestFailedError, match="length of its JSON"):
            adapter.infer(1)
