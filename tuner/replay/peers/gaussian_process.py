"""What the peers that stand on BoTorch have in common: an initial design, then two Gaussian processes.

The baseline is the design's first point; others, if the peer wants them, are Sobol points, each measured at the nearest
untried legal configuration. From then on one process for the logarithm of the energy and one for that of the latency
are fitted to every trial, and the acquisition is evaluated for every untried configuration.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from botorch.acquisition import AcquisitionFunction
from botorch.exceptions.errors import ModelFittingError
from botorch.fit import fit_gpytorch_mll
from botorch.models import ModelListGP, SingleTaskGP
from botorch.optim import optimize_acqf_discrete
from botorch.utils.sampling import manual_seed
from gpytorch.mlls import SumMarginalLogLikelihood
from numpy.typing import NDArray
from torch import Tensor
from torch.quasirandom import SobolEngine

from tuner.replay.peers.pool_proposer import Observation, PoolProposer

ENERGY, LATENCY = 0, 1
"""The model's outputs: log energy, and log latency over its bound (the SLO holds up to 0)."""

_CANDIDATES_AT_ONCE = 512


class GaussianProcessProposer(PoolProposer):
    """Proposes the untried configuration with the highest acquisition.

    Attributes:
        initial_points: Measured trials before the processes are asked, the baseline included.
    """

    initial_points: ClassVar[int]

    @abstractmethod
    def output_model(self, inputs: Tensor, output: Tensor) -> SingleTaskGP:
        """Returns the process for one output, not fitted yet.

        Args:
            inputs: Points in the unit cube, ``n x d``.
            output: What was measured there, ``n x 1``.
        """

    @abstractmethod
    def acquisition(self, model: ModelListGP, inputs: Tensor, outputs: Tensor, seed: int) -> AcquisitionFunction:
        """Returns what is to be maximised.

        Args:
            model: The fitted processes of :data:`ENERGY` and :data:`LATENCY`.
            inputs: The measured points, ``n x d``.
            outputs: What was measured there, ``n x 2``.
            seed: Of random numbers, if any.
        """

    def choose(self, observations: Sequence[Observation], untried: NDArray[np.intp], seed: int) -> int:
        """Returns the position of the best candidate."""
        if len(observations) < self.initial_points:
            tried = len(self.pool.coordinates) - len(untried)
            return self.pool.nearest(self._sobol_point(tried), untried)
        inputs = torch.from_numpy(np.stack([one.point for one in observations]))
        outputs = torch.tensor([[one.log_energy, one.log_excess] for one in observations], dtype=torch.float64)
        with warnings.catch_warnings(), manual_seed(seed):
            warnings.simplefilter("ignore")
            model = self._fitted(inputs, outputs)
            best, _ = optimize_acqf_discrete(
                self.acquisition(model, inputs, outputs, seed),
                q=1,
                choices=torch.from_numpy(self.pool.coordinates[untried]),
                max_batch_size=_CANDIDATES_AT_ONCE,
            )
        return self.pool.nearest(best[0].numpy(), untried)

    def _sobol_point(self, number: int) -> NDArray[np.float64]:
        engine = SobolEngine(self.pool.dimensions, scramble=True, seed=self.task.seed)
        point: NDArray[np.float64] = engine.fast_forward(number).draw(1, dtype=torch.float64)[0].numpy()
        return point

    def _fitted(self, inputs: Tensor, outputs: Tensor) -> ModelListGP:
        model = ModelListGP(*(self.output_model(inputs, column) for column in outputs.split(1, dim=1)))
        try:
            fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
        except ModelFittingError:
            return model.eval()  # at the hyper-parameters that the priors suggest
        return model
