"""Power of a Jetson's rails, measured by INA3221 chips on the module: which rails there are, and what they add up to.

Sources: the kernel's Documentation/hwmon/ina3221.rst and drivers/hwmon/ina3221.c; Texas Instruments' data sheet
SBOS576; the rails' names in NVIDIA's device trees. JetPack 4 shows the chips as iio devices with a power in mW,
later releases as hwmon devices without one: there power is current times voltage, which the chip converts one after
the other.

What is added up is never what lies inside something else that is added:

* A module with a rail for its whole input (``VDD_IN``, on Jetson Nano ``POM_5V_IN``) needs no sum.
* AGX Xavier: ``SYS5V`` feeds all that is not GPU, CPU, SOC, CV or memory.
* AGX Orin: ``VIN_SYS_5V0`` feeds input and output, storage and the memory's regulators, so that
  ``VDDQ_VDD2_1V8AO`` lies inside it (its bus voltage is those 5 V). With GPU_SOC and CPU_CV it is the module; in its
  place ``VDDQ_VDD2_1V8AO`` gives the chip and its memory alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from knobs.attributes import optional_number, optional_text, parsed_whole_number
from knobs.contract import Absence, Scope
from knobs.found import Found
from knobs.meters.sampling import PowerSource, SampledMeter, Sampler, SourceFacts
from knobs.sysfs import KernelFiles

BOARD_ID = "board.power"
SOC_ID = "soc.power"

_SHUNT_STEP_V = 40e-6
_USUAL_SHUNT_OHM = 0.005
_USUAL_RAIL_V = 5.0
_USUAL_UPDATE_MS = 7
_CHANNELS = 3
_ACCURACY = 0.015
"""Gain errors of 0.25 % each for voltage and current (data sheet), and 1 % for the shunt resistor."""

_NOT_CONNECTED = ("", "NC")


@dataclass(frozen=True)
class Rail:
    """One rail that is measured.

    Attributes:
        name: Its label: ``VDD_IN``.
        read_w: Returns its watts now; raises NoValueError while it has none.
        step_w: Smallest step of the watts.
        update_period_s: How often they change.
        duty: Share of that period in which the chip looks at this rail's current.
    """

    name: str
    read_w: Callable[[], float]
    step_w: float
    update_period_s: float
    duty: float


@dataclass(frozen=True)
class _Total:
    """Rails that add up to something.

    Attributes:
        id: Id of the meter.
        scope: What the rails cover together.
        device: The device that is metered.
        rails: Their names.
        note: What the operator should know.
    """

    id: str
    scope: Scope
    device: str
    rails: tuple[str, ...]
    note: str


_MODULE = "Input of the module; the carrier board and its regulators are not in it."
_TOTALS = (
    _Total(BOARD_ID, Scope.BOARD, "board", ("VDD_IN",), _MODULE),
    _Total(BOARD_ID, Scope.BOARD, "board", ("POM_5V_IN",), "Input of the board at 5 V."),
    _Total(
        BOARD_ID, Scope.BOARD, "board", ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"), f"Sum of three rails. {_MODULE}"
    ),
    _Total(
        BOARD_ID, Scope.BOARD, "board", ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"), f"Sum of six rails. {_MODULE}"
    ),
    _Total(
        SOC_ID,
        Scope.SOC,
        "soc",
        ("VDD_GPU_SOC", "VDD_CPU_CV", "VDDQ_VDD2_1V8AO"),
        "The chip and its memory: three rails.",
    ),
    _Total(SOC_ID, Scope.SOC, "soc", ("GPU", "CPU", "SOC", "CV", "VDDRQ"), "The chip and its memory: five rails."),
    *(
        _Total("gpu.rail.power", Scope.GPU, "gpu", (name,), f"The rail {name}, without the GPU's share of the memory.")
        for name in ("VDD_SYS_GPU", "POM_5V_GPU", "VDD_GPU", "GPU")
    ),
    *(
        _Total("cpu.rail.power", Scope.CPU, "cpu", (name,), f"The rail {name}, without the CPU's share of the memory.")
        for name in ("VDD_SYS_CPU", "POM_5V_CPU", "VDD_CPU", "CPU")
    ),
)
"""The widest scope first. Of several with one id the first counts whose rails are all there. A rail that also feeds
something else (``VDD_CPU_GPU_CV``) is no meter of its own: it would cover neither one thing nor the whole."""


def find_ina3221(files: KernelFiles, sampler: Sampler) -> Found:
    """Returns the meters over the rails, or why there are none; writes nothing.

    Args:
        files: The kernel's files.
        sampler: Reads the rails between two samples.
    """
    rails = {rail.name: rail for rail in find_rails(files)}
    sources = power_sources(rails)
    absent = () if any(source.facts.id == BOARD_ID for source in sources) else (_why_no_board(rails),)
    return Found(meters=tuple(SampledMeter(source, sampler) for source in sources), absent=absent)


def power_sources(rails: Mapping[str, Rail]) -> tuple[PowerSource, ...]:
    """Returns what the rails add up to, the widest scope first.

    Args:
        rails: The rails by name.
    """
    sources: dict[str, PowerSource] = {}
    for total in _TOTALS:
        if total.id not in sources and all(name in rails for name in total.rails):
            sources[total.id] = _source(total, rails)
    return tuple(sources.values())


def find_rails(files: KernelFiles) -> Iterator[Rail]:
    """Yields the rails that are connected and give a value."""
    for path in files.glob("/sys/class/hwmon/hwmon*/name"):
        if optional_text(files, path) == "ina3221":
            yield from _hwmon_rails(files, path.removesuffix("/name"))
    for folder in files.glob("/sys/bus/i2c/drivers/ina3221x/*/iio:device*"):
        yield from _iio_rails(files, folder)


def _source(total: _Total, rails: Mapping[str, Rail]) -> PowerSource:
    parts = [rails[name] for name in total.rails]
    facts = SourceFacts(
        id=total.id,
        scope=total.scope,
        device=total.device,
        update_period_s=max(rail.update_period_s for rail in parts),
        resolution=sum(rail.step_w for rail in parts),
        accuracy=_ACCURACY,
        duty=min(rail.duty for rail in parts),
        note=total.note,
    )
    return PowerSource(facts, read=lambda: sum(rail.read_w() for rail in parts))


def _hwmon_rails(files: KernelFiles, folder: str) -> Iterator[Rail]:
    """JetPack 5 and later. Channel 7 is the sum of shunt voltages, whatever their resistors: it is left alone."""
    channels = [channel for channel in range(1, _CHANNELS + 1) if _is_enabled(files, folder, channel)]
    interval_ms = optional_number(files, f"{folder}/update_interval") or _USUAL_UPDATE_MS
    samples = optional_number(files, f"{folder}/samples") or 1
    for channel in channels:
        name = optional_text(files, f"{folder}/in{channel}_label")
        milliamperes, millivolts = f"{folder}/curr{channel}_input", f"{folder}/in{channel}_input"
        shunt_ohm = (optional_number(files, f"{folder}/shunt{channel}_resistor") or 0) / 1e6
        if name not in _NOT_CONNECTED and shunt_ohm > 0 and optional_text(files, millivolts):
            yield Rail(
                name=name,
                read_w=_product(files, milliamperes, millivolts),
                step_w=_SHUNT_STEP_V / shunt_ohm * _rail_voltage(files, millivolts),
                update_period_s=interval_ms / 1e3 * samples,
                duty=1.0 / (2 * len(channels)),  # each channel's current, then its voltage, one after the other
            )


def _iio_rails(files: KernelFiles, folder: str) -> Iterator[Rail]:
    """JetPack 4. Neither the shunt nor the interval can be read; a rail is converted while it is read."""
    for channel in range(_CHANNELS):
        name = optional_text(files, f"{folder}/rail_name_{channel}")
        milliwatts = f"{folder}/in_power{channel}_input"
        if name not in _NOT_CONNECTED and optional_text(files, milliwatts):
            yield Rail(
                name=name,
                read_w=_milli(files, milliwatts),
                step_w=_SHUNT_STEP_V / _USUAL_SHUNT_OHM * _rail_voltage(files, f"{folder}/in_voltage{channel}_input"),
                update_period_s=_USUAL_UPDATE_MS / 1e3,
                duty=0.0,
            )


def _why_no_board(rails: Iterable[str]) -> Absence:
    names = ", ".join(sorted(rails))
    if not names:
        return Absence(BOARD_ID, "the kernel shows no power sensor of the board (INA3221)", "load the module ina3221")
    return Absence(
        BOARD_ID,
        f"the rails that are measured ({names}) do not add up to the board",
        "measure at the wall, with a power plug named in the configuration",
    )


def _is_enabled(files: KernelFiles, folder: str, channel: int) -> bool:
    return files.exists(f"{folder}/in{channel}_input") and optional_text(files, f"{folder}/in{channel}_enable") != "0"


def _rail_voltage(files: KernelFiles, path: str) -> float:
    return (optional_number(files, path) or 0) / 1e3 or _USUAL_RAIL_V


def _product(files: KernelFiles, milliamperes: str, millivolts: str) -> Callable[[], float]:
    current, voltage = _milli(files, milliamperes), _milli(files, millivolts)
    return lambda: current() * voltage()


def _milli(files: KernelFiles, path: str) -> Callable[[], float]:
    read_text = files.reader(path)

    def read() -> float:
        return parsed_whole_number(read_text(), path) / 1e3

    return read
