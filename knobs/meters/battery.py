"""What the machine draws from its batteries, while nothing else feeds it.

Source: the kernel's Documentation/ABI/testing/sysfs-class-power.
"""

from __future__ import annotations

from dataclasses import dataclass

from knobs.attributes import optional_text, whole_number
from knobs.contract import Absence, DeviceError, NoValueError, Scope
from knobs.found import Found, Wishes
from knobs.meters.sampling import CounterSource, PowerSource, SampledMeter, Sampler, SourceFacts
from knobs.sysfs import KernelFiles

METER_ID = "board.battery"

_CLASS = "/sys/class/power_supply"
_NEGOTIATED = "ucsi-source-psy"
"""Supplies of this name show what a USB port has negotiated, which is no power that flows."""
_FEEDING = ("Mains", "USB", "Wireless")
_LONGEST_UPDATE_PERIOD_S = 30.0
_MICRO = 1e-6
_JOULES_PER_WATT_HOUR = 3600
_POWER_RESOLUTION_W = 0.01
_ENERGY_RESOLUTION_J = 36.0
"""Ten milliwatt-hours, the step of usual fuel gauges."""


@dataclass(frozen=True)
class BatteryPack:
    """The batteries that feed the machine, and what else may."""

    files: KernelFiles
    batteries: tuple[str, ...]
    mains: tuple[str, ...]

    def obstacle(self) -> str:
        """Returns why the batteries do not show what the machine draws now; empty if they do."""
        if any(optional_text(self.files, f"{supply}/online") == "1" for supply in self.mains):
            return "the machine is plugged in"
        statuses = {self.files.read_text(f"{battery}/status").lower() for battery in self.batteries}
        if "charging" in statuses:
            return "a battery is being charged"
        return "" if "discharging" in statuses else "no battery is being discharged"

    def watts(self) -> float:
        """Returns the power drawn from all batteries together; drivers differ in its sign.

        Raises:
            NoValueError: Not only the batteries feed the machine.
            DeviceError: A battery does not answer.
        """
        self._require_discharge()
        return sum(
            self._power(battery)
            for battery in self.batteries
            if self.files.read_text(f"{battery}/status").lower() == "discharging"
        )

    def joules(self) -> float:
        """Returns the energy drawn since the batteries were full.

        Raises:
            NoValueError: Not only the batteries feed the machine.
            DeviceError: A battery does not answer.
        """
        self._require_discharge()
        microwatt_hours = sum(
            whole_number(self.files, f"{battery}/energy_full") - whole_number(self.files, f"{battery}/energy_now")
            for battery in self.batteries
        )
        return microwatt_hours * _MICRO * _JOULES_PER_WATT_HOUR

    @property
    def shows_power(self) -> bool:
        """Whether every battery shows its power, or current and voltage."""
        return all(
            self._has(battery, "power_now") or self._has(battery, "current_now", "voltage_now")
            for battery in self.batteries
        )

    @property
    def shows_energy(self) -> bool:
        """Whether every battery counts the energy that is left."""
        return all(self._has(battery, "energy_now", "energy_full") for battery in self.batteries)

    def _power(self, battery: str) -> float:
        if self._has(battery, "power_now"):
            return abs(whole_number(self.files, f"{battery}/power_now")) * _MICRO
        return (
            abs(whole_number(self.files, f"{battery}/current_now"))
            * _MICRO
            * whole_number(self.files, f"{battery}/voltage_now")
            * _MICRO
        )

    def _require_discharge(self) -> None:
        obstacle = self.obstacle()
        if obstacle:
            raise NoValueError(f"The batteries do not show what the machine draws: {obstacle}; pull the plug.")

    def _has(self, battery: str, *files: str) -> bool:
        return all(self.files.exists(f"{battery}/{file}") for file in files)


def find_battery(files: KernelFiles, wishes: Wishes, sampler: Sampler) -> Found:
    """Returns the meter of the machine's batteries while it runs on them; nothing at all where it has none.

    Args:
        files: The kernel's files.
        wishes: What the operator says about the hardware.
        sampler: Reads the batteries between two samples.
    """
    del wishes  # nothing that it says is about batteries
    pack = _pack(files)
    if not pack.batteries:
        return Found()
    try:
        obstacle = pack.obstacle()
    except DeviceError as error:
        return Found(absent=(Absence(METER_ID, f"a battery does not answer: {error}", "seat the battery again"),))
    if obstacle:
        fix = "pull the plug, then restart the keeper"
        return Found(absent=(Absence(METER_ID, f"the batteries do not show what the machine draws: {obstacle}", fix),))
    if pack.shows_power:
        facts = _facts(_POWER_RESOLUTION_W, "The whole machine, while it runs on its batteries.")
        return Found(meters=(SampledMeter(PowerSource(facts, pack.watts), sampler),))
    if pack.shows_energy:
        facts = _facts(_ENERGY_RESOLUTION_J, "The whole machine, while it runs on its batteries; coarse steps.")
        return Found(meters=(SampledMeter(CounterSource(facts, pack.joules), sampler),))
    return Found(absent=(Absence(METER_ID, "a battery shows neither power nor energy", "measure at the wall"),))


def _facts(resolution: float, note: str) -> SourceFacts:
    return SourceFacts(
        id=METER_ID,
        scope=Scope.BOARD,
        device="board",
        update_period_s=_LONGEST_UPDATE_PERIOD_S,
        resolution=resolution,
        duty=0.0,
        note=note,
    )


def _pack(files: KernelFiles) -> BatteryPack:
    """Batteries of mice and headsets, whose scope is ``Device``, feed no machine."""
    supplies = [path for path in files.glob(f"{_CLASS}/*") if not path.rpartition("/")[2].startswith(_NEGOTIATED)]
    of_machine = [path for path in supplies if optional_text(files, f"{path}/scope") != "Device"]
    kinds = {path: optional_text(files, f"{path}/type") for path in of_machine}
    return BatteryPack(
        files,
        batteries=tuple(
            path for path, kind in kinds.items() if kind == "Battery" and optional_text(files, f"{path}/present") != "0"
        ),
        mains=tuple(path for path, kind in kinds.items() if kind in _FEEDING),
    )
