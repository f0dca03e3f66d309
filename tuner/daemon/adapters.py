"""The serving adapters that a workload's file can name, and how a runner is started with one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from serving_adapter.contract import WorkloadDefinition
from serving_adapter.runner.client import RunnerClient
from simulation.storage import device_directory
from tuner.config_record import WattuneConfig, WorkloadConfig
from tuner.errors import BadInputError


@dataclass(frozen=True)
class AdapterEntry:
    """One adapter.

    Attributes:
        target: ``module:Class``, importable by the runner.
        packages: The packages of ours that the runner must be able to import.
        is_simulated: Whether it drives a simulated device, and only that.
    """

    target: str
    packages: tuple[str, ...] = ("serving_adapter",)
    is_simulated: bool = False


ADAPTERS: Mapping[str, AdapterEntry] = {
    "command": AdapterEntry("serving_adapter.command:CommandAdapter"),
    "http": AdapterEntry("serving_adapter.http_endpoint:HttpAdapter"),
    "kserve": AdapterEntry("serving_adapter.kserve:KserveAdapter"),
    "onnx_runtime": AdapterEntry("serving_adapter.onnx_runtime:OnnxRuntimeAdapter"),
    "openai": AdapterEntry("serving_adapter.openai:OpenAiAdapter"),
    "prometheus": AdapterEntry("serving_adapter.prometheus:PrometheusAdapter"),
    "torch_module": AdapterEntry("serving_adapter.torch_module:TorchModuleAdapter"),
    "virtual": AdapterEntry(
        "simulation.adapter:VirtualAdapter", ("serving_adapter", "simulation", "knobs"), is_simulated=True
    ),
}


def find_adapter(workload: WorkloadConfig, config: WattuneConfig) -> AdapterEntry:
    """Returns the adapter of a workload.

    Raises:
        BadInputError: There is no adapter of this name, or it does not fit the device.
    """
    entry = ADAPTERS.get(workload.adapter)
    if entry is None:
        known = ", ".join(sorted(ADAPTERS))
        raise BadInputError(
            f"The workload '{workload.name}' names the adapter '{workload.adapter}'; there is: {known}."
        )
    if entry.is_simulated and not config.is_simulated:
        raise BadInputError(
            f"The workload '{workload.name}' runs on simulated devices only, and the device is '{config.device}'."
        )
    if config.is_simulated and not entry.is_simulated:
        raise BadInputError(
            f"The workload '{workload.name}' runs on real devices only, and the device is '{config.device}'."
        )
    return entry


def make_runner(workload: WorkloadConfig, config: WattuneConfig, runtime_dir: Path) -> RunnerClient:
    """Returns a runner for a workload, not started yet.

    Args:
        workload: The workload's file.
        config: The whole configuration.
        runtime_dir: The daemon's runtime directory.

    Raises:
        BadInputError: There is no adapter of this name, or it does not fit the device.
    """
    entry = find_adapter(workload, config)
    options: dict[str, Any] = dict(workload.options)
    if entry.is_simulated:
        options |= {"device": config.device, "directory": str(device_directory(runtime_dir))}
    return RunnerClient(
        interpreter=workload.interpreter,
        adapter=entry.target,
        definition=WorkloadDefinition(workload.name, options, workload.parameters),
        packages={name: _package_folder(name) for name in entry.packages},
        environment=workload.environment,
        open_timeout_s=workload.open_timeout_s,
    )


def _package_folder(name: str) -> str:
    spec = find_spec(name)
    assert spec is not None, f"{name} is part of Wattune"
    assert spec.submodule_search_locations is not None, f"{name} is a package"
    return spec.submodule_search_locations[0]
