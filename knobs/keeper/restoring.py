"""The way back: knobs that Wattune has changed return to their confirmed values, or else to their originals."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from knobs.checks import matches
from knobs.contract import Knob, KnobError, RestoreOutcome, RestoreReport, Value
from knobs.inventory import Inventory
from knobs.journal import Journal, JournalEntry, KnobKey
from knobs.keeper.rules import admissible, write_order
from knobs.keeper.transaction import write_and_verify

_LOGGER = logging.getLogger(__name__)


@dataclass
class Outcomes:
    """A restore report in the making.

    Attributes:
        settled: The knobs that hold their confirmed values now.
        restored: As in the report.
        pending: As in the report.
        failed: As in the report.
        notes: As in the report.
    """

    settled: set[KnobKey] = field(default_factory=set)
    restored: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)

    def report(self) -> RestoreReport:
        """Returns the report."""
        return RestoreReport(tuple(self.restored), tuple(self.pending), tuple(self.failed), tuple(self.notes))

    def fail(self, knob_id: str, error: KnobError) -> None:
        """Notes loudly what could not be brought back."""
        self.failed.append((knob_id, str(error)))
        _LOGGER.error("Could not restore %s: %s", knob_id, error)

    def note(self, knob_id: str, what: str) -> None:
        """Notes what the operator should know."""
        self.notes.append((knob_id, what))
        _LOGGER.warning("%s: %s", knob_id, what)


@dataclass(frozen=True)
class _Return:
    """One knob on its way back.

    Attributes:
        entry: Its journal entry.
        knob: The knob.
        current: What it reads now; None if it cannot be read, as when its process has ended.
        confirmed: Where it goes; None if to its original.
    """

    entry: JournalEntry
    knob: Knob
    current: Value | None
    confirmed: Value | None

    @property
    def target(self) -> Value:
        return self.entry.original if self.confirmed is None else self.confirmed


class Restorer:
    """Brings knobs back, one by one, in an order in which every intermediate state is legal."""

    def __init__(self, inventory: Inventory, journal: Journal, bounds: Mapping[str, tuple[Value, ...]]) -> None:
        """Writes nothing.

        Args:
            inventory: Finds or rebuilds the knobs that journal entries belong to.
            journal: The original values.
            bounds: The values that the operator allows now, to which confirmed values must keep as well.
        """
        self._inventory = inventory
        self._journal = journal
        self._bounds = bounds

    def bring_back(self, entries: Iterable[JournalEntry], confirmed: Mapping[KnobKey, Value]) -> Outcomes:
        """Brings knobs to their confirmed values, or else to their originals; whatever fails stays in the journal.

        Args:
            entries: The knobs.
            confirmed: The confirmed values to go to; a knob that is not named goes to its original.
        """
        outcomes = Outcomes()
        for item in _in_legal_order(self._found(entries, confirmed, outcomes)):
            try:
                if not self._confirmed_again(item, outcomes):
                    self._to_original(item, outcomes)
            except KnobError as error:
                outcomes.fail(item.entry.knob_id, error)
            _note_foreign_change(item, outcomes)
        return outcomes

    def hold(self, confirmed: Mapping[KnobKey, Value | None], outcomes: Outcomes) -> set[KnobKey]:
        """Makes sure that knobs still hold their confirmed values, which restoring another one may have moved.

        Args:
            confirmed: The values that are to be in force.
            outcomes: Takes notes.

        Returns:
            The knobs that do not, although it was tried.
        """
        lost = set()
        for key, value in confirmed.items():
            entry = self._journal.get(key)
            if value is None or entry is None:
                continue
            try:
                knob = self._inventory.reopen(key.knob_id, entry.captured)
                if not matches(knob.spec, knob.read(), value):
                    write_and_verify(knob, value)
                    outcomes.note(key.knob_id, f"it had been moved and was brought back to {value}, as confirmed")
            except KnobError as error:
                lost.add(key)
                outcomes.note(key.knob_id, f"its confirmed value {value} does not hold: {error}")
        return lost

    def _found(
        self, entries: Iterable[JournalEntry], confirmed: Mapping[KnobKey, Value], outcomes: Outcomes
    ) -> list[_Return]:
        found = []
        for entry in entries:
            try:
                knob = self._inventory.reopen(entry.knob_id, entry.captured)
            except KnobError as error:
                outcomes.fail(entry.knob_id, error)
            else:
                found.append(_Return(entry, knob, _current_value(knob), confirmed.get(entry.key)))
        return found

    def _confirmed_again(self, item: _Return, outcomes: Outcomes) -> bool:
        """Brings a knob to its confirmed value; false if it has none or does not take it."""
        if item.confirmed is None or item.current is None:
            return False
        knob_id = item.entry.knob_id
        try:
            value = admissible({knob_id: item.knob}, self._bounds, {knob_id: item.confirmed})[knob_id]
            self._journal.record([replace(item.entry, expected=(*item.entry.expected, value))])
            write_and_verify(item.knob, value)
            self._journal.record([replace(item.entry, expected=(value,))])
        except KnobError as error:
            outcomes.note(knob_id, f"its confirmed value cannot be brought into force, so the original is: {error}")
            return False
        outcomes.settled.add(item.entry.key)
        outcomes.restored.append(knob_id)
        return True

    def _to_original(self, item: _Return, outcomes: Outcomes) -> None:
        if item.knob.restore(item.entry.captured) is RestoreOutcome.PENDING:
            outcomes.pending.append(item.entry.knob_id)
            return
        self._journal.forget([item.entry.key])
        outcomes.restored.append(item.entry.knob_id)


def _current_value(knob: Knob) -> Value | None:
    try:
        return knob.read()
    except KnobError as error:
        _LOGGER.info("%s cannot be read: %s", knob.spec.id, error)
        return None


def _in_legal_order(items: Iterable[_Return]) -> list[_Return]:
    by_process: dict[str, dict[str, _Return]] = {}
    for item in items:
        by_process.setdefault(item.entry.process, {})[item.entry.knob_id] = item
    ordered = []
    for group in by_process.values():
        specs = {knob_id: item.knob.spec for knob_id, item in group.items()}
        current = {knob_id: item.current for knob_id, item in group.items() if item.current is not None}
        wanted = {knob_id: item.target for knob_id, item in group.items()}
        ordered += [group[knob_id] for knob_id in write_order(specs, current, wanted)]
    return ordered


def _note_foreign_change(item: _Return, outcomes: Outcomes) -> None:
    if item.current is None or any(matches(item.knob.spec, item.current, value) for value in item.entry.expected):
        return
    # A process that is about to end reads as anything: what it read counts only if it can still be read.
    if _current_value(item.knob) is not None:
        what = f"it reads {item.current}, which Wattune did not set: another program has moved it meanwhile"
        outcomes.note(item.entry.knob_id, what)
