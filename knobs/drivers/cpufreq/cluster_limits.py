"""The two limits of a cluster: set on all of its policies or on none, read back, captured, put back."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial

from knobs.checks import captured_table, foreign_entry
from knobs.contract import Captured, DeviceError, JsonValue, RestoreOutcome
from knobs.drivers.cpufreq.caps import ClockCaps
from knobs.drivers.cpufreq.clusters import Cluster
from knobs.drivers.cpufreq.policy import Limits, Policy, online
from knobs.sysfs import NotAcceptedError
from knobs.together import Step, all_or_none, all_restored


class Bound(StrEnum):
    """One of the two limits, by the kernel's name."""

    MIN = "scaling_min_freq"
    MAX = "scaling_max_freq"

    def of(self, limits: Limits) -> int:
        """Returns this one of two limits, in kHz."""
        return limits.max_khz if self is Bound.MAX else limits.min_khz


class ClusterLimits:
    """The limits of a cluster's policies.

    Two things are remembered, because the kernel does not show them: a limit that was asked for while boost is off
    and comes into force once it is on, and a minimum that had to give way to a lower maximum.
    """

    def __init__(self, cluster: Cluster, caps: ClockCaps, boost_is_off: Callable[[], bool]) -> None:
        """Writes nothing.

        Args:
            cluster: The policies.
            caps: What else may hold their clocks down.
            boost_is_off: Tells whether the frequencies above the base frequency are out of reach now.
        """
        self.cluster = cluster
        self._caps = caps
        self._boost_is_off = boost_is_off
        self._asked_khz: dict[tuple[str, Bound], int] = {}
        self._gave_way_khz: dict[str, tuple[int, int]] = {}

    def in_force_khz(self, bound: Bound) -> int:
        """Returns a limit: the first that departs from what was set here, or else the highest of any policy.

        Raises:
            DeviceError: No policy can be read.
        """
        asked = {policy.name: self._asked_for_khz(policy, bound) for policy in self._active()}
        strays = (khz for name, khz in asked.items() if self._asked_khz.get((name, bound), khz) != khz)
        return next(strays, max(asked.values()))

    def impose(self, bound: Bound, khz: int) -> None:
        """Sets a limit on every policy whose CPUs are not all offline, or on none.

        Raises:
            DeviceError: A policy did not take it.
        """
        set_one = self._set_max if bound is Bound.MAX else self._set_min
        all_or_none(
            Step(partial(set_one, policy, khz), partial(_take_back, policy, policy.limits(), self._asked_for(policy)))
            for policy in self._active()
        )

    def capture(self) -> Captured:
        """Returns the limits of every policy.

        Raises:
            DeviceError: They cannot be read, or a cap that is not ours hides them.
        """
        self._caps.wait_until_limits_show(f"The limits that were set for {self.cluster.name}")
        policies: dict[str, JsonValue] = {}
        for policy in self._active():
            limits = policy.limits()
            policies[policy.name] = [self._home_min_khz(policy, limits), limits.max_khz]
        return {"policies": policies}

    def restore(self, bound: Bound, captured: Captured) -> RestoreOutcome:
        """Puts the captured limits back: both where the maximum is restored, since it may have moved the minimum.

        Raises:
            DeviceError: A policy did not take them.
        """
        originals = captured_limits(self.cluster.name, captured)
        policy = self.cluster.policies[0]
        return all_restored(
            partial(self._put_back, policy.sibling(name), bound, original) for name, original in originals.items()
        )

    def _set_max(self, policy: Policy, khz: int) -> None:
        """Sets the maximum; the minimum gives way to it, and comes back as far as a later maximum lets it."""
        now = policy.limits()
        home_khz = self._home_min_khz(policy, now)
        min_khz = min(home_khz, khz)
        if min_khz == now.min_khz:
            policy.write(Bound.MAX, str(khz))
        else:
            policy.set_limits(Limits(min_khz, khz))
        self._gave_way_khz[policy.name] = (home_khz, min_khz)
        self._verify(policy, Bound.MAX, khz)

    def _set_min(self, policy: Policy, khz: int) -> None:
        policy.write(Bound.MIN, str(khz))
        self._gave_way_khz.pop(policy.name, None)
        self._verify(policy, Bound.MIN, khz)

    def _verify(self, policy: Policy, bound: Bound, khz: int) -> None:
        limits = policy.limits_once(lambda now: bound.of(now) in self._fits_khz(policy, khz))
        if bound.of(limits) not in self._fits_khz(policy, khz):
            why = ", ".join(self._caps.active()) or "the driver clamps it or another program moves it"
            raise DeviceError(
                f"{policy.path(bound)} was set to {khz} but reads {bound.of(limits)}: {why}; leave this value out "
                "of the bounds, or remove what holds it."
            )
        self._asked_khz[policy.name, bound] = khz

    def _fits_khz(self, policy: Policy, khz: int) -> set[int]:
        """What a request may read as: itself within the hardware's reach, or the base frequency without boost."""
        within = max(policy.khz("cpuinfo_min_freq"), min(khz, policy.khz("cpuinfo_max_freq")))
        base_khz = policy.base_khz
        if base_khz is not None and self._boost_is_off():
            return {within, min(within, base_khz)}
        return {within}

    def _put_back(self, policy: Policy, bound: Bound, original: Limits) -> RestoreOutcome:
        """Puts one policy back; pending if its CPUs are offline, or a cap that is not ours hides the effect."""
        if not policy.cpus():
            return RestoreOutcome.PENDING
        self._forget(policy)
        capped = bool(self._caps.active())
        try:
            wanted = self._write_back(policy, bound, original, capped=capped)
        except NotAcceptedError:
            if capped:
                return RestoreOutcome.PENDING
            raise
        if policy.limits_once(lambda now: now == wanted) == wanted:
            return RestoreOutcome.RESTORED
        if capped or self._caps.active():
            return RestoreOutcome.PENDING
        raise DeviceError(
            f"The limits of {policy.path('')} should read {wanted.min_khz} and {wanted.max_khz} kHz again but read "
            f"{policy.khz(Bound.MIN)} and {policy.khz(Bound.MAX)}: another program may move them; run wattune restore."
        )

    def _write_back(self, policy: Policy, bound: Bound, original: Limits, *, capped: bool) -> Limits:
        """Writes what belongs to a knob and returns how the limits should read then.

        The minimum alone goes no higher than the maximum in force, which the other knob puts back, unless that reads
        low only because of a cap.
        """
        if bound is Bound.MAX:
            policy.set_limits(original)
            return original
        max_khz = policy.khz(Bound.MAX)
        min_khz = original.min_khz if capped else min(original.min_khz, max_khz)
        policy.write(Bound.MIN, str(min_khz))
        return Limits(min_khz, max_khz)

    def _forget(self, policy: Policy) -> None:
        self._gave_way_khz.pop(policy.name, None)
        for bound in Bound:
            self._asked_khz.pop((policy.name, bound), None)

    def _home_min_khz(self, policy: Policy, now: Limits) -> int:
        """The minimum that holds where no maximum of ours pushes it down."""
        home_khz, gave_way_khz = self._gave_way_khz.get(policy.name, (now.min_khz, now.min_khz))
        return home_khz if now.min_khz == gave_way_khz else now.min_khz

    def _asked_for(self, policy: Policy) -> Limits:
        return Limits(*(self._asked_for_khz(policy, bound) for bound in (Bound.MIN, Bound.MAX)))

    def _asked_for_khz(self, policy: Policy, bound: Bound) -> int:
        """What was asked for last, where the limit reads as that request would; otherwise what it reads."""
        reads_khz = policy.khz(bound)
        asked_khz = self._asked_khz.get((policy.name, bound), reads_khz)
        return asked_khz if reads_khz in self._fits_khz(policy, asked_khz) else reads_khz

    def _active(self) -> tuple[Policy, ...]:
        return online(self.cluster.policies, self.cluster.name)


def _take_back(policy: Policy, read: Limits, asked: Limits) -> None:
    """Asks for former limits again where they have changed: one that took no write has nothing to undo."""
    now = policy.limits_once(lambda now: now != read)
    changed = [bound for bound in Bound if bound.of(now) != bound.of(read)]
    if len(changed) == len(Bound):
        policy.set_limits(asked)
    elif changed:
        policy.write(changed[0], str(changed[0].of(asked)))


def captured_limits(name: str, captured: Captured) -> dict[str, Limits]:
    """Returns the limits in a journal entry, by policy.

    Raises:
        DeviceError: The entry is damaged.
    """
    limits: dict[str, Limits] = {}
    for policy, pair in captured_table(name, captured, "policies").items():
        match pair:
            case [int(min_khz), int(max_khz)]:
                limits[policy] = Limits(min_khz, max_khz)
            case _:
                raise foreign_entry(name, f"holds no pair of limits of {policy}")
    return limits
