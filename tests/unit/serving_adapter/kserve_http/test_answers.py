"""An answer is read closely: one that is wrong is a request that failed."""

from typing import Any

import pytest

from serving_adapter.contract import RequestFailedError
from serving_adapter.kserve import KserveAdapter
from serving_adapter.kserve.answer import Answer
from serving_adapter.kserve.http_body import read_answer
from serving_adapter.kserve.transport import Reply
from tests.unit.serving_adapter.kserve_http.conftest import with_output
from tests.unit.serving_adapter.kserve_servers import HttpServer


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
def test_garbage(server: HttpServer, adapter: KserveAdapter, body: bytes) -> None:
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
def test_a_wrong_output(server: HttpServer, adapter: KserveAdapter, changes: dict[str, Any], message: str) -> None:
    server.alter = lambda answer: with_output(answer, **changes)
    with pytest.raises(RequestFailedError, match=message):
        adapter.infer(1)


def test_rows_in_rows_are_counted(server: HttpServer, adapter: KserveAdapter) -> None:
    server.alter = lambda answer: with_output(answer, data=[[[1]], [[2]]])
    adapter.infer(2)


def test_another_models_answer(server: HttpServer, adapter: KserveAdapter) -> None:
    server.alter = lambda answer: {**answer, "model_name": "subtracter"}
    with pytest.raises(RequestFailedError, match="is one of the model 'subtracter'"):
        adapter.infer(1)
