"""Everything that a Jetson offers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

from knobs.contract import Absence, Captured, Knob
from knobs.drivers.devfreq import FrequencyRange
from knobs.drivers.jetson.board import JetsonBoard, identify_board
from knobs.drivers.jetson.gpu import NAMES, JetsonGpu, find_gpu
from knobs.drivers.jetson.memory import JetsonMemory, find_memory
from knobs.drivers.jetson.memory_clock import KNOB_ID as MEMORY
from knobs.drivers.jetson.monitor import JetsonMonitor, WatchedPart
from knobs.drivers.jetson.power_mode import why_no_knob
from knobs.drivers.thermal import ThermalCaps
from knobs.found import Found, Reopen, Wishes
from knobs.meters.ina3221 import find_ina3221
from knobs.meters.sampling import Sampler
from knobs.sysfs import KernelFiles

_CAPS_OF_THE_GPU = re.compile(r"gpu|devfreq|g[mpvab]\d+b", re.IGNORECASE)
_CAPS_OF_THE_BOARD = re.compile(r"gpu|devfreq|g[mpvab]\d+b|soctherm|throttle|emc", re.IGNORECASE)
"""Types of cooling devices; those of the CPU's clocks (``cpufreq-…``) are the CPU's to tell, a fan slows nothing."""


def find_jetson(
    files: KernelFiles,
    wishes: Wishes,
    sampler: Sampler,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Found:
    """Returns the knobs, meters and monitor of a Jetson; nothing on any other machine. Writes nothing.

    Args:
        files: The kernel's files.
        wishes: What the operator says about the hardware.
        sampler: Reads the power sensors between two samples.
        clock: The monotonic clock.
        sleep: Waits for some seconds.
    """
    board = identify_board(files)
    if board is None:
        return Found()
    gpu = find_gpu(files, wishes, board, ThermalCaps(files, _CAPS_OF_THE_GPU, clock, sleep))
    memory = find_memory(files, wishes, board)
    meters = find_ina3221(files, sampler)
    return Found(
        knobs=(*gpu.knobs, *memory.knobs),
        meters=meters.meters,
        monitors=(_monitor(files, gpu, memory),),
        absent=(*gpu.absent, *memory.absent, *meters.absent, *_power_mode(board)),
        reopen=_reopening((*gpu.knobs, *memory.knobs), gpu.range_),
    )


def _monitor(files: KernelFiles, gpu: JetsonGpu, memory: JetsonMemory) -> JetsonMonitor:
    parts = []
    if gpu.folder:
        asleep = f"{gpu.folder}/device/power/runtime_status"
        parts.append(WatchedPart(NAMES.maximum, f"{gpu.folder}/cur_freq", asleep))
    if memory.actual:
        parts.append(WatchedPart(MEMORY, memory.actual))
    return JetsonMonitor(files, NAMES.device, gpu.folder, tuple(parts), ThermalCaps(files, _CAPS_OF_THE_BOARD))


def _power_mode(board: JetsonBoard) -> Iterator[Absence]:
    if board.mode is not None:
        yield why_no_knob(board.mode)


def _reopening(knobs: tuple[Knob, ...], range_: FrequencyRange | None) -> Reopen:
    by_id = {knob.spec.id: knob for knob in knobs}

    def reopen(knob_id: str, captured: Captured) -> Knob | None:
        """A lowest clock that an earlier keeper has hidden below a lower highest one is known to its journal only."""
        floor = captured.get("min_hz")
        if range_ is not None and knob_id == NAMES.maximum and isinstance(floor, int):
            range_.remember_floor(floor)
        return by_id.get(knob_id)

    return reopen
