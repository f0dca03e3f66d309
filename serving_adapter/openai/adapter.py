"""The adapter of an OpenAI-compatible server: every request is one streamed answer."""

from typing import List

from serving_adapter.contract import Tokens, WorkloadDefinition
from serving_adapter.definition.options import check_options
from serving_adapter.definition.parameters import check_names
from serving_adapter.definition.settings import ServingSettings, concurrency_parameter
from serving_adapter.metrics import OPTIONS as METRICS_OPTIONS
from serving_adapter.metrics import metrics_reader
from serving_adapter.openai.client import SERVER_OPTIONS, OpenAiClient
from serving_adapter.openai.prompts import PROMPT_OPTIONS
from serving_adapter.openai.request import REQUEST_OPTIONS
from serving_adapter.server import ServerAdapter

_OPTIONS = (*SERVER_OPTIONS, *REQUEST_OPTIONS, *PROMPT_OPTIONS, *METRICS_OPTIONS)


class OpenAiAdapter(ServerAdapter[OpenAiClient]):
    """Sends prompts to a server, and counts and times the tokens that it streams back."""

    def __init__(self, workload: WorkloadDefinition) -> None:
        """Keeps the definition; connects to nothing yet."""
        super().__init__(workload)
        self._are_tokens_counted_by_server = True

    def open(self) -> None:
        """Checks the options and has the server answer one prompt."""
        check_options(self.workload, _OPTIONS)
        check_names(self.workload, ("concurrency",))
        self._settings = ServingSettings([concurrency_parameter(self.workload)])
        self._metrics = metrics_reader(self.workload.name, self.workload.options, preset="openai")
        self._client = OpenAiClient(self.workload)
        self._are_tokens_counted_by_server = self._client.ask(self.now_s).is_counted_by_server

    def infer(self, items: int) -> Tokens:
        """Sends one prompt and follows the answer to its end."""
        client = self._opened
        self._settings.check_batch(items)
        return client.ask(self.now_s).tokens

    def notes(self) -> List[str]:
        """Returns how tokens are counted, where the server does not."""
        if self._are_tokens_counted_by_server:
            return []
        return ["The server states no usage: what counts as a token is a chunk of its answer that has content."]
