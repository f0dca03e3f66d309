"""What ran when: the events of a trace as columns, one entry an event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]

NONE = -1
"""Stands where an event has no parent or no origin."""


class Kind(IntEnum):
    """What an event is."""

    OPERATOR = 0
    """Work on a processor's thread."""
    MODULE = 1
    """A stretch of a thread within which operators run; what no operator uses of it is work between operators."""
    GRADIENT = 2
    """An operator with which the backward pass of a forward operator, its origin, begins."""
    KERNEL = 3
    """Work on an accelerator, launched by its origin."""
    WAITING = 4
    """A thread that waits for an accelerator: not active, however long it lasts."""


@dataclass(frozen=True)
class Label:
    """What events have in common that do the same.

    Attributes:
        name: The operator's, the kernel's or the module's name; of a module its whole path.
        kind: What it is.
        detail: Shapes of an operator's inputs, or a module's class; empty where the trace does not tell.
    """

    name: str
    kind: Kind
    detail: str = ""


@dataclass(frozen=True)
class Lane:
    """A thread or a stream: its events nest, and those of two lanes run side by side.

    Attributes:
        device: ``cpu``, ``gpu:0`` …
        name: The thread or stream.
    """

    device: str
    name: str


@dataclass(frozen=True, eq=False)
class Timeline:
    """Events in no particular order.

    Attributes:
        labels: What events may be.
        lanes: Where they may run.
        label: Of each event the position of its label, shape (events,).
        lane: The position of its lane.
        start_ns: When it begins.
        end_ns: When it has ended: the first instant that no longer belongs to it.
        origin: The event that launched a kernel, or the forward operator of a gradient; NONE where unknown.
    """

    labels: tuple[Label, ...]
    lanes: tuple[Lane, ...]
    label: Integers
    lane: Integers
    start_ns: Integers
    end_ns: Integers
    origin: Integers

    def __len__(self) -> int:
        return len(self.label)

    @property
    def kind(self) -> Integers:
        """The kind of each event."""
        return np.array([label.kind for label in self.labels], dtype=np.int64)[self.label]

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices on which something may run, each once."""
        return tuple(dict.fromkeys(lane.device for lane in self.lanes))

    @property
    def span_ns(self) -> tuple[int, int]:
        """First and last instant."""
        return int(self.start_ns.min()), int(self.end_ns.max())

    def select(self, keep: Truths) -> Timeline:
        """Returns the events that are to be kept."""
        position = np.append(np.where(keep, np.cumsum(keep) - 1, NONE), NONE)
        return replace(
            self,
            label=self.label[keep],
            lane=self.lane[keep],
            start_ns=self.start_ns[keep],
            end_ns=self.end_ns[keep],
            origin=position[self.origin[keep]],
        )

    def shifted(self, offset_ns: int) -> Timeline:
        """Returns the same events on a clock that is ahead by so much."""
        return replace(self, start_ns=self.start_ns + offset_ns, end_ns=self.end_ns + offset_ns)
