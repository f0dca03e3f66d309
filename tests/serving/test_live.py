"""Real traffic of a real MLServer: what its metrics count is what the client saw."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from threading import Event, Thread
from time import monotonic

import pytest

from serving_adapter.contract import AdapterError, Load, Traffic, WorkloadDefinition
from serving_adapter.kserve import KserveAdapter
from serving_adapter.prometheus import PrometheusAdapter
from serving_adapter.scenario import load_generator
from tests.serving.mlserver_process import INPUT, MODEL, MLServer, Network, mlserver

pytestmark = pytest.mark.serving

NETWORK = Network(width=64, layers=2)
GOOD = {"name": INPUT, "shape": [1, NETWORK.width], "datatype": "FP32", "data": [0.5] * NETWORK.width}
BAD = {**GOOD, "shape": [1, 3], "data": [0.5] * 3}
"""The network multiplies by a matrix of another size, and fails."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MLServer]:
    with mlserver(tmp_path_factory.mktemp("mlserver"), NETWORK) as server:
        yield server


@pytest.fixture
def adapter(server: MLServer) -> Iterator[PrometheusAdapter]:
    ask_http(server, GOOD)
    told = {"metrics_url": server.metrics_url, "url": server.http_url, "metrics": {"server": "mlserver"}}
    adapter = PrometheusAdapter(WorkloadDefinition("shop", {**told, "model": MODEL}))
    adapter.open()
    yield adapter
    adapter.close()


def ask_http(server: MLServer, tensor: dict[str, object]) -> float | None:
    """Sends one request; returns its latency in seconds, None if it failed."""
    request = urllib.request.Request(
        f"{server.http_url}/v2/models/{MODEL}/infer",
        json.dumps({"inputs": [tensor]}).encode(),
        {"Content-Type": "application/json"},
    )
    began_s = monotonic()
    try:
        with urllib.request.urlopen(request, timeout=30.0) as answer:
            answer.read()
    except urllib.error.HTTPError:
        return None
    return monotonic() - began_s


def counted(adapter: PrometheusAdapter, earlier: Traffic) -> Traffic:
    return adapter.traffic().since(earlier)


def test_counts_and_latencies_are_those_that_the_client_saw(server, adapter):
    earlier = adapter.traffic()
    seen_s = [ask_http(server, BAD if number % 5 == 4 else GOOD) for number in range(60)]
    traffic = counted(adapter, earlier)
    answered_s = [latency_s for latency_s in seen_s if latency_s is not None]
    assert (traffic.requests, traffic.failures) == (48.0, 12.0)
    assert len(answered_s) == 48
    latency = traffic.histograms["latency"]
    assert latency.count == 48.0
    assert 0.0 < latency.sum_s <= sum(answered_s)
    # The client's latency holds the server's: of those within a bound, the server has at least as many.
    for bound_s, count in zip(latency.bounds_s, latency.counts, strict=True):
        assert count >= sum(each_s <= bound_s for each_s in answered_s)
    assert traffic.busy_s is not None
    assert 0.0 < traffic.busy_s <= latency.sum_s + sum(latency_s is None for latency_s in seen_s)


def test_requests_over_grpc_are_counted_with_those_over_http(server, adapter):
    other = KserveAdapter(WorkloadDefinition("shop", {"url": server.grpc_url, "model": MODEL}))
    other.open()
    earlier = adapter.traffic()
    for _ in range(10):
        other.infer(1)
        ask_http(server, GOOD)
    traffic = counted(adapter, earlier)
    other.close()
    assert traffic.requests == 20.0
    assert traffic.histograms["latency"].count == 20.0


def test_other_questions_than_requests_are_not_counted(server, adapter):
    earlier = adapter.traffic()
    for _ in range(5):
        urllib.request.urlopen(f"{server.http_url}/v2/models/{MODEL}/ready", timeout=30.0).close()
    traffic = counted(adapter, earlier)
    assert (traffic.requests, traffic.failures, traffic.histograms["latency"].count) == (0.0, 0.0, 0.0)


def test_traffic_that_flows_meanwhile_is_the_scenario_live(server, adapter):
    ending, latencies_s = Event(), []

    def visit() -> None:
        while not ending.is_set():
            latencies_s.append(ask_http(server, GOOD))

    visitor = Thread(target=visit)
    generator = load_generator(adapter, Load("live", batch_size=1))
    before = adapter.traffic()
    visitor.start()
    try:
        stretches = [generator.run(0.3) for _ in range(3)]
    finally:
        ending.set()
        visitor.join()
    after = counted(adapter, before)
    told = [stretch.traffic.requests for stretch in stretches if stretch.traffic is not None]
    assert all(count > 0 for count in told)
    assert sum(told) <= after.requests == len(latencies_s)


def test_the_process_that_serves_is_found(server, adapter):
    assert adapter.serving_pid == server.pid


def test_a_model_that_the_server_does_not_have_is_refused(server, adapter):
    told = {"metrics_url": server.metrics_url, "metrics": {"server": "mlserver"}, "model": "elsewhere"}
    with pytest.raises(AdapterError, match=f"no request of the model 'elsewhere', but of '{MODEL}'"):
        PrometheusAdapter(WorkloadDefinition("shop", told)).open()


def test_metrics_are_not_where_requests_are_answered(server, adapter):
    told = {"metrics_url": f"{server.http_url}/metrics", "metrics": {"server": "mlserver"}}
    with pytest.raises(AdapterError, match="status 404"):
        PrometheusAdapter(WorkloadDefinition("shop", told)).open()


def test_a_restart_is_noticed_even_once_more_has_been_counted_than_before(server, adapter):
    before = adapter.traffic()
    server.restart()
    for _ in range(int(before.requests) + 5):
        ask_http(server, GOOD)
    with pytest.raises(AdapterError, match="was started again while it was measured"):
        adapter.traffic()
    assert adapter.traffic().requests == before.requests + 5
    assert adapter.serving_pid == server.pid


def test_a_server_that_nobody_has_asked_yet_says_so(server, adapter):
    adapter.close()
    server.restart()
    with pytest.raises(AdapterError, match="has not answered a request yet"):
        adapter.open()
