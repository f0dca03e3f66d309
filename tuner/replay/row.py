"""One run of one method on one task, as it is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tuner import serialization
from tuner.replay.disturbance import Disturbance

TaskKey: TypeAlias = tuple[str, str, str, float]
"""Dataset, device, workload and SLO: what is searched."""

RunKey: TypeAlias = tuple[TaskKey, str, int]
"""Task, method and seed: what is run once."""


@dataclass(frozen=True)
class Row:
    """One run of one method on one task.

    Attributes:
        dataset: The table's folder.
        group: ``inference`` or ``stress``.
        device: The device that was measured.
        workload: What it ran.
        slo: Bound on latency as a multiple of the table's fastest.
        method: The proposer's name.
        seed: The proposer's seed.
        trials_to_5pct: See :class:`tuner.replay.scoring.Score`, also for the rest.
        violations: Trials up to then that broke the SLO.
        stopped_at: Trials measured when the proposer advised to stop.
        regret_at_stop: Share by which the incumbent then exceeded the optimum.
        seconds_per_proposal: Mean time of a proposal.
        regrets: Share by which the best feasible trial exceeded the optimum after each trial; None before the first.
        is_violation: Whether that trial broke the SLO.
        noise: See :class:`tuner.replay.disturbance.Disturbance`; written down only where trials were disturbed.
        outliers: See there.
    """

    dataset: str
    group: str
    device: str
    workload: str
    slo: float
    method: str
    seed: int
    trials_to_5pct: int
    violations: int
    stopped_at: int
    regret_at_stop: float | None
    seconds_per_proposal: float
    regrets: tuple[float | None, ...]
    is_violation: tuple[bool, ...]
    noise: float = 0.0
    outliers: bool = False

    @property
    def task(self) -> TaskKey:
        """What was searched."""
        return (self.dataset, self.device, self.workload, self.slo)

    @property
    def key(self) -> RunKey:
        """What was run."""
        return (self.task, self.method, self.seed)

    @property
    def disturbance(self) -> Disturbance:
        """What was added to the table's figures."""
        return Disturbance(self.noise, self.outliers)

    def encode(self) -> bytes:
        """Returns the row as one line of JSON."""
        fields = serialization.to_builtins(self)
        if self.disturbance == Disturbance():
            del fields["noise"], fields["outliers"]
        return serialization.encode(fields) + b"\n"
