"""What a study needs of the other processes. The study imports these shapes, never the clients behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from knobs.contract import Conditions, InventoryRecord, Reading, RestoreReport
from serving_adapter.contract import Load, ServingParameter, Slice
from tuner.configuration import Value
from tuner.parameter_effect import ParameterEffect
from tuner.search.contract import Proposal, Stop
from tuner.trial import Trial


class Hardware(Protocol):
    """The keeper, seen by a study."""

    def inventory(self) -> InventoryRecord:
        """Returns the knobs and meters, those of an attached workload included."""

    def attach(self, pid: int) -> InventoryRecord:
        """Makes the knobs and meters of a workload process available, and returns the inventory then."""

    def acquire_lease(self) -> None:
        """Becomes the one writer of trial values, until released, closed or silent for too long.

        Raises:
            RefusedError: Another client holds the lease.
        """

    def apply(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Sets all these knobs or none, under the lease; returns the values read back.

        Raises:
            RefusedError: A value is not admissible; nothing was written.
            DeviceError: The hardware did not take it; everything was put back.
        """

    def restore(self) -> RestoreReport:
        """Takes back every trial value and keeps the lease."""

    def read(self, knob_ids: Sequence[str]) -> dict[str, Value]:
        """Returns the values in force."""

    def sample(self, meter_ids: Sequence[str]) -> dict[str, Reading]:
        """Returns a reading of each meter, taken now."""

    def observe(self) -> Conditions:
        """Returns what the devices say about themselves now, and what has happened since the last call."""

    def release_lease(self) -> None:
        """Takes back every trial value and lets go of the lease."""


class Workload(Protocol):
    """The workload runner, seen by a study."""

    def serving_pid(self) -> int | None:
        """Returns the process that serves, whose cores and CPU time are meant; None if it is on another machine."""

    def parameters(self) -> tuple[ServingParameter, ...]:
        """Returns the serving parameters that can be explored."""

    def configure(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Sets serving parameters, by id; returns the values read back."""

    def current(self) -> dict[str, Value]:
        """Returns the serving parameters in force."""

    def start_load(self, load: Load) -> None:
        """Prepares a load generator; load flows from the first :meth:`run` on."""

    def run(self, duration_s: float) -> Slice:
        """Lets load flow for about so long on the device's clock (a batch that has started is completed)."""

    def stop_load(self) -> None:
        """Ends the load, if there is one; what is under way is completed."""

    def idle(self, duration_s: float) -> None:
        """Lets so much of the device's clock pass without work."""


class Search(Protocol):
    """The search worker, seen by a study."""

    def cpu_s(self) -> float:
        """Returns the CPU time that the worker has used; zero while there is none."""

    def propose(self, trials: Sequence[Trial]) -> Proposal | Stop:
        """Returns the next configuration, or says that searching on does not pay."""

    def effects(self, trials: Sequence[Trial]) -> tuple[ParameterEffect, ...]:
        """Returns what each parameter does, as far as these trials tell."""
