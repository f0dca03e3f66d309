"""One change to several files of the kernel: all of it, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from knobs.contract import DeviceError, KnobError


@dataclass(frozen=True)
class Step:
    """One part of a change.

    Attributes:
        do: Makes the change, and makes sure that it has been accepted.
        undo: Takes it back, also after ``do`` has failed half way.
    """

    do: Callable[[], object]
    undo: Callable[[], object]


def all_or_none(steps: Iterable[Step]) -> None:
    """Takes all steps, or takes back those that were taken, last first.

    Raises:
        DeviceError: A step failed; the message also names what could not be taken back.
    """
    begun: list[Step] = []
    for step in steps:
        begun.append(step)
        try:
            step.do()
        except KnobError as error:
            raise DeviceError(" ".join([str(error), *_taken_back(begun)])) from error


def _taken_back(begun: list[Step]) -> list[str]:
    """Takes steps back; returns a sentence for each one that could not be."""
    troubles = []
    for step in reversed(begun):
        try:
            step.undo()
        except KnobError as error:
            troubles.append(f"A part of the change could not be taken back: {error}")
    return troubles
