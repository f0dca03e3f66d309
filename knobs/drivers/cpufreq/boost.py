"""Whether the processor may run above its nominal frequency (turbo, Core Performance Boost).

Sources: the kernel's Documentation/admin-guide/pm/cpufreq.rst ("The ``boost`` File in sysfs") and intel_pstate.rst
(``no_turbo``, where 1 means off; EPERM where the firmware has switched turbo off).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from knobs.checks import captured_table, foreign_entry, require_listed
from knobs.contract import (
    Captured,
    DeviceError,
    KnobKind,
    KnobSpec,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.drivers.cpufreq.names import BOOST_ID, CORES_ONLINE_ID, DEVICE, INTEL_PSTATE
from knobs.drivers.cpufreq.policy import CPUFREQ, Policy
from knobs.drivers.switch import OFF, ON, Switch
from knobs.sysfs import ForbiddenError, KernelFiles
from knobs.together import Step, all_or_none

_SETTLE_S = 0.1


class BoostSwitch(Switch):
    """A file that lets the processor boost.

    While boost is off for all CPUs, newer kernels refuse every write to the switch of one policy, and the switch for
    all sets those of the policies as well (``store_local_boost`` in drivers/cpufreq/cpufreq.c).
    """

    def write(self, value: str) -> None:
        """Writes ``off`` or ``on`` and reads it back; what reads so already is not written.

        Raises:
            DeviceError: The kernel did not take it.
        """
        try:
            super().write(value)
        except ForbiddenError as error:
            raise DeviceError(
                f"{BOOST_ID} cannot be {value}: {error} The firmware may have switched boost off: allow it there."
            ) from error


def find_switches(files: KernelFiles, policies: Iterable[Policy]) -> tuple[BoostSwitch, ...]:
    """Returns the switches of this machine: one for all CPUs before those of single policies; none is common on Arm."""
    for_all = BoostSwitch(files, f"{INTEL_PSTATE}/no_turbo", is_inverted=True), BoostSwitch(files, f"{CPUFREQ}/boost")
    for_some = (BoostSwitch(files, policy.path("boost")) for policy in policies)
    return tuple(switch for switch in (*for_all, *for_some) if files.exists(switch.path))


def is_off(switches: Iterable[BoostSwitch]) -> bool:
    """Tells whether any switch keeps the processor from boosting; one that cannot be read does not count."""
    return any(_reads_off(switch) for switch in switches)


class BoostKnob(DescribedKnob):
    """All switches of a machine as one."""

    def __init__(self, switches: tuple[BoostSwitch, ...], policies: tuple[Policy, ...]) -> None:
        """Prepares the knob; writes nothing.

        Args:
            switches: Those that may be written, the one for all CPUs first.
            policies: All policies, whose limits some kernels reset when boost is switched.
        """
        self._switches = switches
        self._policies = policies
        self._spec = KnobSpec(
            id=BOOST_ID,
            unit="",
            kind=KnobKind.CATEGORY,
            values=(OFF, ON),
            restore_class=RestoreClass.EXACT,
            device=DEVICE,
            settle_s=_SETTLE_S,
            after=(CORES_ONLINE_ID,),
            explored=False,
            note="Off, the highest frequency that the CPUs reach is their base frequency, whatever their limits say.",
        )

    def read(self) -> Value:
        """Returns ``on`` if every switch is on."""
        return ON if all(switch.read() == ON for switch in self._active()) else OFF

    def write(self, value: Value) -> None:
        """Sets all switches, or none."""
        require_listed(self._spec, value)
        self._set({switch.path: str(value) for switch in self._active()})

    def capture(self) -> Captured:
        """Returns the state of every switch."""
        return {"switches": {switch.path: switch.read() for switch in self._active()}}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts every switch back, the one for all CPUs first; pending while all CPUs of a policy are offline."""
        switches = captured_table(BOOST_ID, captured, "switches")
        if not all(state in (OFF, ON) for state in switches.values()):
            raise foreign_entry(BOOST_ID, "holds another state than on and off")
        active = {switch.path for switch in self._active()}
        self._set({path: str(state) for path, state in switches.items() if path in active})
        return RestoreOutcome.RESTORED if set(switches) <= active else RestoreOutcome.PENDING

    def _active(self) -> tuple[BoostSwitch, ...]:
        offline = {policy.path("boost") for policy in self._policies if not policy.cpus()}
        return tuple(switch for switch in self._switches if switch.path not in offline)

    def _set(self, states: dict[str, str]) -> None:
        limited = {policy: policy.limits() for policy in self._policies if _loses_its_limits(policy)}
        # All are read before the first is written: the switch for all CPUs moves the others.
        steps = [
            Step(partial(switch.write, states[switch.path]), partial(switch.write, switch.read()))
            for switch in self._switches
            if switch.path in states
        ]
        all_or_none(steps)
        for policy, limits in limited.items():
            policy.set_limits(limits)


def _loses_its_limits(policy: Policy) -> bool:
    """Tells whether a policy is limited, and by a request that switching boost replaces (cpufreq_boost_set_sw)."""
    return policy.is_lowered and policy.has("scaling_boost_frequencies")


def _reads_off(switch: BoostSwitch) -> bool:
    try:
        return switch.read() == OFF
    except DeviceError:
        return False
