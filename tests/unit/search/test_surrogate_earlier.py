"""What earlier studies teach: much if they are similar, nothing wrong if they are not."""

from __future__ import annotations

import pytest
import torch

from tests.unit.search.records import SPACE, Outcome, Physics, all_measured, default_configuration, roofline
from tests.unit.search.surrogates import ENCODING, EVERYTHING, surrogate_of
from tuner.configuration import Configuration
from tuner.trial import Trial

BASELINE = default_configuration(SPACE)
LITTLE = [BASELINE, EVERYTHING[20]]
MORE = [BASELINE, *EVERYTHING[5::11]]


def heavier(configuration: Configuration) -> Outcome:
    """The same network after it has grown: all takes longer, and the clock matters a little more."""
    stretch = 1.7 * (float(configuration["gpu.core.max_mhz"]) / 1300) ** -0.08
    return roofline(configuration).scaled(stretch, 1.5 * stretch)


def unrelated(configuration: Configuration) -> Outcome:
    """Another network on another device: bound by memory, a batch that costs its size, a steep clock."""
    mhz, items = float(configuration["gpu.core.max_mhz"]), float(configuration["batch_size"])
    latency_s = 0.05 * items**0.95 * (1300 / mhz) ** 0.15
    power_w = 20 + 60 * (mhz / 1300) ** 2.6
    return Outcome((latency_s,), power_w * latency_s / items, items / latency_s)


def study(physics: Physics, first: int = 0) -> list[Trial]:
    return all_measured([BASELINE, *EVERYTHING[first::3]], physics)


def error(own: list[Configuration], *earlier: list[Trial]) -> float:
    """Mean error of log energy and log latency over the space."""
    truth = torch.tensor([(one.energy_j, *one.latencies_s) for one in map(roofline, EVERYTHING)], dtype=torch.float64)
    prediction = surrogate_of(all_measured(own), earlier).predict(ENCODING.encode(EVERYTHING))
    found = torch.stack([prediction.energy_mean, prediction.latency_means[0]], dim=1)
    return float((found - truth.log()).abs().mean())


@pytest.mark.parametrize("own", [LITTLE, MORE])
def test_a_similar_one_helps(own: list[Configuration]) -> None:
    assert error(own, study(heavier)) < 0.7 * error(own)


@pytest.mark.parametrize("own", [LITTLE, MORE])
def test_an_unrelated_one_does_little_harm(own: list[Configuration]) -> None:
    assert error(own, study(unrelated)) < 1.2 * error(own)


@pytest.mark.parametrize(("own", "share"), [(LITTLE, 0.8), (MORE, 1.0)])
def test_a_similar_one_helps_beside_an_unrelated_one(own: list[Configuration], share: float) -> None:
    assert error(own, study(unrelated), study(heavier)) < share * error(own)
    assert error(own, study(heavier), study(unrelated)) < share * error(own)


def test_two_similar_ones_are_worth_more_than_one() -> None:
    def lighter(configuration: Configuration) -> Outcome:
        return heavier(configuration).scaled(0.4, 0.3)

    assert error(LITTLE, study(heavier), study(lighter, 1)) < 1.05 * error(LITTLE, study(heavier))


def test_its_level_is_not_taken_over() -> None:
    factor = 20.0
    far = study(lambda one: roofline(one).scaled(factor, 1 / factor))
    assert error(LITTLE, far) < 0.7 * error(LITTLE)


def test_own_trials_overrule_it_where_they_were_made() -> None:
    prediction = surrogate_of(all_measured(LITTLE), [study(unrelated)]).predict(ENCODING.encode(LITTLE))
    truth = torch.tensor([roofline(one).energy_j for one in LITTLE], dtype=torch.float64).log()
    torch.testing.assert_close(prediction.energy_mean, truth, rtol=0.0, atol=0.03)
