"""What an operator's file says about a workload, and what an adapter can vary."""

from dataclasses import dataclass, field
from typing import Any, List, Mapping, Tuple, Union

Value = Union[int, float, str]


@dataclass(frozen=True)
class ServingParameter:
    """A control that the adapter owns.

    Attributes:
        id: Dotted name, ``serving.batch_size``.
        unit: Unit of the values (``items``, ``threads``).
        kind: ``batch``, ``threads``, ``instances`` or ``category``: the search puts its prior knowledge on this.
        values: Admissible values, ascending.
        persistent: Whether the server keeps the value. If not, it is study-only: it may be explored and
            reported, and is never claimed as applied.
    """

    id: str
    unit: str
    kind: str
    values: Tuple[Value, ...]
    persistent: bool = False


@dataclass(frozen=True)
class WorkloadDefinition:
    """What a workload's configuration file says about its adapter.

    Attributes:
        name: The workload's name.
        options: The adapter's own options (a factory, a model file, an address).
        parameters: The values to be explored, by serving parameter (``batch_size = [1, 2, 4]``).
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, List[Value]] = field(default_factory=dict)
