"""Which policies are alike, so that one knob sets them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from knobs.attributes import optional_text
from knobs.contract import DeviceError
from knobs.drivers.cpufreq.frequencies import grid_khz
from knobs.drivers.cpufreq.policy import Policy
from knobs.sysfs import KernelFiles

_CPU = "/sys/devices/system/cpu"
_IMPLEMENTER_AND_PART = 0xFF00FFF0
_ANOTHER_KIND_BELOW = 0.9
"""Cores that boost a little higher than their neighbours (Intel's favoured cores, AMD's preferred cores) are some
per cent apart; efficiency cores are at least 15 % slower than performance cores."""


@dataclass(frozen=True)
class Cluster:
    """Policies that are alike.

    Attributes:
        name: The start of its knobs' ids: ``cpu.core``, or ``cpu.cluster1`` where there are several.
        policies: The policies, by their lowest CPU.
        values_khz: What their limits may be set to, ascending, in kHz.
        cpus: The CPUs that were online when it was found.
    """

    name: str
    policies: tuple[Policy, ...]
    values_khz: tuple[int, ...]
    cpus: tuple[int, ...]


@dataclass(frozen=True)
class _Hardware:
    """What a policy's hardware is."""

    policy: Policy
    driver: str
    core: str
    table_khz: tuple[int, ...]
    lowest_khz: int
    highest_khz: int


def find_clusters(policies: Iterable[Policy], *, with_boost: bool) -> tuple[Cluster, ...]:
    """Returns the clusters by their lowest CPU.

    Policies whose CPUs are all offline cannot be read; they count where there is one cluster only.

    Args:
        policies: The machine's policies.
        with_boost: Whether boost is on or can be turned on, so that its frequencies can be had.
    """
    known = tuple(policies)
    hardware = [one for policy in known if (one := _hardware(policy, with_boost=with_boost)) is not None]
    alike = _alike(hardware)
    if len(alike) == 1:
        offline = [policy for policy in known if not policy.cpus()]
        return (_cluster("cpu.core", alike[0], offline),)
    return tuple(_cluster(f"cpu.cluster{number}", kind, ()) for number, kind in enumerate(alike))


def _hardware(policy: Policy, *, with_boost: bool) -> _Hardware | None:
    """Returns what a policy's hardware is; None where the kernel does not say, as while all CPUs are offline."""
    try:
        listed = policy.frequencies_khz("scaling_available_frequencies")
        boosted = policy.frequencies_khz("scaling_boost_frequencies") if with_boost else ()
        return _Hardware(
            policy,
            policy.text("scaling_driver"),
            _core_of(policy.files, policy.cpus()),
            tuple(sorted({*listed, *boosted})),
            policy.khz("cpuinfo_min_freq"),
            policy.khz("cpuinfo_max_freq"),
        )
    except DeviceError:
        return None


def _core_of(files: KernelFiles, cpus: tuple[int, ...]) -> str:
    """The make of Arm cores: those of the Jetson TX2 (Cortex-A57, Denver 2) share one list of frequencies."""
    identification = optional_text(files, f"{_CPU}/cpu{cpus[0]}/regs/identification/midr_el1") if cpus else ""
    try:
        return f"{int(identification, 16) & _IMPLEMENTER_AND_PART:x}"
    except ValueError:
        return ""


def _alike(hardware: list[_Hardware]) -> list[list[_Hardware]]:
    kinds: dict[tuple[object, ...], list[_Hardware]] = {}
    for one in hardware:
        kinds.setdefault((one.driver, one.core, one.table_khz), []).append(one)
    parts = [part for key, kind in kinds.items() for part in ([kind] if key[-1] else _by_speed(kind))]
    order = {one.policy.name: position for position, one in enumerate(hardware)}
    for part in parts:
        part.sort(key=lambda one: order[one.policy.name])
    return sorted(parts, key=lambda part: order[part[0].policy.name])


def _by_speed(kind: list[_Hardware]) -> list[list[_Hardware]]:
    """Parts policies without a list of frequencies where their highest ones are far apart."""
    parts: list[list[_Hardware]] = []
    for one in sorted(kind, key=lambda one: -one.highest_khz):
        if parts and one.highest_khz >= _ANOTHER_KIND_BELOW * parts[-1][-1].highest_khz:
            parts[-1].append(one)
        else:
            parts.append([one])
    return parts


def _cluster(name: str, kind: list[_Hardware], offline: Iterable[Policy]) -> Cluster:
    lowest_khz = min(one.lowest_khz for one in kind)
    highest_khz = max(one.highest_khz for one in kind)
    table_khz = kind[0].table_khz
    return Cluster(
        name=name,
        policies=(*(one.policy for one in kind), *offline),
        values_khz=table_khz or grid_khz(lowest_khz, highest_khz, _base_khz(kind)),
        cpus=tuple(sorted(cpu for one in kind for cpu in one.policy.cpus())),
    )


def _base_khz(kind: list[_Hardware]) -> set[int]:
    """The frequencies that the maker guarantees without boost, where the driver shows them."""
    return {khz for one in kind if (khz := one.policy.base_khz) is not None}
