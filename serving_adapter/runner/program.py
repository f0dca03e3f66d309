"""The runner's own loop: reads calls, lets the adapter carry them out, answers.

Calls are carried out in the main thread. A second thread reads them, so that the end of the input (the
daemon has died) ends this process at once, even in the middle of an inference.
"""

import logging
import os
import platform
import queue
import signal
import threading
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Tuple

from serving_adapter.contract import AdapterError, ServingAdapter
from serving_adapter.definition.references import resolve
from serving_adapter.runner.protocol import (
    PROTOCOL_VERSION,
    decode,
    encode,
    load_from_json,
    parameters_to_json,
    slice_to_json,
    workload_from_json,
)
from serving_adapter.scenario import LoadGenerator, load_generator
from serving_adapter.words import describe

_logger = logging.getLogger(__name__)


class Runner:
    """Carries out calls on one adapter."""

    def __init__(self) -> None:
        """Holds no adapter until the call ``open``."""
        self._adapter: Optional[ServingAdapter] = None
        self._generator: Optional[LoadGenerator] = None
        self._calls: Dict[str, Callable[..., Any]] = {
            "open": self._open,
            "parameters": lambda: parameters_to_json(self._opened.parameters()),
            "configure": self._configure,
            "current": lambda: self._opened.current(),
            "serving_pid": lambda: self._opened.serving_pid,
            "start_load": self._start_load,
            "run": self._run,
            "stop_load": self._stop_load,
            "idle": lambda duration_s: self._opened.idle(duration_s),
            "close": self._close,
        }

    def answer(self, request: Mapping[str, Any]) -> bytes:
        """Carries out a call and returns the answer's line: a result, or an error of one sentence."""
        call = request["call"]
        try:
            return encode({"id": request["id"], "result": self._carry_out(call, request["arguments"])})
        except AdapterError as error:
            sentence = str(error)
        except (Exception, SystemExit) as error:
            _logger.exception("The call %s failed", call)
            sentence = f"The workload failed in '{call}': {describe(error)}."
        return encode({"id": request["id"], "error": sentence})

    def _carry_out(self, call: str, arguments: Mapping[str, Any]) -> Any:
        if call not in self._calls:
            raise AdapterError(f"The runner knows no call '{call}'.")
        return self._calls[call](**arguments)

    @property
    def _opened(self) -> ServingAdapter:
        if self._adapter is None:
            raise AdapterError("The workload is not open.")
        return self._adapter

    def _open(self, adapter: str, workload: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._adapter is not None:
            raise AdapterError("The workload is open already.")
        opening = resolve(adapter, role="adapter")(workload_from_json(workload))
        if not isinstance(opening, ServingAdapter):
            raise AdapterError(f"The adapter '{adapter}' is not a ServingAdapter.")
        try:
            opening.open()
        except BaseException:
            opening.close()
            raise
        self._adapter = opening
        return {"notes": opening.notes()}

    def _configure(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        self._stop_load()
        self._opened.configure(values)
        return self._opened.current()

    def _start_load(self, load: Mapping[str, Any]) -> None:
        self._stop_load()
        self._generator = load_generator(self._opened, load_from_json(load))

    def _run(self, duration_s: float) -> Mapping[str, Any]:
        if self._generator is None:
            raise AdapterError("No load was started.")
        return slice_to_json(self._generator.run(duration_s))

    def _stop_load(self) -> None:
        """Ends the load; one that cannot be ended is kept, so that nothing else begins before it has ended."""
        if self._generator is not None:
            self._generator.stop()
        self._generator = None

    def _close(self) -> None:
        adapter, self._adapter = self._adapter, None
        try:
            self._stop_load()
        finally:
            if adapter is not None:
                adapter.close()


def run_program() -> None:
    """Answers calls until ``close`` is answered or the daemon is gone."""
    logging.basicConfig()
    calls_fd, answers_fd = _take_standard_streams()
    requests: "queue.SimpleQueue[Dict[str, Any]]" = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(calls_fd, requests), daemon=True).start()
    _write(answers_fd, encode({"protocol": PROTOCOL_VERSION, "python": platform.python_version()}))
    runner = Runner()
    call = ""
    while call != "close":
        request = requests.get()
        call = request["call"]
        _write(answers_fd, runner.answer(request))


def _take_standard_streams() -> Tuple[int, int]:
    """Keeps input and output for the protocol alone.

    Whatever the model prints goes to standard error, and what it reads is empty. The two descriptors that are
    returned are not inherited by the model's own children.
    """
    calls_fd = os.dup(0)
    answers_fd = os.dup(1)
    nothing_fd = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing_fd, 0)
    os.close(nothing_fd)
    os.dup2(2, 1)
    return calls_fd, answers_fd


def _read_requests(calls_fd: int, requests: "queue.SimpleQueue[Dict[str, Any]]") -> None:
    try:
        for line in _lines(calls_fd):
            requests.put(decode(line))
    finally:
        _end_at_once()


def _lines(fd: int) -> Iterator[bytes]:
    """Yields lines until the end of the input. Reads without a buffered file, whose lock could stop our exit."""
    pending = b""
    while True:
        data = os.read(fd, 1 << 16)
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        yield from lines


def _write(fd: int, line: bytes) -> None:
    while line:
        line = line[os.write(fd, line) :]


def _end_at_once() -> None:
    """Ends this process without asking the main thread, and with it the processes that the model has started."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)
