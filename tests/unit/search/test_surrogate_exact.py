"""The surrogate's linear algebra against GPyTorch's exact Gaussian process with the same covariance."""

from __future__ import annotations

from typing import Any

import gpytorch
import pytest
import torch
from gpytorch.kernels import Kernel, MaternKernel
from torch import Tensor

from tests.unit.search.records import all_measured, objective, roofline
from tests.unit.search.surrogates import ENCODING, EVERYTHING
from tuner.objective import Objective, Scenario
from tuner.search import surrogate as surrogate_module
from tuner.search.contract import EarlierStudy
from tuner.search.evidence import Evidence, gather_evidence
from tuner.search.hyperparameters import Scales, Weighted, dimensions, scales
from tuner.search.prior import Prior
from tuner.search.surrogate import Surrogate

CLOSE = 1e-8
LEVEL = 1.0
UNTRIED = ENCODING.encode(EVERYTHING[1::4])
DIMENSIONS = dimensions(len(ENCODING.columns))


def point(seed: int) -> Tensor:
    """Hyper-parameters of every output, ``outputs x 1 x dimensions``."""
    return torch.randn(3, 1, DIMENSIONS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def fixed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes given hyper-parameters the only ones that there are."""

    def fix(points: Tensor) -> Scales:
        weights = torch.full(points.shape[:2], 1 / points.shape[1], dtype=torch.float64)
        monkeypatch.setattr(surrogate_module, "integrate", lambda *_: Weighted(points, weights))
        monkeypatch.setattr(surrogate_module, "_FEWEST_TO_JUDGE", 10**6)
        return scales(points)

    return fix


class PriorKernel(Kernel):
    """Physics, polynomial and level of one output, from the functions that the prior gives."""

    def __init__(self, prior: Prior, hyper: Scales, output: int, place: int = 0) -> None:
        super().__init__()
        self.prior, self.output = prior, output
        self.physics, self.polynomial = hyper.physics[output, place], hyper.polynomial[output, place]

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **_: Any) -> Tensor:
        first, second = self.prior(x1), self.prior(x2)
        covariance = (
            self.physics * first.physics[self.output] @ second.physics[self.output].T
            + self.polynomial * self.prior.freedom[self.output] * first.polynomial @ second.polynomial.T
            + LEVEL
        )
        return covariance.diagonal() if diag else covariance


class ExactGp(gpytorch.models.ExactGP):
    """One output as GPyTorch computes it."""

    def __init__(self, prior: Prior, evidence: Evidence, hyper: Scales, output: int, place: int = 0) -> None:
        noise = evidence.variances[:, output] + hyper.noise[output, place]
        self.level = evidence.outputs[0, output] - prior(evidence.features[:1]).means[output, 0]
        with gpytorch.settings.min_fixed_noise(double_value=1e-12):
            likelihood = gpytorch.likelihoods.FixedNoiseGaussianLikelihood(noise)
        super().__init__(evidence.features, evidence.outputs[:, output], likelihood)
        residual = gpytorch.kernels.ScaleKernel(MaternKernel(nu=2.5, ard_num_dims=evidence.features.shape[1])).double()
        residual.base_kernel.lengthscale = hyper.lengthscales[output, place]
        residual.outputscale = prior.freedom[output] * hyper.residual[output, place]
        self.prior, self.output = prior, output
        self.covariance = PriorKernel(prior, hyper, output, place) + residual
        self.eval()

    def forward(self, features: Tensor) -> gpytorch.distributions.MultivariateNormal:
        mean = self.prior(features).means[self.output] + self.level
        return gpytorch.distributions.MultivariateNormal(mean, self.covariance(features))


def exact(prior: Prior, evidence: Evidence, hyper: Scales, place: int = 0) -> tuple[Tensor, Tensor]:
    """Returns mean and variance of every output for what was not tried, ``outputs x n``."""
    with torch.no_grad(), gpytorch.settings.fast_computations(False, False, False):
        found = [ExactGp(prior, evidence, hyper, output, place)(UNTRIED) for output in range(3)]
        return torch.stack([one.mean for one in found]), torch.stack([one.variance for one in found])


@pytest.mark.parametrize("scenario", [Scenario.SINGLE_STREAM, Scenario.LIVE])
@pytest.mark.parametrize("seed", range(4))
def test_for_given_hyperparameters_it_predicts_what_gpytorch_predicts(
    fixed: Any, seed: int, scenario: Scenario
) -> None:
    hyper = fixed(point(seed))
    asked = Objective(scenario, objective().slos)
    prior = Prior(ENCODING, asked)
    evidence = gather_evidence(ENCODING, asked, all_measured(EVERYTHING[::5]))
    means, variances = exact(prior, evidence, hyper)
    parts = [1, 2] if scenario is Scenario.LIVE else [0, 1, 2]
    prediction = Surrogate(prior, evidence).predict(UNTRIED)
    torch.testing.assert_close(prediction.latency_means[0], means[0], rtol=0.0, atol=CLOSE)
    torch.testing.assert_close(prediction.latency_sds[0].square(), variances[0], rtol=0.0, atol=CLOSE)
    torch.testing.assert_close(prediction.energy_mean, means[parts].sum(0), rtol=0.0, atol=CLOSE)
    torch.testing.assert_close(prediction.energy_sd.square(), variances[parts].sum(0), rtol=0.0, atol=CLOSE)


def test_several_hyperparameters_are_a_mixture(fixed: Any) -> None:
    hyper = fixed(torch.cat([point(1), point(2)], dim=1))
    prior = Prior(ENCODING, objective())
    evidence = gather_evidence(ENCODING, objective(), all_measured(EVERYTHING[::5]))
    each = [exact(prior, evidence, hyper, place) for place in range(2)]
    means, variances = (torch.stack([one[part][0] for one in each]) for part in range(2))
    prediction = Surrogate(prior, evidence).predict(UNTRIED)
    torch.testing.assert_close(prediction.latency_means[0], means.mean(0), rtol=0.0, atol=CLOSE)
    spread = variances.mean(0) + means.var(0, unbiased=False)
    torch.testing.assert_close(prediction.latency_sds[0].square(), spread, rtol=0.0, atol=CLOSE)


def test_the_marginal_likelihood_is_gpytorchs(fixed: Any) -> None:
    hyper = fixed(point(5))
    prior = Prior(ENCODING, objective())
    evidence = gather_evidence(ENCODING, objective(), all_measured(EVERYTHING[::5]))
    others = torch.cat([point(5), point(6)], dim=1)
    difference = Surrogate(prior, evidence)._log_likelihood(others).diff(dim=1).squeeze(1)
    for output in range(3):
        values = []
        for other in (hyper, fixed(point(6))):
            model = ExactGp(prior, evidence, other, output)
            with torch.no_grad(), gpytorch.settings.fast_computations(False, False, False):
                marginal = model.likelihood(model.forward(evidence.features))
                values.append(marginal.log_prob(evidence.outputs[:, output]).item())
        assert difference[output].item() == pytest.approx(values[1] - values[0], abs=1e-6)


def test_an_earlier_study_that_differs_without_bounds_says_nothing(fixed: Any) -> None:
    points = point(3)
    points[..., -1] = 14.0
    hyper = fixed(points)
    prior = Prior(ENCODING, objective())
    own = all_measured(EVERYTHING[::5])
    earlier = [EarlierStudy(tuple(all_measured(EVERYTHING[2::5], lambda one: roofline(one).scaled(5.0, 0.1))))]
    means, _ = exact(prior, gather_evidence(ENCODING, objective(), own), hyper)
    prediction = Surrogate(prior, gather_evidence(ENCODING, objective(), own, earlier)).predict(UNTRIED)
    torch.testing.assert_close(prediction.latency_means[0], means[0], rtol=0.0, atol=0.02)


def test_an_earlier_study_that_does_not_differ_counts_as_ones_own(fixed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surrogate_module, "_DIFFERENT_LEVEL_VARIANCE", 0.0)
    points = point(3)
    points[..., -1] = -40.0
    hyper = fixed(points)
    prior = Prior(ENCODING, objective())
    own, earlier = all_measured(EVERYTHING[::5]), all_measured([EVERYTHING[0], *EVERYTHING[2::5]])
    together = gather_evidence(ENCODING, objective(), [*own, *earlier])
    means, variances = exact(prior, together, hyper)
    apart = gather_evidence(ENCODING, objective(), own, [EarlierStudy(tuple(earlier))])
    prediction = Surrogate(prior, apart).predict(UNTRIED)
    torch.testing.assert_close(prediction.latency_means[0], means[0], rtol=0.0, atol=CLOSE)
    torch.testing.assert_close(prediction.latency_sds[0].square(), variances[0], rtol=0.0, atol=CLOSE)
