"""What is to be run: one method on one task with one seed."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.replay.disturbance import Disturbance
from tuner.replay.row import RunKey
from tuner.replay.task import ReplayTask


@dataclass(frozen=True)
class PlannedRun:
    """One method on one task with one seed, not run yet.

    Attributes:
        task: What is searched.
        method: The proposer's name.
        seed: Its seed, and that of the disturbance.
        disturbance: What measuring adds to the table's figures.
    """

    task: ReplayTask
    method: str
    seed: int
    disturbance: Disturbance

    @property
    def key(self) -> RunKey:
        """What the row of this run will be known by."""
        return (self.task.key, self.method, self.seed)
