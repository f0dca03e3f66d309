"""The two ways in which a Jetson lets its memory clock be limited, both seen through the same small interface.

* A *cap*: ``/sys/kernel/nvpmodel_clk_cap/emc`` since JetPack 6, ``/sys/kernel/nvpmodel_emc_cap/emc_iso_cap`` before.
  The governor stays free below it. In the older file 0 means no cap; in the newer one it would mean the lowest
  clock (``clk_cap_store`` rounds it), so that no cap is always written as the highest clock. NVIDIA's device tree
  binding wants caps changed at rest, not under load: between two trials, as Wattune does.
* A *hold*: the clock is fixed through debugfs, as jetson_clocks does it. The BPMP reports success for whatever is
  written (``mrq_debug_write`` loses its error): only what is read back counts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from knobs.attributes import whole_number
from knobs.checks import captured_number
from knobs.contract import Captured, DeviceError, RestoreOutcome
from knobs.sysfs import KernelFiles
from knobs.units import megahertz

KNOB_ID = "memory.max_mhz"

_JETSON_CLOCKS_FIX = "run jetson_clocks --restore, or reboot, then start the keeper again"


class MemoryClock(ABC):
    """A way to limit the memory clock."""

    way: str
    """Names the way in journal entries."""

    @abstractmethod
    def limit_hz(self) -> int | None:
        """Returns the limit in force; None if there is none."""

    @abstractmethod
    def set_limit(self, hertz: int | None, highest_hz: int) -> None:
        """Sets a limit, or none.

        Args:
            hertz: The limit; None for none.
            highest_hz: The highest clock that the operator has on offer.
        """

    @abstractmethod
    def capture(self) -> Captured:
        """Returns what :meth:`restore` needs."""

    @abstractmethod
    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts back what :meth:`capture` returned, and reads it back."""


@dataclass(frozen=True)
class CappedMemoryClock(MemoryClock):
    """A cap below which the governor stays free.

    Attributes:
        files: The kernel's files.
        path: The cap's file.
    """

    files: KernelFiles
    path: str
    way = "cap"

    def limit_hz(self) -> int | None:
        """Returns the cap; None if there is none."""
        return whole_number(self.files, self.path) or None

    def set_limit(self, hertz: int | None, highest_hz: int) -> None:
        """Sets the cap; none is the highest clock."""
        self.files.write_text(self.path, str(highest_hz if hertz is None else hertz))

    def capture(self) -> Captured:
        """Returns the file's number."""
        return {"way": self.way, "cap_hz": whole_number(self.files, self.path)}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Writes the number back."""
        original = captured_number(KNOB_ID, captured, "cap_hz")
        if whole_number(self.files, self.path) != original:
            self.files.write_text(self.path, str(original))
        present = whole_number(self.files, self.path)
        if present != original:
            raise DeviceError(
                f"{self.path} does not go back from {present} to {original}: another program moves it, or the "
                "firmware refuses; set it by hand, then run wattune restore."
            )
        return RestoreOutcome.RESTORED


@dataclass(frozen=True)
class HeldMemoryClock(MemoryClock):
    """A clock that is held at one value, or left to the governor.

    Attributes:
        files: The kernel's files.
        switch: The file that says whether the clock is held.
        request: The file that takes the clock to hold.
        actual: The file that tells the clock that is run.
    """

    files: KernelFiles
    switch: str
    request: str
    actual: str
    way = "hold"

    def is_held(self) -> bool:
        """Tells whether the clock is held, by whomever."""
        return whole_number(self.files, self.switch) != 0

    def limit_hz(self) -> int | None:
        """Returns the clock that is held; None if it is left to the governor."""
        return whole_number(self.files, self.actual) if self.is_held() else None

    def set_limit(self, hertz: int | None, highest_hz: int) -> None:
        """Holds a clock; none lets go, at the highest one, from where the governor takes over."""
        if hertz is not None:
            self._hold(hertz)
        elif self.is_held():
            self._let_go(highest_hz)

    def capture(self) -> Captured:
        """Returns whether the clock is held, and what it is."""
        return {"way": self.way, "held": self.is_held(), "rate_hz": whole_number(self.files, self.actual)}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Holds the clock as it was held, or lets go."""
        rate = captured_number(KNOB_ID, captured, "rate_hz")
        held = captured.get("held") is True
        if held and self.limit_hz() != rate:
            self._hold(rate)
        if not held and self.is_held():
            self._let_go(rate)
        if self.is_held() != held or (held and self.limit_hz() != rate):
            wanted = f"held at {megahertz(rate)} MHz" if held else "left to the governor"
            raise DeviceError(f"The memory clock does not go back to being {wanted}: {_JETSON_CLOCKS_FIX}.")
        return RestoreOutcome.RESTORED

    def _hold(self, hertz: int) -> None:
        self.files.write_text(self.switch, "1")
        self.files.write_text(self.request, str(hertz))

    def _let_go(self, hertz: int) -> None:
        """The clock stays where it was held until somebody asks for another one, so it is moved before."""
        self.files.write_text(self.request, str(hertz))
        self.files.write_text(self.switch, "0")
