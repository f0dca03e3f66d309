"""One streamed answer: its chunks in, its tokens out.

The chunks are those of OpenAI's API reference ("The chat completion chunk object", "The completion object"), and what
vLLM, SGLang, llama.cpp, TGI and ``transformers serve`` make of them: usage beside the last text or in a chunk without
choices, reasoning under either of two names, an error as an object, as a text or as the whole chunk.
"""

import json
from typing import Any, Callable, Dict, NamedTuple, Optional

from serving_adapter.contract import Tokens
from serving_adapter.openai.events import BadStreamError, Event, quoted

MOST_TOKENS = 10_000_000
"""No server answers with more."""

_END = "[DONE]"
_CONTENT = ("content", "reasoning_content", "reasoning", "refusal", "tool_calls", "function_call")
"""The fields of a delta that hold something generated; the role is none of them."""

_FAILED = ("abort", "error")
"""Finish reasons of vLLM and SGLang for an answer that the server gave up."""


class Answer(NamedTuple):
    """A complete answer.

    Attributes:
        tokens: What it consisted of.
        is_counted_by_server: Whether the server stated the number of its tokens. If not, it is that of the chunks with
            content.
    """

    tokens: Tokens
    is_counted_by_server: bool


class StreamedAnswer:
    """Follows one answer, chunk by chunk."""

    def __init__(self, now_s: Callable[[], float], most_chunks: int) -> None:
        """Starts before the first chunk.

        Args:
            now_s: The clock on which the first token is timed.
            most_chunks: More of them cannot come of the tokens that were asked for.
        """
        self._now_s = now_s
        self._chunks_left = most_chunks
        self._has_ended = False
        self._first_s: Optional[float] = None
        self._content_chunks = 0
        self._stated_tokens: Optional[int] = None
        self._finish_reason = ""

    def add(self, event: Event) -> None:
        """Takes the next event in.

        Raises:
            BadStreamError: It is an error of the server, or no chunk of an answer.
        """
        self._chunks_left -= 1
        if self._chunks_left < 0:
            raise BadStreamError("streams chunk after chunk without end")
        if event.data.strip() == _END:
            self._has_ended = True
        if self._has_ended:
            return
        try:
            self._add_chunk(_chunk(event))
        except RecursionError as error:
            raise BadStreamError("sent a chunk that is nested too deeply") from error

    def complete(self) -> Answer:
        """Returns the answer, now that the stream is over.

        Raises:
            BadStreamError: It is not complete, or empty.
        """
        if not self._finish_reason:
            raise BadStreamError("broke its answer off: the stream ended without a finish_reason")
        if self._first_s is None:
            raise BadStreamError(f"gave an empty answer, with the finish_reason {quoted(self._finish_reason)}")
        if self._stated_tokens is None:
            return Answer(Tokens(self._first_s, self._content_chunks), is_counted_by_server=False)
        if self._stated_tokens == 0:
            raise BadStreamError("states a usage of no completion_tokens for an answer that has content")
        return Answer(Tokens(self._first_s, self._stated_tokens), is_counted_by_server=True)

    def _add_chunk(self, chunk: Dict[str, Any]) -> None:
        usage = chunk.get("usage")
        if usage is not None:
            self._stated_tokens = _completion_tokens(usage)
        for choice in _choices(chunk):
            if _has_content(choice):
                self._content_chunks += 1
                if self._first_s is None:
                    self._first_s = self._now_s()
            self._finish(choice.get("finish_reason"))

    def _finish(self, reason: Any) -> None:
        if not reason:
            return
        if not isinstance(reason, str):
            raise BadStreamError(f"sent a finish_reason that is no text: {quoted(str(reason))}")
        if reason in _FAILED:
            raise BadStreamError(f"gave the answer up, with the finish_reason {quoted(reason)}")
        self._finish_reason = reason


def _chunk(event: Event) -> Dict[str, Any]:
    try:
        chunk = json.loads(event.data)
    except ValueError as error:
        raise BadStreamError(f"sent a chunk that is not JSON: {quoted(event.data)}") from error
    if not isinstance(chunk, dict):
        raise BadStreamError(f"sent a chunk that is not a JSON object: {quoted(event.data)}")
    if event.type == "error" or chunk.get("object") == "error" or chunk.get("error"):
        raise BadStreamError(f"reported an error in its answer: {quoted(_words(chunk))}")
    return chunk


def _words(chunk: Dict[str, Any]) -> str:
    """Returns what an error says, in whichever of its forms it comes."""
    error = chunk.get("error") or chunk
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else str(error)


def _choices(chunk: Dict[str, Any]) -> Any:
    choices = chunk.get("choices") or []
    if not (isinstance(choices, list) and all(isinstance(choice, dict) for choice in choices)):
        raise BadStreamError(f"sent a chunk whose choices are none: {quoted(str(choices))}")
    return choices


def _has_content(choice: Dict[str, Any]) -> bool:
    if choice.get("text"):
        return True
    delta = choice.get("delta") or {}
    if not isinstance(delta, dict):
        raise BadStreamError(f"sent a chunk whose delta is no object: {quoted(str(delta))}")
    return any(delta.get(name) for name in _CONTENT)


def _completion_tokens(usage: Any) -> int:
    count = usage.get("completion_tokens") if isinstance(usage, dict) else None
    if type(count) is not int or not 0 <= count <= MOST_TOKENS:
        raise BadStreamError(f"states a usage without a number of completion_tokens: {quoted(str(usage))}")
    return count
