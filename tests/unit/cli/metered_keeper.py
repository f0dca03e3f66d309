"""A keeper process whose meters see a machine of known coefficients. Each sample lets half a second pass there.

Arguments: the runtime directory, the provenance of the meters, and a fault: none, ``flaps`` or ``stands``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from knobs.contract import DeviceError, Meter, MeterSpec, Provenance, Quantity, Reading, Scope
from knobs.inventory import Inventory
from knobs.keeper.server import serve
from tests.unit.energy_model.calibration.meter_recordings import Machine

_STEP_S = 0.5


class Clock:
    """The machine's clock; every sample of the first meter moves it."""

    def __init__(self) -> None:
        self.now_s = 0.0


class KnownMeter(Meter):
    def __init__(self, spec: MeterSpec, clock: Clock, truth_j: Callable[[float], float], fault: str) -> None:
        self._spec, self._clock, self._truth_j, self._fault = spec, clock, truth_j, fault
        self._samples = 0

    @property
    def spec(self) -> MeterSpec:
        return self._spec

    def sample(self) -> Reading:
        self._samples += 1
        is_first = self._spec.id == "gpu.energy"
        self._clock.now_s += _STEP_S if is_first else 0.0
        if self._fault == "flaps" and self._samples % 5 == 0:
            raise DeviceError(f"{self._spec.id} does not answer just now.")
        if self._fault == "stands" and not is_first:
            return Reading(0.0, 0.0)
        # The plug shows a new value every second.
        now_s = self._clock.now_s if is_first else float(int(self._clock.now_s))
        return Reading(now_s, self._truth_j(now_s))


def meters(provenance: Provenance, fault: str) -> list[Meter]:
    machine, clock = Machine(duration_s=600.0, seed=1), Clock()

    def spec(name: str, scope: Scope, of: Provenance = provenance) -> MeterSpec:
        return MeterSpec(name, Quantity.ENERGY_J, scope, of, update_period_s=0.02, resolution=0.001, device="gpu0")

    return [
        KnownMeter(spec("gpu.energy", Scope.GPU), clock, machine.device_j, ""),
        KnownMeter(spec("wall.plug", Scope.WALL), clock, machine.reference_j, fault),
        KnownMeter(spec("workload.cpu.estimate", Scope.CPU, Provenance.ESTIMATED), clock, machine.device_j, ""),
    ]


if __name__ == "__main__":
    runtime_dir = Path(sys.argv[1])
    sys.exit(
        serve(
            Inventory((), meters(Provenance(sys.argv[2]), sys.argv[3])),
            socket_path=runtime_dir / "keeper.sock",
            runtime_dir=runtime_dir,
            state_dir=runtime_dir / "state",
            on_stop="restore",
            bounds={},
            allowed_uids=frozenset({os.getuid()}),
            ready=lambda: print("ready", flush=True),
        )
    )
