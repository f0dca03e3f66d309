"""Which source of energy a GPU is metered by, and what it says of itself."""

import dataclasses
import time

import pytest

from knobs.contract import Absence, DeviceError, NoValueError, Scope
from knobs.drivers.nvidia.device import Device
from knobs.drivers.nvidia.gpu import Gpu
from knobs.drivers.nvidia.library import Library
from knobs.drivers.nvidia.meters import nvml_source
from knobs.meters.sampling import CounterSource, PowerSource
from tests.emulated.nvml import Load
from tests.emulated.nvml.catalogue import A100_SXM_80GB, GH200, H100_NVL, L4, P100, RTX_3060_LAPTOP, V100
from tests.unit.knobs.nvidia.machine import needs_compiler, nvidia_machine

pytestmark = needs_compiler

NO_COUNTER = "nvmlDeviceGetTotalEnergyConsumption"
NO_FIELDS = "nvmlDeviceGetFieldValues"
NO_USAGE = "nvmlDeviceGetPowerUsage"


def source_of(profile, *without, branch=None):
    """Returns the source of a card of which some functions are not supported."""
    with nvidia_machine([profile], branch=branch) as bench:
        for function in without:
            bench.control.fail(function, code=3)
        library = Library()
        return nvml_source(Gpu.read(Device(library, library.handle(0), "gpu0"), 0), "gpu")


@pytest.mark.parametrize("profile", [A100_SXM_80GB, H100_NVL, L4, V100, RTX_3060_LAPTOP, GH200])
def test_the_counter_is_preferred(profile):
    source = source_of(profile)
    assert isinstance(source, CounterSource)
    assert (source.facts.id, source.facts.scope, source.facts.accuracy) == ("gpu.energy", Scope.GPU, 0.05)
    assert source.facts.update_period_s == (0.02 if profile is V100 else 0.1)


@pytest.mark.parametrize("profile", [A100_SXM_80GB, H100_NVL, L4])
def test_the_power_at_an_instant_comes_next_with_the_share_of_time_that_it_sees(profile):
    source = source_of(profile, NO_COUNTER, NO_USAGE)
    assert isinstance(source, PowerSource)
    assert (source.facts.id, source.facts.scope) == ("gpu.power", Scope.GPU)
    assert source.facts.duty == (1.0 if profile is L4 else 0.25)


def test_a_module_is_no_gpu():
    source = source_of(GH200, NO_COUNTER)
    assert isinstance(source, PowerSource)
    assert source.facts.scope is Scope.BOARD
    assert "whole module" in source.facts.note


@pytest.mark.parametrize(("profile", "serves"), [(P100, True), (V100, True), (A100_SXM_80GB, True), (L4, False)])
def test_the_usual_power_is_used_only_where_it_is_no_mean_of_a_second(profile, serves):
    source = source_of(profile, NO_COUNTER, NO_FIELDS)
    assert isinstance(source, PowerSource if serves else Absence)


def test_old_drivers_do_not_know_the_field():
    source = source_of(RTX_3060_LAPTOP, NO_COUNTER, branch=515)
    assert isinstance(source, Absence)
    assert source.id == "gpu.energy"


def test_a_counter_that_has_no_value_just_now_is_a_counter():
    with nvidia_machine("a100") as bench:
        bench.control.fail(NO_COUNTER, code=21)
        (meter,) = bench.find().meters
        assert meter.spec.id == "gpu.energy"
        with pytest.raises(NoValueError):
            meter.sample()
        bench.control.clear()
        assert meter.sample().value > 0


@pytest.mark.parametrize("code", [15, 17, 999])
def test_a_meter_that_fails_says_so_and_shows_no_number(code):
    with nvidia_machine("two-l4") as bench:
        (meter,) = bench.find().meters
        bench.control.fail(NO_COUNTER, code=code, gpu=1)
        with pytest.raises(DeviceError, match="read the energy counter of gpu1"):
            meter.sample()


def test_the_joules_of_two_gpus_are_the_true_ones():
    with nvidia_machine("two-l4") as bench:
        (meter,) = bench.find().meters
        devices = [gpu.device for gpu in bench.driver.gpus]
        with Load(devices[0]), Load(devices[1]):
            meter.sample()
            time.sleep(0.3)
            first, true_first = meter.sample(), [device.now() for device in devices]
            time.sleep(0.9)
            last, true_last = meter.sample(), [device.now() for device in devices]
        power_w = (last.value - first.value) / (last.time_s - first.time_s)
        true_power_w = sum(
            (after.energy_j - before.energy_j) / (after.time_s - before.time_s)
            for before, after in zip(true_first, true_last, strict=True)
        )
        assert power_w == pytest.approx(true_power_w, rel=0.1)
        assert first.error_j + last.error_j < 0.5 * (last.value - first.value)


def test_mig_is_noted():
    source = source_of(dataclasses.replace(A100_SXM_80GB, mig_enabled=True))
    assert "MIG" in source.facts.note
