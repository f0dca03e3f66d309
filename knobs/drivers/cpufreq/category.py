"""A setting by name that is the same on every policy: the governor, the energy performance preference.

Sources: the kernel's Documentation/admin-guide/pm/{cpufreq,intel_pstate,amd-pstate}.rst.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from knobs.checks import captured_table, require_listed
from knobs.contract import (
    Captured,
    DeviceError,
    JsonValue,
    KnobKind,
    KnobSpec,
    NoValueError,
    RefusedError,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.drivers.cpufreq.names import CORES_ONLINE_ID, DEVICE, GOVERNOR_ID, PREFERENCE_ID
from knobs.drivers.cpufreq.policy import Policy, online
from knobs.together import Step, all_or_none, all_restored

_GOVERNOR = "scaling_governor"
_GOVERNORS = "scaling_available_governors"
_PREFERENCE = "energy_performance_preference"
_PREFERENCES = "energy_performance_available_preferences"
_PERFORMANCE = "performance"
_SETTLE_S = 0.1


class CategoryKnob(DescribedKnob):
    """One file of every policy that takes one of some names."""

    def __init__(
        self,
        policies: Iterable[Policy],
        knob_id: str,
        attribute: str,
        values: tuple[str, ...],
        after: tuple[str, ...] = (),
        note: str = "",
    ) -> None:
        """Prepares the knob; writes nothing.

        Args:
            policies: All policies of the machine.
            knob_id: The knob's id.
            attribute: The name of the file.
            values: What may be written to it.
            after: The knobs that are written before this one.
            note: What the operator should know, in one sentence.
        """
        self._policies = tuple(policies)
        self._attribute = attribute
        self._spec = KnobSpec(
            id=knob_id,
            unit="",
            kind=KnobKind.CATEGORY,
            values=values,
            restore_class=RestoreClass.EXACT,
            device=DEVICE,
            settle_s=_SETTLE_S,
            after=(*after, CORES_ONLINE_ID),
            explored=False,
            note=note,
        )

    def paths(self) -> tuple[str, ...]:
        """Returns the files that are written."""
        return tuple(policy.path(self._attribute) for policy in self._policies)

    def read(self) -> Value:
        """Returns the setting; where policies differ, that of the first which departs from the most common one."""
        texts = [policy.text(self._attribute) for policy in self._active()]
        common = max(texts, key=texts.count)
        return next((text for text in texts if text != common), common)

    def write(self, value: Value) -> None:
        """Sets all policies whose CPUs are not all offline, or none."""
        require_listed(self._spec, value)
        all_or_none(
            Step(
                partial(self._set, policy, str(value)),
                partial(policy.write, self._attribute, policy.text(self._attribute)),
            )
            for policy in self._active()
        )

    def capture(self) -> Captured:
        """Returns the setting of every policy, also one that is not listed (a raw level)."""
        return {"policies": {policy.name: policy.text(self._attribute) for policy in self._active()}}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts every captured policy back; pending while all of its CPUs are offline."""
        policies = captured_table(self._spec.id, captured, "policies")
        return all_restored(partial(self._put_back, name, original) for name, original in policies.items())

    def _put_back(self, name: str, original: JsonValue) -> RestoreOutcome:
        policy = self._policies[0].sibling(name)
        if not policy.cpus():
            return RestoreOutcome.PENDING
        if policy.text(self._attribute) != original:
            self._set(policy, str(original))
        return RestoreOutcome.RESTORED

    def _active(self) -> tuple[Policy, ...]:
        return online(self._policies, self._spec.id)

    def _set(self, policy: Policy, text: str) -> None:
        policy.write(self._attribute, text)
        reads = policy.text(self._attribute)
        if reads != text:
            raise DeviceError(
                f"{policy.path(self._attribute)} was set to {text} but reads {reads}: another program moves it, "
                "such as a power daemon; stop that program, or leave this value out of the bounds."
            )


class PreferenceKnob(CategoryKnob):
    """The energy performance preference, which the governor ``performance`` takes out of our hands."""

    def write(self, value: Value) -> None:
        """Sets all policies, or none; refused where a governor leaves no choice (EBUSY, intel_pstate.c)."""
        governed = [policy.name for policy in self._active() if policy.text(_GOVERNOR) == _PERFORMANCE]
        if governed and value in self._spec.values and value != _PERFORMANCE:
            raise RefusedError(_no_choice(value))
        super().write(value)

    def _set(self, policy: Policy, text: str) -> None:
        try:
            super()._set(policy, text)
        except NoValueError as error:
            raise DeviceError(f"{_no_choice(text)} ({policy.name}: {error})") from error


def governor_knob(policies: tuple[Policy, ...]) -> CategoryKnob | None:
    """Returns the knob of the governors that every policy offers; None where there is no choice.

    ``userspace`` is left out: it hands the clock to a program that is not there.
    """
    values = tuple(name for name in _common(policies, _GOVERNORS) if name != "userspace")
    return CategoryKnob(policies, GOVERNOR_ID, _GOVERNOR, values) if len(values) > 1 else None


def preference_knob(policies: tuple[Policy, ...]) -> PreferenceKnob | None:
    """Returns the knob of the energy performance preference; None where the driver has none.

    ``default`` is left out: it stands for another of the values and never reads back.
    """
    values = tuple(name for name in _common(policies, _PREFERENCES) if name != "default")
    if len(values) <= 1:
        return None
    note = "Under the governor performance the hardware keeps to the preference performance."
    return PreferenceKnob(policies, PREFERENCE_ID, _PREFERENCE, values, after=(GOVERNOR_ID,), note=note)


def _common(policies: tuple[Policy, ...], attribute: str) -> list[str]:
    """Returns the names that the files of all active policies list, in the order of the first; none if one fails."""
    try:
        lists = [policy.text(attribute).split() for policy in policies if policy.cpus()]
    except DeviceError:
        return []
    return [name for name in lists[0] if all(name in others for others in lists)] if lists else []


def _no_choice(value: Value) -> str:
    return (
        f"{PREFERENCE_ID} cannot be {value} while {GOVERNOR_ID} is performance, which admits no other preference: "
        f"set {GOVERNOR_ID} to powersave first."
    )
