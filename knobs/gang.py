"""Several knobs of one kind that are always set alike: the GPUs of a device set, the clusters of a CPU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from knobs.checks import captured_table, foreign_entry, matches, require_listed
from knobs.contract import (
    Captured,
    Delivery,
    DeviceError,
    JsonValue,
    Knob,
    KnobSpec,
    Provenance,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.together import Step, all_or_none, all_restored

MEMBERS = "members"
"""Where a journal entry keeps what each member needs, by the member's key."""

_LEAST_PROMISED_FIRST = (Delivery.SETTING, Delivery.CEILING, Delivery.REACHED)
_LEAST_FAITHFUL_FIRST = (RestoreClass.IRREVERSIBLE, RestoreClass.RESET, RestoreClass.EXACT)
_LEAST_REAL_FIRST = (Provenance.SIMULATED, Provenance.ESTIMATED, Provenance.MEASURED)


class Gang(DescribedKnob):
    """One knob in place of several with the same id: all of them hold a value, or none does."""

    def __init__(self, members: Mapping[str, Knob]) -> None:
        """Joins knobs; writes nothing.

        Args:
            members: The knobs by a key that stays the same from boot to boot (a UUID, an address): a journal entry
                finds them by it.

        Raises:
            ValueError: There are no members, they differ in their id, or no value is common to all.
        """
        self._members = dict(members)
        self._spec = _joint_spec([member.spec for member in self._members.values()])
        self._written: Value | None = None

    def read(self) -> Value:
        """Returns the value that all members hold.

        Where they differ, this is the first that departs from what was last written through this object, so that
        the departure shows; else the lowest, which holds the others back, or the first where values have no order.
        """
        values = [member.read() for member in self._members.values()]
        if self._written is not None:
            strays = (value for value in values if not matches(self._spec, value, self._written))
            return next(strays, values[0])
        if all(matches(self._spec, value, values[0]) for value in values):
            return values[0]
        return min(values, key=lambda value: 0.0 if isinstance(value, str) else value)

    def write(self, value: Value) -> None:
        """Sets all members; where one refuses, those set before it get back what they held.

        Raises:
            RefusedError: The value is not admissible. Nothing was written.
            DeviceError: A member did not accept it.
        """
        require_listed(self._spec, value)
        if len(self._members) == 1:  # whoever writes one knob knows what it held: no need to ask the device again
            next(iter(self._members.values())).write(value)
        else:
            all_or_none([_step(member, value) for member in self._members.values()])
        self._written = value

    def capture(self) -> Captured:
        """Returns what every member needs, by key."""
        return {MEMBERS: {key: member.capture() for key, member in self._members.items()}}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts every member back that an entry names, also where another one fails.

        Raises:
            DeviceError: A member could not be put back, or is gone from this machine.
        """
        entries = captured_table(self._spec.id, captured, MEMBERS)
        self._written = None
        return all_restored(partial(self._restore_one, key, entry) for key, entry in entries.items())

    def _restore_one(self, key: str, entry: JsonValue) -> RestoreOutcome:
        if not isinstance(entry, dict):
            raise foreign_entry(self._spec.id, f"holds nothing of {key}")
        if key not in self._members:
            raise DeviceError(
                f"{self._spec.id} of {key} cannot be restored: the device is gone; bring it back, "
                "then run wattune restore."
            )
        return self._members[key].restore(entry)


def _step(member: Knob, value: Value) -> Step:
    """A member gets back what it holds now by a write where that can be read, else as the journal would do it."""
    held = member.read()
    if member.spec.restore_class is RestoreClass.EXACT and held in member.spec.values:
        return Step(partial(member.write, value), partial(member.write, held))
    return Step(partial(member.write, value), partial(member.restore, member.capture()))


def _joint_spec(specs: list[KnobSpec]) -> KnobSpec:
    if len({spec.id for spec in specs}) != 1:
        raise ValueError("the members of a gang are knobs of one id")
    first = specs[0]
    values = tuple(value for value in first.values if all(value in spec.values for spec in specs))
    if not values:
        raise ValueError(f"no value of {first.id} is common to all members")
    return replace(
        first,
        values=values,
        restore_class=min((spec.restore_class for spec in specs), key=_LEAST_FAITHFUL_FIRST.index),
        tolerance=max(spec.tolerance for spec in specs),
        settle_s=max(spec.settle_s for spec in specs),
        switch_cost_s=sum(spec.switch_cost_s for spec in specs),
        after=tuple(dict.fromkeys(other for spec in specs for other in spec.after)),
        delivery=min((spec.delivery for spec in specs), key=_LEAST_PROMISED_FIRST.index),
        provenance=min((spec.provenance for spec in specs), key=_LEAST_REAL_FIRST.index),
        explored=all(spec.explored for spec in specs),
        danger=_joined(spec.danger for spec in specs),
        note=_joined(spec.note for spec in specs),
    )


def _joined(texts: Iterable[str]) -> str:
    """Every text once."""
    return " ".join(dict.fromkeys(text for text in texts if text))
