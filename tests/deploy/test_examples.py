"""The example configuration: it loads, it says what it claims, and it names things that exist."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import msgspec
import pytest

from simulation.catalogue import device_model
from tuner.config import load_config
from tuner.config_record import WattuneConfig, WorkloadConfig
from tuner.daemon.adapters import find_adapter

EXAMPLES = Path(__file__).resolve().parents[2] / "deploy" / "examples"


@pytest.fixture(scope="module")
def config() -> WattuneConfig:
    return load_config(EXAMPLES / "wattune.toml")


def workloads() -> list[WorkloadConfig]:
    return list(load_config(EXAMPLES / "wattune.toml").workloads.values())


def test_every_file_of_workloads_is_loaded_under_its_own_name(config: WattuneConfig) -> None:
    assert config.workloads.keys() == {path.stem for path in (EXAMPLES / "workloads.d").glob("*.toml")}
    assert {"efficientnet-b0", "mobilenet-v2", "minilm"} <= config.workloads.keys()


@pytest.mark.parametrize("workload", workloads(), ids=lambda workload: workload.name)
def test_a_workload_has_an_objective_that_can_be_decided_in_a_short_run(workload: WorkloadConfig) -> None:
    assert all(slo.percentile <= 90 for slo in workload.objective.resolve().slos)


@pytest.mark.parametrize("workload", workloads(), ids=lambda workload: workload.name)
def test_a_factory_is_named_that_exists(workload: WorkloadConfig) -> None:
    module, _, name = workload.options.get("factory", "").partition(":")
    if module:
        spec = importlib.util.find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        assert f"def {name}(" in Path(spec.origin).read_text()


@pytest.mark.parametrize("workload", workloads(), ids=lambda workload: workload.name)
def test_an_adapter_is_named_that_fits_the_device(workload: WorkloadConfig, config: WattuneConfig) -> None:
    device = "virtual:agx-orin" if workload.adapter == "virtual" else "local"
    find_adapter(workload, msgspec.structs.replace(config, device=device))


def test_the_virtual_device_has_the_profile_that_is_named(config: WattuneConfig) -> None:
    profiles = {profile.name for profile in device_model("virtual:agx-orin").profiles}
    assert config.workload("llama-orin").options["profile"] in profiles
