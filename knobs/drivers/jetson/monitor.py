"""What a Jetson says about itself while it works.

Sources: the kernel's thermal and devfreq classes; NVIDIA's soctherm driver, whose counters of over-current events
(``oc1`` under-voltage, ``oc2`` average current, ``oc3`` instantaneous current) rise when it has throttled the clocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from knobs.attributes import optional_number, optional_text
from knobs.contract import Conditions, DeviceError, Monitor
from knobs.drivers.jetson.power_mode import fan_profile, present_power_mode
from knobs.drivers.thermal import ThermalCaps, temperatures_c
from knobs.sysfs import KernelFiles
from knobs.units import megahertz

_OVER_CURRENT_COUNTERS = "/sys/class/hwmon/hwmon*/oc*_event_cnt"
_CAUSES = {"oc1": "under-voltage", "oc2": "average over-current", "oc3": "instantaneous over-current"}
_LOADS = ("/sys/devices/platform/gpu.0/load", "/sys/devices/gpu.0/load")
_PERMILLE = 1000
_ALL_ZONES = re.compile("")


@dataclass(frozen=True)
class WatchedPart:
    """A clock to watch.

    Attributes:
        knob_id: The knob that limits it.
        actual: The file that tells the clock that is run, in Hz.
        asleep: The file that tells ``suspended`` while the part has no power; empty where there is none.
    """

    knob_id: str
    actual: str
    asleep: str = ""


class JetsonMonitor(Monitor):
    """Watches the GPU and the memory, the power supply, the temperatures and NVIDIA's own programs."""

    def __init__(
        self, files: KernelFiles, device: str, gpu_folder: str, parts: tuple[WatchedPart, ...], caps: ThermalCaps
    ) -> None:
        """Remembers nothing yet; writes nothing.

        Args:
            files: The kernel's files.
            device: What is watched, as in the knobs' specs.
            gpu_folder: The GPU's folder in ``/sys/class/devfreq``; empty if there is none.
            parts: The clocks.
            caps: The thermal caps that count.
        """
        self._files = files
        self._device = device
        self._gpu_folder = gpu_folder
        self._parts = parts
        self._caps = caps
        self._counts: dict[str, int] = {}
        self._mode = present_power_mode(files)

    @property
    def device(self) -> str:
        """The device that is watched."""
        return self._device

    def observe(self) -> Conditions:
        """Returns the conditions now, and which events have been counted since the last call."""
        if self._gpu_folder and not self._files.exists(self._gpu_folder):
            raise DeviceError(f"{self._gpu_folder} is gone: NVIDIA's driver was unloaded; load the module nvgpu.")
        obstacles = (*self._over_currents(), *self._caps.active(), *self._mode_changes())
        return Conditions(
            delivered=tuple(self._delivered()),
            obstacles=tuple(f"{self._device}: {clause}" for clause in obstacles),
            remarks=tuple(self._remarks()),
            temperatures_c=temperatures_c(self._files, _ALL_ZONES),
            utilization=self._utilization(),
        )

    def _delivered(self) -> Iterator[tuple[str, float]]:
        for part in self._parts:
            if part.asleep and optional_text(self._files, part.asleep) == "suspended":
                continue  # without power the file shows the last clock
            hertz = optional_number(self._files, part.actual)
            if hertz:
                yield part.knob_id, float(megahertz(hertz))

    def _over_currents(self) -> Iterator[str]:
        """The first look only sets the counts; a counter that has started anew is taken as it is."""
        for path in self._files.glob(_OVER_CURRENT_COUNTERS):
            count = optional_number(self._files, path)
            if count is None:
                continue
            before = self._counts.get(path, count)
            self._counts[path] = count
            if count > before:
                name = path.rpartition("/")[2].partition("_")[0]
                yield f"the clocks were throttled {count - before} times by {_CAUSES.get(name, name)}"

    def _mode_changes(self) -> Iterator[str]:
        mode, before = present_power_mode(self._files), self._mode
        if mode is None:
            return  # nvpmodel is writing its file just now
        self._mode = mode
        if before is not None and mode.number != before.number:
            yield f"nvpmodel changed the power mode to {mode}, which moves clocks and cores"

    def _remarks(self) -> Iterator[str]:
        if self._mode is not None:
            yield f"{self._device}: power mode {self._mode}"
        profile = fan_profile(self._files)
        if profile:
            yield f"{self._device}: fan profile {profile}"

    def _utilization(self) -> float | None:
        own = (f"{self._gpu_folder}/device/load",) if self._gpu_folder else ()
        loads = (optional_number(self._files, path) for path in (*own, *_LOADS))
        return next((min(load / _PERMILLE, 1.0) for load in loads if load is not None), None)
