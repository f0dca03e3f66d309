"""The INA3221, a monitor of three power rails, as L4T's old driver (iio) and the mainline one (hwmon) show it.

The chip converts voltages over shunts in steps of 40 uV and bus voltages in steps of 8 mV (its data sheet, table
"full-scale range and LSB"), one channel after another; what it shows is the last conversion.
"""

from __future__ import annotations

import errno
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.emulated.sysfs.kernel.hwmon_class import next_hwmon
from tests.emulated.sysfs.kernel.parsing import boolean, strict_unsigned
from tests.emulated.sysfs.tree import Folder, Tree, kernel_error

BUS_STEP_MV = 8
SHUNT_STEP_UV = 40

_CHANNELS = 3
_CONVERSION_MS = 2.2
"""One of the bus voltage and one of the shunt voltage, 1.1 ms each by default."""


@dataclass
class Rail:
    """One channel.

    Attributes:
        label: What the board calls it; ``NC`` where nothing is connected.
        voltage_mv: Its voltage.
        power_w: Returns what it carries now.
        shunt_uohm: The resistor over which the current is measured.
        enabled: Whether the chip converts it.
    """

    label: str
    voltage_mv: int
    power_w: Callable[[], float]
    shunt_uohm: int = 5000
    enabled: bool = True

    def shown_mv(self) -> int:
        """Returns the bus voltage as the chip converts it."""
        return self.voltage_mv // BUS_STEP_MV * BUS_STEP_MV

    def shown_shunt_uv(self) -> int:
        """Returns the voltage over the shunt as the chip converts it."""
        current_ma = self.power_w() * 1e6 / self.voltage_mv
        return round(current_ma * self.shunt_uohm / 1e3 / SHUNT_STEP_UV) * SHUNT_STEP_UV

    def shown_ma(self) -> int:
        """Returns the current that the driver makes of it.

        Raises:
            OSError: ENODATA, if the resistor is not known.
        """
        if self.shunt_uohm == 0:
            raise kernel_error(errno.ENODATA)
        return round(self.shown_shunt_uv() * 1e3 / self.shunt_uohm)


class Ina3221:
    """One chip.

    Attributes:
        rails: Its channels.
        samples: How many conversions are averaged.
    """

    def __init__(self, rails: tuple[Rail, Rail, Rail], clock: Callable[[], float] = time.monotonic) -> None:
        """Prepares the chip; one of the two drivers shows it.

        Args:
            rails: Its channels.
            clock: The clock by which it converts, in seconds.
        """
        self.rails = rails
        self.samples = 1
        self._clock = clock
        self._held: dict[tuple[str, int], tuple[int, int]] = {}

    def show_as_iio(self, tree: Tree, address: str, index: int) -> None:
        """Makes the files of L4T R32 and older: milliwatts are worked out by the driver.

        Args:
            tree: The kernel's files.
            address: Bus and address, ``0-0040``.
            index: The number of the iio device.
        """
        folder = Folder(tree, f"/sys/bus/i2c/drivers/ina3221x/{address}/iio:device{index}")
        folder.add("name", "ina3221x")
        for channel, rail in enumerate(self.rails):
            folder.add(f"rail_name_{channel}", rail.label)
            folder.add(f"in_voltage{channel}_input", self._conversion("in", channel, rail.shown_mv))
            folder.add(f"in_current{channel}_input", self._conversion("curr", channel, rail.shown_ma))
            folder.add(f"in_power{channel}_input", self._power_mw(channel))

    def show_as_hwmon(self, tree: Tree, device: str, address: str) -> str:
        """Makes the files of mainline's driver (Documentation/hwmon/ina3221.rst), and returns their folder.

        Args:
            tree: The kernel's files.
            device: The folder of the bus, ``/sys/devices/platform/c240000.i2c/i2c-1``.
            address: Bus and address, ``1-0040``.
        """
        folder = next_hwmon(tree, f"{device}/{address}", "ina3221")
        Folder(tree, "/sys/bus/i2c/drivers/ina3221").link(address, f"{device}/{address}")
        for channel, rail in enumerate(self.rails):
            self._add_channel(folder, channel + 1, rail)
        folder.add("in7_label", "sum of shunt voltages")
        folder.add("in7_input", lambda: sum(rail.shown_shunt_uv() for rail in self.rails if rail.enabled) // 1000)
        folder.add("curr4_input", lambda: sum(rail.shown_ma() for rail in self.rails if rail.enabled))
        folder.add("samples", lambda: self.samples, self._store_samples)
        folder.add("update_interval", lambda: math.ceil(self._interval_ms()))
        return folder.path

    def _add_channel(self, folder: Folder, number: int, rail: Rail) -> None:
        def store_enable(text: str) -> None:
            rail.enabled = boolean(text)

        folder.add(f"in{number}_label", rail.label)
        folder.add(f"in{number}_enable", lambda: int(rail.enabled), store_enable)
        folder.add(f"in{number}_input", self._conversion("in", number - 1, rail.shown_mv))
        folder.add(f"curr{number}_input", self._conversion("curr", number - 1, rail.shown_ma))
        folder.add(f"curr{number}_crit", 32760)
        folder.add(f"curr{number}_crit_alarm", 0)
        folder.add(f"curr{number}_max", 32760)
        folder.add(f"curr{number}_max_alarm", 0)
        folder.add(f"shunt{number}_resistor", lambda: rail.shunt_uohm)

    def _interval_ms(self) -> float:
        return max(1, sum(rail.enabled for rail in self.rails)) * _CONVERSION_MS * self.samples

    def _conversion(self, kind: str, channel: int, convert: Callable[[], int]) -> Callable[[], int]:
        """Converts once an interval, unless the channel is off, which gives ENODATA."""

        def show() -> int:
            if not self.rails[channel].enabled:
                raise kernel_error(errno.ENODATA)
            number = int(self._clock() * 1e3 / self._interval_ms())
            held = self._held.get((kind, channel))
            if held is None or held[0] != number:
                held = self._held[kind, channel] = (number, convert())
            return held[1]

        return show

    def _power_mw(self, channel: int) -> Callable[[], int]:
        rail = self.rails[channel]
        return self._conversion("power", channel, lambda: rail.shown_mv() * rail.shown_ma() // 1000)

    def _store_samples(self, text: str) -> None:
        self.samples = max(1, min(1024, strict_unsigned(text)))
