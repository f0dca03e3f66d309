"""The GPU of a Jetson: where its clocks are, and the knobs over them.

The folder differs from release to release (``17000000.gp10b``, ``17000000.ga10b``, ``17000000.gpu``,
``57000000.gpu``, ``gpu-gpc-0``), so it is told by the device tree's node behind it, or else by its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from knobs.contract import Absence, DeviceError, Knob
from knobs.device_tree import property_strings
from knobs.drivers.devfreq import FrequencyRange
from knobs.drivers.devfreq_knobs import DevfreqKnobNames, DevfreqMaximumKnob, DevfreqMinimumKnob
from knobs.drivers.jetson.board import JetsonBoard
from knobs.drivers.jetson.railgate import KNOB_ID as RAILGATE
from knobs.drivers.jetson.railgate import RailgateKnob
from knobs.drivers.switch import Switch
from knobs.drivers.thermal import ThermalCaps
from knobs.found import START_AS_ROOT, Wishes
from knobs.sysfs import KernelFiles
from knobs.units import megahertz

NAMES = DevfreqKnobNames(device="gpu", maximum="gpu.core.max_mhz", minimum="gpu.core.min_mhz")

_CLASS = "/sys/class/devfreq"
_CHIP = r"(?:gpu|g[mpvab]\d+b)"
_NODE_NAME = re.compile(_CHIP)
_COMPATIBLE = re.compile(rf"nvidia,(?:tegra\d+-)?{_CHIP}")
_FOLDER_NAME = re.compile(rf"[0-9a-f]+\.{_CHIP}|gpu-gpc-\d+")
_RAILGATES = ("/sys/devices/platform/gpu.0/railgate_enable", "/sys/devices/gpu.0/railgate_enable")


@dataclass(frozen=True)
class JetsonGpu:
    """What was found of the GPU.

    Attributes:
        folder: Its folder in ``/sys/class/devfreq``; empty if there is none.
        knobs: Its knobs.
        absent: What it does not offer, and why.
        range_: Its clocks; None if there are none.
    """

    folder: str = ""
    knobs: tuple[Knob, ...] = ()
    absent: tuple[Absence, ...] = ()
    range_: FrequencyRange | None = None


def find_gpu(files: KernelFiles, wishes: Wishes, board: JetsonBoard, caps: ThermalCaps) -> JetsonGpu:
    """Returns the GPU's knobs, or why there are none; writes nothing."""
    folder = gpu_folder(files)
    if not folder:
        return JetsonGpu(absent=_absent(*_why_no_folder(files)))
    if not files.writable(f"{folder}/max_freq"):
        return JetsonGpu(folder, absent=_absent(f"{folder}/max_freq may not be written", START_AS_ROOT))
    try:
        range_ = FrequencyRange(files, folder)
    except DeviceError as error:
        return JetsonGpu(folder, absent=_absent(str(error).rstrip("."), "use the kernel of NVIDIA's release"))
    return JetsonGpu(
        folder,
        knobs=(*_clock_knobs(range_, wishes, board, caps), *_railgate(files, folder)),
        range_=range_,
    )


def gpu_folder(files: KernelFiles) -> str:
    """Returns the GPU's folder in ``/sys/class/devfreq``; empty if there is none."""
    folders = [f"{_CLASS}/{name}" for name in _names(files)]
    told = [folder for folder in folders if _is_gpu_by_tree(files, folder)]
    named = [folder for folder in folders if _FOLDER_NAME.fullmatch(folder.rpartition("/")[2])]
    return next(iter(told or named), "")


def _clock_knobs(range_: FrequencyRange, wishes: Wishes, board: JetsonBoard, caps: ThermalCaps) -> tuple[Knob, Knob]:
    table = range_.table_hz
    allowed = NAMES.maximum in wishes.allowed
    values = table if board.mode is None or allowed else board.mode.within("GPU", table)
    note = ""
    if values != table:
        note = (
            f"The power mode {board.mode} ends at {megahertz(values[-1])} MHz; for more choose another mode, "
            f'or set [knobs."{NAMES.maximum}"] allow = true.'
        )
    return (
        DevfreqMaximumKnob(range_, NAMES, values, caps, note),
        DevfreqMinimumKnob(range_, NAMES, values, caps),
    )


def _railgate(files: KernelFiles, folder: str) -> tuple[Knob, ...]:
    switches = [path for path in (f"{folder}/device/railgate_enable", *_RAILGATES) if files.writable(path)]
    return (RailgateKnob(Switch(files, switches[0]), NAMES.device),) if switches else ()


def _is_gpu_by_tree(files: KernelFiles, folder: str) -> bool:
    node = f"{folder}/device/of_node"
    names = property_strings(files, f"{node}/name")
    kinds = property_strings(files, f"{node}/compatible")
    return any(_NODE_NAME.fullmatch(name) for name in names) or any(_COMPATIBLE.fullmatch(kind) for kind in kinds)


def _why_no_folder(files: KernelFiles) -> tuple[str, str]:
    if any(files.exists(path) for path in _RAILGATES):
        return (
            "the kernel does not show the GPU's clocks before the GPU was powered once",
            "run any program that uses the GPU once, then start the keeper again",
        )
    return (
        "the kernel governs no GPU (there is none in /sys/class/devfreq)",
        "load the module nvgpu, or mount /sys into the container",
    )


def _absent(reason: str, fix: str) -> tuple[Absence, ...]:
    return tuple(Absence(knob_id, reason, fix) for knob_id in (NAMES.maximum, NAMES.minimum, RAILGATE))


def _names(files: KernelFiles) -> list[str]:
    try:
        return files.listdir(_CLASS)
    except DeviceError:
        return []
