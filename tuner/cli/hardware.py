"""The hardware that keeper, restore and probe work with. Standard library, knobs and simulation only.

Of ``wattune.toml`` this reads no more than the keeper needs: a root process parses as little as possible.
"""

from __future__ import annotations

import math
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from knobs.contract import ASSUMED_COEFFICIENTS, Calibration, KnobError, PowerCoefficients, Scope, Value
from knobs.found import Wishes
from knobs.inventory import Inventory, discover
from tuner.cli.arguments import DEFAULT_CONFIG
from tuner.errors import BadInputError

LOCAL_DEVICE = "local"
_VIRTUAL = "virtual:"


@dataclass(frozen=True)
class HardwareSettings:
    """What of the operator's configuration concerns the hardware.

    Attributes:
        device: ``local`` or a simulated device's name.
        on_stop: What a deliberate stop does with the confirmed configuration.
        bounds: The values that the operator allows, by knob id.
        wishes: What the operator says about this machine's hardware.
    """

    device: str = LOCAL_DEVICE
    on_stop: Literal["restore", "keep"] = "restore"
    bounds: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    wishes: Wishes = field(default_factory=Wishes)


def load_settings(path: Path, device: str | None = None) -> HardwareSettings:
    """Reads the part of ``wattune.toml`` that concerns the hardware.

    Args:
        path: The file.
        device: Takes the place of the file's device, if given.

    Raises:
        BadInputError: The file cannot be read, is not TOML, or has a wrong value.
    """
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise BadInputError(f"The configuration {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} is not valid TOML: {error}.") from error
    return HardwareSettings(
        device=_checked_device(path, device or document.get("device", LOCAL_DEVICE)),
        on_stop=_on_stop(path, document.get("on_stop", "restore")),
        bounds=_bounds(path, _table(path, document, "knobs")),
        wishes=_wishes(path, document),
    )


def settings_or_defaults(path: Path, device: str | None = None) -> HardwareSettings:
    """Reads the settings; a machine on which nothing was configured has the defaults.

    Raises:
        BadInputError: As for :func:`load_settings`, but for the default file that does not exist.
    """
    if path == Path(DEFAULT_CONFIG) and not path.exists():
        return HardwareSettings(device=_checked_device(path, device or LOCAL_DEVICE))
    return load_settings(path, device)


def open_inventory(settings: HardwareSettings, runtime_dir: Path, *, check_meters: bool = True) -> Inventory:
    """Returns the knobs and meters of the device; writes nothing to hardware.

    Args:
        settings: Names the device.
        runtime_dir: Where a simulated device keeps its state.
        check_meters: Whether to leave out meters that do not meter.

    Raises:
        KnobError: There is no such device, or the machine does not answer.
    """
    if settings.device == LOCAL_DEVICE:
        return discover(Path("/"), settings.wishes, check_meters=check_meters)
    from simulation.knobs import virtual_knobs
    from simulation.meters import virtual_meters
    from simulation.storage import make_device_directory

    try:
        directory = make_device_directory(runtime_dir)
    except OSError as error:
        raise KnobError(f"The simulated device cannot keep its state in {runtime_dir}: {error.strerror}.") from error
    return Inventory(virtual_knobs(settings.device, directory), virtual_meters(settings.device, directory))


def _checked_device(path: Path, device: object) -> str:
    if isinstance(device, str) and (device == LOCAL_DEVICE or device.startswith(_VIRTUAL)):
        return device
    raise BadInputError(f"The device must be 'local' or 'virtual:NAME', not {device!r}: correct --device or {path}.")


def _on_stop(path: Path, value: object) -> Literal["restore", "keep"]:
    if value == "restore":
        return "restore"
    if value == "keep":
        return "keep"
    raise BadInputError(f"{path} is wrong at 'on_stop': it must be 'restore' or 'keep', not {value!r}.")


def _wishes(path: Path, document: Mapping[str, Any]) -> Wishes:
    knobs = _table(path, document, "knobs")
    rules = {knob_id: _table(path, knobs, knob_id) for knob_id in knobs}
    plugs = _table(path, document, "plugs")
    return Wishes(
        coefficients=_coefficients(path, _table(path, document, "estimate")),
        gpus=_texts(path, "gpus", document.get("gpus", [])),
        allowed=frozenset(knob_id for knob_id, rule in rules.items() if rule.get("allow") is True),
        restore_to={
            knob_id: _values(path, knob_id, "restore_to", [rule["restore_to"]])[0]
            for knob_id, rule in rules.items()
            if "restore_to" in rule
        },
        scopes=_scopes(path, _table(path, document, "scopes")),
        plugs=dict(zip(plugs, _texts(path, "plugs", list(plugs.values())), strict=True)),
        calibrations=_calibrations(path, _table(path, document, "calibration")),
    )


def _scopes(path: Path, scopes: Mapping[str, Any]) -> dict[str, Scope]:
    return {meter_id: _scope(path, f"scopes.{meter_id}", scope) for meter_id, scope in scopes.items()}


def _scope(path: Path, key: str, scope: object) -> Scope:
    if isinstance(scope, str) and scope in list(Scope):
        return Scope(scope)
    raise BadInputError(f"{path} is wrong at '{key}': it must be one of {', '.join(Scope)}, not {scope!r}.")


def _calibrations(path: Path, fits: Mapping[str, Any]) -> tuple[Calibration, ...]:
    return tuple(_calibration(path, meter_id, _table(path, fits, meter_id)) for meter_id in fits)


def _calibration(path: Path, meter_id: str, fit: Mapping[str, Any]) -> Calibration:
    def number(key: str, least: float, below: float) -> float:
        value = fit.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value < below:
            return float(value)
        where = f"{path} is wrong at 'calibration.{meter_id}.{key}'"
        raise BadInputError(f"{where}: it must be a number as 'wattune calibrate' finds it, not {value!r}.")

    return Calibration(
        meter=meter_id,
        scope=_scope(path, f"calibration.{meter_id}.scope", fit.get("scope")),
        factor=number("factor", sys.float_info.min, math.inf),
        base_w=number("base_w", 0.0, math.inf),
        error=number("error", sys.float_info.min, 1.0),
    )


def _texts(path: Path, name: str, texts: object) -> tuple[str, ...]:
    if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
        return tuple(texts)
    raise BadInputError(f"{path} is wrong at '{name}': every entry must be a text.")


def _bounds(path: Path, knobs: Mapping[str, Any]) -> dict[str, tuple[Value, ...]]:
    bounds: dict[str, tuple[Value, ...]] = {}
    for knob_id in knobs:
        rule = _table(path, knobs, knob_id)
        if rule.get("enabled", True) is False:
            bounds[knob_id] = ()
        elif "allowed" in rule:
            bounds[knob_id] = _values(path, knob_id, "allowed", rule["allowed"])
    return bounds


def _values(path: Path, knob_id: str, key: str, values: object) -> tuple[Value, ...]:
    if isinstance(values, list) and all(isinstance(value, int | float | str) for value in values):
        return tuple(values)
    raise BadInputError(f"{path} is wrong at 'knobs.{knob_id}.{key}': it must hold numbers or names.")


def _coefficients(path: Path, section: Mapping[str, Any]) -> PowerCoefficients:
    static_w = section.get("static_w", ASSUMED_COEFFICIENTS.static_w)
    cpu_core_w = section.get("cpu_core_w", ASSUMED_COEFFICIENTS.cpu_core_w)
    return PowerCoefficients(_range(path, "static_w", static_w), _range(path, "cpu_core_w", cpu_core_w))


def _range(path: Path, name: str, ends: Any) -> tuple[float, float, float]:
    is_list = isinstance(ends, list | tuple) and len(ends) == 3
    if is_list and all(isinstance(end, int | float) for end in ends) and 0 <= ends[0] <= ends[1] <= ends[2]:
        return (float(ends[0]), float(ends[1]), float(ends[2]))
    raise BadInputError(f"{path} is wrong at 'estimate.{name}': it must be [low, nominal, high], ascending, in watts.")


def _table(path: Path, document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = document.get(name, {})
    if isinstance(section, Mapping):
        return section
    raise BadInputError(f"{path} is wrong at '{name}': it must be a section.")
