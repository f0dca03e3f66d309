"""A request that fails is one request that failed."""

import threading
from typing import Any

import pytest

from serving_adapter.contract import AdapterError, Load, RequestFailedError
from serving_adapter.kserve import KserveAdapter
from serving_adapter.scenario import load_generator
from tests.unit.serving_adapter.kserve_servers import HttpServer, adapter_of, opened


def test_a_server_that_is_down() -> None:
    with pytest.raises(AdapterError, match=r"http://127\.0\.0\.1:9 .*Connection refused"):
        adapter_of("http://127.0.0.1:9", timeout_s=1.0).open()


def test_a_server_that_is_slow(server: HttpServer) -> None:
    with opened(server.url, timeout_s=0.3) as adapter:
        server.delay_s = 0.6
        with pytest.raises(RequestFailedError, match=r"within 0\.3 s"):
            adapter.infer(1)
        server.delay_s = 0.0
        adapter.infer(1)


def test_a_server_that_drips(server: HttpServer) -> None:
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


def test_a_server_that_flaps(server: HttpServer, adapter: KserveAdapter) -> None:
    for status in (503, 200, 429, 200, 500, 200):
        server.status = status
        if status == 200:
            adapter.infer(2)
        else:
            with pytest.raises(RequestFailedError, match=f"status {status}: .*no mood"):
                adapter.infer(2)


def test_a_server_that_closes_in_the_middle_of_its_answer(server: HttpServer, adapter: KserveAdapter) -> None:
    server.raw_reply = lambda out: out.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"model_name"')
    with pytest.raises(RequestFailedError, match="ended too early"):
        adapter.infer(1)
    server.raw_reply = None
    adapter.infer(1)


def test_an_answer_that_is_too_long(server: HttpServer, adapter: KserveAdapter) -> None:
    server.raw_reply = lambda out: out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    with pytest.raises(RequestFailedError, match="long"):
        adapter.infer(1)


def test_load_flows_on_over_failures(server: HttpServer, adapter: KserveAdapter) -> None:
    calls = iter(range(10**6))
    server.alter = lambda answer: answer if next(calls) % 2 else {}
    stretch = load_generator(adapter, Load("offline", 4)).run(0.1)
    failed = [completion for completion in stretch.completions if completion.failure]
    assert 0 < len(failed) < len(stretch.completions)
    assert all("not one of the Open Inference Protocol" in completion.failure for completion in failed)
