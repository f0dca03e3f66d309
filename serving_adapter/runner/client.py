"""The daemon's side of the runner: a workload as ``tuner.ports`` describes it, behind a process boundary."""

import os
import time
from types import MappingProxyType
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, TypeVar

from serving_adapter.contract import AdapterError, Load, ServingParameter, Slice, Value, WorkloadDefinition
from serving_adapter.runner.process import RunnerLostError, RunnerProcess
from serving_adapter.runner.protocol import (
    PROTOCOL_VERSION,
    ProtocolError,
    decode,
    encode,
    load_to_json,
    notes_from_json,
    optional_pid_from_json,
    parameters_from_json,
    slice_from_json,
    values_from_json,
    workload_to_json,
)

__all__ = ["RunnerClient", "RunnerLostError"]

_Record = TypeVar("_Record")

DEFAULT_ENVIRONMENT: Mapping[str, str] = MappingProxyType({"OMP_WAIT_POLICY": "PASSIVE"})
"""Threads of OpenMP that spin at a barrier fight with any other process for its cores, and lose seconds."""

_CLOSE_TIMEOUT_S = 10.0


class RunnerClient:
    """Starts a runner and calls it. Use from one thread, except for :meth:`kill`."""

    def __init__(
        self,
        interpreter: str,
        adapter: str,
        definition: WorkloadDefinition,
        packages: Mapping[str, str],
        environment: Mapping[str, str] = MappingProxyType({}),
        answer_timeout_s: float = 120.0,
        open_timeout_s: float = 600.0,
    ) -> None:
        """Keeps what is needed to start.

        Args:
            interpreter: The workload's own Python.
            adapter: ``module:Class``, importable there.
            definition: The workload.
            packages: Folder of each package of ours that the runner may import; ``serving_adapter`` is needed.
            environment: Added to the daemon's own environment, over it.
            answer_timeout_s: Longest wait for an answer, on top of the time that a call itself asks for.
            open_timeout_s: Longest wait where a model may be loaded or compiled: in :meth:`open` and
                :meth:`configure`.
        """
        self._interpreter = interpreter
        self._adapter = adapter
        self._definition = definition
        self._packages = dict(packages)
        self._environment = {**DEFAULT_ENVIRONMENT, **os.environ, **environment}
        self._answer_timeout_s = answer_timeout_s
        self._open_timeout_s = open_timeout_s
        self._notes: Tuple[str, ...] = ()
        self._process: Optional[RunnerProcess] = None
        self._last_id = 0

    def start(self) -> None:
        """Starts the process and waits for its greeting; the model is not loaded yet.

        Raises:
            AdapterError: It cannot be started, or speaks another version of the protocol.
            RunnerLostError: It ended at once.
        """
        if self._process is not None:
            raise AdapterError(f"The runner of the workload '{self._definition.name}' was started already.")
        self._process = RunnerProcess(self._command(), self._environment)
        greeting = self._receive(self._process, time.monotonic() + self._answer_timeout_s)
        if greeting.get("protocol") != PROTOCOL_VERSION:
            self.kill()
            raise AdapterError(
                f"The runner in {self._packages['serving_adapter']} speaks protocol {greeting.get('protocol')} and "
                f"this program protocol {PROTOCOL_VERSION}: install the same version of both."
            )

    @property
    def pid(self) -> int:
        """The runner's process id."""
        return self._started.pid

    def open(self) -> None:
        """Loads the model or connects to the server.

        Raises:
            AdapterError: The workload's definition is wrong, or its model does not load.
            RunnerLostError: The runner died.
        """
        arguments = {"adapter": self._adapter, "workload": workload_to_json(self._definition)}
        self._notes = self._read(notes_from_json, self._call("open", self._open_timeout_s, **arguments))

    @property
    def notes(self) -> Tuple[str, ...]:
        """What the operator must know about how this workload is measured, a sentence each; after :meth:`open`."""
        return self._notes

    def parameters(self) -> Tuple[ServingParameter, ...]:
        """Returns the serving parameters that can be explored."""
        return self._read(parameters_from_json, self._call("parameters"))

    def configure(self, values: Mapping[str, Value]) -> Dict[str, Value]:
        """Sets serving parameters, by id; returns the values read back.

        Raises:
            AdapterError: An id or a value is not admissible; nothing was changed.
        """
        return self._read(values_from_json, self._call("configure", self._open_timeout_s, values=dict(values)))

    def current(self) -> Dict[str, Value]:
        """Returns the serving parameters in force."""
        return self._read(values_from_json, self._call("current"))

    def serving_pid(self) -> Optional[int]:
        """Returns the process that serves: the runner itself, or a server on this machine; None for one elsewhere."""
        return self._read(optional_pid_from_json, self._call("serving_pid"))

    def start_load(self, load: Load) -> None:
        """Prepares a load generator; load flows from the first :meth:`run` on.

        Raises:
            AdapterError: The load means nothing.
        """
        self._call("start_load", load=load_to_json(load))

    def run(self, duration_s: float) -> Slice:
        """Lets load flow for about so long on the device's clock (a batch that has started is completed).

        Raises:
            AdapterError: A batch failed.
        """
        timeout_s = self._answer_timeout_s + duration_s
        return self._read(slice_from_json, self._call("run", timeout_s, duration_s=duration_s))

    def stop_load(self) -> None:
        """Ends the load, if there is one; what is under way is completed."""
        self._call("stop_load")

    def idle(self, duration_s: float) -> None:
        """Lets so much of the device's clock pass without work."""
        self._call("idle", self._answer_timeout_s + duration_s, duration_s=duration_s)

    def close(self) -> None:
        """Ends the runner, kindly if it answers. Never raises; closing twice is the same as closing once."""
        process, self._process = self._process, None
        if process is None:
            return
        deadline_s = time.monotonic() + min(_CLOSE_TIMEOUT_S, self._answer_timeout_s)
        try:
            process.send(encode({"id": self._last_id + 1, "call": "close", "arguments": {}}), deadline_s)
            process.receive(deadline_s)
        except (RunnerLostError, ProtocolError):
            process.kill()
        process.end_input()
        if not process.wait(_CLOSE_TIMEOUT_S):
            process.kill()
            process.wait(_CLOSE_TIMEOUT_S)
        process.release()

    def kill(self) -> None:
        """Ends the runner at once, from any thread; a call in progress raises :class:`RunnerLostError`."""
        process = self._process
        if process is not None:
            process.kill()

    @property
    def _started(self) -> RunnerProcess:
        if self._process is None:
            raise RunnerLostError(f"The runner of the workload '{self._definition.name}' is not running.")
        return self._process

    def _command(self) -> List[str]:
        program = os.path.join(self._packages["serving_adapter"], "runner", "__main__.py")  # noqa: PTH118
        command = [self._interpreter, program]
        for name, folder in self._packages.items():
            command += ["--package", f"{name}={folder}"]
        return command

    def _call(self, call: str, timeout_s: Optional[float] = None, **arguments: Any) -> Any:
        process = self._started
        self._last_id += 1
        deadline_s = time.monotonic() + (self._answer_timeout_s if timeout_s is None else timeout_s)
        try:
            request = encode({"id": self._last_id, "call": call, "arguments": arguments})
        except (TypeError, ValueError) as error:
            raise AdapterError(
                f"The workload '{self._definition.name}' cannot be told to '{call}': {error}; "
                "use text, finite numbers, true, false, lists and tables only."
            ) from error
        process.send(request, deadline_s)
        answer = self._receive(process, deadline_s)
        if answer.get("id") != self._last_id:
            raise self._nonsense(f"an answer to another call than '{call}'")
        if "error" in answer:
            raise AdapterError(str(answer["error"]))
        return answer.get("result")

    def _receive(self, process: RunnerProcess, deadline_s: float) -> Dict[str, Any]:
        return self._read(decode, self._read(process.receive, deadline_s))

    def _read(self, reader: Callable[[Any], _Record], message: Any) -> _Record:
        try:
            return reader(message)
        except ProtocolError as error:
            raise self._nonsense(str(error)) from error

    def _nonsense(self, what: str) -> RunnerLostError:
        self.kill()
        return RunnerLostError(f"The runner of the workload '{self._definition.name}' sent {what}, and was ended.")
