"""The machine as the operator's commands see it: what can be set, what is in force, apply, confirm, restore."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TypeVar

from knobs.contract import (
    WORKLOAD_DEVICE,
    DeviceError,
    InventoryRecord,
    KeeperState,
    KnobError,
    RefusedError,
    RestoreReport,
)
from knobs.keeper.client import KeeperClient, KeeperLostError
from tuner.configuration import Configuration, Value
from tuner.daemon.device_set import DeviceSet
from tuner.daemon.keeper_supervisor import KeeperSupervisor
from tuner.daemon_record import Applied, Inventory, KnobMismatch, Verification
from tuner.errors import BadInputError, BusyError

_log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")

_LONGEST_HOLD_S = 24 * 3600.0
_IDLE_PROGRAM = "import sys; sys.stdin.read()"


class Machine:
    """Carries out what the operator asks of the hardware outside of a study. Safe to use from several threads."""

    def __init__(self, keeper: KeeperSupervisor, device_set: DeviceSet) -> None:
        """Keeps how to reach the keeper.

        Args:
            keeper: Gives connections to the keeper.
            device_set: Shared with the studies: who has the device.
        """
        self._keeper = keeper
        self._device_set = device_set
        self._lock = threading.RLock()
        self._holder: KeeperClient | None = None
        self._timer: threading.Timer | None = None

    def inventory(self) -> Inventory:
        """Returns the knobs and meters, those of a workload's process included, and the values in force.

        Raises:
            DeviceError: The machine does not answer.
        """
        try:
            with self._device_set.borrow("its knobs are being listed"), _idle_process() as pid:
                return self._inventory_with(pid)
        except BusyError:
            # A study has attached its own workload's process.
            return self._inventory_with(None)

    def _inventory_with(self, pid: int | None) -> Inventory:
        def ask(keeper: KeeperClient) -> Inventory:
            record = keeper.inventory() if pid is None else keeper.attach(pid)
            return Inventory(record, _readable(keeper, record))

        return self._ask(ask)

    def state(self) -> KeeperState:
        """Returns what is in force because of us."""
        return self._ask(KeeperClient.state)

    def verify(self) -> Verification:
        """Reads back whether the confirmed configuration is in force."""
        return self._ask(_verify)

    def apply(self, values: Mapping[str, Value], hold_s: float) -> Applied:
        """Sets knobs as trial values, which are taken back after a while unless they are confirmed.

        Args:
            values: The values, by parameter id; parameters that no knob of this machine owns are named in the answer.
            hold_s: How long to wait for a confirmation.

        Raises:
            BadInputError: Nothing of it is a knob of this machine, or the time makes no sense.
            BusyError: A study runs, or other values are being tried.
            RefusedError: A value is not admissible; nothing was written.
            DeviceError: The hardware did not take it; everything was put back.
        """
        if not 0 < hold_s <= _LONGEST_HOLD_S:
            raise BadInputError(f"Values cannot be tried for {hold_s:g} s: name a time above 0 and up to a day.")
        with self._lock:
            self._device_set.claim("values are being tried; confirm or restore them first")
            try:
                holder = self._keeper.connect()
            except BaseException:
                self._device_set.release()
                raise
            self._holder = holder
            try:
                applied = self._try(holder, values)
            except BaseException:
                self._let_go()
                raise
            self._timer = threading.Timer(hold_s, self._expire, (holder,))
            self._timer.daemon = True
            self._timer.start()
        return Applied(applied, tuple(sorted(values.keys() - applied.keys())))

    @staticmethod
    def _try(holder: KeeperClient, values: Mapping[str, Value]) -> Configuration:
        knob_values = machine_values(holder.inventory(), values)
        if not knob_values:
            names = ", ".join(sorted(values)) or "nothing"
            raise BadInputError(
                f"Nothing can be applied: none of these is a knob of this machine: {names}; knobs of a workload's "
                "process end with it."
            )
        holder.acquire_lease()
        return Configuration(holder.apply(knob_values))

    def confirm(self) -> Configuration:
        """Makes the values that are being tried the desired state; they survive restarts.

        Raises:
            BadInputError: No values are being tried.
        """
        with self._lock:
            if self._holder is None:
                raise BadInputError("There is nothing to confirm: apply a configuration first.")
            confirmed = self._holder.confirm()
            self._let_go()
            return Configuration(confirmed)

    def restore(self, confirmed: bool) -> RestoreReport:
        """Takes trial values back.

        Args:
            confirmed: Whether to give up the confirmed configuration too.

        Raises:
            BusyError: A study runs.
            DeviceError: A knob could not be put back; its journal entry is kept.
        """
        with self._lock:
            self._let_go()
            with self._device_set.borrow("values are being restored"):
                report = self._ask(lambda keeper: keeper.restore(confirmed=confirmed))
        if report.failed:
            failures = "; ".join(f"{name}: {reason}" for name, reason in report.failed)
            raise DeviceError(f"Not everything could be restored, and the journal is kept: {failures}")
        return report

    def close(self) -> None:
        """Takes back values that are being tried."""
        with self._lock:
            self._let_go()

    def _expire(self, holder: KeeperClient) -> None:
        with self._lock:
            if self._holder is holder:
                self._let_go()

    def _let_go(self) -> None:
        """Gives up the lease, if it is ours: trial values are taken back with it."""
        timer, self._timer = self._timer, None
        holder, self._holder = self._holder, None
        if timer is not None:
            timer.cancel()
        if holder is None:
            return
        try:
            with suppress(RefusedError):  # never acquired, or ended by somebody else's restore
                holder.release_lease()
        except KnobError as error:
            _log.error("Trial values were not taken back at once; the keeper goes on trying: %s", error)
        finally:
            holder.close()
            self._device_set.release()

    def _ask(self, question: Callable[[KeeperClient], _Answer]) -> _Answer:
        """Asks something that may be asked twice: a keeper may die with the first connection in its hands."""
        try:
            with self._keeper.connect() as keeper:
                return question(keeper)
        except KeeperLostError:
            with self._keeper.connect() as keeper:
                return question(keeper)


def machine_values(inventory: InventoryRecord, values: Mapping[str, Value]) -> dict[str, Value]:
    """Returns the values whose knobs belong to the machine itself, and not to a workload's process that ends."""
    own = {knob.id for knob in inventory.knobs if knob.device != WORKLOAD_DEVICE}
    return {name: value for name, value in values.items() if name in own}


def _verify(keeper: KeeperClient) -> Verification:
    wanted = dict(keeper.state().confirmed)
    found = _readable(keeper, keeper.inventory(), tuple(wanted))
    mismatches = tuple(
        KnobMismatch(name, value, found.get(name)) for name, value in wanted.items() if found.get(name) != value
    )
    return Verification(Configuration(wanted), mismatches)


def _readable(
    keeper: KeeperClient, record: InventoryRecord, knob_ids: tuple[str, ...] | None = None
) -> dict[str, Value]:
    """Returns the values in force of the knobs that can be read."""
    present = {knob.id for knob in record.knobs}
    values: dict[str, Value] = {}
    for knob_id in sorted(present if knob_ids is None else present & set(knob_ids)):
        try:
            values |= keeper.read([knob_id])
        except (DeviceError, RefusedError):
            continue
    return values


@contextmanager
def _idle_process() -> Iterator[int]:
    """A process that does nothing, so that the knobs of a workload's process can be listed without a workload."""
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _IDLE_PROGRAM], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield child.pid
    finally:
        child.kill()
        child.wait()
        if child.stdin is not None:
            child.stdin.close()
