"""The processes of one study: its runner, its connection to the keeper, its search worker."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from knobs.contract import InventoryRecord
from knobs.keeper.client import KeeperClient
from serving_adapter.runner.client import RunnerClient
from tuner.clock import Clock
from tuner.config_record import WattuneConfig, WorkloadConfig
from tuner.daemon.adapters import make_runner
from tuner.daemon.device_set import DeviceSet
from tuner.daemon.keeper_supervisor import KeeperSupervisor
from tuner.search.client import SearchClient
from tuner.search.contract import SearchTask
from tuner.store import Store


@dataclass(frozen=True)
class Site:
    """What all studies of a daemon share.

    Attributes:
        config: The operator's configuration.
        runtime_dir: Sockets and the state of a simulated device.
        store: Where studies are kept.
        keeper: Gives connections to the keeper.
        device_set: Who has the device.
        clock: Durations and times for the record.
    """

    config: WattuneConfig
    runtime_dir: Path
    store: Store
    keeper: KeeperSupervisor
    device_set: DeviceSet
    clock: Clock


class StudyProcesses:
    """Started when entered, ended when left, whatever happens in between."""

    def __init__(self, site: Site, workload: WorkloadConfig) -> None:
        """Keeps what is needed to start.

        Raises:
            BadInputError: The workload's adapter does not exist or does not fit the device.
        """
        self._site = site
        self._runner = make_runner(workload, site.config, site.runtime_dir)
        self._hardware: KeeperClient | None = None
        self._inventory: InventoryRecord | None = None
        self._search = SearchClient()
        self._stack = ExitStack()

    def __enter__(self) -> StudyProcesses:
        """Loads the workload and makes its knobs and meters available.

        Raises:
            AdapterError: The workload's definition is wrong, or its model does not load.
            ProcessLostError: No keeper answers.
            DeviceError: The machine does not answer.
            SearchLostError: The search worker cannot be started.
        """
        with ExitStack() as stack:
            stack.callback(self._runner.close)
            stack.callback(self._search.close)
            self._runner.start()
            # The worker loads its libraries while the runner loads the model.
            self._search.start()
            self._runner.open()
            self._hardware = self._site.keeper.connect()
            stack.callback(self._hardware.close)
            serving_pid = self._runner.serving_pid()
            self._inventory = self._hardware.inventory() if serving_pid is None else self._hardware.attach(serving_pid)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def workload(self) -> RunnerClient:
        """The workload runner."""
        return self._runner

    @property
    def hardware(self) -> KeeperClient:
        """The connection to the keeper."""
        assert self._hardware is not None, "the processes are started first"
        return self._hardware

    @property
    def inventory(self) -> InventoryRecord:
        """The knobs and meters, those of the workload's process included."""
        assert self._inventory is not None, "the processes are started first"
        return self._inventory

    def begin_search(self, task: SearchTask) -> SearchClient:
        """Returns the search worker, ready and silent: before anything is measured, so that it disturbs nothing.

        Raises:
            SearchLostError: The worker died, or was not ready in time.
            SearchError: The worker cannot search this.
        """
        self._search.begin(task)
        return self._search

    def interrupt(self) -> None:
        """Ends a call that is in progress in the runner, from any thread."""
        self._runner.kill()
