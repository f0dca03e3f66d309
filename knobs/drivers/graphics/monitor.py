"""What a GPU of any maker says about itself while it works."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from knobs.attributes import optional_number, optional_text
from knobs.contract import Conditions, DeviceError, Monitor
from knobs.drivers.graphics.card import GraphicsCard
from knobs.units import MILLIDEGREES_PER_DEGREE


@dataclass(frozen=True)
class Temperature:
    """One sensor of a GPU.

    Attributes:
        sensor: What the driver calls it: ``edge``; or else its file: ``temp1``.
        degrees_c: Its temperature.
        is_critical: Whether it is as hot as the driver says it may be.
    """

    sensor: str
    degrees_c: float
    is_critical: bool


class CardMonitor(Monitor):
    """Watches one GPU, and leaves it alone while it sleeps."""

    def __init__(self, card: GraphicsCard) -> None:
        """Prepares the monitor; reads nothing."""
        self._card = card

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
        return self._conditions()

    @abstractmethod
    def _conditions(self) -> Conditions:
        """Returns the conditions of a GPU that is awake."""


def temperatures(card: GraphicsCard) -> Iterator[Temperature]:
    """Yields the temperatures of a GPU's own sensors; one that has none now is left out."""
    for path in card.files.glob(f"{card.device}/hwmon/hwmon*/temp*_input"):
        channel = path.removesuffix("_input")
        present = optional_number(card, path)
        if present is not None:
            name = optional_text(card, f"{channel}_label") or channel.rpartition("/")[2]
            critical = optional_number(card, f"{channel}_crit") or 0
            yield Temperature(name, present / MILLIDEGREES_PER_DEGREE, is_critical=0 < critical <= present)
