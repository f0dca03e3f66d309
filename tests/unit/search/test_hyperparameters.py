"""Integration over hyper-parameters, against posteriors that are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from tuner.search import hyperparameters
from tuner.search.hyperparameters import (
    DIFFERENCE_SCALE,
    LENGTHSCALE,
    NOISE_SD,
    PHYSICS_SCALE,
    POLYNOMIAL_SCALE,
    RESIDUAL_SD,
    Weighted,
    dimensions,
    integrate,
    scales,
)

COLUMNS = 2
TRIALS = 10
POSTERIORS = [(0.0, 1.0), (1.0, 1.0), (-2.0, 0.5), (2.5, 0.4), (1.0, 0.15)]
"""Mean and standard deviation of Gaussian likelihoods, against a prior of mean 0 and standard deviation 1."""


def gaussian(mean: float, sd: float, place: int = 0) -> Callable[[Tensor], Tensor]:
    return lambda points: -((points[..., place] - mean) / sd).square() / 2


def moments(weighted: Weighted, place: int = 0) -> tuple[Tensor, Tensor]:
    values = weighted.points[..., place]
    mean = (weighted.weights * values).sum(1)
    return mean, (weighted.weights * (values - mean.unsqueeze(1)).square()).sum(1).sqrt()


@pytest.fixture
def many_points(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Enough points, all of them kept, for the integral to be exact."""
    monkeypatch.setattr(hyperparameters, "_POINTS", 8192)
    monkeypatch.setattr(hyperparameters, "_KEPT", 8192)
    hyperparameters._standard_points.cache_clear()
    yield
    hyperparameters._standard_points.cache_clear()


@pytest.mark.usefixtures("many_points")
@pytest.mark.parametrize(("mean", "sd"), POSTERIORS)
def test_with_many_points_it_is_the_posterior(mean: float, sd: float) -> None:
    found_mean, found_sd = moments(integrate(gaussian(mean, sd), 1, COLUMNS, TRIALS))
    assert found_mean.item() == pytest.approx(mean / (1 + sd**2), abs=0.05)
    assert found_sd.item() == pytest.approx(sd / (1 + sd**2) ** 0.5, rel=0.1)


@pytest.mark.usefixtures("many_points")
def test_with_many_points_it_is_the_prior_where_the_trials_say_nothing() -> None:
    weighted = integrate(lambda points: torch.zeros(points.shape[:-1], dtype=torch.float64), 1, COLUMNS, TRIALS)
    for place in range(dimensions(COLUMNS)):
        mean, sd = moments(weighted, place)
        assert mean.item() == pytest.approx(0.0, abs=0.05)
        assert sd.item() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("mean", "sd"), POSTERIORS)
@pytest.mark.parametrize("place", [0, dimensions(COLUMNS) - 1])
def test_the_few_points_that_are_kept_lie_where_the_posterior_does(mean: float, sd: float, place: int) -> None:
    found_mean, _ = moments(integrate(gaussian(mean, sd, place), 1, COLUMNS, TRIALS), place)
    assert found_mean.item() == pytest.approx(mean / (1 + sd**2), abs=0.3)


def test_many_trials_are_told_by_fewer_points() -> None:
    asked: list[int] = []

    def likelihood(points: Tensor) -> Tensor:
        asked.append(points.shape[1])
        return gaussian(1.0, 0.3)(points)

    mean, _ = moments(integrate(likelihood, 1, COLUMNS, trials=500))
    assert max(asked) <= 24
    assert mean.item() == pytest.approx(1 / 1.09, abs=0.3)


def test_weights_add_up_to_one_and_the_best_comes_first() -> None:
    weighted = integrate(gaussian(1.5, 0.3), 3, COLUMNS, TRIALS)
    torch.testing.assert_close(weighted.weights.sum(1), torch.ones(3, dtype=torch.float64))
    assert (weighted.weights > 0).all()
    assert (weighted.weights.diff(dim=1) <= 0).all()


def test_each_output_has_its_own_posterior() -> None:
    means = torch.tensor([[-1.5], [0.0], [1.5]], dtype=torch.float64)
    weighted = integrate(lambda points: -((points[..., 0] - means) / 0.3).square() / 2, 3, COLUMNS, TRIALS)
    torch.testing.assert_close(moments(weighted)[0], means.squeeze(1) / 1.09, rtol=0.0, atol=0.3)


def test_a_likelihood_that_overflows_by_itself_does_no_harm() -> None:
    weighted = integrate(lambda points: gaussian(1.0, 0.3)(points) + 1e5, 1, COLUMNS, TRIALS)
    torch.testing.assert_close(weighted.weights.sum(), torch.tensor(1.0, dtype=torch.float64))


def test_the_points_are_the_same_each_time() -> None:
    first, again = (integrate(gaussian(1.0, 0.3), 2, COLUMNS, TRIALS) for _ in range(2))
    assert torch.equal(first.points, again.points)


def test_the_origin_stands_for_the_medians() -> None:
    hyper = scales(torch.zeros(dimensions(COLUMNS), dtype=torch.float64))
    assert hyper.lengthscales.tolist() == pytest.approx([LENGTHSCALE.median] * COLUMNS)
    assert hyper.physics.item() == pytest.approx(PHYSICS_SCALE.median**2)
    assert hyper.polynomial.item() == pytest.approx(POLYNOMIAL_SCALE.median**2)
    assert hyper.residual.item() == pytest.approx(RESIDUAL_SD.median**2)
    assert hyper.noise.item() == pytest.approx(NOISE_SD.median**2)
    assert hyper.difference.item() == pytest.approx(DIFFERENCE_SCALE.median**2)


@pytest.mark.parametrize(
    ("place", "name"),
    list(enumerate(["physics", "polynomial", "residual", "noise", "difference"], start=COLUMNS)),
)
def test_each_coordinate_moves_one_scale_alone(place: int, name: str) -> None:
    points = torch.zeros(2, dimensions(COLUMNS), dtype=torch.float64)
    points[1, place] = 1.0
    hyper = scales(points)
    for other in ("physics", "polynomial", "residual", "noise", "difference"):
        low, high = getattr(hyper, other).tolist()
        assert (high > low) == (other == name)
    assert torch.equal(hyper.lengthscales[0], hyper.lengthscales[1])
