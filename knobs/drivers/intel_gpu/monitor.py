"""What an Intel GPU says about itself while it works."""

from __future__ import annotations

from knobs.attributes import optional_text
from knobs.contract import Conditions, DeviceError, Monitor
from knobs.drivers.graphics.card import GraphicsCard, optional_number
from knobs.drivers.intel_gpu.domain import ClockDomain

_MILLIDEGREES_PER_DEGREE = 1000
_POWER_LIMITS = frozenset({"pl1", "pl2", "pl4"})
_IN_WORDS = {
    "thermal": "thermal slowdown",
    "prochot": "slowdown asked for by the board (PROCHOT)",
    "ratl": "running average thermal limit",
    "vr_tdc": "current limit of its voltage regulator",
    "vr_thermalert": "its voltage regulator is too hot",
}


class IntelGpuMonitor(Monitor):
    """Watches the clock, the throttling and the temperatures of one GPU."""

    def __init__(self, card: GraphicsCard, domains: tuple[ClockDomain, ...]) -> None:
        """Prepares the monitor; reads nothing."""
        self._card = card
        self._domains = domains

    @property
    def device(self) -> str:
        """The GPU's name."""
        return self._card.unit

    def observe(self) -> Conditions:
        """Returns the GPU's conditions; of a sleeping one only that it sleeps.

        Raises:
            DeviceError: The GPU is gone.
        """
        card = self._card
        if not card.files.exists(card.device):
            raise DeviceError(f"The GPU at {card.address} is gone: check the kernel's log.")
        if card.asleep:
            return Conditions(remarks=(f"{card.unit}: asleep",))
        reasons = frozenset(reason for domain in self._domains for reason in domain.reasons())
        limits = sorted(_POWER_LIMITS & reasons)
        return Conditions(
            delivered=self._delivered(),
            obstacles=tuple(f"{card.unit}: {words}" for reason, words in _IN_WORDS.items() if reason in reasons),
            remarks=(f"{card.unit}: held down by its power limit ({', '.join(limits).upper()})",) if limits else (),
            power_capped=bool(limits),
            temperatures_c=self._temperatures(),
        )

    def _delivered(self) -> tuple[tuple[str, float], ...]:
        """The fastest tile's clock. A tile that is powered down shows 0, which is no clock."""
        clocks = [mhz for domain in self._domains if (mhz := optional_number(self._card, domain.actual))]
        return ((f"{self._card.name}.core.max_mhz", float(max(clocks))),) if clocks else ()

    def _temperatures(self) -> tuple[tuple[str, float], ...]:
        found = []
        for path in self._card.files.glob(f"{self._card.device}/hwmon/hwmon*/temp*_input"):
            millidegrees = optional_number(self._card, path)
            if millidegrees is not None:
                label = optional_text(self._card.files, path.replace("_input", "_label"))
                sensor = label or path.rpartition("/")[2].removesuffix("_input")
                found.append((f"{self._card.unit}.{sensor}", millidegrees / _MILLIDEGREES_PER_DEGREE))
        return tuple(found)
