"""Measures real traffic of a server for which there is no other adapter: the scenario ``live``, and no other.

The workload's definition says where the server's metrics are, and what they are called (see ``metrics/options.py``)::

    [options]
    metrics_url = "http://127.0.0.1:9090/metrics"
    url = "http://127.0.0.1:9000"           # optional: where it serves, so that its process is found on this machine

    [options.metrics]
    requests = 'answers_total{code="200"}'
    latency = "answer_seconds"
"""

from typing import Dict, Iterable, List, Mapping, Optional

from serving_adapter.contract import AdapterError, ServingAdapter, ServingParameter, Tokens, Traffic, Value
from serving_adapter.definition.options import check_options, text_option
from serving_adapter.metrics import OPTIONS, MetricsReader, metrics_reader
from serving_adapter.server import listening_pid
from serving_adapter.web import Endpoint


class PrometheusAdapter(ServingAdapter):
    """Reads a server's counts, and sends it nothing."""

    _reader: Optional[MetricsReader] = None
    _server: Optional[Endpoint] = None

    def open(self) -> None:
        """Looks at the metrics once, so that a wrong definition is found at once."""
        self._refuse_parameters(self.workload.parameters)
        check_options(self.workload, (*OPTIONS, "model", "url"))
        text_option(self.workload, "metrics_url")
        url = text_option(self.workload, "url", default="")
        self._server = Endpoint(url) if url else None
        self._reader = metrics_reader(self.workload.name, self.workload.options)
        self.traffic()

    def parameters(self) -> List[ServingParameter]:
        """Returns none: the server is used as it is."""
        return []

    def configure(self, values: Mapping[str, Value]) -> None:
        """Sets nothing; refuses every value."""
        self._refuse_parameters(values)

    def current(self) -> Dict[str, Value]:
        """Returns nothing."""
        return {}

    def infer(self, items: int) -> Optional[Tokens]:  # noqa: ARG002 - the contract's argument
        """Refuses: what to send is not known."""
        raise AdapterError(
            f"The workload '{self.workload.name}' can be measured under the scenario 'live' only, as its adapter sends "
            "no requests: use an adapter of its server for the others."
        )

    def close(self) -> None:
        """Closes the connection."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    @property
    def serving_pid(self) -> Optional[int]:
        """The process that listens at ``url``; None without it, or if it is not on this machine."""
        return None if self._server is None else listening_pid(self._server.host, self._server.port)

    def traffic(self) -> Traffic:
        """Returns what the server has counted since its start."""
        if self._reader is None:
            raise AdapterError(f"The workload '{self.workload.name}' is not open.")
        return self._reader.traffic()

    def _refuse_parameters(self, names: Iterable[str]) -> None:
        for name in names:
            raise AdapterError(
                f"The workload '{self.workload.name}' has no serving parameter '{name}': its adapter only reads the "
                "server's metrics."
            )
