"""The search worker: the child process that holds torch, as long as one study.

``python -m tuner.search.worker`` reads requests from stdin and writes replies to stdout, one JSON line each
(:mod:`tuner.search.protocol`). It is silent between requests: it waits for a line and does nothing else, so that it
does not disturb what is measured. When stdin ends (the daemon has gone) it exits at once, also in mid-fit.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
import os
import queue
import signal
import sys
import threading
from typing import BinaryIO

from tuner import serialization
from tuner.errors import WattuneError
from tuner.search.advice import AdvisingProposer
from tuner.search.contract import Proposal
from tuner.search.protocol import Greeting, Reply, Request
from tuner.search.registry import create_proposer

_logger = logging.getLogger(__name__)

_LIBRARIES = ("torch", "gpytorch", "botorch")


class Worker:
    """Answers requests; knows no pipes."""

    def __init__(self) -> None:
        """Starts without a task."""
        self._proposer: AdvisingProposer | None = None

    def answer(self, line: bytes) -> Reply:
        """Answers one request; a request that fails is answered with the reason."""
        try:
            return self._answer(serialization.decode(line, Request))
        except WattuneError as error:
            return Reply(error=str(error))
        except Exception as error:
            # Whatever a numerical library may raise: the study is told, and the next request may succeed.
            _logger.exception("The search failed.")
            return Reply(error=f"The search failed: {type(error).__name__}: {error}")

    def _answer(self, request: Request) -> Reply:
        if request.call == "start":
            if request.task is None:
                return Reply(error="The search worker was started without a task.")
            self._proposer = create_proposer(request.method, request.task)
            return Reply()
        if self._proposer is None:
            return Reply(error="The search worker was asked for a proposal before it had a task.")
        if request.call == "effects":
            return Reply(effects=self._proposer.effects(request.trials))
        outcome = self._proposer.propose(request.trials)
        return Reply(proposal=outcome) if isinstance(outcome, Proposal) else Reply(stop=outcome)


def main() -> None:
    """Runs the worker until stdin ends."""
    parser = argparse.ArgumentParser(prog="python -m tuner.search.worker", description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="threads that torch may use (default: %(default)s)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole terminal; the daemon decides for both
    replies = _claim_stdout()
    lines = _lines_until_gone()
    _write(replies, Greeting(_load_libraries(arguments.threads)))
    worker = Worker()
    while True:
        _write(replies, worker.answer(lines.get()))


def _claim_stdout() -> BinaryIO:
    """Keeps stdout for replies; what a library prints goes to stderr instead."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return replies


def _lines_until_gone() -> queue.SimpleQueue[bytes]:
    """Reads stdin in a thread of its own, which ends the process when the other side has gone."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin.buffer:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    return lines


def _load_libraries(threads: int) -> dict[str, str]:
    """Loads what takes seconds, ahead of the first request, and returns the versions; without them, none."""
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    try:
        import torch

        import tuner.search.bayesian  # noqa: F401 - loaded ahead of the first request
    except ImportError as error:
        _logger.warning("The search worker runs without %s: only the method 'random' will do.", error.name)
        return {}
    torch.set_num_threads(threads)
    return {library: importlib.metadata.version(library) for library in _LIBRARIES}


def _write(replies: BinaryIO, record: object) -> None:
    try:
        replies.write(serialization.encode(record) + b"\n")
        replies.flush()
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
