"""Counts of real traffic out of a server's answers, and every way in which they can mean nothing."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import AdapterError, RequestFailedError, Traffic
from serving_adapter.metrics import metrics_reader
from serving_adapter.metrics.exposition import parse_exposition
from serving_adapter.metrics.options import read_preset
from serving_adapter.metrics.presets import PRESETS
from serving_adapter.metrics.reader import MetricsReader
from serving_adapter.metrics.series import Series, histogram, total
from serving_adapter.web import Endpoint
from tests.unit.serving_adapter.exposition_text import histogram as histogram_lines
from tests.unit.serving_adapter.exposition_text import line, page
from tests.unit.serving_adapter.faulty_server import (
    Behaviour,
    FaultyServer,
    cut_off,
    drip,
    garbage,
    hang_up,
    huge,
    reply,
    silence,
)

INF = math.inf
BOUNDS_S = (0.01, 0.1)
PLAIN = {"requests": "answers_total", "latency": "answer_seconds", "failures": "errors_total"}


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as server:
        yield server


def plain_page(*latencies_s: float, failures: int = 0, started_s: float = 100.0) -> bytes:
    return page(
        line("answers_total", {}, len(latencies_s)),
        line("errors_total", {}, failures),
        line("process_start_time_seconds", {}, started_s),
        *histogram_lines("answer_seconds", BOUNDS_S, latencies_s),
    )


def reader_of(server: FaultyServer, options: dict[str, Any] | None = None, preset: str = "") -> MetricsReader:
    options = {"metrics": PLAIN} if options is None else options
    reader = metrics_reader("shop", {"metrics_url": f"{server.url}/metrics", **options}, preset)
    assert reader is not None
    return reader


def looks(server: FaultyServer, reader: MetricsReader, *pages: bytes) -> list[Traffic]:
    server.answers(*(reply(content) for content in pages))
    return [reader.traffic() for _ in pages]


def refusal(server: FaultyServer, reader: MetricsReader, *pages: bytes) -> str:
    """What is said of the last page; those before it are well."""
    server.answers(*(reply(content) for content in pages))
    for _ in pages[1:]:
        reader.traffic()
    with pytest.raises(AdapterError) as refused:
        reader.traffic()
    sentence = str(refused.value)
    assert "shop" in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_without_an_address_there_is_nothing_to_read():
    assert metrics_reader("shop", {"model": "x", "metrics": PLAIN}, "triton") is None


def test_what_was_counted_between_two_looks_is_their_difference(server):
    earlier, now = looks(
        server,
        reader_of(server),
        plain_page(0.005, 0.02, failures=1),
        plain_page(0.005, 0.02, 0.05, 0.7, failures=3),
    )
    seen = now.since(earlier)
    assert (seen.requests, seen.failures) == (2.0, 2.0)
    assert seen.histograms["latency"].bounds_s == (*BOUNDS_S, INF)
    assert seen.histograms["latency"].counts == (0.0, 1.0, 2.0)
    assert seen.histograms["latency"].sum_s == pytest.approx(0.75)
    assert (seen.output_tokens, seen.busy_s) == (None, None)


def test_the_oldest_format_is_asked_for_on_one_connection(server):
    looks(server, reader_of(server), plain_page(0.01), plain_page(0.01))
    assert {request.headers["accept"] for request in server.requests} == {"text/plain;version=0.0.4"}
    assert {request.target for request in server.requests} == {"/metrics"}
    assert server.connections == 1


def test_a_server_that_was_started_again_is_noticed_whatever_it_has_counted_since(server):
    pages = [plain_page(0.01), plain_page(0.01, 0.02, 0.03, started_s=200.0)]
    reader = reader_of(server)
    assert "was started again while it was measured" in refusal(server, reader, *pages)
    (afresh,) = looks(server, reader, pages[-1])
    assert afresh.requests == 3.0


def test_a_server_without_a_start_is_known_to_be_new_by_its_counts(server):
    pages = [content.replace(b"process_start_time_seconds", b"x") for content in (plain_page(1, 2, 3), plain_page(1))]
    earlier, now = looks(server, reader_of(server), *pages)
    with pytest.raises(AdapterError, match="started again"):
        now.since(earlier)


FAULTS: dict[str, Behaviour] = {
    "no such page": reply(b"no such page", status=404),
    "overloaded": reply(b"", status=503),
    "garbage": garbage(),
    "hangs up": hang_up(),
    "silent": silence(),
    "drips": drip(plain_page(0.01), gap_s=0.05),
    "cut off": cut_off(plain_page(0.01), after=20),
    "huge": huge(1 << 21),
    "huge without saying so": huge(1 << 21, announced=False),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_fails_for_once_can_be_asked_again(server, fault):
    endpoint = Endpoint(f"{server.url}/metrics", timeout_s=0.3, longest_answer_bytes=1 << 20)
    reader = MetricsReader("shop", endpoint, read_preset("shop", PLAIN, ""))
    server.answers(FAULTS[fault])
    with pytest.raises(RequestFailedError) as failed:
        reader.traffic()
    assert server.url in str(failed.value)
    server.answers(reply(plain_page(0.01)))
    assert reader.traffic().requests == 1.0


def test_a_server_that_is_down_is_one_sentence(server):
    reader = reader_of(server)
    server.stop()
    with pytest.raises(RequestFailedError, match=server.url):
        reader.traffic()
    server.start()
    assert looks(server, reader, plain_page(0.01))[0].requests == 1.0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>Welcome</html>", "not in the text format of Prometheus: Line 1"),
        (b"\xff", "not in UTF-8"),
        (b"", "no count of requests"),
        (page("other 1"), "no count of requests"),
        (page("answers_total 3"), "no histogram of latencies"),
        (page("answers_total 0", declared=("answer_seconds",)), "has not answered a request yet"),
    ],
)
def test_what_tells_nothing_is_refused_in_one_sentence(server, content, words):
    assert words in refusal(server, reader_of(server), content)


BUCKETS = ['answer_seconds_bucket{le="0.1"} 3', 'answer_seconds_bucket{le="+Inf"} 4', "answer_seconds_sum 1.5"]


@pytest.mark.parametrize(
    "lines",
    [
        ["answers_total NaN", *BUCKETS],
        ["answers_total -1", *BUCKETS],
        ["answers_total +Inf", *BUCKETS],
        ["answers_total 4", *BUCKETS[:1], BUCKETS[2]],
        ["answers_total 4", *BUCKETS[:2]],
        ["answers_total 4", *BUCKETS[:2], "answer_seconds_sum NaN"],
        ["answers_total 4", BUCKETS[0].replace(" 3", " 5"), *BUCKETS[1:]],
        ["answers_total 4", BUCKETS[0].replace(" 3", " NaN"), *BUCKETS[1:]],
        ["answers_total 4", *BUCKETS, 'answer_seconds_bucket{le="0.10"} 3'],
        ["answers_total 4", *BUCKETS, 'answer_seconds_bucket{le="soon"} 3'],
        ["answers_total 4", *BUCKETS, 'answer_seconds_bucket{le="NaN"} 3'],
        ["answers_total 4", *BUCKETS, "answer_seconds_bucket 3"],
    ],
)
def test_counts_that_cannot_be_are_refused(server, lines):
    server.answers(reply(page(*lines)))
    with pytest.raises(AdapterError) as refused:
        reader_of(server).traffic()
    assert not isinstance(refused.value, RequestFailedError)


def model_page(**requests: int) -> bytes:
    counts = [line("nv_inference_request_success", {"model": name, "version": "1"}, n) for name, n in requests.items()]
    waits = [
        text
        for name, n in requests.items()
        for text in histogram_lines("answer_ms", (10, 100), [20.0] * n, {"model": name})
    ]
    return page(*counts, *waits, declared=("nv_inference_request_success",))


APART = {"metrics": {"latency": 'answer_ms{model="a"}'}, "model": "a"}


def test_of_several_models_the_one_that_is_meant_counts(server):
    (seen,) = looks(server, reader_of(server, APART, "triton"), model_page(a=3, b=40))
    assert seen.requests == 3.0
    assert seen.histograms["latency"].counts == (0.0, 3.0, 3.0)
    assert seen.histograms["latency"].bounds_s == (0.01, 0.1, INF)


def test_of_several_models_one_must_be_named(server):
    said = refusal(server, reader_of(server, {"metrics": APART["metrics"]}, "triton"), model_page(a=3, b=40))
    assert "serves 'a', 'b'" in said


def test_a_model_that_the_server_does_not_know_is_refused_with_those_that_it_knows(server):
    said = refusal(server, reader_of(server, {**APART, "model": "c"}, "triton"), model_page(a=3, b=40))
    assert "no request of the model 'c', but of 'a', 'b'" in said


def test_latencies_that_are_not_told_apart_are_refused_only_while_another_model_is_served(server):
    options = {"model": "a", "metrics": {"latency": "answer_ms"}}
    reader = reader_of(server, options, "triton")
    looks(server, reader, model_page(a=3, b=40), model_page(a=5, b=40))
    assert "has served another model meanwhile" in refusal(server, reader, model_page(a=6, b=41))
    looks(server, reader, model_page(a=6, b=41), model_page(a=9, b=41))


# What servers show, written after their own documentation and source: always the same traffic.


def seconds(name: str, labels: dict[str, str], unit_s: float = 1.0) -> list[str]:
    return histogram_lines(name, (0.25 / unit_s, 1.0 / unit_s), [0.5 / unit_s, 2.0 / unit_s], labels)


VLLM_LABELS = {"engine": "0", "model_name": "m"}
SERVERS = {
    "vllm": [
        *(
            line("vllm:request_success_total", {**VLLM_LABELS, "finished_reason": reason}, count)
            for reason, count in (("stop", 4), ("length", 3), ("abort", 2), ("error", 1))
        ),
        *seconds("vllm:e2e_request_latency_seconds", VLLM_LABELS),
        *seconds("vllm:time_to_first_token_seconds", VLLM_LABELS),
        *seconds("vllm:inter_token_latency_seconds", VLLM_LABELS),
        *seconds("vllm:request_time_per_output_token_seconds", VLLM_LABELS),
        line("vllm:generation_tokens_total", VLLM_LABELS, 90),
        *seconds("vllm:request_inference_time_seconds", VLLM_LABELS),
    ],
    "openvino": [
        *(
            line("ovms_requests_success", {"api": "KServe", "interface": "REST", "method": method, "name": "m"}, count)
            for method, count in (("ModelInfer", 7), ("ModelReady", 900))
        ),
        line("ovms_requests_fail", {"api": "KServe", "interface": "gRPC", "method": "ModelInfer", "name": "m"}, 3),
        *seconds("ovms_request_time_us", {"interface": "REST", "name": "m", "version": "1"}, unit_s=1e-6),
    ],
    "tgi": [
        line("tgi_request_success", {}, 7),
        line("tgi_request_failure", {"err": "overloaded"}, 1),
        line("tgi_request_failure", {"err": "validation"}, 2),
        *seconds("tgi_request_duration", {}),
        *seconds("tgi_request_mean_time_per_token_duration", {}),
        *seconds("tgi_request_inference_duration", {}),
        line("tgi_request_generated_tokens_sum", {}, 90),
    ],
}


@pytest.mark.parametrize("preset", SERVERS)
def test_a_servers_own_names_and_units_are_known(server, preset):
    (seen,) = looks(server, reader_of(server, {"model": "m"}, preset), page(*SERVERS[preset]))
    assert (seen.requests, seen.failures) == (7.0, 3.0)
    assert set(seen.histograms) == {"vllm": {"latency", "ttft", "tpot"}, "tgi": {"latency", "tpot"}}.get(
        preset, {"latency"}
    )
    for found in seen.histograms.values():
        assert found.bounds_s == (0.25, 1.0, INF)
        assert found.counts == (0.0, 1.0, 2.0)
        assert found.sum_s == pytest.approx(2.5)
    assert seen.busy_s == pytest.approx(2.5)
    assert seen.output_tokens == (None if preset == "openvino" else 90.0)


def test_older_names_of_a_metric_are_known(server):
    content = page(*SERVERS["vllm"]).replace(b"vllm:request_time_per_output_token_seconds", b"gone")
    (seen,) = looks(server, reader_of(server, {"model": "m"}, "vllm"), content)
    assert set(seen.histograms) == {"latency", "ttft", "tpot"}


def test_the_engines_of_one_server_are_added_up(server):
    second = [text.replace('engine="0"', 'engine="1"') for text in SERVERS["vllm"]]
    (seen,) = looks(server, reader_of(server, {"model": "m"}, "vllm"), page(*SERVERS["vllm"], *second))
    assert seen.requests == 14.0
    assert seen.histograms["latency"].counts == (0.0, 2.0, 4.0)


TRITON = [
    line("nv_inference_request_success", {"model": "m", "version": "1"}, 7),
    line("nv_inference_request_failure", {"model": "m", "version": "1", "reason": "OTHER"}, 3),
    line("nv_inference_request_duration_us", {"model": "m", "version": "1"}, 2_500_000),
    *histogram_lines("nv_inference_first_response_histogram_ms", (100, 500), [200.0], {"model": "m", "version": "1"}),
    line("nv_inference_request_summary_us", {"model": "m", "version": "1", "quantile": "0.99"}, math.nan),
]


def test_triton_has_no_latencies_of_requests_and_the_sentence_says_what_helps(server):
    said = refusal(server, reader_of(server, {"model": "m"}, "triton"), page(*TRITON))
    assert "shows no histogram of latencies: Triton has only a sum" in said
    assert "metrics.latency" in said


def test_triton_with_the_histogram_of_a_proxy(server):
    content = page(*TRITON, *histogram_lines("envoy_ms", (10,), [5.0] * 7))
    (seen,) = looks(server, reader_of(server, {"model": "m", "metrics": {"latency": "envoy_ms"}}, "triton"), content)
    assert (seen.requests, seen.failures, seen.busy_s) == (7.0, 3.0, 2.5)
    assert seen.histograms["latency"].sum_s == pytest.approx(0.035)
    assert seen.histograms["ttft"].bounds_s == pytest.approx((0.1, 0.5, INF))


def test_llama_cpp_counts_no_requests_and_the_sentence_says_what_helps(server):
    with pytest.raises(AdapterError, match=r"counts tokens and not requests: .* put a proxy before it"):
        reader_of(server, {}, "llamacpp")


def test_a_server_that_shows_its_failures_with_the_first_of_them_has_none_before(server):
    lines = [text for text in SERVERS["tgi"] if "failure" not in text]
    (seen,) = looks(server, reader_of(server, {}, "tgi"), page(*lines))
    assert seen.failures == 0.0


def test_every_preset_says_how_its_server_is_called_and_what_helps():
    for preset in PRESETS.values():
        assert preset.server
        assert preset.advice
        assert not preset.advice.endswith(".")


OBSERVATIONS_S = st.lists(st.floats(min_value=0.0, max_value=20.0), min_size=1, max_size=40)


@given(first=OBSERVATIONS_S, rest=OBSERVATIONS_S, unit=st.sampled_from([1.0, 1e-3, 1e-6]))
def test_of_any_observations_the_difference_of_two_looks_is_the_histogram_of_the_later_ones(first, rest, unit):
    series = (Series(("wait",), unit_s=unit),)
    bounds = (0.5, 1.0, 5.0)

    def look(observed_s: list[float]) -> Traffic:
        lines = histogram_lines("wait", [bound / unit for bound in bounds], [each / unit for each in observed_s])
        found = histogram(parse_exposition(page(*lines)), series, "")
        assert found is not None
        return Traffic(requests=found.count, histograms={"latency": found})

    seen = look([*first, *rest]).since(look(first)).histograms["latency"]
    expected = [sum(each / unit <= bound / unit for each in rest) for bound in (*bounds, INF)]
    assert list(seen.counts) == expected
    assert seen.sum_s == pytest.approx(math.fsum(rest), abs=1e-6)


@given(st.lists(st.integers(0, 10**9), max_size=8))
def test_counts_of_all_labels_are_added_up(counts):
    content = page(*(line("n", {"k": str(key)}, count) for key, count in enumerate(counts)), declared=("n",))
    assert total(parse_exposition(content), (Series(("n",)),), "") == sum(counts)
    assert total(parse_exposition(content), (Series(("other",)),), "") is None


def test_histograms_with_different_buckets_cannot_be_added_up():
    lines = [*histogram_lines("a", (1,), [0.5]), *histogram_lines("b", (2,), [0.5])]
    with pytest.raises(AdapterError, match="a and b have different buckets"):
        histogram(parse_exposition(page(*lines)), (Series(("a",)), Series(("b",))), "")
