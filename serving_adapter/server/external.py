"""An adapter of something that runs in a process of its own: a server, or a program."""

from typing import Dict, List, Mapping

from serving_adapter.contract import ServingAdapter, ServingParameter, Value, WorkloadDefinition
from serving_adapter.definition.settings import ServingSettings


class ExternalAdapter(ServingAdapter):
    """Keeps the serving parameters itself, because what serves does not know them."""

    is_thread_bound = False

    def __init__(self, workload: WorkloadDefinition) -> None:
        """Keeps the definition; connects to nothing and starts nothing yet."""
        super().__init__(workload)
        self._settings = ServingSettings([])

    def parameters(self) -> List[ServingParameter]:
        """Returns the batch size and the concurrency, as far as they mean something to what serves."""
        return self._settings.parameters()

    def configure(self, values: Mapping[str, Value]) -> None:
        """Sets the batch size, the concurrency or both."""
        self._settings.configure(values)

    def current(self) -> Dict[str, Value]:
        """Returns what is in force: until configured, the smallest batch size and the highest concurrency."""
        return self._settings.current()

    @property
    def concurrency(self) -> int:
        """How many batches may be under way at once, as configured now."""
        return self._settings.concurrency
