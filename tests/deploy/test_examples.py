"""The example configuration: it loads, it says what it claims, and it names things that exist."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from knobs.contract import Scope
from knobs.meters.plug import EXTERNAL_METERS
from knobs.meters.plug.address import Address
from simulation.catalogue import device_model
from tuner.cli.hardware import load_settings
from tuner.config import load_config
from tuner.config_record import KnobBounds, WattuneConfig, WorkloadConfig
from tuner.daemon.adapters import find_adapter

EXAMPLES = Path(__file__).resolve().parents[2] / "deploy" / "examples"

COMMENTED_OUT = re.compile(r"^# (?=\[|[\w.\"-]+ = )", re.MULTILINE)
"""The start of a comment that is a section or a key."""


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


@pytest.fixture
def with_every_key(tmp_path: Path) -> Path:
    """The example with all that is commented out put into force."""
    path = tmp_path / "wattune.toml"
    path.write_text(COMMENTED_OUT.sub("", (EXAMPLES / "wattune.toml").read_text()))
    return path


def test_what_is_commented_out_is_configuration_that_daemon_and_keeper_understand(with_every_key: Path) -> None:
    config, settings = load_config(with_every_key), load_settings(with_every_key)
    assert settings.wishes.gpus == config.gpus == ("0", "GPU-5ae1", "0000:41:00.0")
    assert settings.wishes.scopes == config.scopes == {"hwmon.ina226.1-0040.power1": Scope.BOARD}
    assert settings.wishes.allowed == {name for name, rule in config.knobs.items() if rule.allow}
    assert settings.wishes.restore_to == {"gpu.core.max_mhz": config.knobs["gpu.core.max_mhz"].restore_to}
    assert settings.bounds == {"gpu.power.limit_w": config.knobs["gpu.power.limit_w"].allowed, "cpu.governor": ()}


def test_the_example_names_every_key_about_hardware(with_every_key: Path) -> None:
    document = tomllib.loads(with_every_key.read_text())
    assert {"gpus", "plugs", "scopes", "knobs"} <= document.keys()
    named = {key for rule in document["knobs"].values() for key in rule}
    assert named == set(KnobBounds.__struct_fields__)


def test_a_plug_is_named_by_an_address_that_can_be_opened(with_every_key: Path) -> None:
    for text in load_config(with_every_key).plugs.values():
        assert Address.parse(text).scheme in EXTERNAL_METERS
