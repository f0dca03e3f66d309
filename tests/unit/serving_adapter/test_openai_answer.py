"""One streamed answer: chunks in, tokens out."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import Tokens
from serving_adapter.openai.answer import MOST_TOKENS, Answer, StreamedAnswer
from serving_adapter.openai.events import BadStreamError, Event

ROLE = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
END = "[DONE]"


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}], "usage": None}


def text(words: str, finish_reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": words, "finish_reason": finish_reason}]}


def usage(count: Any) -> dict[str, Any]:
    return {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": count}}


def event(chunk: Any) -> Event:
    return Event("message", chunk if chunk == END else json.dumps(chunk))


def answered(*chunks: Any, most_chunks: int = 1000) -> Answer:
    """The clock ticks once a chunk with content that is the first."""
    ticks = itertools.count(1)
    answer = StreamedAnswer(lambda: float(next(ticks)), most_chunks)
    for chunk in chunks:
        answer.add(
            chunk if isinstance(chunk, Event) else Event("message", chunk if chunk == END else json.dumps(chunk))
        )
    return answer.complete()


@pytest.mark.parametrize(
    ("chunks", "count", "is_counted_by_server"),
    [
        ([ROLE, delta(content="a"), delta(content="b"), STOP, usage(2), END], 2, True),
        ([ROLE, delta(content="a"), {**STOP, "usage": {"completion_tokens": 7}}], 7, True),
        ([text("a"), text("b"), text("", "length"), {"usage": {"completion_tokens": 9}}], 9, True),
        ([text("a"), text("b"), text("c", "length")], 3, False),
        ([ROLE, delta(content="a"), delta(content=""), delta(content="b"), STOP, END], 2, False),
        ([ROLE, delta(reasoning_content="hm"), delta(reasoning="hm"), delta(content="b"), STOP], 3, False),
        ([ROLE, delta(content=None, tool_calls=[{"index": 0}]), STOP], 1, False),
        ([{**delta(content="a"), "usage": {"completion_tokens": 1}}, {**STOP, **usage(5), **STOP}], 5, True),
        ([delta(content="a"), STOP, END, {"error": "too late to matter"}, "garbage"], 1, False),
    ],
)
def test_tokens_are_those_of_the_usage_or_else_the_chunks_with_content(
    chunks: list[Any], count: int, is_counted_by_server: bool
) -> None:
    assert answered(*chunks) == Answer(Tokens(1.0, count), is_counted_by_server)


def test_the_first_token_is_the_first_content_and_not_the_role() -> None:
    now_s = 1.0
    answer = StreamedAnswer(lambda: now_s, most_chunks=10)
    for chunk in (ROLE, delta(content=None), delta(content="a"), delta(content="b"), STOP):
        answer.add(event(chunk))
        now_s += 1.0
    assert answer.complete().tokens == Tokens(first_s=3.0, count=2)


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([delta(content="a")], "broke its answer off: the stream ended without a finish_reason"),
        ([delta(content="a"), END], "broke its answer off"),
        ([], "broke its answer off"),
        ([ROLE, STOP], "gave an empty answer, with the finish_reason 'stop'"),
        ([ROLE, STOP, usage(0)], "gave an empty answer"),
        ([delta(content="a"), STOP, usage(0)], "usage of no completion_tokens for an answer that has content"),
        ([delta(content="a"), text("", "abort")], "gave the answer up, with the finish_reason 'abort'"),
        ([delta(content="a"), text("", "error")], "gave the answer up"),
        ([{"error": {"message": "out of\nmemory", "code": 500}}], "reported an error in its answer: 'out of memory'"),
        ([{"error": "engine is dead"}], "reported an error in its answer: 'engine is dead'"),
        ([{"error": {"code": 7}}], "reported an error in its answer: '{'code': 7}'"),
        ([{"object": "error", "message": "too long"}], "reported an error in its answer: 'too long'"),
        ([Event("error", '{"message": "too long"}')], "reported an error in its answer: 'too long'"),
        ([Event("error", '{"error": {"message": "too long"}}')], "reported an error in its answer: 'too long'"),
        ([Event("message", '{"error": "no "quotes""}')], "not JSON: .*no"),
        ([Event("message", "")], "not JSON"),
        ([["a"]], "not a JSON object"),
        ([7], "not a JSON object"),
        ([{"choices": "a"}], "choices are none"),
        ([{"choices": {"0": {}}}], "choices are none"),
        ([{"choices": ["a"]}], "choices are none"),
        ([{"choices": [{"delta": "a"}]}], "delta is no object"),
        ([text("a", finish_reason={"reason": 1})], "finish_reason that is no text"),  # type: ignore[arg-type]
        ([usage("many")], "usage without a number of completion_tokens"),
        ([usage(True)], "usage without a number"),
        ([usage(-1)], "usage without a number"),
        ([usage(1.5)], "usage without a number"),
        ([usage(MOST_TOKENS + 1)], "usage without a number"),
        ([{"usage": 3}], "usage without a number"),
    ],
)
def test_what_is_no_complete_answer_is_refused_in_words(chunks: list[Any], message: str) -> None:
    with pytest.raises(BadStreamError, match=message) as raised:
        answered(*chunks)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize("depth", [100, 300, 900, 990, 3000, 100_000])
@pytest.mark.parametrize("field", ["choices", "usage", "error", "finish_reason"])
def test_a_chunk_that_is_nested_deeply_is_refused(field: str, depth: int) -> None:
    nested = "[" * depth + "1" + "]" * depth
    chunk = f'{{"choices": [{{"{field}": {nested}}}]}}' if field == "finish_reason" else f'{{"{field}": {nested}}}'
    with pytest.raises(BadStreamError):
        answered(Event("message", chunk))


def test_chunks_without_end_are_cut_off() -> None:
    answered(*[delta(content="a")] * 9, STOP, most_chunks=10)
    with pytest.raises(BadStreamError, match="chunk after chunk without end"):
        answered(*[delta(content="a")] * 10, STOP, most_chunks=10)
    with pytest.raises(BadStreamError, match="chunk after chunk without end"):
        answered(delta(content="a"), STOP, *[END] * 10, most_chunks=10)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(["choices", "usage", "error", "object", "delta", "text", "finish_reason", "content", "index"])
chunks_like_real = st.recursive(
    json_values,
    lambda inner: st.dictionaries(fields, inner | st.lists(inner, max_size=2), max_size=4),
    max_leaves=12,
)


@given(st.lists(chunks_like_real, max_size=6))
def test_any_json_is_an_answer_or_is_refused(chunks: list[Any]) -> None:
    try:
        answer = answered(*chunks)
    except BadStreamError:
        return
    assert 1 <= answer.tokens.count <= MOST_TOKENS
