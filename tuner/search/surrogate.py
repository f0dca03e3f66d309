"""The surrogate: a Gaussian process whose prior is what physics allows devices to do.

Each output is modelled as a natural logarithm: the latency of each SLO, pace, and mean power. Energy per request is
their product; it has an interior minimum in the clock that makes it hard to model directly. Where the work itself sets
the pace, what turns out slower than expected also turns out to need more energy: the two are predicted together.

The kernel of each output is a sum of

- *physics*: the covariance of imagined devices (:mod:`tuner.search.physics`), so that one slope that was seen tells the
  other slopes, curvatures and bends that go with it;
- a *polynomial* (:mod:`tuner.search.basis`) for slopes that those devices do not show;
- a *residual*, Matérn-5/2 with a lengthscale for each column (Rasmussen and Williams, *Gaussian Processes for Machine
  Learning*, section 4.2), for what is rugged;
- a *level* that all trials have in common;
- and, between a trial of an earlier study and one of this, nothing else: an earlier study is a workload of its own as
  well, as much as its difference says, and that is added to its own covariance alone. So earlier trials say what is
  common, the first own ones what differs, and a study that has nothing in common explains itself away.

Hyper-parameters are integrated out (:mod:`tuner.search.hyperparameters`). A trial that no setting of them explains is
taken for an outlier and hardly counts.

``docs/search.md`` shows what each part is worth, and what is not: fitting the same kernel as ``SingleTaskGP`` by
maximum a posteriori finds the optimum about as soon. Written down as linear algebra over a batch of small matrices, a
proposal takes a fifth of the time, never fails to converge, and does not trust four trials with six lengthscales.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from tuner.search.evidence import Evidence
from tuner.search.hyperparameters import Scales, Weighted, integrate, scales
from tuner.search.prior import Belief, Prior

_LEVEL_VARIANCE = 1.0
"""How far the level may lie from what the first trial suggests."""

_DIFFERENT_LEVEL_VARIANCE = 0.3**2
"""How far an earlier study's level may, from what its own first trial suggests."""

_DIFFERENT_NOISE = 0.05**2
"""What no function explains in an earlier study, as a variance, times the difference's factor."""

_OUTLIER_ERRORS = 4.0
"""Standard errors from what all other trials predict beyond which a trial counts as an outlier."""

_FEWEST_TO_JUDGE = 6
_SMALLEST_VARIANCE = 1e-10

_LARGEST_BLOCK = 400_000
"""Numbers in the covariances that are worked on at a time: bounds the memory when there are many trials."""


@dataclass(frozen=True)
class Prediction:
    """Normal distributions of logarithms, one a candidate.

    Attributes:
        latency_means: Means of log latency, one row for each SLO, ``slos x n``.
        latency_sds: Their standard deviations, ``slos x n``.
        energy_mean: Mean of log energy per request, ``n``.
        energy_sd: Its standard deviation, ``n``.
    """

    latency_means: Tensor
    latency_sds: Tensor
    energy_mean: Tensor
    energy_sd: Tensor


class Surrogate:
    """Predicts latency and energy of untried configurations from the trials so far."""

    def __init__(self, prior: Prior, evidence: Evidence) -> None:
        """Conditions the prior on the evidence, which must not be empty."""
        self._prior = prior
        self._belief = prior(evidence.features)
        self._studies = evidence.studies
        self._level = evidence.outputs[0] - self._belief.means[:, 0]
        self._misfit = evidence.outputs.T - self._belief.means - self._levels(evidence)
        self._variances = evidence.variances.T
        self._integrate()
        if len(evidence) >= _FEWEST_TO_JUDGE and self._discount_outliers():
            self._integrate()

    def predict(self, features: Tensor) -> Prediction:
        """Returns what is expected of candidates.

        Args:
            features: Encoded candidates, ``n x d``.
        """
        block = max(1, _LARGEST_BLOCK // self._solution.shape[:-1].numel())
        moments = [self._moments(some) for some in features.split(block)]
        means, variances = (torch.cat(parts, dim=1) for parts in zip(*moments, strict=True))
        return Prediction(
            latency_means=means[:-2],
            latency_sds=variances[:-2].sqrt(),
            energy_mean=self._energy(means),
            energy_sd=self._energy(variances).sqrt(),
        )

    def sample(self, features: Tensor, count: int, seed: int) -> tuple[Tensor, Tensor]:
        """Draws what candidates may turn out to be, all together.

        Args:
            features: Encoded candidates, ``n x d``.
            count: How many draws.
            seed: Of the draws.

        Returns:
            Log latencies (``count x slos x n``) and log energies per request (``count x n``).
        """
        generator = torch.Generator().manual_seed(seed)
        belief = self._prior(features)
        common = self._covariance(self._kept, self._belief, belief)
        means = self._means(belief, common)
        explained = torch.linalg.solve_triangular(self._factor, common, upper=False)
        covariance = self._covariance(self._kept, belief, belief) - explained.transpose(-1, -2) @ explained
        jitter = torch.eye(len(features), dtype=torch.float64) * 1e-8
        factor = torch.linalg.cholesky_ex(covariance + jitter).L
        chosen = torch.multinomial(self._weights, count, replacement=True, generator=generator)
        normals = torch.randn(*chosen.shape, len(features), 1, generator=generator, dtype=torch.float64)
        rows = torch.arange(len(chosen)).unsqueeze(1)
        draws = (means[rows, chosen] + (factor[rows, chosen] @ normals).squeeze(-1)).transpose(0, 1)
        return draws[:, :-2], self._energy(draws.transpose(0, 1))

    def _energy(self, outputs: Tensor) -> Tensor:
        """Returns log energy per request from log outputs, or its variance from theirs (``outputs x ...``)."""
        energy: Tensor = outputs[-2] + outputs[-1]
        return energy if self._prior.is_paced else energy + outputs[0]

    # Fitting ----------------------------------------------------------------------------------------

    def _levels(self, evidence: Evidence) -> Tensor:
        """Returns the level of each trial's study, by its first trial, ``outputs x n``."""
        firsts = [int((evidence.studies == study).nonzero()[0]) for study in evidence.studies]
        return (evidence.outputs.T - self._belief.means)[:, firsts]

    def _integrate(self) -> None:
        outputs, columns = len(self._misfit), self._belief.features.shape[1]
        weighted = integrate(self._log_likelihood, outputs, columns, self._misfit.shape[1])
        self._condition(weighted)

    def _log_likelihood(self, points: Tensor) -> Tensor:
        """Returns the log marginal likelihood of hyper-parameters (Rasmussen and Williams, equation 2.30)."""
        outputs, trials = self._misfit.shape
        block = max(1, _LARGEST_BLOCK // (outputs * trials**2))
        return torch.cat([self._log_likelihood_of(some) for some in points.split(block, dim=1)], dim=1)

    def _log_likelihood_of(self, points: Tensor) -> Tensor:
        factor, weights = self._solve(scales(points))
        fit = (self._misfit.unsqueeze(1) * weights.squeeze(-1)).sum(-1)
        return -fit / 2 - factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def _condition(self, weighted: Weighted) -> None:
        self._weights, self._kept = weighted.weights, scales(weighted.points)
        self._factor, self._solution = self._solve(self._kept)

    def _solve(self, hyper: Scales) -> tuple[Tensor, Tensor]:
        """Returns the Cholesky factor of the trials' covariance and its solution (algorithm 2.1)."""
        covariance = self._covariance(hyper, self._belief, self._belief) + self._difference(hyper)
        noise = hyper.noise.unsqueeze(-1) + self._variances.unsqueeze(1)
        factor = torch.linalg.cholesky(covariance + torch.diag_embed(noise))
        misfit = self._misfit[:, None, :, None].expand(*factor.shape[:-1], 1)
        return factor, torch.cholesky_solve(misfit, factor)

    def _discount_outliers(self) -> bool:
        """Widens the noise of trials that the others contradict (section 5.4.2: leave-one-out); tells if any were."""
        inverse = torch.cholesky_inverse(self._factor[:, 0]).diagonal(dim1=-2, dim2=-1)
        error = self._solution[:, 0, :, 0] / inverse
        is_outlier = (error.abs() * inverse.sqrt() > _OUTLIER_ERRORS) & (self._studies == 0)
        self._variances = self._variances + is_outlier * error.square()
        return bool(is_outlier.any())

    # Covariances ------------------------------------------------------------------------------------

    def _covariance(self, hyper: Scales, first: Belief, second: Belief) -> Tensor:
        """Returns what two sets of configurations have in common, ``outputs x points x n x m``."""
        physics = (first.physics @ second.physics.transpose(-1, -2)).unsqueeze(1)
        polynomial = first.polynomial @ second.polynomial.T
        residual = _matern(first.features, second.features, hyper.lengthscales)
        stray = hyper.polynomial[..., None, None] * polynomial + hyper.residual[..., None, None] * residual
        return (
            hyper.physics[..., None, None] * physics
            + self._prior.freedom[:, None, None, None] * stray
            + _LEVEL_VARIANCE
        )

    def _variance(self, hyper: Scales, belief: Belief) -> Tensor:
        """Returns the covariance's diagonal, ``outputs x points x n``."""
        physics = belief.physics.square().sum(-1).unsqueeze(1)
        stray = hyper.polynomial.unsqueeze(-1) * belief.polynomial.square().sum(-1) + hyper.residual.unsqueeze(-1)
        return hyper.physics.unsqueeze(-1) * physics + self._prior.freedom[:, None, None] * stray + _LEVEL_VARIANCE

    def _difference(self, hyper: Scales) -> Tensor:
        """Returns what trials of one earlier study have in common beyond that, ``outputs x points x n x n``."""
        same = (self._studies.unsqueeze(0) == self._studies.unsqueeze(1)) & (self._studies > 0)
        if not bool(same.any()):
            return torch.zeros(1, dtype=torch.float64)
        own = self._covariance(hyper, self._belief, self._belief) - _LEVEL_VARIANCE
        noise = _DIFFERENT_NOISE * torch.eye(len(self._studies), dtype=torch.float64)
        return same * (hyper.difference[..., None, None] * (own + noise) + _DIFFERENT_LEVEL_VARIANCE)

    # Predictions ------------------------------------------------------------------------------------

    def _moments(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean and variance of the mixture over hyper-parameters, ``outputs x n``."""
        belief = self._prior(features)
        common = self._covariance(self._kept, self._belief, belief)
        means = self._means(belief, common)
        explained = torch.linalg.solve_triangular(self._factor, common, upper=False).square().sum(-2)
        variances = (self._variance(self._kept, belief) - explained).clamp_min(_SMALLEST_VARIANCE)
        weights = self._weights.unsqueeze(-1)
        mean = (weights * means).sum(1)
        return mean, (weights * (variances + (means - mean.unsqueeze(1)).square())).sum(1)

    def _means(self, belief: Belief, common: Tensor) -> Tensor:
        """Returns the mean under each of the hyper-parameters, ``outputs x points x n``."""
        level = (belief.means + self._level.unsqueeze(1)).unsqueeze(1)
        return level + (common * self._solution).sum(-2)


def _matern(first: Tensor, second: Tensor, lengthscales: Tensor) -> Tensor:
    """Returns the correlation of a Matérn-5/2 process, ``... x n x m`` (for lengthscales ``... x d``)."""
    scale = lengthscales.unsqueeze(-2)
    distance = torch.cdist(first / scale, second / scale) * math.sqrt(5.0)
    return (1 + distance + distance.square() / 3) * torch.exp(-distance)
