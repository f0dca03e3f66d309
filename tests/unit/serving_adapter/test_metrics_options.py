"""What the operator says about a server's metrics."""

from typing import Any

import pytest

from serving_adapter.contract import AdapterError
from serving_adapter.metrics import metrics_reader
from serving_adapter.metrics.options import read_preset


@pytest.mark.parametrize(
    ("name", "unit_s"),
    [
        ("answer_seconds", 1.0),
        ("answer_s", 1.0),
        ("answer_ms", 1e-3),
        ("answer_milliseconds", 1e-3),
        ("answer_duration_us", 1e-6),
        ("answer_microseconds", 1e-6),
        ("answer_ns", 1e-9),
        ("answer_nanoseconds", 1e-9),
        ("answer_duration", 1.0),
        ("answers", 1.0),
    ],
)
def test_the_unit_is_told_by_the_name(name, unit_s):
    (series,) = read_preset("shop", {"latency": name}, "").latency
    assert series.unit_s == unit_s


def test_the_unit_of_a_sum_is_told_by_the_name_before_its_ending():
    preset = read_preset("shop", {"latency": "a", "busy": ["work_ms_total", "work_us_sum"]}, "")
    assert [series.unit_s for series in preset.busy] == [1e-3, 1e-6]


def test_the_unit_can_be_said():
    (series,) = read_preset("shop", {"latency": {"series": 'wait{kind="all"}', "unit": "us"}}, "").latency
    assert (series.names, dict(series.labels), series.unit_s) == (("wait",), {"kind": ("all",)}, 1e-6)


def test_requests_are_counted_by_their_latencies_where_nothing_else_is_named():
    (series,) = read_preset("shop", {"latency": 'wait_ms{route="a"}'}, "").requests
    assert (series.names, dict(series.labels), series.unit_s) == (("wait_ms_count",), {"route": ("a",)}, 1.0)


def test_what_is_said_goes_before_what_is_known_of_the_server():
    preset = read_preset("shop", {"requests": ["a", "b"], "server": "tgi"}, "vllm")
    assert [series.names for series in preset.requests] == [("a",), ("b",)]
    assert preset.latency[0].names == ("tgi_request_duration",)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (None, "does not say what counts its requests"),
        ({}, "does not say what counts its requests"),
        ({"failures": "x"}, "does not say what counts its requests"),
        ("triton", "is no table"),
        ({"server": "apache"}, "use one of llamacpp, mlserver"),
        ({"server": ["vllm"]}, "use one of llamacpp, mlserver"),
        ({"latencies": "x"}, "metrics.latencies of the workload 'shop' does not exist: use server, requests"),
        ({"latency": ""}, "names no series"),
        ({"latency": "rate(x[5m])"}, "names no series"),
        ({"latency": 'x{a=~"b.*"}'}, "names no series"),
        ({"latency": 5}, "is not understood"),
        ({"latency": []}, "is empty"),
        ({"latency": [["x"]]}, "is not understood"),
        ({"latency": {"series": "x", "unit": "minutes"}}, "units s, ms, us, ns"),
        ({"latency": {"series": "x", "units": "ms"}}, "is not understood"),
        ({"latency": {"unit": "ms"}}, "is not understood"),
        ({"latency": "x", "requests": {"series": "y", "unit": "ms"}}, "is not understood"),
    ],
)
def test_what_is_wrong_is_one_sentence(table: Any, words: str):
    with pytest.raises(AdapterError) as refused:
        read_preset("shop", table, "")
    assert words in str(refused.value)
    assert "'shop'" in str(refused.value)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("options", [{"metrics_url": 5}, {"metrics_url": "http://127.0.0.1/m", "model": ["a"]}])
def test_an_address_and_a_model_are_texts(options):
    with pytest.raises(AdapterError, match="must be texts"):
        metrics_reader("shop", options, "triton")


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "http://user:secret@host/metrics", "host:9090"])
def test_an_address_is_one_of_a_server(url):
    with pytest.raises(AdapterError) as refused:
        metrics_reader("shop", {"metrics_url": url}, "triton")
    assert "secret" not in str(refused.value)
