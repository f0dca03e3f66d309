"""Optuna's Gaussian process: Matérn-5/2, logarithm of the constrained expected improvement."""

from __future__ import annotations

import torch  # noqa: F401 - Optuna imports it when the sampler runs: whoever lacks it is told before that
from optuna.samplers import BaseSampler, GPSampler

from tuner.replay.peers.optuna_study import OptunaProposer


class OptunaGpProposer(OptunaProposer):
    """Asks Optuna's GPSampler."""

    def sampler(self, seed: int) -> BaseSampler:
        """Returns the sampler, which starts with ten random trials, the baseline included."""
        return GPSampler(seed=seed)
