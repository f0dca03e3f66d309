"""The adapter of OpenAI-compatible servers: what it asks, and what a definition may say."""

import itertools
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.openai import OpenAiAdapter
from serving_adapter.openai.prompts import synthetic_prompts
from tests.unit.serving_adapter.faulty_server import FaultyServer, events, reply

ANSWER = (
    b'{"choices": [{"text": "a"}]}',
    b'{"choices": [{"text": "b", "finish_reason": "stop"}], "usage": {"completion_tokens": 2}}',
    b"[DONE]",
)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        running.answers(events(ANSWER))
        yield running


def adapter_of(server: FaultyServer, **options: Any) -> OpenAiAdapter:
    asked = {"url": server.url, "model": "m", "prompt": "Say a word."}
    given = {name: value for name, value in {**asked, **options}.items() if value is not None}
    return OpenAiAdapter(WorkloadDefinition("tested", given, {"concurrency": [1, 4]}))


def bodies(server: FaultyServer, count: int = 1, **options: Any) -> list[dict[str, Any]]:
    """Returns the bodies of so many requests; the first is sent by opening."""
    adapter = adapter_of(server, **options)
    adapter.open()
    for _ in range(count - 1):
        adapter.infer(1)
    adapter.close()
    return [json.loads(request.body) for request in server.requests]


def test_a_chat_is_asked_for_with_one_message_of_the_user(server: FaultyServer) -> None:
    assert bodies(server) == [
        {
            "model": "m",
            "messages": [{"role": "user", "content": "Say a word."}],
            "max_tokens": 128,
            "temperature": 0.0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ]
    request = server.requests[0]
    assert (request.method, request.target) == ("POST", "/v1/chat/completions")
    assert request.headers["content-type"] == "application/json"
    assert "authorization" not in request.headers


def test_a_completion_is_asked_for_with_the_prompt_and_only_what_was_set(server: FaultyServer) -> None:
    (body,) = bodies(
        server,
        endpoint="completions",
        max_tokens=7,
        min_tokens=7,
        ignore_eos=True,
        temperature=0.5,
        extra={"top_k": 1, "stream_options": {"include_usage": False}, "nested": {"list": [1, "a"]}},
    )
    assert body == {
        "model": "m",
        "prompt": "Say a word.",
        "max_tokens": 7,
        "min_tokens": 7,
        "ignore_eos": True,
        "temperature": 0.5,
        "stream": True,
        "top_k": 1,
        "stream_options": {"include_usage": False},
        "nested": {"list": [1, "a"]},
    }
    assert server.requests[0].target == "/v1/completions"


@pytest.mark.parametrize(
    ("suffix", "target"),
    [("", ""), ("/", ""), ("/v1", ""), ("/v1/", ""), ("/proxy", "/proxy"), ("/proxy/v1", "/proxy")],
)
def test_the_address_may_name_the_version_or_not(server: FaultyServer, suffix: str, target: str) -> None:
    bodies(server, url=server.url + suffix)
    assert server.requests[0].target == f"{target}/v1/chat/completions"


def test_several_prompts_are_used_in_turn_on_one_connection(server: FaultyServer) -> None:
    asked = bodies(server, 5, prompt=None, prompts=["a", "b"], endpoint="completions")
    assert [body["prompt"] for body in asked] == ["a", "b", "a", "b", "a"]
    assert server.connections == 1


def test_synthetic_prompts_are_the_same_with_the_same_seed_only(server: FaultyServer) -> None:
    options: dict[str, Any] = {"prompt": None, "prompt_tokens": 50, "endpoint": "completions"}
    first, again, other = (
        [body["prompt"] for body in bodies(server, 3, prompt_seed=seed, **options)][-3:] for seed in (1, 1, 2)
    )
    assert first == again != other
    assert [len(prompt.split()) for prompt in first] == [50] * 3


@given(st.integers(8, 300), st.integers(0, 2**32))
def test_no_synthetic_prompt_begins_like_another(words: int, seed: int) -> None:
    prompts = list(itertools.islice(synthetic_prompts(words, seed), 50))
    assert {len(prompt.split()) for prompt in prompts} == {words}
    assert len({tuple(prompt.split()[:8]) for prompt in prompts}) == 50


def test_the_key_comes_from_the_environment(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTED_KEY", " sk-secret\n")
    bodies(server, authorization_environment="TESTED_KEY")
    assert server.requests[0].headers["authorization"] == "Bearer sk-secret"


@pytest.mark.parametrize("value", [None, "", " \n"])
def test_a_key_that_is_missing_is_named(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("TESTED_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("TESTED_KEY", value)
    with pytest.raises(AdapterError, match="environment variable 'TESTED_KEY', which is not set or empty"):
        adapter_of(server, authorization_environment="TESTED_KEY").open()


def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTED_KEY", "sk\r\nX-Injected: secret")
    with pytest.raises(AdapterError, match="Authorization") as raised:
        adapter_of(server, authorization_environment="TESTED_KEY").open()
    assert "secret" not in str(raised.value)
    assert not server.requests


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": None}, "lacks the option 'url'"),
        ({"url": "127.0.0.1:8000"}, "write it like http://host"),
        ({"url": "http://me:secret@127.0.0.1"}, "password"),
        ({"model": None}, "lacks the option 'model'"),
        ({"model": 7}, "'model' .* is 7: it must be a text"),
        ({"endpoint": "responses"}, "'endpoint' .* it must be 'chat' or 'completions'"),
        ({"prompt": None}, "has no prompt: give exactly one of prompt, prompts and prompt_tokens"),
        ({"prompts": ["a"]}, "has prompt and prompts: give exactly one"),
        ({"prompt_tokens": 7}, "has prompt and prompt_tokens: give exactly one"),
        ({"prompt": ""}, "'prompt' .* it must be a text"),
        ({"prompt": None, "prompts": []}, "has an empty prompt"),
        ({"prompt": None, "prompts": ["a", ""]}, "has an empty prompt"),
        ({"prompt": None, "prompts": "a"}, "'prompts' .* it must be a list of texts"),
        ({"prompt": None, "prompt_tokens": 0}, "'prompt_tokens' .* is 0"),
        ({"prompt": None, "prompt_tokens": 9, "prompt_seed": "a"}, "'prompt_seed' .* is 'a'"),
        ({"prompt_seed": 1}, "prompt_seed, which nothing is drawn with"),
        ({"max_tokens": 0}, "'max_tokens' .* is 0"),
        ({"max_tokens": "many"}, "'max_tokens' .* is 'many'"),
        ({"min_tokens": -1}, "'min_tokens' .* is -1"),
        ({"min_tokens": 129}, "min_tokens = 129, which is more than max_tokens = 128"),
        ({"ignore_eos": 1}, "'ignore_eos' .* is 1"),
        ({"temperature": -1}, "'temperature' .* is -1"),
        ({"temperature": True}, "'temperature' .* is True"),
        ({"temperature": "hot"}, "'temperature' .* is 'hot'"),
        ({"timeout_s": 0}, "'timeout_s' .* is 0"),
        ({"extra": ["top_k"]}, "'extra' .* it must be a table"),
        ({"extra": {"n": 2}}, "'extra' .* holds 'n', which is not free"),
        ({"extra": {"echo": True}}, "'extra' .* holds 'echo'"),
        ({"extra": {"max_tokens": 9}}, "'extra' .* holds 'max_tokens'"),
        ({"extra": {"stream": False}}, "'extra' .* holds 'stream'"),
        ({"extra": {"top_p": float("nan")}}, "'extra' .* cannot be sent as JSON"),
        ({"extra": {"when": object()}}, "'extra' .* cannot be sent as JSON"),
        ({"authorization_environment": 7}, "'authorization_environment' .* is 7"),
        ({"metrics_url": 7}, "metrics_url"),
        ({"batch": 7}, "has the option 'batch', which its adapter does not know: use authorization_environment"),
    ],
)
def test_an_option_that_is_wrong_is_named_in_one_sentence_before_anything_is_asked(
    server: FaultyServer, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(AdapterError, match=message) as raised:
        adapter_of(server, **options).open()
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")
    assert "secret" not in str(raised.value)
    assert not server.requests


@pytest.mark.parametrize("name", ["batch_size", "threads"])
def test_a_parameter_that_is_the_servers_own_affair_is_refused(server: FaultyServer, name: str) -> None:
    adapter = OpenAiAdapter(
        WorkloadDefinition("tested", {"url": server.url, "model": "m", "prompt": "a"}, {name: [1, 2]})
    )
    with pytest.raises(AdapterError, match=f"'{name}', which its adapter does not have: use concurrency"):
        adapter.open()


@pytest.mark.parametrize("items", [0, 2, -1])
def test_a_request_is_one_prompt(server: FaultyServer, items: int) -> None:
    adapter = adapter_of(server)
    adapter.open()
    with pytest.raises(AdapterError, match=f"batch of {items} items"):
        adapter.infer(items)
    assert len(server.requests) == 1


def test_what_was_closed_answers_nothing_until_it_is_opened_again(server: FaultyServer) -> None:
    adapter = adapter_of(server)
    for _ in range(2):
        adapter.open()
        assert adapter.infer(1).count == 2
        adapter.close()
        adapter.close()
        with pytest.raises(AdapterError, match="'tested' is not open"):
            adapter.infer(1)
        with pytest.raises(AdapterError, match="'tested' is not open"):
            _ = adapter.serving_pid
    assert len(server.requests) == 4


def test_concurrency_is_the_highest_until_configured(server: FaultyServer) -> None:
    adapter = adapter_of(server)
    adapter.open()
    assert adapter.concurrency == 4
    adapter.configure({"serving.concurrency": 1})
    assert (adapter.concurrency, adapter.current()) == (1, {"serving.concurrency": 1})


def test_the_process_that_serves_is_the_one_that_listens(server: FaultyServer) -> None:
    adapter = adapter_of(server)
    adapter.open()
    assert adapter.serving_pid == os.getpid()


def test_traffic_is_what_the_servers_own_metrics_say(server: FaultyServer) -> None:
    with FaultyServer() as metrics:
        metrics.answers(reply(VLLM_METRICS, headers={"Content-Type": "text/plain; version=0.0.4"}))
        adapter = adapter_of(server, metrics_url=f"{metrics.url}/metrics")
        adapter.open()
        traffic = adapter.traffic()
        adapter.close()
    assert (traffic.requests, traffic.output_tokens) == (5.0, 640.0)
    assert {"latency", "ttft"} <= traffic.histograms.keys()


VLLM_METRICS = b"""
# TYPE vllm:request_success_total counter
vllm:request_success_total{model_name="m",finished_reason="stop"} 3
vllm:request_success_total{model_name="m",finished_reason="length"} 2
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{model_name="m"} 640
# TYPE vllm:e2e_request_latency_seconds histogram
vllm:e2e_request_latency_seconds_bucket{model_name="m",le="1.0"} 4
vllm:e2e_request_latency_seconds_bucket{model_name="m",le="+Inf"} 5
vllm:e2e_request_latency_seconds_sum{model_name="m"} 4.5
vllm:e2e_request_latency_seconds_count{model_name="m"} 5
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{model_name="m",le="0.1"} 5
vllm:time_to_first_token_seconds_bucket{model_name="m",le="+Inf"} 5
vllm:time_to_first_token_seconds_sum{model_name="m"} 0.2
vllm:time_to_first_token_seconds_count{model_name="m"} 5
"""


def test_without_metrics_there_is_no_live_traffic(server: FaultyServer) -> None:
    adapter = adapter_of(server)
    adapter.open()
    with pytest.raises(AdapterError, match="metrics_url"):
        adapter.traffic()
