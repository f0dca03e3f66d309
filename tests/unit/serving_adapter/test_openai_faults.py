"""The adapter of OpenAI-compatible servers, against one that answers as badly as it can."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import AdapterError, Completion, Load, RequestFailedError, WorkloadDefinition
from serving_adapter.openai import OpenAiAdapter
from serving_adapter.openai.events import Event
from serving_adapter.openai.events import events as parsed
from serving_adapter.scenario import load_generator
from serving_adapter.web import Endpoint
from tests.unit.serving_adapter.faulty_server import (
    Behaviour,
    Exchange,
    FaultyServer,
    chunked,
    cut_off,
    drip,
    events,
    garbage,
    hang_up,
    huge,
    reply,
    silence,
)

ROLE = b'{"choices": [{"delta": {"role": "assistant"}}]}'
WORD = b'{"choices": [{"delta": {"content": "a"}}]}'
STOP = b'{"choices": [{"delta": {}, "finish_reason": "stop"}]}'
USAGE = b'{"choices": [], "usage": {"completion_tokens": 2}}'
DONE = b"[DONE]"
GOOD = (ROLE, WORD, WORD, STOP, USAGE, DONE)


@pytest.fixture
def adapter(server: FaultyServer) -> Iterator[OpenAiAdapter]:
    """An adapter that the server has answered well once."""
    server.answers(events(GOOD))
    adapter = adapter_of(server)
    adapter.open()
    yield adapter
    adapter.close()


def adapter_of(server: FaultyServer, **options: Any) -> OpenAiAdapter:
    asked = {"url": server.url, "model": "m", "prompt": "Say a word.", "max_tokens": 4}
    return OpenAiAdapter(WorkloadDefinition("tested", {**asked, **options}, {"concurrency": [4]}))


def one_sentence(error: BaseException) -> bool:
    text = str(error)
    return text.endswith((".", "?")) and "\n" not in text and len(text) < 700


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (reply(b'{"error": {"message": "The model `m` does not exist."}}', 404), "status 404: .*does not exist"),
        (reply(b"busy", 503), "status 503: busy"),
        (chunked([b'data: {"error": "overloaded"}\n\n'], status=429), "status 429: .*overloaded"),
        (reply(b"<html>hello</html>"), "something else than a stream of events: '<html>hello</html>"),
        (reply(b'{"choices": [{"message": {"content": "whole"}}]}'), "something else than a stream of events"),
        (reply(b""), "broke its answer off"),
        (hang_up(), "its answer "),
        (garbage(), "its answer "),
        (events([ROLE, WORD]), "stream ended without a finish_reason"),
        (events([ROLE, WORD, DONE]), "stream ended without a finish_reason"),
        (events([ROLE, WORD], cut=True), "its answer "),
        (cut_off(b"data: " + WORD + b"\n\n", after=20), "its answer "),
        (events([ROLE, WORD, WORD[:20], STOP]), "not JSON"),
        (events([ROLE, STOP, DONE]), "empty answer"),
        (events([ROLE, WORD, b'{"error": {"message": "CUDA out of memory"}}']), "error in its answer: 'CUDA out of"),
        (chunked([b'error: {"message": "context is full"}\n\ndata: [DONE]\n\n']), "'context is full'"),
        (events([WORD] * 2000), "chunk after chunk without end"),
        (events([b"x" * 300_000]), "event of more than"),
        (huge(1 << 22, announced=False), "its answer "),
        (chunked([b": ping\n\n"] * 10), "broke its answer off"),
    ],
)
def test_a_bad_answer_fails_its_request_in_one_sentence_and_the_next_succeeds(
    server: FaultyServer, adapter: OpenAiAdapter, behaviour: Behaviour, message: str
) -> None:
    server.answers(behaviour)
    with pytest.raises(RequestFailedError, match=message) as raised:
        adapter.infer(1)
    assert one_sentence(raised.value)
    assert server.url in str(raised.value)
    server.answers(events(GOOD))
    assert adapter.infer(1).count == 2


@pytest.mark.parametrize(
    "behaviour", [silence(), drip(b"data: " + WORD * 1000, gap_s=0.02), events([WORD] * 999, 0.02)]
)
def test_an_answer_that_takes_too_long_is_cut_off(server: FaultyServer, behaviour: Behaviour) -> None:
    server.answers(events(GOOD), behaviour)
    adapter = adapter_of(server, timeout_s=0.2)
    adapter.open()
    with pytest.raises(RequestFailedError, match=r"not complete within 0\.2 s"):
        adapter.infer(1)
    adapter.close()


@pytest.mark.parametrize("behaviour", [reply(b"unknown model", 404), hang_up(), events([ROLE, STOP])])
def test_a_server_that_does_not_serve_the_model_is_found_by_opening(server: FaultyServer, behaviour: Behaviour) -> None:
    server.answers(behaviour)
    with pytest.raises(AdapterError, match=server.url):
        adapter_of(server).open()


def test_a_server_that_is_down_fails_requests_until_it_is_back(server: FaultyServer, adapter: OpenAiAdapter) -> None:
    for _ in range(2):
        server.stop()
        with pytest.raises(RequestFailedError, match=r"cannot be reached .*: is it running\?"):
            adapter.infer(1)
        server.start()
        assert adapter.infer(1).count == 2


def test_load_flows_on_over_requests_that_fail(server: FaultyServer, adapter: OpenAiAdapter) -> None:
    server.answers(events([ROLE, WORD]), events(GOOD), reply(b"busy", 503), events(GOOD))
    generator = load_generator(adapter, Load("single-stream", 1))
    completions: list[Completion] = []
    while len(completions) < 4:
        completions += generator.run(0.2).completions
    generator.stop()
    assert [completion.tokens is None for completion in completions[:4]] == [True, False, True, False]
    assert [bool(completion.failure) for completion in completions[:4]] == [True, False, True, False]


def test_the_server_sees_that_an_answer_that_has_failed_is_no_longer_listened_to(
    server: FaultyServer, adapter: OpenAiAdapter
) -> None:
    has_noticed = threading.Event()

    def fails_and_goes_on(exchange: Exchange) -> None:
        try:
            events([ROLE, b"garbage", *[WORD] * 1_000_000])(exchange)
        except OSError:
            has_noticed.set()
            raise

    server.answers(fails_and_goes_on)
    with pytest.raises(RequestFailedError, match="not JSON") as raised:
        adapter.infer(1)
    assert has_noticed.wait(10.0)
    assert raised.value.__traceback__ is not None, "what the error still holds would have kept the stream open"


def test_several_answers_are_followed_at_once(server: FaultyServer, adapter: OpenAiAdapter) -> None:
    together = threading.Barrier(4)

    def in_step(exchange: Exchange) -> None:
        together.wait(30.0)
        events(GOOD)(exchange)

    server.answers(in_step)
    with ThreadPoolExecutor(4) as threads:
        assert [tokens.count for tokens in threads.map(adapter.infer, [1] * 4)] == [2] * 4


def test_the_first_token_is_timed_while_the_answer_still_flows(server: FaultyServer, adapter: OpenAiAdapter) -> None:
    is_first_in = threading.Event()
    now_s = adapter.now_s

    def noticing_now_s() -> float:
        is_first_in.set()
        return now_s()

    def waits_for_the_client(exchange: Exchange) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        exchange.chunk(b"data: " + ROLE + b"\n\n")
        assert not is_first_in.wait(0.05), "a role is no token"
        exchange.chunk(b"data: " + WORD + b"\n\n")
        assert is_first_in.wait(30.0), "the first token is not noticed before the last"
        exchange.chunk(b"data: " + STOP + b"\n\n")
        exchange.send(b"0\r\n\r\n")

    server.answers(waits_for_the_client)
    adapter.now_s = noticing_now_s  # type: ignore[method-assign]
    assert adapter.infer(1).count == 1


def test_a_server_that_states_no_usage_is_noted(server: FaultyServer) -> None:
    server.answers(events([ROLE, WORD, WORD, WORD, STOP, DONE]))
    adapter = adapter_of(server)
    adapter.open()
    assert [adapter.infer(1).count for _ in range(3)] == [3, 3, 3]
    assert adapter.notes() == [
        "The server states no usage: what counts as a token is a chunk of its answer that has content."
    ]
    adapter.close()


def test_there_is_nothing_to_note_of_a_server_that_states_its_usage(server: FaultyServer) -> None:
    server.answers(events(GOOD))
    adapter = adapter_of(server)
    adapter.open()
    assert adapter.notes() == []
    adapter.close()


@pytest.fixture(scope="module")
def lasting_server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


STREAM = (
    b": ping\r\n\r\n" + b"".join(b"data: " + chunk + b"\n\n" for chunk in GOOD) + "data: é\ndata: 十\r\n\r\n".encode()
)
EVENTS = [Event("message", chunk.decode()) for chunk in GOOD] + [Event("message", "é\n十")]


@given(cuts=st.sets(st.integers(1, len(STREAM) - 1), max_size=40))
def test_however_the_stream_is_cut_into_pieces_the_events_are_the_same(
    lasting_server: FaultyServer, cuts: set[int]
) -> None:
    bounds = [0, *sorted(cuts), len(STREAM)]
    lasting_server.answers(chunked(STREAM[start:end] for start, end in itertools.pairwise(bounds)))
    endpoint = Endpoint(lasting_server.url, timeout_s=30.0)
    assert list(parsed(endpoint.stream("POST", "/"))) == EVENTS
    endpoint.close()
