"""The adapter of a server that serves several requests at once, asked over the network."""

from typing import Generic, Optional, Protocol, TypeVar

from serving_adapter.contract import AdapterError, Traffic, WorkloadDefinition
from serving_adapter.metrics import MetricsReader
from serving_adapter.server.external import ExternalAdapter
from serving_adapter.server.listener import listening_pid


class Server(Protocol):
    """Where requests go."""

    @property
    def host(self) -> str:
        """Its name or IP address."""

    @property
    def port(self) -> int:
        """Its TCP port."""

    def close(self) -> None:
        """Closes the connections; requests under way fail."""


class Client(Protocol):
    """What asks a server, from several threads at once."""

    @property
    def server(self) -> Server:
        """The server."""


ClientType = TypeVar("ClientType", bound=Client)


class ServerAdapter(ExternalAdapter, Generic[ClientType]):
    """An adapter that asks a server. Its subclasses connect and say what is asked."""

    def __init__(self, workload: WorkloadDefinition) -> None:
        """Keeps the definition; connects to nothing yet."""
        super().__init__(workload)
        self._metrics: Optional[MetricsReader] = None
        self._client: Optional[ClientType] = None

    def close(self) -> None:
        """Closes the connections; requests under way fail."""
        client, self._client = self._client, None
        if client is not None:
            client.server.close()
        metrics, self._metrics = self._metrics, None
        if metrics is not None:
            metrics.close()

    @property
    def serving_pid(self) -> Optional[int]:
        """The process that listens at the server's address; another one once the server was started again."""
        server = self._opened.server
        return listening_pid(server.host, server.port)

    def traffic(self) -> Traffic:
        """Returns what the server has counted, if the definition names a ``metrics_url``."""
        return super().traffic() if self._metrics is None else self._metrics.traffic()

    @property
    def _opened(self) -> ClientType:
        if self._client is None:
            raise AdapterError(f"The workload '{self.workload.name}' is not open.")
        return self._client
