"""Where a device keeps data: levels of memory, fastest first."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tuner.errors import BadInputError

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024


@dataclass(frozen=True)
class MemoryLevel:
    """One level: so many equal caches, each of which serves so many cores; the last level is memory.

    Attributes:
        name: What it is called: ``L1``, ``L2``, ``memory``.
        bytes_per_unit: What one cache of it holds.
        units: How many there are.
        shared_by: How many cores (CPU) or streaming multiprocessors (GPU) share one.
    """

    name: str
    bytes_per_unit: int
    units: int = 1
    shared_by: int = 1

    def __post_init__(self) -> None:
        """Refuses sizes that no cache has.

        Raises:
            BadInputError: A size or a number is not above zero.
        """
        if min(self.bytes_per_unit, self.units, self.shared_by) < 1:
            raise BadInputError(f"The level '{self.name}' must have size, units and sharers above zero.")


@dataclass(frozen=True)
class MemoryHierarchy:
    """The levels of one device.

    Attributes:
        device: The device.
        levels: The levels, fastest first; the last one is memory.
        source: Where this is known from.
        remarks: What speaks against believing it, a sentence each.
    """

    device: str
    levels: tuple[MemoryLevel, ...]
    source: str
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuses a device without levels, or with two of one name.

        Raises:
            BadInputError: There is none, or a name stands twice.
        """
        names = self.names
        if not names or len(set(names)) < len(names):
            raise BadInputError(f"{self.device} must have at least one level of memory, and each name once.")

    @property
    def names(self) -> tuple[str, ...]:
        """The levels' names, fastest first."""
        return tuple(level.name for level in self.levels)

    def used_by(self, cores: int) -> MemoryHierarchy:
        """Returns what so many busy cores see: of each level only the caches that serve them.

        Cores are taken to fill one shared cache before they use the next one.

        Raises:
            BadInputError: There are fewer cores than one.
        """
        if cores < 1:
            raise BadInputError("A network runs on one core at least.")
        levels = [replace(level, units=min(level.units, -(-cores // level.shared_by))) for level in self.levels]
        return replace(self, levels=tuple(levels))


def size_text(n_bytes: float) -> str:
    """Writes a size as ``24.8 MiB``."""
    unit = 0
    while n_bytes >= _STEP and unit < len(_UNITS) - 1:
        n_bytes, unit = n_bytes / _STEP, unit + 1
    return f"{n_bytes:.3g} {_UNITS[unit]}" if n_bytes < 1000 else f"{n_bytes:.0f} {_UNITS[unit]}"
