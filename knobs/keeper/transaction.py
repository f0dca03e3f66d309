"""A whole configuration or nothing: originals journalled, values written and read back, or all put back."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from knobs.checks import matches
from knobs.contract import DeviceError, Knob, KnobError, RestoreOutcome, Value
from knobs.journal import Journal, JournalEntry, KnobKey
from knobs.keeper.rules import write_order

_LOGGER = logging.getLogger(__name__)


class TransactionError(DeviceError):
    """The hardware did not take a configuration; what was in force before was put back, except where stated."""

    def __init__(self, message: str, not_put_back: frozenset[KnobKey]) -> None:
        """Names the knobs that are in neither state; their journal entries are kept."""
        super().__init__(message)
        self.not_put_back = not_put_back


def write_and_verify(knob: Knob, value: Value) -> Value:
    """Writes a value and returns what the device says then.

    Raises:
        DeviceError: The device did not take it.
    """
    knob.write(value)
    delivered = knob.read()
    if not matches(knob.spec, delivered, value):
        raise DeviceError(
            f"{knob.spec.id} was set to {value} but reads {delivered}: "
            "the device clamps it or another program moves it; leave this value out of the bounds."
        )
    return delivered


class Transaction:
    """One configuration on its way into the hardware. Used once."""

    def __init__(self, journal: Journal, knobs: Mapping[KnobKey, Knob], wanted: Mapping[KnobKey, Value]) -> None:
        """Reads what is in force; writes nothing.

        Args:
            journal: The original values.
            knobs: The knobs, all of one machine and at most one process, so that their ids differ.
            wanted: Their new values.

        Raises:
            DeviceError: A device does not answer.
        """
        self._journal = journal
        self._knobs = dict(knobs)
        self._wanted = dict(wanted)
        self._before = {key: knob.read() for key, knob in knobs.items()}
        self._unchanged_so_far = {key for key in knobs if journal.get(key) is None}

    def run(self) -> dict[str, Value]:
        """Sets all knobs; returns the values read back, by knob id.

        Raises:
            KnobError: The journal could not be written, or an original not captured; nothing was set.
            TransactionError: The hardware did not take it.
        """
        self._journal.record([self._entry(key, knob) for key, knob in self._knobs.items()])
        delivered: dict[str, Value] = {}
        touched: list[KnobKey] = []
        for key in self._order(self._before, self._wanted):
            touched.append(key)
            try:
                delivered[key.knob_id] = write_and_verify(self._knobs[key], self._wanted[key])
            except KnobError as error:
                self._put_back(touched, error)
        return delivered

    def _entry(self, key: KnobKey, knob: Knob) -> JournalEntry:
        known = self._journal.get(key)
        captured = knob.capture() if known is None else known.captured
        expected = (self._before[key], self._wanted[key])
        return JournalEntry(key.knob_id, key.process, captured, self._before[key], expected)

    def _order(self, current: Mapping[KnobKey, Value], wanted: Mapping[KnobKey, Value]) -> list[KnobKey]:
        """Returns the order in which the wanted values are written, with nothing illegal in between."""
        keys = {key.knob_id: key for key in wanted}
        specs = {key.knob_id: self._knobs[key].spec for key in wanted}
        by_id = [{key.knob_id: value for key, value in values.items() if key in wanted} for values in (current, wanted)]
        return [keys[knob_id] for knob_id in write_order(specs, *by_id)]

    def _put_back(self, touched: list[KnobKey], cause: KnobError) -> None:
        """Puts back what was in force before, in as legal an order; always raises the error that says so."""
        trouble: dict[KnobKey, str] = {}
        before = {key: self._before[key] for key in touched}
        for key in self._order(self._wanted, before):
            try:
                self._put_back_one(key)
            except KnobError as error:
                trouble[key] = f"{key.knob_id} could not be put back and will be tried again: {error}"
        for sentence in trouble.values():
            _LOGGER.error(sentence)
        sentences = [str(cause), *trouble.values()]
        try:
            self._journal.forget(self._unchanged_so_far - trouble.keys())
        except KnobError as error:
            sentences.append(str(error))
        raise TransactionError(" ".join(sentences), frozenset(trouble)) from cause

    def _put_back_one(self, key: KnobKey) -> None:
        knob = self._knobs[key]
        if key not in self._unchanged_so_far:
            write_and_verify(knob, self._before[key])
            return
        entry = self._journal.get(key)
        if entry is not None and knob.restore(entry.captured) is RestoreOutcome.PENDING:
            raise DeviceError("a cap that is not ours hides the effect for now.")
