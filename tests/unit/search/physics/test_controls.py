"""From features to clocks, cores, batch and cap."""

from __future__ import annotations

import pytest
import torch

from tests.unit.search.physics.spaces import (
    BATCH,
    CORES,
    CPU,
    CPU_CAP,
    GPU,
    GPU_CAP,
    GPU_MIN,
    INSTANCES,
    MEMORY,
    PREFILL,
    QUOTA,
    RATES,
    THREADS,
    parameter,
)
from tests.unit.search.records import clock, governor
from tuner.configuration import Configuration, ConfigurationSpace, Parameter, ParameterKind
from tuner.search.encoding import Encoding
from tuner.search.physics.controls import Controls, Settings


def controls(*parameters: Parameter) -> Controls:
    return Controls(Encoding(ConfigurationSpace(parameters)))


def settings(*chosen: tuple[Parameter, int | float | str]) -> Settings:
    encoding = Encoding(ConfigurationSpace(tuple(one for one, _ in chosen)))
    features = encoding.encode([Configuration({one.id: value for one, value in chosen})])
    return Controls(encoding).settings(features)


GPU_NAME, PREFILL_NAME = f"accelerator {GPU.id}", f"accelerator {PREFILL.id}"


@pytest.mark.parametrize(
    ("parameters", "resources"),
    [
        ((GPU, CPU, MEMORY), {GPU_NAME, "cpu", "memory"}),
        ((GPU, PREFILL), {GPU_NAME, PREFILL_NAME}),
        ((clock("emc_mhz"),), {"memory"}),
        ((GPU, CORES), {GPU_NAME, "cpu"}),
        ((GPU, QUOTA), {GPU_NAME, "cpu"}),
        ((CPU_CAP,), {"cpu"}),
        ((GPU_CAP,), {"accelerator"}),
        ((CPU, GPU_CAP), {"cpu", "accelerator"}),
        ((GPU, GPU_CAP), {GPU_NAME}),
        ((BATCH,), {"accelerator"}),
        ((RATES,), {"accelerator"}),
        ((governor(),), {"accelerator"}),
    ],
)
def test_what_does_the_work_is_told_by_the_parameters(parameters: tuple[Parameter, ...], resources: set[str]) -> None:
    assert set(controls(*parameters).resources) == resources


@pytest.mark.parametrize(
    ("parameters", "capped"),
    [
        ((GPU, CPU), set()),
        ((GPU, CPU, GPU_CAP), {GPU_NAME}),
        ((GPU, CPU, CPU_CAP), {"cpu"}),
        ((GPU, PREFILL, GPU_CAP), {GPU_NAME, PREFILL_NAME}),
        ((GPU, CPU, GPU_CAP, CPU_CAP), {GPU_NAME, "cpu"}),
    ],
)
def test_a_cap_slows_down_what_it_caps(parameters: tuple[Parameter, ...], capped: set[str]) -> None:
    assert controls(*parameters).capped == capped


def test_everything_is_relative_to_the_highest_choice() -> None:
    chosen = settings((GPU, 300), (CPU, 800), (CORES, 2), (QUOTA, 25), (GPU_CAP, 150), (INSTANCES, 2), (RATES, 20.0))
    assert chosen.clocks[GPU_NAME].item() == pytest.approx(0.25)
    assert chosen.clocks["cpu"].item() == pytest.approx(0.5)
    assert [(ratio.item(), count) for ratio, count in chosen.cores] == [pytest.approx((0.25, 8.0))]
    assert chosen.quota.item() == pytest.approx(0.25)
    assert chosen.cap is not None
    assert chosen.cap.item() == pytest.approx(0.5)
    assert [(ratio.item(), count) for ratio, count in chosen.instances] == [pytest.approx((0.5, 4.0))]
    assert chosen.rate.item() == pytest.approx(1 / 3)


def test_a_batch_counts_from_the_smallest_choice() -> None:
    chosen = settings((parameter("batch_size", ParameterKind.BATCH, (2, 4, 16)), 4))
    assert chosen.batch.item() == pytest.approx(2.0)
    assert chosen.largest_batch == pytest.approx(8.0)


def test_two_caps_leave_the_tighter_one() -> None:
    chosen = settings((GPU_CAP, 150), (CPU_CAP, 15))
    assert chosen.cap is not None
    assert chosen.cap.item() == pytest.approx(15 / 45)


def test_minimum_and_maximum_clock_are_two_resources_of_their_own() -> None:
    chosen = settings((GPU, 1200), (GPU_MIN, 300))
    assert {name: ratio.item() for name, ratio in chosen.clocks.items()} == pytest.approx(
        {GPU_NAME: 1.0, f"accelerator {GPU_MIN.id}": 0.25}
    )


def test_a_clock_of_zero_is_very_slow_and_no_infinity() -> None:
    chosen = settings((clock(choices=(0, 300, 900)), 0))
    (ratio,) = chosen.clocks.values()
    assert 0 < ratio.item() < 0.01


def test_what_has_one_choice_is_at_its_highest() -> None:
    """Read as its lowest, a lone cap would throttle every device, and a lone clock slow it down."""
    cap, lone = parameter("gpu.power.limit_w", ParameterKind.POWER_CAP, (150,)), clock(choices=(900,))
    found = settings((cap, 150), (lone, 900))
    assert found.cap is not None
    assert found.cap.item() == 1.0
    assert [value.item() for value in found.clocks.values()] == [1.0]


def test_threads_are_cores_of_another_parameter() -> None:
    chosen = settings((CORES, 8), (THREADS, 3))
    assert [(ratio.item(), count) for ratio, count in chosen.cores] == [
        pytest.approx((1.0, 8.0)),
        pytest.approx((0.5, 6.0)),
    ]


def test_each_category_is_chosen_or_not() -> None:
    chosen = settings((governor(), "performance"))
    assert torch.cat(chosen.categories).flatten().tolist() == [0.0, 1.0, 0.0]
