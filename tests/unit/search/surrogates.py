"""Surrogates for the tests of what stands on them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tests.unit.search.records import SPACE, objective
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.objective import Objective
from tuner.search.contract import EarlierStudy
from tuner.search.encoding import Encoding
from tuner.search.evidence import gather_evidence
from tuner.search.prior import Prior
from tuner.search.surrogate import Prediction, Surrogate
from tuner.trial import Trial

ENCODING = Encoding(SPACE)
EVERYTHING = list(SPACE)


def surrogate_of(
    trials: Sequence[Trial],
    earlier: Sequence[Sequence[Trial]] = (),
    asked: Objective | None = None,
    space: ConfigurationSpace = SPACE,
) -> Surrogate:
    encoding, asked = Encoding(space), asked or objective()
    studies = [EarlierStudy(tuple(study)) for study in earlier]
    return Surrogate(Prior(encoding, asked), gather_evidence(encoding, asked, trials, studies))


def predict(surrogate: Surrogate, configuration: Configuration) -> Prediction:
    return surrogate.predict(ENCODING.encode([configuration]))


def prediction(latencies_s: Sequence[float], latency_sd: float, energy_j: float, energy_sd: float) -> Prediction:
    """A prediction of one candidate; its latencies are as uncertain as each other."""
    latencies = torch.tensor([[latency_s] for latency_s in latencies_s], dtype=torch.float64)
    return Prediction(
        latency_means=latencies.log(),
        latency_sds=torch.full_like(latencies, latency_sd),
        energy_mean=torch.tensor([energy_j], dtype=torch.float64).log(),
        energy_sd=torch.tensor([energy_sd], dtype=torch.float64),
    )
