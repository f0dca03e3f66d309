"""What clients have set on an emulated GPU, and which clocks the device may run at because of it."""

from __future__ import annotations

from collections.abc import Sequence

from tests.emulated.nvml.codes import CLOCK_LIMIT_TDP, CLOCK_LIMIT_UNLIMITED, NvmlRefusal, ReturnCode
from tests.emulated.nvml.device import NvidiaDevice
from tests.emulated.nvml.profile import GpuProfile

ClockRange = tuple[int, int]

_SYMBOLS = (CLOCK_LIMIT_TDP, CLOCK_LIMIT_UNLIMITED)


class Settings:
    """Locks, application clocks and power limit of one GPU: of the GPU, not of the client that set them."""

    def __init__(self, profile: GpuProfile, device: NvidiaDevice) -> None:
        """Begins with nothing set."""
        self._profile = profile
        self._device = device
        self.core_lock_mhz: ClockRange | None = None
        self.memory_lock_mhz: ClockRange | None = None
        self.application_mhz: tuple[int, int] | None = None
        self.limit_w = profile.limit_w
        self.forget()

    def forget(self) -> None:
        """Takes everything back, as a driver that tears the GPU's state down does."""
        self.core_lock_mhz = self.memory_lock_mhz = self.application_mhz = None
        self.limit_w = self._profile.limit_w
        self._device.set_power_cap(self.limit_w)
        self._apply()

    def lock_core(self, low_mhz: int, high_mhz: int) -> None:
        """Locks the core clock to a range; what is not listed is snapped when it is applied.

        Raises:
            NvmlRefusal: The range is upside down, or mixes a symbol with a clock.
        """
        if (low_mhz in _SYMBOLS) != (high_mhz in _SYMBOLS):
            raise NvmlRefusal(ReturnCode.INVALID_ARGUMENT)
        self.core_lock_mhz = _in_order(self._clock(low_mhz), self._clock(high_mhz))
        self._apply()

    def unlock_core(self) -> None:
        """Takes the lock of the core clock back."""
        self.core_lock_mhz = None
        self._apply()

    def lock_memory(self, low_mhz: int, high_mhz: int) -> None:
        """Locks the memory clock to a range.

        Raises:
            NvmlRefusal: The range is upside down.
        """
        self.memory_lock_mhz = _in_order(low_mhz, high_mhz)
        self._apply()

    def unlock_memory(self) -> None:
        """Takes the lock of the memory clock back."""
        self.memory_lock_mhz = None
        self._apply()

    def set_application(self, memory_mhz: int, core_mhz: int) -> None:
        """Sets the application clocks.

        Raises:
            NvmlRefusal: It is not a listed pair.
        """
        if core_mhz not in self._profile.clocks_mhz.get(memory_mhz, ()):
            raise NvmlRefusal(ReturnCode.INVALID_ARGUMENT)
        self.application_mhz = (memory_mhz, core_mhz)
        self._apply()

    def reset_application(self) -> None:
        """Takes the application clocks back."""
        self.application_mhz = None
        self._apply()

    def limit_power(self, limit_w: float) -> None:
        """Sets the power limit.

        Raises:
            NvmlRefusal: It is out of range, or the card's limit cannot be set.
        """
        limits = self._profile.limits
        if limits is None:
            raise NvmlRefusal(ReturnCode.NOT_SUPPORTED)
        if not limits.lowest_w <= limit_w <= limits.highest_w:
            raise NvmlRefusal(ReturnCode.INVALID_ARGUMENT)
        self.limit_w = limit_w
        self._device.set_power_cap(limit_w)

    @property
    def memory_mhz(self) -> int:
        """The memory clock under load."""
        listed = self._profile.memory_clocks_mhz
        wanted = listed[0]
        if self.memory_lock_mhz is not None:
            wanted = self.memory_lock_mhz[1]
        elif self.application_mhz is not None:
            wanted = self.application_mhz[0]
        if self._profile.compute_memory_mhz is not None:
            wanted = min(wanted, self._profile.compute_memory_mhz)
        return _snapped(wanted, listed)

    @property
    def core_range_mhz(self) -> ClockRange:
        """The range of the core clock; the memory clock bounds it too, as each has a list of its own."""
        allowed = self._profile.clocks_mhz[self.memory_mhz]
        low, high = allowed[-1], allowed[0]
        if self.core_lock_mhz is not None:
            low, high = self.core_lock_mhz
        elif self.application_mhz is not None:
            high = self.application_mhz[1]
        return _snapped(low, allowed), _snapped(high, allowed)

    @property
    def bounds_core(self) -> bool:
        """Whether the highest core clock is out of reach because of a setting."""
        return self.core_range_mhz[1] < self._profile.all_core_clocks_mhz[0]

    def _clock(self, clock_mhz: int) -> int:
        top_mhz = self._profile.all_core_clocks_mhz[0]
        if clock_mhz == CLOCK_LIMIT_UNLIMITED:
            return top_mhz
        if clock_mhz == CLOCK_LIMIT_TDP:
            return (self._profile.application_clocks_mhz or (0, top_mhz))[1]
        return clock_mhz

    def _apply(self) -> None:
        low_mhz, high_mhz = self.core_range_mhz
        idle_memory_mhz = self.memory_mhz
        if self._profile.parks:
            low_mhz, idle_memory_mhz = self._profile.all_core_clocks_mhz[-1], self._profile.memory_clocks_mhz[-1]
        self._device.set_core_range(low_mhz, high_mhz)
        self._device.set_memory_clocks(self.memory_mhz, idle_memory_mhz)


def _in_order(low_mhz: int, high_mhz: int) -> ClockRange:
    if low_mhz > high_mhz:
        raise NvmlRefusal(ReturnCode.INVALID_ARGUMENT)
    return low_mhz, high_mhz


def _snapped(clock_mhz: int, listed_mhz: Sequence[int]) -> int:
    """Returns the highest listed clock that is not above; the lowest if all are."""
    return next((listed for listed in listed_mhz if listed <= clock_mhz), listed_mhz[-1])
