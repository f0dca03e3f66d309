"""The adapter of an OpenAI-compatible server: every request is one streamed answer."""

import logging
from typing import Dict, List, Mapping, Optional

from serving_adapter.contract import (
    AdapterError,
    ServingAdapter,
    ServingParameter,
    Tokens,
    Traffic,
    Value,
    WorkloadDefinition,
)
from serving_adapter.listener import listening_pid
from serving_adapter.metrics import OPTIONS as METRICS_OPTIONS
from serving_adapter.metrics import MetricsReader, metrics_reader
from serving_adapter.openai.client import SERVER_OPTIONS, OpenAiClient
from serving_adapter.openai.prompts import PROMPT_OPTIONS
from serving_adapter.openai.request import REQUEST_OPTIONS
from serving_adapter.options import check_options
from serving_adapter.parameters import check_names
from serving_adapter.settings import ServingSettings, concurrency_parameter

_logger = logging.getLogger(__name__)

_OPTIONS = (*SERVER_OPTIONS, *REQUEST_OPTIONS, *PROMPT_OPTIONS, *METRICS_OPTIONS)


class OpenAiAdapter(ServingAdapter):
    """Sends prompts to a server, and counts and times the tokens that it streams back."""

    def __init__(self, workload: WorkloadDefinition) -> None:
        """Keeps the definition; connects to nothing yet."""
        super().__init__(workload)
        self._settings = ServingSettings([])
        self._client: Optional[OpenAiClient] = None
        self._metrics: Optional[MetricsReader] = None

    def open(self) -> None:
        """Checks the options and has the server answer one prompt."""
        check_options(self.workload, _OPTIONS)
        check_names(self.workload, ("concurrency",))
        self._settings = ServingSettings([concurrency_parameter(self.workload)])
        self._metrics = metrics_reader(self.workload.name, self.workload.options, preset="openai")
        self._client = OpenAiClient(self.workload)
        if not self._client.ask(self.now_s).is_counted_by_server:
            _logger.warning(
                "The server of the workload '%s' states no usage: what counts as a token is a chunk with content.",
                self.workload.name,
            )

    def parameters(self) -> List[ServingParameter]:
        """Returns the concurrency. What becomes a batch is the server's own affair."""
        return self._settings.parameters()

    def configure(self, values: Mapping[str, Value]) -> None:
        """Sets the concurrency."""
        self._settings.configure(values)

    def current(self) -> Dict[str, Value]:
        """Returns the concurrency: the highest that the definition lists, until configured."""
        return self._settings.current()

    def infer(self, items: int) -> Tokens:
        """Sends one prompt and follows the answer to its end."""
        client = self._opened
        self._settings.check_batch(items)
        return client.ask(self.now_s).tokens

    def close(self) -> None:
        """Closes the connections; requests under way fail."""
        for closing in (self._client, self._metrics):
            if closing is not None:
                closing.close()
        self._client = self._metrics = None

    @property
    def concurrency(self) -> int:
        """How many prompts may be under way at once, as configured now."""
        return self._settings.concurrency

    @property
    def serving_pid(self) -> Optional[int]:
        """The process that listens at the server's address; None if it is not on this machine."""
        endpoint = self._opened.endpoint
        return listening_pid(endpoint.host, endpoint.port)

    def traffic(self) -> Traffic:
        """Returns what the server has counted, if the definition names a ``metrics_url``."""
        return super().traffic() if self._metrics is None else self._metrics.traffic()

    @property
    def _opened(self) -> OpenAiClient:
        if self._client is None:
            raise AdapterError(f"The workload '{self.workload.name}' is not open.")
        return self._client
