"""What every serving adapter honours.

This file is read by the workload's own interpreter, which may be as old as Python 3.8.
"""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

Value = Union[int, float, str]


class AdapterError(Exception):
    """The workload could not do what was asked. The message is one sentence for the operator."""


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


@dataclass(frozen=True)
class Load:
    """The load to generate.

    Attributes:
        scenario: ``single-stream``, ``multi-stream``, ``offline`` or ``server``.
        batch_size: Items a batch (the most, under ``server``).
        rate_hz: Requests (items) per second, for ``server`` only.
        seed: Seed of the arrival times.
    """

    scenario: str
    batch_size: int
    rate_hz: Optional[float] = None
    seed: int = 0


@dataclass(frozen=True)
class Completion:
    """One completed batch, on the device's clock.

    Attributes:
        arrivals_s: Scheduled arrival of each item of the batch.
        finish_s: When the batch was complete.
    """

    arrivals_s: Tuple[float, ...]
    finish_s: float


@dataclass(frozen=True)
class Slice:
    """A stretch of load, on the device's clock."""

    start_s: float
    end_s: float
    completions: Tuple[Completion, ...]


class ServingAdapter(ABC):
    """Drives one model or server, one batch at a time.

    The load generator decides when a batch starts; the adapter only carries it out. It is used from one
    thread. ``now_s`` and ``idle`` are the device's clock: a simulated device keeps its own.
    """

    def __init__(self, workload: WorkloadDefinition) -> None:
        """Keeps the definition; loads nothing yet."""
        self.workload = workload

    @abstractmethod
    def open(self) -> None:
        """Loads the model or connects to the server.

        Raises:
            AdapterError: The workload's definition is wrong or the server does not answer.
        """

    @abstractmethod
    def parameters(self) -> List[ServingParameter]:
        """Returns the serving parameters that can be explored; valid after :meth:`open`."""

    @abstractmethod
    def configure(self, values: Mapping[str, Value]) -> None:
        """Sets serving parameters, by id.

        Raises:
            AdapterError: An id or a value is not admissible; nothing was changed.
        """

    @abstractmethod
    def current(self) -> Dict[str, Value]:
        """Returns the serving parameters now in force, by id, read back from where they live."""

    @abstractmethod
    def infer(self, items: int) -> None:
        """Runs one batch of so many items and returns when it is complete.

        Raises:
            AdapterError: The batch failed.
        """

    @abstractmethod
    def close(self) -> None:
        """Lets go of the model or the connection. Closing twice is the same as closing once."""

    def now_s(self) -> float:
        """Returns the instant on the device's monotonic clock."""
        return time.monotonic()

    def idle(self, seconds: float) -> None:
        """Lets so many seconds of the device's clock pass without work."""
        time.sleep(seconds)
