"""What the daemon and the search worker say to each other: lines of JSON over the worker's stdin and stdout.

The worker greets first. Then each request gets one reply. The worker keeps nothing but the task: every request for a
proposal carries all trials, so a worker that died is replaced without loss.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tuner.parameter_effect import ParameterEffect
from tuner.search.contract import Proposal, SearchTask, Stop
from tuner.trial import Trial

MODULE = "tuner.search.worker"
"""What an interpreter runs with ``-m`` to become the worker."""


@dataclass(frozen=True)
class Greeting:
    """The first line that the worker writes, once its libraries are loaded.

    Attributes:
        versions: Version by library.
    """

    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A line to the worker.

    Attributes:
        call: ``start`` gives it a task, ``propose`` asks for a proposal, ``effects`` for what each parameter does.
        method: For ``start``: the proposer's name.
        task: For ``start``: what is to be searched.
        trials: For ``propose`` and ``effects``: every trial so far.
    """

    call: Literal["start", "propose", "effects"]
    method: str = ""
    task: SearchTask | None = None
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True)
class Reply:
    """A line from the worker; of proposal, stop and error at most one is set, and none after ``start``.

    Attributes:
        proposal: The configuration to measure next.
        stop: Why searching on does not pay.
        effects: What each parameter does, if that was asked.
        error: Why the request could not be answered, in one sentence.
    """

    proposal: Proposal | None = None
    stop: Stop | None = None
    effects: tuple[ParameterEffect, ...] = ()
    error: str = ""
