"""The emulated driver: its GPUs, its clients, and the answer to every call."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.emulated.nvml.codes import NvmlRefusal, ReturnCode
from tests.emulated.nvml.faults import Faults
from tests.emulated.nvml.fields import field_answers
from tests.emulated.nvml.getters import GETTERS, Answer
from tests.emulated.nvml.gpu import EmulatedGpu
from tests.emulated.nvml.releases import DriverRelease
from tests.emulated.nvml.setters import SETTERS

_ROOT = 0
_FIELD_VALUES = "nvmlDeviceGetFieldValues"
_HANDLE_BY_INDEX = "nvmlDeviceGetHandleByIndex_v2"
_ABOUT_A_GPU = frozenset((*GETTERS, *SETTERS, _FIELD_VALUES))
"""Functions whose first argument is a GPU."""


class Driver:
    """What the kernel module is to the real library. Safe to use from several threads.

    Attributes:
        gpus: The GPUs, in the driver's order.
        release: The release of the driver.
        faults: What goes wrong.
        setting_forbidden: Whether even root may change nothing, as in a container of a managed cluster.
        clients: How many connections each process has.
        calls: How often each function was called.
    """

    def __init__(self, gpus: Sequence[EmulatedGpu], release: DriverRelease) -> None:
        """Loads the driver."""
        self.gpus = tuple(gpus)
        self.release = release
        self.faults = Faults()
        self.setting_forbidden = False
        self.clients: Counter[int] = Counter()
        self.calls: Counter[str] = Counter()
        self._lock = threading.RLock()

    def enter(self, pid: int) -> None:
        """Counts a connection of a process."""
        with self._lock:
            self.clients[pid] += 1

    def leave(self, pid: int) -> None:
        """Counts a connection less; what is set does not outlive the last one unless it persists."""
        with self._lock:
            self.clients[pid] -= 1
            self.clients += Counter()
            for gpu in self.gpus:
                self.tear_down_if_unused(gpu)

    def connected(self) -> list[int]:
        """Returns the process ids of all connections; one that left has been cleaned up after."""
        with self._lock:
            return sorted(self.clients.elements())

    def tear_down_if_unused(self, gpu: EmulatedGpu) -> None:
        """Forgets what was set on a GPU that nobody holds open, unless persistence mode holds it."""
        with self._lock:
            if not self.clients and not gpu.occupants and not gpu.persistence:
                gpu.settings.forget()

    def answer(self, uid: int, function: str, arguments: Sequence[str]) -> tuple[int, Answer]:
        """Returns the return code and the values of one call.

        Args:
            uid: Effective user id of the caller.
            function: The function of the library.
            arguments: Its arguments; the index of the GPU first where it is about one.
        """
        index = int(arguments[0]) if function in (*_ABOUT_A_GPU, _HANDLE_BY_INDEX) else None
        fault = self.faults.of(function, index)
        time.sleep(fault.delay_s + self._usual_s(index))
        try:
            with self._lock:
                self.calls[function] += 1
                if fault.code is not None:
                    return fault.code, ()
                return ReturnCode.SUCCESS, self._values(uid, function, arguments, fault.ignored)
        except NvmlRefusal as refusal:
            return refusal.code, ()

    def _usual_s(self, index: int | None) -> float:
        return 0.0 if index is None or index >= len(self.gpus) else self.gpus[index].profile.call_s

    def _values(self, uid: int, function: str, arguments: Sequence[str], ignored: bool) -> Answer:
        if function in self.release.absent_symbols:
            raise NvmlRefusal(ReturnCode.FUNCTION_NOT_FOUND)
        if function not in _ABOUT_A_GPU:
            return self._about_system(function, *arguments)
        gpu = self._present(int(arguments[0]))
        refusal = gpu.profile.refusal(function)
        if refusal is not None:
            raise NvmlRefusal(refusal)
        if self.release.deprecates(function):
            raise NvmlRefusal(ReturnCode.DEPRECATED)
        numbers = tuple(map(int, arguments[1:]))
        if function == _FIELD_VALUES:
            return field_answers(gpu, self.release, numbers)
        if function in GETTERS:
            return GETTERS[function](gpu, *numbers)
        if uid != _ROOT or self.setting_forbidden:
            raise NvmlRefusal(ReturnCode.NO_PERMISSION)
        if not ignored:
            SETTERS[function](gpu, *numbers)
        return ()

    def _about_system(self, function: str, *arguments: str) -> Answer:
        match function, arguments:
            case "nvmlSystemGetDriverVersion", ():
                return (self.release.version,)
            case "nvmlSystemGetNVMLVersion", ():
                return (self.release.nvml_version,)
            case "nvmlSystemGetCudaDriverVersion" | "nvmlSystemGetCudaDriverVersion_v2", ():
                return (self.release.cuda,)
            case "nvmlDeviceGetCount_v2", ():
                return (len(self.gpus),)
            case "nvmlSystemGetProcessName", (pid,):
                return (self._process_name(int(pid)),)
            case "nvmlInitWithFlags" | "nvmlShutdown", _:
                return ()
            case _:
                return (self._index_of(function, *arguments),)

    def _index_of(self, function: str, key: str) -> int:
        names: dict[str, Callable[[EmulatedGpu], str]] = {
            _HANDLE_BY_INDEX: lambda gpu: str(gpu.index),
            "nvmlDeviceGetHandleByUUID": lambda gpu: gpu.uuid,
            "nvmlDeviceGetHandleByPciBusId_v2": lambda gpu: gpu.bus_id,
        }
        for gpu in self.gpus:
            if key in (names[function](gpu), names[function](gpu).removeprefix("0000")):
                return self._present(gpu.index).index
        unknown = ReturnCode.INVALID_ARGUMENT if function == _HANDLE_BY_INDEX else ReturnCode.NOT_FOUND
        raise NvmlRefusal(unknown)

    def _present(self, index: int) -> EmulatedGpu:
        if index >= len(self.gpus):
            raise NvmlRefusal(ReturnCode.INVALID_ARGUMENT)
        if self.gpus[index].lost:
            raise NvmlRefusal(ReturnCode.GPU_IS_LOST)
        return self.gpus[index]

    def _process_name(self, pid: int) -> str:
        for gpu in self.gpus:
            for occupant in gpu.occupants:
                if occupant.pid == pid:
                    return occupant.name
        try:
            return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
        except OSError:
            raise NvmlRefusal(ReturnCode.NOT_FOUND) from None
