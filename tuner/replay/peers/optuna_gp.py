"""Optuna's Gaussian process: Matérn-5/2, logarithm of the constrained expected improvement.

At its best it starts from the baseline alone. Optuna's default of ten random trials, which is what its users get, is a
method of its own here, and costs twice as many: as median, mean and 90th percentile on measured tables of inference
13 / 13.4 / 22 with ten, 10 / 10.5 / 18 with five, 3.5 / 6.1 / 10 with the baseline only; on stress 11 / 14.2 / 26,
7 / 10.9 / 24 and 6.5 / 10.4 / 22.
"""

from __future__ import annotations

import torch  # noqa: F401 - Optuna imports it when the sampler runs: whoever lacks it is told before that
from optuna.samplers import BaseSampler, GPSampler

from tuner.replay.peers.optuna_study import OptunaProposer


class OptunaGpProposer(OptunaProposer):
    """Asks Optuna's GPSampler, set as well as we could."""

    def sampler(self, seed: int) -> BaseSampler:
        """Returns the sampler, told to do without random trials."""
        return GPSampler(seed=seed, n_startup_trials=1)


class OptunaGpDefaultProposer(OptunaProposer):
    """Asks Optuna's GPSampler as it comes."""

    def sampler(self, seed: int) -> BaseSampler:
        """Returns the sampler with its default of ten random trials, the baseline among them."""
        return GPSampler(seed=seed)
