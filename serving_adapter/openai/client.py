"""Asks an OpenAI-compatible server, one prompt after the other, and follows its answers."""

import contextlib
from typing import Callable

from serving_adapter.contract import RequestFailedError, WorkloadDefinition
from serving_adapter.definition.authorization import AUTHORIZATION_ENVIRONMENT, authorization_header
from serving_adapter.definition.options import number_option, text_option
from serving_adapter.openai.answer import Answer, StreamedAnswer
from serving_adapter.openai.events import BadStreamError, events
from serving_adapter.openai.prompts import prompts_of
from serving_adapter.openai.request import request_form
from serving_adapter.web import Endpoint

SERVER_OPTIONS = ("url", "timeout_s", AUTHORIZATION_ENVIRONMENT)

_VERSION = "/v1"
_DEFAULT_TIMEOUT_S = 60.0


class OpenAiClient:
    """A server, and what it is asked. Several threads may ask at once."""

    def __init__(self, definition: WorkloadDefinition) -> None:
        """Reads the options; connects with the first request.

        Args:
            definition: The workload's definition.

        Raises:
            AdapterError: An option is missing or wrong.
        """
        self.server = _endpoint(definition)
        self._form = request_form(definition)
        self._prompts = prompts_of(definition)

    def ask(self, now_s: Callable[[], float]) -> Answer:
        """Sends the next prompt and returns what became of it, once it is complete.

        Args:
            now_s: The clock on which the first token is timed.

        Raises:
            RequestFailedError: The server cannot be reached, or gave no complete answer.
            AdapterError: The client is closed.
        """
        answer = StreamedAnswer(now_s, self._form.most_chunks)
        try:
            request = self.server.stream("POST", self._form.path, self._form.body(self._prompts.take()))
            with contextlib.closing(request) as lines:
                for event in events(lines):
                    answer.add(event)
            return answer.complete()
        except BadStreamError as error:
            raise RequestFailedError(f"The server {self.server.origin} {error}; its own log may say more.") from error


def _endpoint(definition: WorkloadDefinition) -> Endpoint:
    url = text_option(definition, "url").rstrip("/")
    return Endpoint(
        # Clients of this API are given its address with or without the version.
        url[: -len(_VERSION)] if url.endswith(_VERSION) else url,
        timeout_s=number_option(definition, "timeout_s", default=_DEFAULT_TIMEOUT_S),
        headers={"Content-Type": "application/json", "Accept": "text/event-stream", **authorization_header(definition)},
    )
