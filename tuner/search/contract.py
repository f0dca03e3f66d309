"""What every proposer honours: trials in, one proposal out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tuner.configuration import Configuration, ConfigurationSpace
from tuner.objective import Objective
from tuner.trial import Trial


class Goal(StrEnum):
    """What a search is after."""

    LEAST_ENERGY = "least-energy"
    """The configuration of least energy that holds every SLO."""
    FRONT = "front"
    """The trade of energy for latency as a whole, that part of it first which holds every SLO (the dry run)."""


@dataclass(frozen=True)
class Caution:
    """How much risk of a broken SLO a search may take.

    Attributes:
        min_feasibility: Nothing is proposed that holds every SLO with less probability, as long as anything else is
            left that might save energy. 0 leaves the risk to the expected improvement.
        max_steps: By how many steps of each parameter a proposal may at most lie away from a configuration that was
            measured and holds every SLO; None for any number. A step is a choice, or an eighth of many choices.
    """

    min_feasibility: float = 0.0
    max_steps: int | None = None


LIVE_CAUTION = Caution(min_feasibility=0.95, max_steps=2)
"""While real traffic is served."""


@dataclass(frozen=True)
class EarlierStudy:
    """Another study on the same device: of the model before fine-tuning, another batch, another input size.

    Attributes:
        trials: Its trials. They are evidence about something similar, not about this workload.
    """

    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Forecast:
    """What models of the network and the device say of one configuration before anything is measured.

    Attributes:
        configuration: A value for every parameter of the space, not necessarily among its choices.
        latency_s: How long a query takes.
        energy_per_request_j: Joules per request.
        throughput_hz: Requests per second.
        latency_sd: Standard deviation of the logarithm of the latency. Most of it is an error that all forecasts of one
            network share.
        energy_sd: Standard deviation of the logarithm of the energy, likewise.
    """

    configuration: Configuration
    latency_s: float
    energy_per_request_j: float
    throughput_hz: float
    latency_sd: float
    energy_sd: float


@dataclass(frozen=True)
class SearchTask:
    """All that a proposer may know besides the trials.

    Attributes:
        space: The legal configurations.
        objective: What is asked for.
        seed: Seed of every random choice, so that a search can be repeated.
        max_trials: The operator's budget, the baseline included.
        earlier: Studies that this one starts from.
        goal: What the search is after.
        caution: How much risk of a broken SLO it may take.
        horizon_s: For how long the result will be in use: what a further trial may save is what it saves until then.
        trial_s: How long a trial takes beyond switching: settling, warming up and the window.
        forecasts: What models say of some configurations. They are evidence about something similar, as an earlier
            study is.
    """

    space: ConfigurationSpace
    objective: Objective
    seed: int
    max_trials: int
    earlier: tuple[EarlierStudy, ...] = ()
    goal: Goal = Goal.LEAST_ENERGY
    caution: Caution = Caution()
    horizon_s: float = 86_400.0
    trial_s: float = 30.0
    forecasts: tuple[Forecast, ...] = ()


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
        configuration: A legal configuration that no trial has measured (at this arrival rate).
        why: Why this one, in a few words for the operator.
        prediction: What is expected of it, once there is a model.
        arrival_rate_hz: At which of the objective's arrival rates; None where it has no more than one.
    """

    configuration: Configuration
    why: str
    prediction: Prediction | None = None
    arrival_rate_hz: float | None = None


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
