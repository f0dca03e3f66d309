"""What an Intel GPU says about itself while it works."""

from __future__ import annotations

from knobs.attributes import optional_number
from knobs.contract import Conditions
from knobs.drivers.graphics.card import GraphicsCard
from knobs.drivers.graphics.monitor import CardMonitor, temperatures
from knobs.drivers.intel_gpu.domain import ClockDomain

_POWER_LIMITS = frozenset({"pl1", "pl2", "pl4"})
_IN_WORDS = {
    "thermal": "thermal slowdown",
    "prochot": "slowdown asked for by the board (PROCHOT)",
    "ratl": "running average thermal limit",
    "vr_tdc": "current limit of its voltage regulator",
    "vr_thermalert": "its voltage regulator is too hot",
}


class IntelGpuMonitor(CardMonitor):
    """Watches the clock, the throttling and the temperatures of one GPU."""

    def __init__(self, card: GraphicsCard, domains: tuple[ClockDomain, ...]) -> None:
        """Prepares the monitor; reads nothing."""
        super().__init__(card)
        self._domains = domains

    def _conditions(self) -> Conditions:
        card = self._card
        reasons = frozenset(reason for domain in self._domains for reason in domain.reasons())
        limits = sorted(_POWER_LIMITS & reasons)
        return Conditions(
            delivered=self._delivered(),
            obstacles=tuple(f"{card.unit}: {words}" for reason, words in _IN_WORDS.items() if reason in reasons),
            remarks=(f"{card.unit}: held down by its power limit ({', '.join(limits).upper()})",) if limits else (),
            power_capped=bool(limits),
            temperatures_c=tuple((f"{card.unit}.{one.sensor}", one.degrees_c) for one in temperatures(card)),
        )

    def _delivered(self) -> tuple[tuple[str, float], ...]:
        """The fastest tile's clock. A tile that is powered down shows 0, which is no clock."""
        clocks = [mhz for domain in self._domains if (mhz := optional_number(self._card, domain.actual))]
        return ((f"{self._card.name}.core.max_mhz", float(max(clocks))),) if clocks else ()
