"""The caches of this machine's CPU, as the kernel describes them.

Files and their meaning: Documentation/ABI/testing/sysfs-devices-system-cpu in the kernel's sources, section
``/sys/devices/system/cpu/cpu*/cache/index*``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from knobs.contract import DeviceError
from tuner.energy_model.working_set.levels import MemoryHierarchy, MemoryLevel, size_text
from tuner.errors import BadInputError

_CACHES = "/sys/devices/system/cpu/cpu[0-9]*/cache/index[0-9]*"
_SIZE = re.compile(r"(\d+)([KMG]?)")
_FACTORS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_MEMORY_TOTAL = re.compile(r"^MemTotal:\s*(\d+) kB", re.MULTILINE)
_FLAGS = re.compile(r"^(?:flags|Features)\s*:(.*)$", re.MULTILINE)
_MODEL = re.compile(r"^(?:model name|Model)\s*:\s*(.+)$", re.MULTILINE)
_HYPERVISOR_FLAG = "hypervisor"


class KernelTree(Protocol):
    """The kernel's files, read below a root that is not always ``/``."""

    def read_text(self, path: str) -> str:
        """Returns the content of a file; raises DeviceError where there is none."""

    def glob(self, pattern: str) -> Sequence[str]:
        """Returns the paths that match a pattern."""


@dataclass(frozen=True)
class _Cache:
    level: int
    n_bytes: int
    cpus: frozenset[int]


def cpu_hierarchy(files: KernelTree) -> MemoryHierarchy:
    """Returns the data caches and the memory of the CPU.

    Args:
        files: The kernel's files.

    Raises:
        BadInputError: The kernel names no cache, as in some virtual machines and on boards whose firmware describes
            none, or something that cannot be one.
    """
    caches = {cache for path in files.glob(_CACHES) for cache in _cache(files, path)}
    if not caches:
        raise BadInputError("The kernel names no cache of this CPU: describe the levels in a file, --caches FILE.")
    description = _read(files, "/proc/cpuinfo")
    name = _MODEL.search(description)
    levels = [_level(number, caches) for number in sorted({cache.level for cache in caches})]
    return MemoryHierarchy(
        device=name[1].strip() if name else "CPU",
        levels=(*levels, *_memory(files, len(set().union(*(cache.cpus for cache in caches))))),
        source="sysfs (/sys/devices/system/cpu/cpu*/cache) and /proc/meminfo",
        remarks=(*_unequal(caches), *_virtual(description, levels[-1])),
    )


def _cache(files: KernelTree, path: str) -> Sequence[_Cache]:
    """Returns the cache of one folder; none if it holds instructions only, or does not say what it is."""
    size = _SIZE.fullmatch(_read(files, f"{path}/size"))
    level = _read(files, f"{path}/level")
    if size is None or not level.isdecimal() or _read(files, f"{path}/type") == "Instruction":
        return ()
    n_bytes = int(size[1]) * _FACTORS[size[2]]
    cpus = _cpu_list(_read(files, f"{path}/shared_cpu_list")) or _own_cpu(path)
    return (_Cache(int(level), n_bytes, cpus),) if n_bytes else ()


def _cpu_list(text: str) -> frozenset[int]:
    """Reads a list such as ``0-3,8``."""
    cpus: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise BadInputError(f"The kernel says that a cache is shared by the CPUs '{text}', which is no list.")
        cpus.update(range(int(first), int(last or first) + 1))
    return frozenset(cpus)


def _own_cpu(path: str) -> frozenset[int]:
    return frozenset(int(number) for number in re.findall(r"/cpu(\d+)/", path))


def _level(number: int, caches: set[_Cache]) -> MemoryLevel:
    units = [cache for cache in caches if cache.level == number]
    return MemoryLevel(
        name=f"L{number}",
        bytes_per_unit=min(cache.n_bytes for cache in units),
        units=len(units),
        shared_by=max(len(cache.cpus) for cache in units),
    )


def _memory(files: KernelTree, cpus: int) -> Sequence[MemoryLevel]:
    total = _MEMORY_TOTAL.search(_read(files, "/proc/meminfo"))
    return (MemoryLevel("memory", int(total[1]) << 10, shared_by=cpus),) if total else ()


def _unequal(caches: set[_Cache]) -> Sequence[str]:
    levels = sorted({cache.level for cache in caches})
    sizes = {level: sorted({cache.n_bytes for cache in caches if cache.level == level}) for level in levels}
    return [
        f"The cores have L{level} caches of {' and '.join(map(size_text, found))}: the smallest is counted for all."
        for level, found in sizes.items()
        if len(found) > 1
    ]


def _virtual(description: str, last: MemoryLevel) -> Sequence[str]:
    flags = _FLAGS.search(description)
    if flags is None or _HYPERVISOR_FLAG not in flags[1].split():
        return ()
    return (
        f"This is a virtual machine, and its {last.name} of {size_text(last.bytes_per_unit)} may be shared with others "
        "that it does not see: 'wattune predict caches --measure --write FILE' finds out what it gets.",
    )


def _read(files: KernelTree, path: str) -> str:
    try:
        return files.read_text(os.fspath(path))
    except DeviceError:
        return ""
