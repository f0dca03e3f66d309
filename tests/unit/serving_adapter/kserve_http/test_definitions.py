"""A wrong definition is found at once, with one sentence."""

import json
from typing import Any

import pytest

from serving_adapter.contract import AdapterError, RequestFailedError
from serving_adapter.kserve.http_transport import HttpTransport
from serving_adapter.kserve.transport import Transport
from tests.unit.serving_adapter.kserve_servers import MODEL, MODEL_METADATA, HttpServer, adapter_of, opened


def test_a_model_that_is_not_there(server: HttpServer) -> None:
    with pytest.raises(AdapterError, match=r"GET /v2/models/nobody with status 404: .*nothing at"):
        adapter_of(server.url, model="nobody").open()


def test_a_batch_size_for_a_model_that_takes_one_item(server: HttpServer) -> None:
    server.documents[f"/v2/models/{MODEL}"] = {
        **MODEL_METADATA,
        "inputs": [{"name": "features", "datatype": "FP32", "shape": [1, 3]}],
    }
    with opened(server.url, [1]):
        assert json.loads(server.received[-1][2])["inputs"][0]["shape"] == [1, 3]
    with pytest.raises(AdapterError, match="takes one item a request"):
        adapter_of(server.url, [1, 2]).open()


def test_a_batch_size_for_a_first_dimension_that_is_no_batch(server: HttpServer) -> None:
    inputs = {"features": {"shape": [5, 3]}}
    with opened(server.url, [1], batch_dimension=False, inputs=inputs):
        assert json.loads(server.received[-1][2])["inputs"][0]["shape"] == [5, 3]
    with pytest.raises(AdapterError, match="takes one item a request"):
        adapter_of(server.url, [2], batch_dimension=False, inputs=inputs).open()


def test_a_server_that_does_not_name_inputs_and_outputs(server: HttpServer) -> None:
    server.documents[f"/v2/models/{MODEL}"] = {"name": MODEL, "platform": ""}
    with opened(server.url, inputs={"features": {"shape": [3], "datatype": "FP32"}}):
        assert json.loads(server.received[-1][2])["inputs"][0]["shape"] == [1, 3]


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://", "grpc+http://a:1", "http://u:p@h"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(AdapterError, match=r"http://host|password"):
        adapter_of(url).open()


def test_a_parameter_that_is_not_known(server: HttpServer) -> None:
    with pytest.raises(AdapterError, match=r"'threads'.*batch_size or concurrency"):
        adapter_of(server.url, parameters={"threads": [1]}).open()


@pytest.mark.parametrize("metadata", [[], {}, {"name": 3}, {"name": "x", "extensions": [1]}, b"<html>"])
def test_what_is_no_server_of_the_protocol(server: HttpServer, metadata: Any) -> None:
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
def test_what_are_no_metadata_of_a_model(server: HttpServer, features: Any) -> None:
    server.documents[f"/v2/models/{MODEL}"] = {**MODEL_METADATA, "inputs": [features]}
    with pytest.raises(AdapterError, match=r"metadata are not those|unknown datatype|not a list of sizes"):
        adapter_of(server.url).open()


def test_a_model_that_refuses_its_own_shape(server: HttpServer) -> None:
    server.status = 400
    with pytest.raises(AdapterError, match=r"status 400: .*no mood") as raised:
        adapter_of(server.url).open()
    assert not isinstance(raised.value, RequestFailedError)
    assert "\n" not in str(raised.value)


def test_what_failed_to_open_is_not_open(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
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
