"""One change in several parts: all of it, or none; and its way back, every part for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from knobs.contract import DeviceError, KnobError, RestoreOutcome


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
        KnobError: A step failed, and everything is as before.
        DeviceError: A step failed; the message also names what could not be taken back.
    """
    begun: list[Step] = []
    for step in steps:
        begun.append(step)
        try:
            step.do()
        except KnobError as error:
            troubles = _troubles_in_taking_back(begun)
            if not troubles:
                raise
            raise DeviceError(f"{error} What could not be taken back: {' '.join(troubles)}") from error


def all_restored(restorations: Iterable[Callable[[], RestoreOutcome]]) -> RestoreOutcome:
    """Puts every part back, also where another one fails; returns the outcome of the part that needs most.

    Raises:
        DeviceError: Parts could not be put back; the message names each.
    """
    outcomes: set[RestoreOutcome] = set()
    troubles: list[str] = []
    for restore in restorations:
        try:
            outcomes.add(restore())
        except KnobError as error:
            troubles.append(str(error))
    if troubles:
        raise DeviceError(" ".join(dict.fromkeys(troubles)))
    if RestoreOutcome.PENDING in outcomes:
        return RestoreOutcome.PENDING
    return RestoreOutcome.GONE if outcomes == {RestoreOutcome.GONE} else RestoreOutcome.RESTORED


def _troubles_in_taking_back(begun: list[Step]) -> list[str]:
    """Takes steps back; returns a sentence for each one that could not be."""
    troubles = []
    for step in reversed(begun):
        try:
            step.undo()
        except KnobError as error:
            troubles.append(str(error))
    return list(dict.fromkeys(troubles))
