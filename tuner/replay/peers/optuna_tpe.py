"""Optuna's default: the tree-structured Parzen estimator (Watanabe, arXiv 2304.11127), multivariate, constrained."""

from __future__ import annotations

from optuna.samplers import BaseSampler, TPESampler

from tuner.replay.peers.optuna_study import OptunaProposer


class OptunaTpeProposer(OptunaProposer):
    """Asks Optuna's TPE."""

    def sampler(self, seed: int) -> BaseSampler:
        """Returns the multivariate sampler, which starts with ten random trials, the baseline included."""
        return TPESampler(seed=seed, multivariate=True)
