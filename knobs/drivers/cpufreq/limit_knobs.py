"""The highest and the lowest clock of a cluster of CPUs, as knobs."""

from __future__ import annotations

from knobs.checks import require_listed
from knobs.contract import (
    Captured,
    Delivery,
    KnobKind,
    KnobSpec,
    NotAbove,
    RefusedError,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.drivers.cpufreq.cluster_limits import Bound, ClusterLimits
from knobs.drivers.cpufreq.frequencies import khz, mhz
from knobs.drivers.cpufreq.names import BOOST_ID, CORES_ONLINE_ID, DEVICE, max_id, min_id

_SETTLE_S = 0.05


class LimitKnob(DescribedKnob):
    """One of the two limits. They share what is remembered about the cluster."""

    def __init__(self, limits: ClusterLimits, bound: Bound, note: str = "") -> None:
        """Prepares the knob; writes nothing.

        Args:
            limits: The limits of the cluster.
            bound: Which one this knob sets.
            note: What the operator should know, in one sentence.
        """
        self._limits = limits
        self._bound = bound
        cluster = limits.cluster
        is_max = bound is Bound.MAX
        self._spec = KnobSpec(
            id=max_id(cluster.name) if is_max else min_id(cluster.name),
            unit="MHz",
            kind=KnobKind.CLOCK,
            values=tuple(mhz(value_khz) for value_khz in cluster.values_khz),
            restore_class=RestoreClass.EXACT,
            device=DEVICE,
            not_above=None if is_max else NotAbove(max_id(cluster.name)),
            settle_s=_SETTLE_S,
            after=(BOOST_ID, CORES_ONLINE_ID),
            delivery=Delivery.CEILING if is_max else Delivery.SETTING,
            explored=is_max,
            note=note,
        )

    def read(self) -> Value:
        """Returns the limit in MHz, the highest one where policies differ."""
        return mhz(self._limits.in_force_khz(self._bound))

    def write(self, value: Value) -> None:
        """Sets the limit on all policies; a maximum below the present minimum takes the minimum down with it."""
        require_listed(self._spec, value)
        wanted_khz = khz(float(value))
        if self._bound is Bound.MIN and wanted_khz > (max_khz := self._limits.in_force_khz(Bound.MAX)):
            raise RefusedError(
                f"{self._spec.id} cannot be {value} while the highest clock is {mhz(max_khz)} MHz: "
                f"raise {max_id(self._limits.cluster.name)} first."
            )
        self._limits.impose(self._bound, wanted_khz)

    def capture(self) -> Captured:
        """Returns both limits of every policy."""
        return self._limits.capture()

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the limits of every captured policy back; pending while its CPUs are offline or a cap hides it."""
        return self._limits.restore(self._bound, captured)
