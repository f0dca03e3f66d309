"""What the adapters of servers have in common."""

from abc import abstractmethod
from typing import Dict, List, Mapping, Optional, Tuple

from serving_adapter.contract import AdapterError, ServingAdapter, ServingParameter, Traffic, Value, WorkloadDefinition
from serving_adapter.listener import listening_pid
from serving_adapter.metrics import MetricsReader
from serving_adapter.settings import ServingSettings


class ServerAdapter(ServingAdapter):
    """An adapter that keeps the serving parameters itself, while a server somewhere serves."""

    def __init__(self, workload: WorkloadDefinition) -> None:
        """Keeps the definition; connects to nothing yet."""
        super().__init__(workload)
        self._settings = ServingSettings([])
        self._metrics: Optional[MetricsReader] = None

    def parameters(self) -> List[ServingParameter]:
        """Returns the batch size and the concurrency, as far as they mean something to the server."""
        return self._settings.parameters()

    def configure(self, values: Mapping[str, Value]) -> None:
        """Sets the batch size, the concurrency or both."""
        self._settings.configure(values)

    def current(self) -> Dict[str, Value]:
        """Returns what is in force: until configured, the smallest batch size and the highest concurrency."""
        return self._settings.current()

    def close(self) -> None:
        """Closes the connections; requests under way fail."""
        metrics, self._metrics = self._metrics, None
        if metrics is not None:
            metrics.close()

    @property
    def concurrency(self) -> int:
        """How many requests may be under way at once, as configured now."""
        return self._settings.concurrency

    @property
    def serving_pid(self) -> Optional[int]:
        """The process that listens at the server's address; another one once the server was started again."""
        return listening_pid(*self._server_address)

    def traffic(self) -> Traffic:
        """Returns what the server has counted, if the definition names a ``metrics_url``."""
        return super().traffic() if self._metrics is None else self._metrics.traffic()

    @property
    @abstractmethod
    def _server_address(self) -> Tuple[str, int]:
        """Host and port of the server; refused while the adapter is not open."""

    def _not_open(self) -> AdapterError:
        return AdapterError(f"The workload '{self.workload.name}' is not open.")
