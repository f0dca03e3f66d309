"""What an AMD GPU says about itself while it works."""

from __future__ import annotations

from knobs.attributes import optional_number, optional_text
from knobs.contract import Conditions, Occupant
from knobs.drivers.graphics.monitor import CardMonitor, temperatures
from knobs.units import MICROWATTS_PER_WATT, megahertz

_SHARE_OF_THE_LIMIT = 0.97
_COMPUTE = "/sys/class/kfd/kfd"
_CLOCKS = (("core", 1), ("memory", 2))


class AmdGpuMonitor(CardMonitor):
    """Watches the clocks, temperatures, power and compute processes of one GPU."""

    def _conditions(self) -> Conditions:
        card = self._card
        busy_percent = optional_number(card, f"{card.device}/gpu_busy_percent")
        sensors = tuple(temperatures(card))
        too_hot = [one for one in sensors if one.is_critical]
        held_down = self._at_its_power_limit()
        return Conditions(
            delivered=self._delivered(),
            obstacles=tuple(f"{card.unit}: {one.sensor} at its critical temperature" for one in too_hot),
            remarks=(held_down,) if held_down else (),
            power_capped=bool(held_down),
            temperatures_c=tuple((f"{card.unit}.{one.sensor}", one.degrees_c) for one in sensors),
            utilization=None if busy_percent is None else min(busy_percent / 100, 1.0),
            occupants=self._occupants(),
        )

    def _delivered(self) -> tuple[tuple[str, float], ...]:
        return tuple(
            (f"{self._card.name}.{part}.max_mhz", float(megahertz(hertz)))
            for part, number in _CLOCKS
            if (hertz := self._sensor(f"freq{number}_input"))
        )

    def _at_its_power_limit(self) -> str:
        """The driver's own bits are in a binary file only; but the limit holds power down where power is at it."""
        limit = self._sensor("power1_cap")
        power = self._sensor("power1_average") or self._sensor("power1_input")
        if not limit or not power or power < _SHARE_OF_THE_LIMIT * limit:
            return ""
        watts, limit_w = power / MICROWATTS_PER_WATT, limit / MICROWATTS_PER_WATT
        return f"{self._card.unit}: at its power limit ({watts:.0f} of {limit_w:.0f} W)"

    def _sensor(self, file: str) -> int | None:
        return optional_number(self._card, f"{self._card.hwmon}/{file}")

    def _occupants(self) -> tuple[Occupant, ...]:
        """The processes that compute on the GPU (ROCm), as the kernel's amdkfd lists them."""
        gpu_id = self._compute_id()
        if gpu_id is None:
            return ()
        files = self._card.files
        return tuple(
            Occupant(
                pid=int(pid),
                device=self._card.unit,
                name=optional_text(files, f"/proc/{pid}/comm"),
                memory_bytes=optional_number(self._card, path),
            )
            for path in files.glob(f"{_COMPUTE}/proc/*/vram_{gpu_id}")
            if (pid := path.split("/")[-2]).isdigit()
        )

    def _compute_id(self) -> str | None:
        """The number that amdkfd gave to the GPU, found by its PCI address."""
        files = self._card.files
        for node in files.glob(f"{_COMPUTE}/topology/nodes/*"):
            words = (line.split() for line in optional_text(files, f"{node}/properties").splitlines())
            properties = {pair[0]: pair[1] for pair in words if len(pair) == 2}
            if _address(properties) == self._card.address:
                return optional_text(files, f"{node}/gpu_id") or None
        return None


def _address(properties: dict[str, str]) -> str:
    """The PCI address in amdkfd's properties: location_id is the bus, device and function as PCI numbers them."""
    try:
        domain, location = int(properties.get("domain", "0")), int(properties["location_id"])
    except (KeyError, ValueError):
        return ""
    return f"{domain:04x}:{location >> 8 & 0xFF:02x}:{location >> 3 & 0x1F:02x}.{location & 0x7:x}"
