from __future__ import annotations

from pathlib import Path

import pytest

from tuner.config_record import WattuneConfig, WorkloadConfig
from tuner.daemon.adapters import ADAPTERS, find_adapter, make_runner
from tuner.errors import BadInputError

LOCAL = WattuneConfig()
SIMULATED = WattuneConfig(device="virtual:agx-orin")


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_every_adapter_names_a_file_that_is_there(name: str) -> None:
    module = ADAPTERS[name].target.partition(":")[0]
    root = Path(__file__).resolve().parents[3]
    path = root / module.replace(".", "/")
    assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def test_an_unknown_adapter_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        BadInputError, match=r"names the adapter 'tensorrt'; there is: .*kserve, .*torch_module, virtual"
    ):
        find_adapter(WorkloadConfig("a", "tensorrt"), LOCAL)


@pytest.mark.parametrize(("adapter", "config"), [("virtual", LOCAL), ("torch_module", SIMULATED)])
def test_real_and_simulated_are_never_mixed(adapter: str, config: WattuneConfig) -> None:
    with pytest.raises(BadInputError, match=f"devices only, and the device is '{config.device}'"):
        make_runner(WorkloadConfig("a", adapter), config, Path("/run/wattune"))
