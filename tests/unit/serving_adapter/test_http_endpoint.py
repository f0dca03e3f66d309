"""The adapter of any HTTP endpoint, against a real server."""

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from serving_adapter.contract import AdapterError, Load, RequestFailedError, WorkloadDefinition
from serving_adapter.http_endpoint import HttpAdapter
from serving_adapter.scenario import load_generator
from tests.unit.serving_adapter.conftest import StartRunner
from tests.unit.serving_adapter.faulty_server import (
    Behaviour,
    FaultyServer,
    drip,
    garbage,
    hang_up,
    huge,
    reply,
    silence,
)

BODY = '{"n": ${count}, "items": [${items}]}'


@pytest.fixture
def adapters() -> Iterator[list[HttpAdapter]]:
    made: list[HttpAdapter] = []
    yield made
    for adapter in made:
        adapter.close()


def definition(url: str, parameters: dict[str, list[Any]] | None = None, **options: Any) -> WorkloadDefinition:
    return WorkloadDefinition("tested", {"url": url, **options}, parameters or {})


@pytest.fixture
def opened(server: FaultyServer) -> Iterator[HttpAdapter]:
    sizes = {"batch_size": [1, 4], "concurrency": [2, 8]}
    adapter = HttpAdapter(definition(server.url + "/p?v=1", sizes, body=BODY, item='{"i": ${index}}'))
    adapter.open()
    yield adapter
    adapter.close()


def test_a_batch_is_one_request_made_by_the_template(server: FaultyServer, opened: HttpAdapter) -> None:
    for items in (1, 3, 4):
        opened.infer(items)
        request = server.requests[-1]
        assert json.loads(request.body) == {"n": items, "items": [{"i": index} for index in range(items)]}
        assert (request.method, request.target) == ("POST", "/p?v=1")
        assert request.headers["content-type"] == "application/json"
    assert len(server.requests) == 4
    assert server.connections == 1


def test_the_serving_parameters_are_those_that_the_definition_lists(opened: HttpAdapter) -> None:
    assert [(parameter.id, parameter.values) for parameter in opened.parameters()] == [
        ("serving.batch_size", (1, 4)),
        ("serving.concurrency", (2, 8)),
    ]
    assert opened.current() == {"serving.batch_size": 1, "serving.concurrency": 8}
    opened.configure({"serving.concurrency": 2})
    assert opened.concurrency == 2


def test_without_a_place_for_items_there_is_no_batch_size(server: FaultyServer) -> None:
    adapter = HttpAdapter(definition(server.url, body='{"text": "$5 $${items}"}'))
    adapter.open()
    assert [parameter.id for parameter in adapter.parameters()] == ["serving.concurrency"]
    assert adapter.concurrency == 64
    assert server.requests[0].body == b'{"text": "$5 ${items}"}'
    with pytest.raises(AdapterError, match="use 1 to 1"):
        adapter.infer(2)
    adapter.close()
    with pytest.raises(AdapterError, match="lists the serving parameter 'batch_size'"):
        HttpAdapter(definition(server.url, {"batch_size": [2]}, body="{}")).open()


def test_the_process_that_serves_is_the_one_that_listens(opened: HttpAdapter, server: FaultyServer) -> None:
    assert opened.serving_pid == os.getpid()
    server.stop()
    assert opened.serving_pid is None


def test_closing_ends_requests_that_are_under_way(server: FaultyServer, opened: HttpAdapter) -> None:
    server.answers(silence())
    with ThreadPoolExecutor(1) as threads:
        under_way = threads.submit(opened.infer, 1)
        deadline_s = time.monotonic() + 30.0
        while len(server.requests) < 2:
            assert time.monotonic() < deadline_s, "the request did not come"
            time.sleep(0.001)
        opened.close()
        with pytest.raises(AdapterError):
            under_way.result(timeout=30.0)


def test_a_get_has_neither_body_nor_length(server: FaultyServer) -> None:
    adapter = HttpAdapter(definition(server.url, method="GET", headers={"Accept": "text/html"}))
    adapter.open()
    adapter.close()
    request = server.requests[0]
    assert (request.method, request.body, request.headers["accept"]) == ("GET", b"", "text/html")
    assert "content-length" not in request.headers


@pytest.mark.parametrize(("secret", "header"), [("Basic bWU6aXQ=", "Basic bWU6aXQ="), (" sk-123\n", "Bearer sk-123")])
def test_the_secret_comes_from_the_environment(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, secret: str, header: str
) -> None:
    monkeypatch.setenv("KEY_OF_TEST", secret)
    adapter = HttpAdapter(definition(server.url, authorization_environment="KEY_OF_TEST"))
    adapter.open()
    adapter.close()
    assert server.requests[0].headers["authorization"] == header


@pytest.mark.parametrize(
    ("options", "answer", "words"),
    [
        ({}, reply(b"busy", 503), "status 503: busy"),
        ({}, reply(b"", 302, {"Location": "/x"}), "status 302: nothing"),
        ({"expect_status": 202}, reply(b"done", 200), "status 200: done"),
        ({"expect_body_contains": "scores"}, reply(b'{"detail": "cold"}'), "without 'scores'.*cold"),
        ({}, garbage(), "does not begin like"),
        ({}, hang_up(), "did not come"),
        ({"timeout_s": 0.7}, drip(b"slow" * 100, 0.05), r"within 0\.7 s"),
        ({}, huge(1 << 40), "is longer than"),
    ],
)
def test_an_answer_that_is_none_fails_one_request_and_load_flows_on(
    server: FaultyServer, adapters: list[HttpAdapter], options: dict[str, Any], answer: Behaviour, words: str
) -> None:
    status = int(options.get("expect_status", 200))
    good = reply(b'{"scores": [1]}', status)
    server.answers(good, answer, good)
    adapters.append(HttpAdapter(definition(server.url, body="{}", **options)))
    adapters[0].open()
    with pytest.raises(RequestFailedError, match=words) as raised:
        adapters[0].infer(1)
    assert str(raised.value).endswith(".")
    adapters[0].infer(1)


def test_a_server_that_flaps_is_a_load_with_failures(server: FaultyServer, opened: HttpAdapter) -> None:
    load = load_generator(opened, Load("multi-stream", 4))

    def fails_always(word: str) -> bool:
        """Tells whether one of the next slices holds nothing else: what was under way before ends in the first."""
        for _ in range(1000):
            failures = {completion.failure for completion in load.run(0.02).completions}
            if failures and all(word in failure and bool(word) == bool(failure) for failure in failures):
                return True
        return False

    assert fails_always("")
    server.stop()
    assert fails_always("cannot be reached")
    server.start()
    assert fails_always("")
    load.stop()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": None}, "lacks the option 'url'"),
        ({"url": "host:80"}, "is not that of a server"),
        ({"bodi": "{}"}, "option 'bodi', which its adapter does not know: use authorization_environment, body,"),
        ({"method": "DELETE"}, "must be 'POST' or 'GET'"),
        ({"body": 3}, "must be a text"),
        ({"body": "${item}", "item": "1"}, "a request has no '\\${item}', use \\${items}"),
        ({"body": "${items}"}, "a place without an item"),
        ({"body": "{}", "item": "1"}, "an item without a place"),
        ({"body": "${items}", "item": "${count}"}, "an item has no '\\${count}', use \\${index}"),
        ({"headers": ["X"]}, "must be a table of texts"),
        ({"headers": {"authorization": "secret"}}, "into authorization_environment"),
        ({"headers": {"X": "secret\r\nY: z"}}, "The header 'X' cannot be sent"),
        ({"authorization_environment": "NO_SUCH_KEY"}, "'NO_SUCH_KEY', which is not set"),
        ({"expect_status": "200"}, "must be a whole number"),
        ({"timeout_s": 0}, "must be a number above zero"),
        ({"timeout_s": True}, "must be a number above zero"),
        ({"metrics_url": 5}, "metrics_url"),
    ],
)
def test_a_definition_that_is_wrong_is_refused_before_anything_is_sent(
    server: FaultyServer, options: dict[str, Any], words: str
) -> None:
    merged = {name: value for name, value in {"url": server.url, **options}.items() if value is not None}
    with pytest.raises(AdapterError, match=words) as raised:
        HttpAdapter(WorkloadDefinition("tested", merged)).open()
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)
    assert "secret" not in str(raised.value).replace("hold a secret", "")
    assert not server.requests


def test_opening_says_what_the_server_answered(server: FaultyServer) -> None:
    server.answers(reply(b'{"detail": "Not Found"}', 404))
    with pytest.raises(AdapterError, match=r'status 404: \{"detail": "Not Found"\}'):
        HttpAdapter(definition(server.url)).open()


def test_the_workloads_own_interpreter_can_drive_it(
    server: FaultyServer, start_runner: StartRunner, interpreter: str
) -> None:
    options = {"url": server.url, "body": BODY, "item": "1"}
    parameters = {"batch_size": [2], "concurrency": [4]}
    runner = start_runner("serving_adapter.http_endpoint:HttpAdapter", options, parameters, interpreter)
    runner.open()
    assert runner.serving_pid() == os.getpid()
    runner.start_load(Load("multi-stream", 2))
    assert {completion.failure for completion in runner.run(0.05).completions} == {""}
    server.answers(reply(b"busy", 503))
    assert any("status 503: busy" in completion.failure for completion in runner.run(0.2).completions)


EXPOSITION = b"""# TYPE took_seconds histogram
took_seconds_bucket{le="0.1"} 3
took_seconds_bucket{le="+Inf"} 4
took_seconds_sum 0.5
took_seconds_count 4
"""


def test_real_traffic_is_read_from_the_servers_own_metrics(server: FaultyServer) -> None:
    server.answers(reply(), reply(EXPOSITION))
    options = {"metrics_url": f"{server.url}/metrics", "metrics": {"latency": "took_seconds"}}
    adapter = HttpAdapter(definition(server.url, **options))
    adapter.open()
    assert adapter.traffic().requests == 4
    assert server.requests[-1].target == "/metrics"
    adapter.close()
    with pytest.raises(AdapterError, match="reads no metrics"):
        adapter.traffic()
