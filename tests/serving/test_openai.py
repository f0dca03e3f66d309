"""The adapter of OpenAI-compatible servers against a real one: ``transformers serve`` with a real language model."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import serving_adapter
from serving_adapter.contract import AdapterError, Load, RequestFailedError, WorkloadDefinition
from serving_adapter.openai import OpenAiAdapter
from serving_adapter.runner.client import RunnerClient
from tests.contract.serving_adapter_contract import ServingAdapterContract
from tests.serving.transformers_process import TransformersServer, transformers_server

pytestmark = pytest.mark.serving

ENDPOINTS = ("chat", "completions")
MAX_TOKENS = 16
PROMPT = "The quick brown fox"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransformersServer]:
    with transformers_server(tmp_path_factory.mktemp("server")) as server:
        yield server


def definition_of(
    server: TransformersServer, concurrency: tuple[int, ...] = (1, 4), **options: Any
) -> WorkloadDefinition:
    asked = {"url": server.url, "model": server.model, "max_tokens": MAX_TOKENS, "timeout_s": 30}
    prompt = {} if "prompts" in options or "prompt_tokens" in options else {"prompt": PROMPT}
    return WorkloadDefinition("tiny-llama", {**asked, **prompt, **options}, {"concurrency": list(concurrency)})


@pytest.fixture
def open_adapter(server: TransformersServer) -> Iterator[Any]:
    opened = []

    def open_one(**options: Any) -> OpenAiAdapter:
        adapter = OpenAiAdapter(definition_of(server, **options))
        opened.append(adapter)
        adapter.open()
        return adapter

    yield open_one
    for adapter in opened:
        adapter.close()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
class TestOpenAiAdapter(ServingAdapterContract):
    @pytest.fixture
    def adapter(self, server: TransformersServer, endpoint: str) -> OpenAiAdapter:
        return OpenAiAdapter(definition_of(server, endpoint=endpoint))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_tokens_are_those_that_were_asked_for_and_the_first_comes_before_the_last(
    open_adapter: Any, endpoint: str
) -> None:
    for max_tokens in (2, 64):
        adapter = open_adapter(endpoint=endpoint, max_tokens=max_tokens)
        start_s = adapter.now_s()
        tokens = adapter.infer(1)
        assert tokens.count == max_tokens
        assert start_s < tokens.first_s < adapter.now_s()
        assert adapter.notes() == []


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("prompts", [{"prompts": [PROMPT, "jumps"]}, {"prompt_tokens": 100, "prompt_seed": 3}])
def test_every_kind_of_prompt_is_answered(open_adapter: Any, endpoint: str, prompts: dict[str, Any]) -> None:
    adapter = open_adapter(endpoint=endpoint, **prompts)
    assert [adapter.infer(1).count for _ in range(3)] == [MAX_TOKENS] * 3


def test_the_client_of_openai_sees_the_same_tokens(server: TransformersServer, open_adapter: Any) -> None:
    openai = pytest.importorskip("openai", reason="the client of OpenAI is not installed")
    asked = {"model": server.model, "max_tokens": 40, "temperature": 0, "stream": True}
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        witnessed = {
            "chat": list(client.chat.completions.create(messages=[{"role": "user", "content": PROMPT}], **asked)),
            "completions": list(client.completions.create(prompt=PROMPT, **asked)),
        }
    for endpoint, chunks in witnessed.items():
        assert open_adapter(endpoint=endpoint, max_tokens=40).infer(1).count == chunks[-1].usage.completion_tokens


def test_several_prompts_are_under_way_at_once(open_adapter: Any) -> None:
    adapter = open_adapter(concurrency=(4,), max_tokens=64)
    together = threading.Barrier(4)

    def ask(_: int) -> tuple[float, float, int]:
        together.wait(timeout=30)
        start_s = adapter.now_s()
        tokens = adapter.infer(1)
        assert start_s < tokens.first_s < adapter.now_s()
        return start_s, adapter.now_s(), tokens.count

    with ThreadPoolExecutor(4) as threads:
        asked = list(threads.map(ask, range(4)))
    assert [count for _, _, count in asked] == [64] * 4
    assert max(start_s for start_s, _, _ in asked) < min(end_s for _, end_s, _ in asked)


def test_the_serving_process_is_that_of_the_server(server: TransformersServer, open_adapter: Any) -> None:
    assert open_adapter().serving_pid == server.pid


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "another"}, "status 400: .*Server is pinned to .*; requested 'another'"),
        ({"ignore_eos": True}, "status 422: .*Unexpected fields in the request: .*ignore_eos"),
        ({"url": "http://127.0.0.1:1"}, "cannot be reached"),
    ],
)
def test_what_the_server_refuses_is_said_in_its_own_words(open_adapter: Any, options: Any, words: str) -> None:
    with pytest.raises(AdapterError, match=words):
        open_adapter(**options)


def test_a_server_without_metrics_says_so_under_live(server: TransformersServer, open_adapter: Any) -> None:
    with pytest.raises(AdapterError, match="metrics_url"):
        open_adapter().traffic()
    with pytest.raises(AdapterError, match="404"):
        open_adapter(metrics_url=f"{server.url}/metrics").traffic()


def test_tokens_cross_from_the_runner_to_the_daemon(server: TransformersServer) -> None:
    package = str(Path(serving_adapter.__file__).parent)
    runner = RunnerClient(
        interpreter=sys.executable,
        adapter="serving_adapter.openai:OpenAiAdapter",
        definition=definition_of(server, concurrency=(1,)),
        packages={"serving_adapter": package},
    )
    runner.start()
    try:
        runner.open()
        runner.start_load(Load("single-stream", 1))
        completions = runner.run(0.3).completions
    finally:
        runner.close()
    assert completions
    for completion in completions:
        assert not completion.failure
        assert completion.tokens is not None
        assert completion.start_s < completion.tokens.first_s < completion.finish_s
        assert completion.tokens.count == MAX_TOKENS


def test_a_server_killed_in_mid_stream_fails_that_request_and_the_next(tmp_path: Path) -> None:
    with transformers_server(tmp_path) as server, ThreadPoolExecutor(1) as threads:
        adapter = OpenAiAdapter(definition_of(server, max_tokens=1000))
        adapter.open()
        under_way = threads.submit(adapter.infer, 1)
        wait_for_answers(server, 2)
        server.kill()
        with pytest.raises(RequestFailedError, match=r"and its answer (ended too early|did not come)"):
            under_way.result(timeout=30)
        with pytest.raises(RequestFailedError, match="cannot be reached"):
            adapter.infer(1)
        adapter.close()


def wait_for_answers(server: TransformersServer, count: int) -> None:
    """Waits until the server has begun to answer so many prompts."""
    deadline_s = time.monotonic() + 30
    while server.log.read_text().count('/v1/chat/completions HTTP/1.1" 200') < count:
        assert time.monotonic() < deadline_s, "the server does not answer"
        time.sleep(0.01)
