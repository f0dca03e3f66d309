"""The adapter: what drives one model or one server."""

import os
import time
from abc import ABC, abstractmethod
from typing import Dict, List, Mapping, Optional

from serving_adapter.contract.errors import AdapterError
from serving_adapter.contract.load import Tokens
from serving_adapter.contract.traffic import Traffic
from serving_adapter.contract.workload import ServingParameter, Value, WorkloadDefinition


class ServingAdapter(ABC):
    """Drives one model or server, one batch after the other, or several at a time.

    The load generator decides when a batch starts; the adapter only carries it out. ``now_s`` and ``idle`` are the
    device's clock: a simulated device keeps its own.

    Attributes:
        is_thread_bound: Whether batches must run in the thread that has opened the adapter, on a clock that may be the
            device's own. Adapters of servers are free, so that their load need not pause while nobody looks at it.
    """

    is_thread_bound = True

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
        """Sets serving parameters, by id. No batch is under way meanwhile.

        Raises:
            AdapterError: An id or a value is not admissible; nothing was changed.
        """

    @abstractmethod
    def current(self) -> Dict[str, Value]:
        """Returns the serving parameters now in force, by id, read back from where they live."""

    @abstractmethod
    def infer(self, items: int) -> Optional[Tokens]:
        """Runs one batch of so many items and returns when it is complete.

        It is called from up to :attr:`concurrency` threads at once; if that is 1, from one thread, which is the one
        that has opened the adapter where that is :attr:`is_thread_bound`.

        Returns:
            What a language model answered; None for everything else.

        Raises:
            RequestFailedError: This batch failed, and the next one may succeed.
            AdapterError: No batch can succeed any more.
        """

    @abstractmethod
    def close(self) -> None:
        """Lets go of the model or the connection. Closing twice is the same as closing once."""

    @property
    def concurrency(self) -> int:
        """How many batches may be under way at once, as configured now."""
        return 1

    @property
    def serving_pid(self) -> Optional[int]:
        """The process that serves, whose cores and CPU time are meant; None if it is not on this machine."""
        return os.getpid()

    def notes(self) -> List[str]:
        """Returns what the operator must know about how this workload is measured, a sentence each.

        Valid after :meth:`open`.
        """
        return []

    def traffic(self) -> Traffic:
        """Returns what the server has counted of its traffic since its start, for the scenario ``live``.

        Raises:
            AdapterError: The server counts nothing, or does not answer.
        """
        raise AdapterError(
            f"The workload '{self.workload.name}' cannot be measured under the scenario 'live': its adapter reads no "
            "metrics of a server; use an adapter of a server, and tell it metrics_url."
        )

    def now_s(self) -> float:
        """Returns the instant on the device's monotonic clock."""
        return time.monotonic()

    def idle(self, seconds: float) -> None:
        """Lets so many seconds of the device's clock pass without work."""
        time.sleep(seconds)
