"""The adapter of servers for which there is no other: it reads, and sends nothing."""

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from serving_adapter.contract import AdapterError, Load, WorkloadDefinition
from serving_adapter.prometheus import PrometheusAdapter
from serving_adapter.runner.client import RunnerClient
from serving_adapter.scenario import load_generator
from tests.unit.serving_adapter.conftest import PACKAGE
from tests.unit.serving_adapter.exposition_text import histogram, page
from tests.unit.serving_adapter.faulty_server import FaultyServer, reply

METRICS = {"latency": "answer_seconds"}


def answered(*latencies_s: float) -> bytes:
    return page(*histogram("answer_seconds", (0.1,), latencies_s))


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as server:
        server.answers(reply(answered(0.05)))
        yield server


def adapter_of(server: FaultyServer, **options: Any) -> PrometheusAdapter:
    told = {"metrics_url": f"{server.url}/metrics", "metrics": METRICS, **options}
    return PrometheusAdapter(WorkloadDefinition("shop", told))


def test_real_traffic_is_what_the_counts_have_grown_by(server):
    adapter = adapter_of(server)
    adapter.open()
    server.answers(reply(answered(0.05)), reply(answered(0.05, 0.2, 0.06)))
    stretch = load_generator(adapter, Load("live", batch_size=1)).run(0.01)
    assert stretch.completions == ()
    assert stretch.traffic is not None
    assert stretch.traffic.requests == 2.0
    assert stretch.traffic.histograms["latency"].counts == (1.0, 2.0)
    adapter.close()


def test_no_request_is_sent(server):
    adapter = adapter_of(server)
    adapter.open()
    with pytest.raises(AdapterError, match="under the scenario 'live' only"):
        adapter.infer(1)
    assert [request.target for request in server.requests] == ["/metrics"]


def test_there_is_nothing_to_set(server):
    adapter = adapter_of(server)
    adapter.open()
    assert (adapter.parameters(), adapter.current(), adapter.concurrency) == ([], {}, 1)
    adapter.configure({})
    with pytest.raises(AdapterError, match=r"no serving parameter 'serving\.batch_size'"):
        adapter.configure({"serving.batch_size": 2})


def test_the_process_that_serves_is_the_one_that_listens(server):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        adapter = adapter_of(server, url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        adapter.open()
        assert adapter.serving_pid == os.getpid()
    assert adapter.serving_pid is None


def test_without_the_address_of_the_server_no_process_is_meant(server):
    adapter = adapter_of(server)
    adapter.open()
    assert adapter.serving_pid is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metrics_url": None}, "lacks the option 'metrics_url'"),
        ({"metrics_url": ""}, "metrics_url"),
        ({"metric_url": "x"}, "has the option 'metric_url'"),
        ({"url": 5}, "must be a text"),
        ({"url": "nowhere"}, "nowhere"),
        ({"metrics": {}}, "does not say what counts its requests"),
        ({"metrics": {"server": "triton"}}, "no count of requests"),
    ],
)
def test_a_wrong_definition_is_found_when_it_is_opened(server, options, words):
    with pytest.raises(AdapterError) as refused:
        adapter_of(server, **options).open()
    assert words in str(refused.value)


def test_a_definition_with_parameters_is_refused(server):
    told = {"metrics_url": server.url, "metrics": METRICS}
    with pytest.raises(AdapterError, match="no serving parameter 'batch_size'"):
        PrometheusAdapter(WorkloadDefinition("shop", told, {"batch_size": [1]})).open()


def test_a_server_that_is_down_is_found_when_it_is_opened(server):
    adapter = adapter_of(server)
    server.stop()
    with pytest.raises(AdapterError, match=server.url):
        adapter.open()


def test_what_is_not_open_or_was_closed_tells_nothing(server):
    adapter = adapter_of(server)
    with pytest.raises(AdapterError, match="is not open"):
        adapter.traffic()
    adapter.open()
    adapter.close()
    adapter.close()
    with pytest.raises(AdapterError, match="is not open"):
        adapter.traffic()
    adapter.open()
    assert adapter.traffic().requests == 1.0


def test_it_works_in_a_runner_of_any_interpreter(server, interpreter):
    runner = RunnerClient(
        interpreter,
        "serving_adapter.prometheus:PrometheusAdapter",
        WorkloadDefinition("shop", {"metrics_url": f"{server.url}/metrics", "metrics": METRICS}),
        {"serving_adapter": str(PACKAGE)},
    )
    runner.start()
    try:
        runner.open()
        runner.start_load(Load("live", batch_size=1))
        server.answers(reply(answered(0.05)), reply(answered(0.05, 0.2)))
        traffic = runner.run(0.01).traffic
        assert traffic is not None
        assert traffic.requests == 1.0
        assert runner.serving_pid() is None
    finally:
        runner.close()
