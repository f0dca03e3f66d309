"""What every proposer honours: trials in, one proposal out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.configuration import Configuration, ConfigurationSpace
from tuner.objective import Objective
from tuner.trial import Trial


@dataclass(frozen=True)
class SearchTask:
    """All that a proposer may know besides the trials.

    Attributes:
        space: The legal configurations.
        objective: What is asked for.
        seed: Seed of every random choice, so that a search can be repeated.
        max_trials: The operator's budget, the baseline included.
        earlier: Trials of an earlier study that this one starts from (a re-tune after fine-tuning): they
            are evidence about a similar model, not about this one.
    """

    space: ConfigurationSpace
    objective: Objective
    seed: int
    max_trials: int
    earlier: tuple[Trial, ...] = ()


@dataclass(frozen=True)
class Prediction:
    """What the proposer expects of a configuration.

    Attributes:
        energy_per_request_j: Median of the predicted energy per request.
        slo_latency_s: Median of the predicted latency at the SLO's percentile.
        feasible_probability: Probability that every SLO holds.
    """

    energy_per_request_j: float
    slo_latency_s: float
    feasible_probability: float


@dataclass(frozen=True)
class Proposal:
    """The configuration to measure next.

    Attributes:
        configuration: A legal configuration that no trial has measured.
        why: Why this one, in a few words for the operator.
        prediction: What is expected of it, once there is a model.
    """

    configuration: Configuration
    why: str
    prediction: Prediction | None = None


@dataclass(frozen=True)
class Stop:
    """Searching on does not pay.

    Attributes:
        why: The reason, in one sentence for the operator.
    """

    why: str


class Proposer(ABC):
    """Chooses the next configuration.

    A proposer keeps nothing that the trials do not say: it can be killed and started again at any time,
    and answers the same for the same task and trials.
    """

    def __init__(self, task: SearchTask) -> None:
        """Keeps the task."""
        self.task = task

    @abstractmethod
    def propose(self, trials: Sequence[Trial]) -> Proposal | Stop:
        """Returns the next configuration, or says that searching on does not pay.

        Args:
            trials: Every trial so far, the baseline first, rejections and confirmations included.

        Returns:
            A proposal whose configuration is legal and has not been measured, or a stop; always a stop
            once every legal configuration has been tried or the budget is spent.
        """
