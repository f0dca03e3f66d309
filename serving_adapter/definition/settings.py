"""Serving parameters whose values the adapter itself keeps, because no server does."""

from typing import Dict, List, Mapping, Sequence

from serving_adapter.contract import AdapterError, ServingParameter, Value, WorkloadDefinition
from serving_adapter.definition.parameters import check_admissible, positive_integers

BATCH_SIZE = "serving.batch_size"
CONCURRENCY = "serving.concurrency"

_DEFAULT_CONCURRENCY = 64
"""Requests under way at once, where the definition says nothing: more than any latency bound leaves room for."""


class ServingSettings:
    """The values in force.

    Until configured, a batch is as small and the concurrency as high as the definition admits.
    """

    def __init__(self, parameters: Sequence[ServingParameter]) -> None:
        """Keeps the parameters and puts their first values in force."""
        self._parameters = tuple(parameters)
        self._current: Dict[str, Value] = {
            parameter.id: parameter.values[-1 if parameter.kind == "instances" else 0] for parameter in parameters
        }

    def parameters(self) -> List[ServingParameter]:
        """Returns the parameters."""
        return list(self._parameters)

    def configure(self, values: Mapping[str, Value]) -> None:
        """Puts values in force, by id.

        Raises:
            AdapterError: An id or a value is not admissible; nothing was changed.
        """
        check_admissible(values, self._parameters)
        self._current.update(values)

    def current(self) -> Dict[str, Value]:
        """Returns the values in force, by id."""
        return dict(self._current)

    @property
    def concurrency(self) -> int:
        """How many batches may be under way at once."""
        return int(self._current.get(CONCURRENCY, 1))

    @property
    def largest_batch(self) -> int:
        """The most items that a batch may have; 1 without a parameter for it."""
        sizes = [parameter.values[-1] for parameter in self._parameters if parameter.id == BATCH_SIZE]
        return int(sizes[0]) if sizes else 1

    def check_batch(self, items: int) -> None:
        """Makes sure that a batch can have so many items.

        Raises:
            AdapterError: It has none, or more than the definition admits.
        """
        if not 1 <= items <= self.largest_batch:
            raise AdapterError(f"A batch of {items} items cannot be served: use 1 to {self.largest_batch}.")


def batch_size_parameter(definition: WorkloadDefinition) -> ServingParameter:
    """Returns the batch size as the definition admits it: 1 where it says nothing.

    Raises:
        AdapterError: The values are not distinct whole numbers above zero.
    """
    sizes = positive_integers(definition, "batch_size", default=1)
    return ServingParameter(id=BATCH_SIZE, unit="items", kind="batch", values=sizes)


def concurrency_parameter(definition: WorkloadDefinition) -> ServingParameter:
    """Returns the number of requests that may be under way at once, as the definition admits it.

    Raises:
        AdapterError: The values are not distinct whole numbers above zero.
    """
    values = positive_integers(definition, "concurrency", default=_DEFAULT_CONCURRENCY)
    return ServingParameter(id=CONCURRENCY, unit="requests", kind="instances", values=values)
