"""Power and energy from the kernel's hardware monitoring class, of chips of which it is known what they cover.

Source: the kernel's Documentation/hwmon/sysfs-interface.rst, and the document of each chip's driver beside it. A chip
measures a wire; only its board's maker knows what hangs on it. A joule whose scope is not known is worth nothing, so
chips that are not in the table below are named as absent until the operator says what they cover.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from knobs.attributes import optional_text, whole_number
from knobs.contract import Absence, DeviceError, NoValueError, Scope
from knobs.found import Found, Wishes
from knobs.meters.sampling import CounterSource, PowerSource, SampledMeter, Sampler, SourceFacts
from knobs.sysfs import KernelFiles

_CLASS = "/sys/class/hwmon"
_CHANNEL = re.compile(r"(?P<channel>(?P<kind>power|energy)\d+)_(?:average|input)")
_MICRO = 1e-6
_MILLISECONDS_PER_SECOND = 1000
_MILLISECONDS = re.compile(r"\d+")
_SLOWEST_S = 1.0
"""The update period of a chip that states none."""
_WIDEST_FIRST = (Scope.WALL, Scope.BOARD, Scope.SOC, Scope.CPU, Scope.GPU)
_HAVE_DRIVERS_OF_THEIR_OWN = frozenset({"amdgpu", "i915", "xe", "ina3221", "ina3221x"})


@dataclass(frozen=True)
class KnownSensor:
    """What some chip's sensors cover.

    Attributes:
        chip: The chip's name.
        label: Matches the labels of the channels to be added up; a channel without a label has an empty one.
        meter_id: The meter's id.
        scope: What a joule covers.
        device: The device that is metered.
        period_s: How often its values change at the latest, where the chip itself does not say.
        resolution: The smallest step, in watts or joules.
        note: What the operator should know.
    """

    chip: str
    label: str
    meter_id: str
    scope: Scope
    device: str
    period_s: float
    resolution: float
    note: str


KNOWN_SENSORS = (
    KnownSensor(
        "power_meter", "", "board.acpi", Scope.BOARD, "board", 1.0, 1.0,
        "What the firmware's own power meter covers (acpi_power_meter.rst): on servers all that the supplies feed.",
    ),
    KnownSensor(
        "occ", "system", "board.occ", Scope.BOARD, "board", 1.0, 1.0,
        "The whole system behind its power supplies (occ.rst).",
    ),
    KnownSensor(
        "ibmpowernv", "System", "board.opal", Scope.BOARD, "board", 1.0, 1.0,
        "The whole system behind its power supplies, as its firmware (OPAL) reports it.",
    ),
    KnownSensor(
        "corsairpsu", "power total", "board.psu", Scope.BOARD, "board", 1.0, 1.0,
        "What the power supply puts out, its own losses not included (corsair-psu.rst).",
    ),
    KnownSensor(
        "fam15h_power", "", "cpu.package.hwmon", Scope.CPU, "cpu", 0.01, 0.001,
        "The whole processor (fam15h_power.rst).",
    ),
    KnownSensor(
        "amd_energy", r"Esocket\d+", "cpu.package.hwmon", Scope.CPU, "cpu", 0.001, 15.3e-6,
        "The sum of all sockets (amd_energy.rst): the same counters as RAPL's.",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class _Sensor:
    """One channel of a chip: ``power1`` with its file and its label."""

    channel: str
    kind: str
    path: str
    label: str

    @property
    def is_mean(self) -> bool:
        return self.path.endswith("_average")


@dataclass(frozen=True)
class _Chip:
    """A chip with the channels that show power or energy."""

    folder: str
    name: str
    place: str
    sensors: tuple[_Sensor, ...]

    @property
    def id(self) -> str:
        return ".".join(part for part in ("hwmon", self.name, self.place) if part)


def find_hwmon(files: KernelFiles, wishes: Wishes, sampler: Sampler) -> Found:
    """Returns the meters of chips of which it is known what they cover, the widest scope first.

    Args:
        files: The kernel's files.
        wishes: What further channels cover, by id: ``hwmon.ina226.1-0040.power1``.
        sampler: Reads the sensors between two samples.
    """
    seen: Counter[str] = Counter()
    parts = [part for chip in _chips(files) for part in _of_chip(files, chip, wishes.scopes, seen, sampler)]
    found = Found.of(parts)
    return replace(found, meters=tuple(sorted(found.meters, key=lambda meter: _WIDEST_FIRST.index(meter.spec.scope))))


def _of_chip(
    files: KernelFiles, chip: _Chip, scopes: Mapping[str, Scope], seen: Counter[str], sampler: Sampler
) -> Iterator[SampledMeter | Absence]:
    known = next((sensor for sensor in KNOWN_SENSORS if sensor.chip == chip.name), None)
    if known is not None:
        channels = [sensor for sensor in chip.sensors if re.fullmatch(known.label, sensor.label)]
        if channels:
            number, seen[known.meter_id] = seen[known.meter_id], seen[known.meter_id] + 1
            yield _meter(files, chip, known, f"{known.meter_id}{number or ''}", channels, sampler)
        return
    named = [sensor for sensor in chip.sensors if f"{chip.id}.{sensor.channel}" in scopes]
    for sensor in named:
        meter_id = f"{chip.id}.{sensor.channel}"
        scope = scopes[meter_id]
        note = f"What it covers is the operator's word; the chip calls it {sensor.label or sensor.channel}."
        said = KnownSensor(chip.name, "", meter_id, scope, scope.value, _SLOWEST_S, 0.001, note)
        yield _meter(files, chip, said, meter_id, [sensor], sampler)
    if not named:
        channels_named = ", ".join(f"{sensor.channel} {sensor.label}".strip() for sensor in chip.sensors)
        reason = f"it is not known what its sensors cover ({channels_named})"
        yield Absence(chip.id, reason, "say in the configuration what each one covers: gpu, cpu, soc, board or wall")


def _meter(
    files: KernelFiles, chip: _Chip, known: KnownSensor, meter_id: str, channels: list[_Sensor], sampler: Sampler
) -> SampledMeter | Absence:
    paths = tuple(sensor.path for sensor in channels)
    read = partial(_sum, files, paths)
    try:
        read()
    except NoValueError:
        pass  # asleep or between two values: that passes
    except DeviceError as error:
        return Absence(meter_id, f"it cannot be read: {error}", "start the keeper as root")
    facts = SourceFacts(
        id=meter_id,
        scope=known.scope,
        device=known.device,
        update_period_s=_update_period_s(files, chip, channels[0]) or known.period_s,
        resolution=known.resolution,
        accuracy=_accuracy(files, chip, channels[0]),
        duty=1.0 if channels[0].is_mean or channels[0].kind == "energy" else 0.0,
        note=known.note,
    )
    return SampledMeter(
        CounterSource(facts, read) if channels[0].kind == "energy" else PowerSource(facts, read), sampler
    )


def _chips(files: KernelFiles) -> Iterator[_Chip]:
    for folder in files.glob(f"{_CLASS}/hwmon*"):
        name = optional_text(files, f"{folder}/name")
        device = _device(files, folder)
        if not name or name in _HAVE_DRIVERS_OF_THEIR_OWN or "/power_supply/" in device:
            continue
        sensors = tuple(_sensors(files, folder))
        if sensors and optional_text(files, f"{folder}/power1_is_battery") != "1":
            yield _Chip(folder, name, device.rpartition("/")[2], sensors)


def _sensors(files: KernelFiles, folder: str) -> Iterator[_Sensor]:
    """The channels in order; a mean sees everything, so it stands before the power at one instant."""
    taken = set()
    for file in sorted(files.listdir(folder), key=lambda file: (not file.endswith("_average"), file)):
        match = _CHANNEL.fullmatch(file)
        if match is not None and match["channel"] not in taken:
            taken.add(match["channel"])
            label = optional_text(files, f"{folder}/{match['channel']}_label")
            yield _Sensor(match["channel"], match["kind"], f"{folder}/{file}", label)


def _update_period_s(files: KernelFiles, chip: _Chip, sensor: _Sensor) -> float:
    """The period over which the chip averages, or at which it looks anew; 0 where it states none."""
    file = f"{sensor.channel}_average_interval" if sensor.is_mean else "update_interval"
    text = optional_text(files, f"{chip.folder}/{file}")
    if chip.name == "occ" or not _MILLISECONDS.fullmatch(text):
        return 0.0  # occ states microseconds of its own averaging, but the kernel asks it once a second
    return int(text) / _MILLISECONDS_PER_SECOND


def _accuracy(files: KernelFiles, chip: _Chip, sensor: _Sensor) -> float:
    """How far off the chip may be, where it says how accurate it is (ACPI: ``98.5%``); 0 where it does not."""
    text = optional_text(files, f"{chip.folder}/{sensor.channel}_accuracy")
    try:
        percent = float(text.removesuffix("%"))
    except ValueError:
        return 0.0
    return round(1 - percent / 100, 6) if 0 < percent <= 100 else 0.0


def _sum(files: KernelFiles, paths: tuple[str, ...]) -> float:
    return sum(whole_number(files, path) for path in paths) * _MICRO


def _device(files: KernelFiles, folder: str) -> str:
    try:
        return files.resolve(f"{folder}/device")
    except DeviceError:
        return ""
