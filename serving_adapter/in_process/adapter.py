"""An adapter whose model runs in the runner's own process."""

from abc import abstractmethod
from typing import Any, Dict, List, Mapping, Optional, Sequence

from serving_adapter.contract import AdapterError, ServingAdapter, ServingParameter, Value, WorkloadDefinition
from serving_adapter.definition.parameters import check_admissible, positive_integers
from serving_adapter.definition.settings import BATCH_SIZE
from serving_adapter.in_process.failures import batch_failure

THREADS = "serving.threads"


class InProcessAdapter(ServingAdapter):
    """Runs batches that were prepared when it was opened, one after the other.

    It is bound to the thread that has opened it: OpenMP keeps a number of threads for each thread that calls it. What
    was set here would not hold in another thread, where a convolution of PyTorch would run on every core.
    """

    def __init__(self, workload: WorkloadDefinition) -> None:
        """Keeps the definition; imports neither the runtime nor the model yet."""
        super().__init__(workload)
        self._parameters: List[ServingParameter] = []
        self._batches: Dict[int, Any] = {}
        self._batch_size = 1

    def parameters(self) -> List[ServingParameter]:
        """Returns the batch size and what else the runtime can vary."""
        return list(self._parameters)

    def configure(self, values: Mapping[str, Value]) -> None:
        """Sets serving parameters, by id."""
        self._require_open()
        check_admissible(values, self._parameters)
        self._configure_runtime({name: value for name, value in values.items() if name != BATCH_SIZE})
        self._batch_size = int(values.get(BATCH_SIZE, self._batch_size))

    def current(self) -> Dict[str, Value]:
        """Returns the batch size, and what the runtime itself says is in force.

        Until configured, these are the smallest batch size and the runtime's own choice of threads (or the most
        threads that the definition lists, if that choice is not among them).
        """
        self._require_open()
        return {BATCH_SIZE: self._batch_size, **self._runtime_configuration()}

    def infer(self, items: int) -> None:
        """Runs one batch of prepared inputs."""
        self._require_open()
        batch = self._batches.get(items)
        if batch is None:
            raise AdapterError(f"A batch of {items} items was not prepared: {self._prepared()}.")
        try:
            self._run(batch)
        except AdapterError:
            raise
        except Exception as error:
            raise batch_failure(self.workload.name, items, error) from error

    def close(self) -> None:
        """Lets go of the inputs."""
        self._batches = {}

    @abstractmethod
    def _run(self, batch: Any) -> None:
        """Runs one batch and returns when it is complete. Whatever it raises ends the load."""

    @abstractmethod
    def _configure_runtime(self, values: Mapping[str, Value]) -> None:
        """Sets admissible values of all parameters but the batch size; changes nothing if it raises."""

    @abstractmethod
    def _runtime_configuration(self) -> Dict[str, Value]:
        """Returns the values of all parameters but the batch size, read back from the runtime."""

    def _require_open(self) -> None:
        if not self._batches:
            raise AdapterError(f"The workload '{self.workload.name}' is not open.")

    def _prepared(self) -> str:
        smallest, largest = min(self._batches), max(self._batches)
        if smallest == largest and largest > 1:
            return f"the model takes {largest} items a batch, no more and no less"
        return f"the largest is {largest}"


def batch_size_of_model(definition: WorkloadDefinition, fixed: Optional[int]) -> ServingParameter:
    """Returns the batch size as the definition and the model admit it.

    Args:
        definition: The workload's definition.
        fixed: The only batch size that the model takes, if it takes only one.

    Raises:
        AdapterError: The values are not distinct whole numbers above zero, or not what the model takes.
    """
    sizes = positive_integers(definition, "batch_size", default=fixed or 1)
    if fixed is not None and sizes != (fixed,):
        raise AdapterError(
            f"The model of the workload '{definition.name}' takes {fixed} items a batch and nothing else: "
            f"list batch_size = [{fixed}], or make the model with a first dimension that is open."
        )
    return ServingParameter(id=BATCH_SIZE, unit="items", kind="batch", values=sizes)


def threads_parameter(definition: WorkloadDefinition, default: int) -> ServingParameter:
    """Returns the runtime's threads within an operator, as the definition admits them.

    Args:
        definition: The workload's definition.
        default: The only value, if the definition lists none.

    Raises:
        AdapterError: The values are not distinct whole numbers above zero.
    """
    threads = positive_integers(definition, "threads", default=default)
    return ServingParameter(id=THREADS, unit="threads", kind="threads", values=threads)


def batch_sizes(parameter: ServingParameter, fixed: Optional[int]) -> Sequence[int]:
    """Returns every size that a batch may have: a load generator may send fewer items than were configured.

    Args:
        parameter: The batch size.
        fixed: The only batch size that the model takes, if it takes only one.
    """
    return (fixed,) if fixed is not None else range(1, int(parameter.values[-1]) + 1)
