"""The energy meters of a virtual device.

Both are counters of one sensor that sees 25 ms of every 100 ms and takes them for the whole: short events
between its looks are missed, and its counter moves every 100 ms of the device's clock.
"""

from __future__ import annotations

from pathlib import Path

from knobs.contract import Meter, MeterSpec, Provenance, Quantity, Reading, Scope
from simulation.device import VirtualDevice
from simulation.dynamics import SENSOR_PERIOD_S

RESOLUTION_J = 0.001
_NOTE = "Simulated sensor that sees 25 ms of every 100 ms."


def virtual_meters(name: str, directory: Path) -> list[Meter]:
    """Returns the meters of a virtual device, the widest scope first.

    Args:
        name: A name of the catalogue, ``virtual:agx-orin``.
        directory: Where the device lives; an existing directory.

    Raises:
        RefusedError: There is no such device.
    """
    device = VirtualDevice(name, directory)
    return [VirtualMeter(device, "board.energy", Scope.BOARD), VirtualMeter(device, "gpu.energy", Scope.GPU)]


class VirtualMeter(Meter):
    """One energy counter of a virtual device."""

    def __init__(self, device: VirtualDevice, meter_id: str, scope: Scope) -> None:
        """Describes the counter; touches nothing.

        Args:
            device: The device that is metered.
            meter_id: The meter's dotted name.
            scope: ``board`` for the whole module, ``gpu`` for the GPU's rail.
        """
        self._device = device
        self._spec = MeterSpec(
            id=meter_id,
            quantity=Quantity.ENERGY_J,
            scope=scope,
            provenance=Provenance.SIMULATED,
            update_period_s=SENSOR_PERIOD_S,
            resolution=RESOLUTION_J,
            device=device.model.name,
            note=_NOTE,
        )

    @property
    def spec(self) -> MeterSpec:
        """The counter as a record."""
        return self._spec

    def sample(self) -> Reading:
        """Reads the counter; the instant is that of the device's clock."""
        sample = self._device.sample()
        energy_j = sample.board_j if self._spec.scope is Scope.BOARD else sample.core_j
        return Reading(time_s=sample.time_s, value=round(energy_j / RESOLUTION_J) * RESOLUTION_J)
