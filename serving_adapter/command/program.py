"""A program that answers a line with a line: how it is asked, and what it owes us."""

import json
import os
import time

from serving_adapter.command.line_process import LateError, LineProcess, ProgramEndedError
from serving_adapter.contract import AdapterError, RequestFailedError, WorkloadDefinition
from serving_adapter.definition.options import flag_option, number_option, text_option, text_table_option, texts_option
from serving_adapter.definition.template import RequestTemplate
from serving_adapter.words import quote

PROGRAM_OPTIONS = (
    "argv",
    "cwd",
    "environment",
    "ready",
    "expect_json",
    "expect_contains",
    "start_timeout_s",
    "timeout_s",
)

_DEFAULT_TIMEOUT_S = 60.0
_LONGEST_LINE_BYTES = 1 << 24
_QUIET_S = 0.1


class Program:
    """A program that was started. Each request is a line, and owes us a line."""

    def __init__(self, definition: WorkloadDefinition, template: RequestTemplate) -> None:
        """Reads the options and starts the program.

        Args:
            definition: The workload's definition.
            template: What it is asked.

        Raises:
            AdapterError: An option is wrong, or the program cannot be started.
        """
        self._template = template
        self._timeout_s = number_option(definition, "timeout_s", _DEFAULT_TIMEOUT_S)
        self._start_timeout_s = number_option(definition, "start_timeout_s", _DEFAULT_TIMEOUT_S)
        self._ready = text_option(definition, "ready", "").encode()
        self._contained = text_option(definition, "expect_contains", "").encode()
        self._is_json = flag_option(definition, "expect_json", default=False)
        self._owed = 0
        command = texts_option(definition, "argv")
        if not command or not command[0]:
            raise AdapterError(f"The workload '{definition.name}' names no program: add argv = [\"/path/to/program\"].")
        self._subject = f"The program '{command[0]}' of the workload '{definition.name}'"
        environment = {**os.environ, **text_table_option(definition, "environment")}
        folder = text_option(definition, "cwd", "") or None
        try:
            self._process = LineProcess(command, folder, environment, _LONGEST_LINE_BYTES)
        except ProgramEndedError as error:
            raise AdapterError(f"{self._subject} {error}.") from error

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._process.pid

    def warm_up(self) -> None:
        """Waits until the program is ready, and makes sure that it answers one line with one line.

        Raises:
            AdapterError: It does not, or not in time.
        """
        limit_s = self._start_timeout_s
        deadline_s = time.monotonic() + limit_s
        while self._ready and self._ready not in self._receive(deadline_s, limit_s):
            pass
        self._exchange(1, deadline_s, limit_s)
        start_s = time.monotonic()
        self._exchange(1, deadline_s, limit_s)
        # A program that greets has now answered the first request only: its answer to the second is about to come.
        self._check_silence(_QUIET_S + 2 * (time.monotonic() - start_s))

    def ask(self, items: int) -> None:
        """Sends a batch and checks the answer.

        Raises:
            RequestFailedError: There is no answer in time, or it is not as expected.
            AdapterError: The program has ended.
        """
        self._exchange(items, time.monotonic() + self._timeout_s, self._timeout_s)

    def end(self) -> None:
        """Ends the program with all that it has started."""
        self._process.end()

    def _exchange(self, items: int, deadline_s: float, limit_s: float) -> None:
        self._settle(deadline_s, limit_s)
        self._check_silence(0.0)
        self._owed += 1
        self._send(self._template.render(items) + b"\n", deadline_s, limit_s)
        answer = self._receive(deadline_s, limit_s)
        self._owed -= 1
        self._check(answer)

    def _settle(self, deadline_s: float, limit_s: float) -> None:
        """Waits for the answers to requests that were given up, so that none is taken for that of the next one."""
        while self._owed:
            self._send(b"", deadline_s, limit_s)
            self._receive(deadline_s, limit_s)
            self._owed -= 1

    def _check_silence(self, wait_s: float) -> None:
        try:
            unasked = self._process.take_unasked(wait_s)
        except ProgramEndedError as error:
            raise AdapterError(f"{self._subject} {error}.") from error
        if unasked:
            raise RequestFailedError(
                f"{self._subject} wrote what nobody asked for ({quote(unasked)}): it must answer each line with "
                "exactly one; what it writes at its start is to be named by the option ready."
            )

    def _send(self, line: bytes, deadline_s: float, limit_s: float) -> None:
        try:
            self._process.send(line, deadline_s)
        except LateError as error:
            raise RequestFailedError(f"{self._subject} did not read a request within {limit_s:g} s.") from error
        except ProgramEndedError as error:
            raise AdapterError(f"{self._subject} {error}.") from error

    def _receive(self, deadline_s: float, limit_s: float) -> bytes:
        try:
            return self._process.receive(deadline_s)
        except LateError as error:
            raise RequestFailedError(f"{self._subject} did not answer within {limit_s:g} s.") from error
        except ProgramEndedError as error:
            raise AdapterError(f"{self._subject} {error}.") from error

    def _check(self, answer: bytes) -> None:
        if not answer.strip():
            raise RequestFailedError(f"{self._subject} answered with an empty line.")
        if self._contained not in answer:
            raise RequestFailedError(
                f"{self._subject} answered without '{quote(self._contained)}', which expect_contains asks for: "
                f"{quote(answer)}."
            )
        if self._is_json and not _is_json(answer):
            raise RequestFailedError(f"{self._subject} answered what is not JSON: {quote(answer)}.")


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
