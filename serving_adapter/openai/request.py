"""What is asked of the server: the body of a request, as the definition's options have it."""

import json
from dataclasses import dataclass
from typing import Any, Dict, Mapping

from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.definition.options import flag_option, number_option, text_option, whole_number_option

REQUEST_OPTIONS = ("model", "endpoint", "max_tokens", "min_tokens", "ignore_eos", "temperature", "extra")

_PATHS = {"chat": "/v1/chat/completions", "completions": "/v1/completions"}
_DEFAULT_MAX_TOKENS = 128

_RESERVED = (
    *("model", "prompt", "messages", "max_tokens", "max_completion_tokens", "min_tokens", "ignore_eos", "temperature"),
    *("stream", "n", "best_of", "echo"),
)
"""What the adapter sets itself, and what would make more of an answer than one that is generated and streamed."""

_CHUNKS_A_TOKEN = 8
_OTHER_CHUNKS = 1000


@dataclass(frozen=True)
class RequestForm:
    """Every request of a workload, but for its prompt.

    Attributes:
        endpoint: ``chat`` or ``completions``.
        settings: The body without the prompt.
    """

    endpoint: str
    settings: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Where it goes, below the server's address."""
        return _PATHS[self.endpoint]

    @property
    def most_chunks(self) -> int:
        """More chunks than an answer can have: one a token, and some that are empty."""
        return _CHUNKS_A_TOKEN * int(self.settings["max_tokens"]) + _OTHER_CHUNKS

    def body(self, prompt: str) -> bytes:
        """Returns the body of the request with this prompt."""
        if self.endpoint == "chat":
            asked: Dict[str, Any] = {"messages": [{"role": "user", "content": prompt}]}
        else:
            asked = {"prompt": prompt}
        return json.dumps({**self.settings, **asked}, allow_nan=False).encode()


def request_form(definition: WorkloadDefinition) -> RequestForm:
    """Returns the form of a workload's requests.

    Raises:
        AdapterError: An option is missing or wrong.
    """
    settings: Dict[str, Any] = {
        "model": text_option(definition, "model"),
        "max_tokens": whole_number_option(definition, "max_tokens", default=_DEFAULT_MAX_TOKENS, least=1),
        # Zero, the default, makes the answers the same every time: nothing but the load differs between trials.
        "temperature": number_option(definition, "temperature", default=0.0, least=0.0),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if "min_tokens" in definition.options:
        settings["min_tokens"] = whole_number_option(definition, "min_tokens", default=0)
        if settings["min_tokens"] > settings["max_tokens"]:
            raise AdapterError(
                f"The workload '{definition.name}' asks for min_tokens = {settings['min_tokens']}, which is more than "
                f"max_tokens = {settings['max_tokens']}: raise max_tokens."
            )
    if "ignore_eos" in definition.options:
        settings["ignore_eos"] = flag_option(definition, "ignore_eos", default=False)
    endpoint = text_option(definition, "endpoint", default="chat", choices=tuple(_PATHS))
    return RequestForm(endpoint, {**settings, **_extra(definition)})


def _extra(definition: WorkloadDefinition) -> Mapping[str, Any]:
    extra = definition.options.get("extra", {})
    where = f"The option 'extra' of the workload '{definition.name}'"
    if not isinstance(extra, Mapping):
        raise AdapterError(f"{where} is a {type(extra).__name__}: it must be a table.")
    for name in extra:
        if name in _RESERVED:
            raise AdapterError(
                f"{where} holds '{name}', which is not free: leave it out, and use the adapter's own options "
                f"({', '.join(REQUEST_OPTIONS)})."
            )
    try:
        json.dumps(extra, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AdapterError(f"{where} cannot be sent as JSON: use texts, finite numbers, lists and tables.") from error
    return extra
