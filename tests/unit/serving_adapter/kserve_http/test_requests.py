"""What is asked of a server, and that it is put together once."""

import json
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving_adapter.contract import AdapterError, RequestFailedError
from serving_adapter.kserve import KserveAdapter
from serving_adapter.kserve.transport import Encoder, Request, Requests
from tests.unit.serving_adapter.kserve_servers import MODEL, MODEL_METADATA, HttpServer, opened


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


@pytest.mark.parametrize("items", [0, -1, 5])
def test_a_batch_that_is_not_admitted_is_refused(server: HttpServer, adapter: KserveAdapter, items: int) -> None:
    with pytest.raises(AdapterError, match=f"batch of {items} items") as raised:
        adapter.infer(items)
    assert not isinstance(raised.value, RequestFailedError)
    assert len(server.received) == 1


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
