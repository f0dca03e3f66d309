"""The keeper's logic, apart from its sockets: trial values, confirmed values, and the way back from both.

Every knob that differs from how we found it because of us has an entry in the journal. Such a knob is

* on *trial*: set under the lease, to be taken back when the lease ends;
* *settled*: it holds its confirmed value, verified;
* or *owed*: it is to be brought to its confirmed or original value, and that has not succeeded yet.

One lock must be held around every call that writes; the server does that.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from knobs.contract import (
    Absence,
    Captured,
    Conditions,
    DeviceError,
    InventoryRecord,
    KeeperState,
    KnobError,
    Occupant,
    Reading,
    RefusedError,
    RestoreReport,
    Value,
)
from knobs.inventory import Inventory
from knobs.journal import Journal, JournalEntry, KnobKey
from knobs.keeper import watching
from knobs.keeper.desired import Desired
from knobs.keeper.restoring import Outcomes, Restorer
from knobs.keeper.rules import admissible, check_order, within_bounds
from knobs.keeper.transaction import Transaction, TransactionError
from knobs.process import descends_from, identify, is_alive, owner_uids
from knobs.sysfs import KernelFiles

_Part = TypeVar("_Part")


class Keeper:
    """Owns knobs, journal and confirmed values."""

    def __init__(
        self,
        inventory: Inventory,
        journal: Journal,
        desired: Desired,
        bounds: Mapping[str, tuple[Value, ...]] | None = None,
        files: KernelFiles | None = None,
    ) -> None:
        """Takes the hardware into custody; writes nothing.

        Args:
            inventory: The knobs and meters.
            journal: The original values.
            desired: The confirmed values.
            bounds: The values that the operator allows, by knob id; a knob that is not named may take all of its own.
            files: The kernel's files, to tell whose a process is.
        """
        self._inventory = inventory
        self._journal = journal
        self._desired = desired
        self._bounds = dict(bounds or {})
        self._files = files or KernelFiles()
        self._restorer = Restorer(inventory, journal, self._bounds)
        self._trial: dict[KnobKey, Value] = {}
        self._settled: set[KnobKey] = set()
        self._workload_pid: int | None = None

    def start(self) -> RestoreReport:
        """Takes back what a crash left, then brings the confirmed configuration into force and verifies it."""
        outcomes = self._bring_back(self._owed(), self._desired.values())
        self._report_damage(outcomes)
        self._enforce_confirmed(outcomes)
        return outcomes.report()

    def recover(self, *, withdraw: bool) -> RestoreReport:
        """Takes back what a crash left, and no more: nothing that is confirmed is brought into force anew.

        Args:
            withdraw: Whether to forget what was confirmed, so that every knob returns to its original.

        Raises:
            KnobError: The confirmed values could not be removed; nothing was changed.
        """
        if withdraw:
            self._desired.clear()
        outcomes = self._bring_back(self._owed(), self._desired.values())
        self._report_damage(outcomes)
        return outcomes.report()

    def inventory(self) -> InventoryRecord:
        """Returns the knobs within the operator's bounds, and the meters."""
        record = self._inventory.record()
        bounded = [replace(spec, values=within_bounds(spec, self._bounds)) for spec in record.knobs]
        excluded = tuple(
            Absence(spec.id, "the operator's bounds exclude every value", "widen its bounds in the configuration")
            for spec in bounded
            if not spec.values
        )
        usable = tuple(spec for spec in bounded if spec.values)
        return replace(record, knobs=usable, absent=(*record.absent, *excluded))

    def attach(self, pid: int, allowed_uids: frozenset[int] | None, client_pid: int | None = None) -> InventoryRecord:
        """Makes the knobs and meters of a workload process available, in place of an earlier one's.

        Args:
            pid: The workload's process id.
            allowed_uids: Whose processes the caller may have tuned; None for anybody's.
            client_pid: The caller's process, which takes part in measuring; None if it cannot be told.

        Raises:
            RefusedError: The process belongs to somebody else.
            DeviceError: There is no such process.
        """
        process = identify(self._files, pid)
        if allowed_uids is not None and not owner_uids(self._files, pid) <= allowed_uids:
            raise RefusedError(f"Process {pid} belongs to another user: only its owner or root may have it tuned.")
        originals: dict[str, dict[str, Captured]] = {}
        for entry in self._journal.entries():
            originals.setdefault(entry.process, {})[entry.knob_id] = entry.captured
        attendants = {os.getpid()} if client_pid is None else {os.getpid(), client_pid}
        self._inventory.attach(pid, originals, attendants)
        if not is_alive(self._files, process):
            self._inventory.detach()
            raise DeviceError(f"Process {pid} ended while it was attached: start the workload again.")
        self._workload_pid = pid
        self._enforce_confirmed(Outcomes())
        return self.inventory()

    def read(self, knob_ids: Iterable[str]) -> dict[str, Value]:
        """Returns the values in force.

        Raises:
            RefusedError: A knob is unknown.
            DeviceError: A device does not answer.
        """
        return {knob_id: _named(self._inventory.knobs, knob_id, "knob").read() for knob_id in knob_ids}

    def sample(self, meter_ids: Iterable[str]) -> dict[str, Reading]:
        """Returns a reading of each meter, taken now.

        Raises:
            RefusedError: A meter is unknown.
            DeviceError: A meter does not answer.
        """
        return {meter_id: _named(self._inventory.meters, meter_id, "meter").sample() for meter_id in meter_ids}

    def observe(self) -> Conditions:
        """Returns what the devices say about themselves, and whether trial values were moved by somebody else.

        Of the processes on the devices, those of the attached workload are left out: the others are foreign.
        """
        trial = {key.knob_id: value for key, value in dict(self._trial).items()}
        seen = watching.observe(self._inventory.monitors, watching.moved_knobs(self._inventory.knobs, trial))
        foreign = tuple(occupant for occupant in seen.occupants if not self._is_own(occupant))
        return replace(seen, occupants=foreign)

    def _is_own(self, occupant: Occupant) -> bool:
        """Tells whether a process belongs to the workload that is being tuned."""
        return self._workload_pid is not None and descends_from(self._files, occupant.pid, self._workload_pid)

    def state(self) -> KeeperState:
        """Returns what is in force because of us; whether the lease is held is the server's to add."""
        trial = tuple((key.knob_id, value) for key, value in self._trial.items())
        return KeeperState(trial=trial, confirmed=tuple(self._desired.by_knob_id().items()))

    @property
    def owes(self) -> bool:
        """Whether a knob is still to be brought back."""
        return bool(self._owed())

    def apply(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Sets all these knobs to trial values, or none; returns the values read back.

        Raises:
            RefusedError: A value is not admissible; nothing was written.
            DeviceError: The hardware did not take it; everything was put back.
            KnobError: The journal could not be written; nothing was set.
        """
        wanted = admissible(self._inventory.knobs, self._bounds, values)
        self._check_order(wanted)
        keyed = {self._key(knob_id): value for knob_id, value in wanted.items()}
        delivered = self._transact(keyed)
        self._trial.update(keyed)
        self._settled -= keyed.keys()
        return delivered

    def confirm(self) -> dict[str, Value]:
        """Makes the trial values the confirmed ones; returns everything that is confirmed now.

        Raises:
            RefusedError: There are no trial values.
            KnobError: They could not be stored; they are still on trial.
        """
        if not self._trial:
            raise RefusedError("There are no trial values to confirm: apply a configuration first.")
        self._desired.confirm(self._trial)
        self._settled |= self._trial.keys()
        self._trial.clear()
        return self._desired.by_knob_id()

    def take_back(self) -> RestoreReport:
        """Brings every knob that is on trial or owed to its confirmed value, or else to its original."""
        self._trial.clear()
        return self.retry_owed()

    def retry_owed(self) -> RestoreReport:
        """Tries again what has not succeeded yet; leaves trial values alone."""
        return self._bring_back(self._owed(), self._desired.values()).report()

    def take_back_all(self) -> RestoreReport:
        """Brings every knob to its original, as a deliberate stop does; what is confirmed is remembered."""
        self._trial.clear()
        self._settled.clear()
        return self._bring_back(self._owed(), confirmed={}).report()

    def withdraw(self) -> RestoreReport:
        """Forgets what was confirmed, and brings every knob to its original.

        Raises:
            KnobError: The confirmed values could not be removed; nothing was changed.
        """
        self._desired.clear()
        return self.take_back_all()

    def _check_order(self, wanted: Mapping[str, Value]) -> None:
        """Makes sure that wanted values go together with each other, and with those that stay in force."""
        held = {key.knob_id: value for key, value in {**self._settled_values(), **self._trial}.items()}
        standing = {knob_id: value for knob_id, value in held.items() if knob_id in self._inventory.knobs}
        together = {**standing, **wanted}
        check_order((self._inventory.knobs[knob_id].spec for knob_id in together), together)

    def _settled_values(self) -> dict[KnobKey, Value]:
        return {key: value for key, value in self._desired.values().items() if key in self._settled}

    def _key(self, knob_id: str) -> KnobKey:
        return KnobKey(knob_id, self._inventory.process_of(knob_id))

    def _owed(self) -> list[JournalEntry]:
        in_order = self._trial.keys() | self._settled
        return [entry for entry in self._journal.entries() if entry.key not in in_order]

    def _bring_back(self, entries: Iterable[JournalEntry], confirmed: Mapping[KnobKey, Value]) -> Outcomes:
        outcomes = self._restorer.bring_back(entries, confirmed)
        self._settled |= outcomes.settled
        self._settled -= self._restorer.hold({key: self._desired.get(key) for key in self._settled}, outcomes)
        return outcomes

    def _transact(self, wanted: Mapping[KnobKey, Value]) -> dict[str, Value]:
        knobs = {key: self._inventory.knobs[key.knob_id] for key in wanted}
        try:
            return Transaction(self._journal, knobs, wanted).run()
        except TransactionError as error:
            self._settled -= error.not_put_back
            for key in error.not_put_back:
                self._trial.pop(key, None)
            raise

    def _report_damage(self, outcomes: Outcomes) -> None:
        for sentence in (*self._journal.damage, *self._desired.damage):
            outcomes.fail("journal", KnobError(sentence))

    def _enforce_confirmed(self, outcomes: Outcomes) -> None:
        """Sets the confirmed values of knobs that are as we found them, as after a reboot."""
        wanted = {
            key: value
            for key, value in self._desired.values().items()
            if key.knob_id in self._inventory.knobs and key == self._key(key.knob_id) and self._journal.get(key) is None
        }
        if not wanted:
            return
        try:
            by_id = {key.knob_id: value for key, value in wanted.items()}
            admissible_by_id = admissible(self._inventory.knobs, self._bounds, by_id)
            self._transact({key: admissible_by_id[key.knob_id] for key in wanted})
        except KnobError as error:
            outcomes.fail("confirmed configuration", error)
        else:
            self._settled |= wanted.keys()


def _named(parts: Mapping[str, _Part], part_id: str, kind: str) -> _Part:
    if part_id not in parts:
        raise RefusedError(f"There is no {kind} {part_id}: choose one of {', '.join(sorted(parts)) or 'none'}.")
    return parts[part_id]
