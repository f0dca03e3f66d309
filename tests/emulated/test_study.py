"""A whole study on hardware that does not exist, through the real NVML ABI and real kernel files."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.emulated.household import BATCH_SIZES, WORKLOAD, household
from tests.emulated.nvml import NO_COMPILER, compiler, emulated_driver
from tests.emulated.nvml.physics import CLASSIFIER
from tests.emulated.truth import least_energy, measure_all
from tests.service.daemon_process import House, finished
from tuner.study_record import Study, StudyRequest, StudyState

BOUND_S = 0.040
NEAR = 1.05


def study_in(house: House) -> Study:
    house.start()
    with house.client() as client:
        started = client.start_study(StudyRequest(WORKLOAD, dry_run=True))
        return finished(client, started)


@pytest.mark.skipif(compiler() is None, reason=NO_COMPILER)
@pytest.mark.timeout(600)
def test_a_study_on_an_emulated_a100_finds_what_measuring_everything_finds(tmp_path: Path) -> None:
    with emulated_driver("a100") as driver:
        gpu = driver.gpus[0]
        before = driver.control.truth()
        with household(tmp_path, [gpu.device], CLASSIFIER, BOUND_S, driver.environment) as house:
            study = study_in(house)
        assert study.state is StudyState.DONE, study.reason
        assert study.recommendation is not None
        grid = (
            {"gpu.core.max_mhz": core, "gpu.power.limit_w": cap, "serving.batch_size": batch}
            for core, cap, batch in itertools.product(
                space_of(study, "gpu.core.max_mhz"), space_of(study, "gpu.power.limit_w"), BATCH_SIZES
            )
        )
        truths = measure_all(gpu.device.model, CLASSIFIER, grid)
        found = next(truth for truth in truths if truth.configuration == dict(study.recommendation.configuration))
        best = least_energy(truths, BOUND_S)
        print(found, best)
        assert found.energy_j <= NEAR * best.energy_j
        assert driver.control.truth() == before


def space_of(study: Study, parameter_id: str) -> tuple[float, ...]:
    return next(p.choices for p in study.space.parameters if p.id == parameter_id)
