"""What is believed before the first trial: the mean of the imagined devices, and how they and a polynomial vary."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tuner.objective import Objective
from tuner.search.basis import Basis
from tuner.search.encoding import Encoding
from tuner.search.evidence import Output, is_paced
from tuner.search.physics import Ensemble


@dataclass(frozen=True)
class Belief:
    """A prior at ``n`` configurations: means, and functions whose inner products are covariances.

    Attributes:
        means: Prior mean of each output up to a level, ``outputs x n``.
        physics: Deviations of the imagined devices from their mean, ``outputs x n x devices``.
        polynomial: The polynomial's functions, ``n x functions``.
        features: The configurations, ``n x d``.
    """

    means: Tensor
    physics: Tensor
    polynomial: Tensor
    features: Tensor


_FREEDOM_OF_PACE = 0.25**2
"""The number of requests under way, and the rate at which they come, follow from what was asked for."""


class Prior:
    """The prior of a space under an objective.

    Attributes:
        outputs: One latency for each SLO, pace, and power.
        freedom: How freely each output may stray from physics, as a variance relative to the others, ``outputs``.
        is_paced: Whether energy per request does without the latency: see :class:`~tuner.search.evidence.Output`.
    """

    def __init__(self, encoding: Encoding, objective: Objective, utilization: float | None = None) -> None:
        """Imagines devices that have the space's parameters.

        Args:
            encoding: Of the space.
            objective: What is asked for.
            utilization: Share of time in which work was seen under way before anything was changed, if it was.
        """
        self._ensemble = Ensemble(encoding, is_paced(objective), utilization=utilization)
        self._basis = Basis(encoding)
        self.outputs = (*([Output.LATENCY] * len(objective.slos)), Output.PACE, Output.POWER)
        self.is_paced = is_paced(objective)
        self.freedom = torch.tensor(
            [_FREEDOM_OF_PACE if output is Output.PACE else 1.0 for output in self.outputs], dtype=torch.float64
        )

    def __call__(self, features: Tensor) -> Belief:
        """Returns the prior at configurations (features ``n x d``)."""
        answers = self._ensemble(features)
        means = answers.mean(-1)
        deviations = (answers - means.unsqueeze(-1)) / answers.shape[-1] ** 0.5
        rows = torch.tensor(self.outputs)
        return Belief(means[rows], deviations[rows], self._basis(features), features)

    def log_latency(self, features: Tensor) -> Tensor:
        """Returns the log latency that the prior alone expects, up to a level (``n``, for features ``n x d``)."""
        return self._ensemble(features)[Output.LATENCY].mean(-1)
