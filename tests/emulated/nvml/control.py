"""The test's side of the emulated driver: breaks it, mends it, loads it, and looks behind the sensors.

The same methods are there in the process of the driver (:class:`Control`) and over its second socket
(:class:`ControlClient`), with the same names and arguments.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.emulated.nvml.codes import EventReason
from tests.emulated.nvml.driver import Driver
from tests.emulated.nvml.faults import Fault
from tests.emulated.nvml.gpu import Occupant, OccupantKind
from tests.emulated.nvml.load import Load
from tests.emulated.nvml.physics import CLASSIFIER
from tests.emulated.nvml.sensors import CounterFault


class Control:
    """Everything that a test can do to an emulated driver."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._loads: dict[int, Load] = {}

    # ---- calls ---------------------------------------------------------------------------------------------

    def fail(self, function: str, code: int, calls: int | None = None, gpu: int | None = None) -> None:
        """Lets a function (or a pattern, ``nvmlDeviceSet*``) answer with a code, for some calls or for ever."""
        self._driver.faults.add(Fault(function, gpu, code=code, calls_left=calls))

    def slow(self, function: str, delay_s: float, calls: int | None = None, gpu: int | None = None) -> None:
        """Lets a function take longer."""
        self._driver.faults.add(Fault(function, gpu, delay_s=delay_s, calls_left=calls))

    def ignore(self, function: str, calls: int | None = None, gpu: int | None = None) -> None:
        """Lets a setter answer with success and change nothing."""
        self._driver.faults.add(Fault(function, gpu, ignored=True, calls_left=calls))

    def clear(self, function: str | None = None) -> None:
        """Takes back what :meth:`fail`, :meth:`slow` and :meth:`ignore` did, under this name or altogether."""
        self._driver.faults.clear(function)

    def forbid_setting(self, forbidden: bool = True) -> None:
        """Takes the permission to change anything away, from root too; or gives it back."""
        self._driver.setting_forbidden = forbidden

    # ---- the GPU -------------------------------------------------------------------------------------------

    def lose(self, gpu: int = 0) -> None:
        """Lets a GPU fall off the bus: every call answers "lost" from now on, and work on it fails."""
        self._driver.gpus[gpu].lose()

    def forget(self, gpu: int = 0) -> None:
        """Takes back everything that was set, behind the backs of all clients, as a reset of the GPU does."""
        self._driver.gpus[gpu].settings.forget()

    def hold_down(self, core_mhz: float, gpu: int = 0, reasons: int = EventReason.SW_THERMAL_SLOWDOWN) -> None:
        """Holds the core clock down; with ``reasons=0`` nothing explains why."""
        self._driver.gpus[gpu].hold_down(core_mhz, EventReason(reasons))

    def let_go(self, gpu: int = 0) -> None:
        """Ends :meth:`hold_down`; the clock comes back step by step."""
        held = self._driver.gpus[gpu]
        held.hold_down(None, held.heat_reasons)

    def pulse(
        self,
        core_mhz: float,
        on_s: float,
        off_s: float,
        times: int,
        gpu: int = 0,
        reasons: int = EventReason.SW_THERMAL_SLOWDOWN,
    ) -> None:
        """Holds the core clock down again and again; returns at once."""

        def run() -> None:
            pause = threading.Event()
            for _ in range(times):
                self.hold_down(core_mhz, gpu, reasons)
                pause.wait(on_s)
                self.let_go(gpu)
                pause.wait(off_s)

        threading.Thread(target=run, daemon=True).start()

    def break_energy(self, fault: str, gpu: int = 0) -> None:
        """Breaks the energy counter (``frozen``, ``zero``), or mends it (``none``)."""
        self._driver.gpus[gpu].sensors.break_counter(CounterFault(fault))

    def step_energy_back(self, gpu: int = 0) -> None:
        """Lets the energy counter start again near 0."""
        self._driver.gpus[gpu].sensors.step_counter_back()

    # ---- those who use it ----------------------------------------------------------------------------------

    def occupy(self, pid: int, name: str, memory_mib: int = 1024, kind: str = "compute", gpu: int = 0) -> None:
        """Puts a process on a GPU; it holds the GPU open, as a CUDA context does."""
        self._driver.gpus[gpu].occupants.append(Occupant(pid, name, memory_mib, OccupantKind(kind)))

    def vacate(self, pid: int, gpu: int = 0) -> None:
        """Takes a process off a GPU."""
        occupied = self._driver.gpus[gpu]
        occupied.occupants = [occupant for occupant in occupied.occupants if occupant.pid != pid]
        self._driver.tear_down_if_unused(occupied)

    def start_load(self, workload: str = CLASSIFIER, items: int = 8, gpu: int = 0) -> None:
        """Lets batch after batch run on a GPU."""
        self.stop_load(gpu)
        self._loads[gpu] = Load(self._driver.gpus[gpu].device, workload, items)

    def stop_load(self, gpu: int = 0) -> None:
        """Ends :meth:`start_load`."""
        load = self._loads.pop(gpu, None)
        if load is not None:
            load.stop()

    def infer(self, workload: str = CLASSIFIER, items: int = 8, gpu: int = 0) -> float:
        """Works on one batch and returns how long it took, in seconds."""
        return self._driver.gpus[gpu].device.infer(workload, items)

    # ---- the truth -----------------------------------------------------------------------------------------

    def truth(self, gpu: int = 0) -> dict[str, Any]:
        """Returns the true state of a GPU: the observation's fields, what is set, and how many use it."""
        seen = self._driver.gpus[gpu]
        return {
            **asdict(seen.device.observe()),
            "core_lock_mhz": seen.settings.core_lock_mhz,
            "memory_lock_mhz": seen.settings.memory_lock_mhz,
            "application_mhz": seen.settings.application_mhz,
            "limit_w": seen.settings.limit_w,
            "persistence": seen.persistence,
            "core_range_mhz": seen.settings.core_range_mhz,
            "uuid": seen.uuid,
        }

    def clients(self) -> list[int]:
        """Returns the process ids of all connections."""
        return self._driver.connected()

    def calls(self) -> dict[str, int]:
        """Returns how often each function was called."""
        return dict(self._driver.calls)

    def close(self) -> None:
        """Ends every load."""
        for gpu in list(self._loads):
            self.stop_load(gpu)


class ControlSession:
    """One connection to the second socket: a line ``{"method": ..., "arguments": {...}}``, a line back."""

    def __init__(self, control: Control) -> None:
        names = (name for name in vars(Control) if not name.startswith("_") and name != "close")
        self._methods: dict[str, Callable[..., Any]] = {name: getattr(control, name) for name in names}

    def reply(self, line: str) -> str:
        """Returns ``{"result": ...}``, or ``{"error": ...}`` if the request is wrong."""
        try:
            request = json.loads(line)
            method = self._methods[request["method"]]
            return json.dumps({"result": method(**request.get("arguments", {}))})
        except Exception as error:  # noqa: BLE001 - whatever is wrong, the test on the other side must hear of it
            return json.dumps({"error": f"{type(error).__name__}: {error}"})

    def close(self) -> None:
        """Nothing depends on who is connected here."""


class ControlClient:
    """The control of a driver in another process."""

    def __init__(self, path: str | Path) -> None:
        """Connects to the driver's second socket."""
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.connect(str(path))
        self._replies = self._connection.makefile("rb")

    def __enter__(self) -> ControlClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, method: str, **arguments: Any) -> Any:
        """Calls a method of :class:`Control`.

        Raises:
            ValueError: The driver refuses the call.
        """
        request = {"method": method, "arguments": arguments}
        self._connection.sendall(json.dumps(request).encode() + b"\n")
        reply = json.loads(self._replies.readline())
        if "error" in reply:
            raise ValueError(reply["error"])
        return reply["result"]

    def close(self) -> None:
        """Disconnects."""
        self._replies.close()
        self._connection.close()
