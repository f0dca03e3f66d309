"""Reads the operator's configuration: ``wattune.toml`` and the ``workloads.d`` beside it.

Every error is one sentence that names the file and the key.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tuner.config_record import KnobBounds, WattuneConfig, WorkloadConfig
from tuner.errors import BadInputError, WattuneError

__all__ = ["KnobBounds", "WattuneConfig", "WorkloadConfig", "load_config", "load_workload"]

_Section = TypeVar("_Section", bound=msgspec.Struct)
_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<key>[^`]*)`)?", re.DOTALL)
_PLAIN_WORDS = (
    (re.compile(r"Object contains unknown field `(.*)`"), r"there is no key '\1'"),
    (re.compile(r"Object missing required field `(.*)`"), r"the key '\1' is missing"),
    (re.compile("`"), "'"),
)
"""What msgspec says, and how an operator would say it."""


def load_config(path: Path, device: str | None = None) -> WattuneConfig:
    """Reads ``wattune.toml`` and every ``workloads.d/*.toml`` beside it.

    Args:
        path: ``wattune.toml``.
        device: Takes the place of the file's device, if given.

    Raises:
        BadInputError: A file cannot be read, is not TOML, or has a wrong key or value.
    """
    document = _read_toml(path)
    if "workloads" in document:
        raise BadInputError(f"{path} has no key 'workloads': each workload has its own file in workloads.d beside it.")
    knobs = document.pop("knobs", {})
    if device is not None:
        document["device"] = device
    config = _convert(path, document, WattuneConfig)
    return msgspec.structs.replace(
        config, knobs=_load_bounds(path, knobs), workloads=_load_workloads(path.parent / "workloads.d")
    )


def load_workload(path: Path) -> WorkloadConfig:
    """Reads one workload's file.

    Raises:
        BadInputError: It cannot be read, is not TOML, or has a wrong key, value or SLO.
    """
    workload = _convert(path, _read_toml(path), WorkloadConfig)
    try:
        workload.objective.resolve()
    except WattuneError as error:
        raise BadInputError(f"{path} is wrong at 'objective': {error}") from error
    return workload


def _load_bounds(path: Path, tables: Any) -> dict[str, KnobBounds]:
    if not isinstance(tables, dict):
        raise BadInputError(f"{path} is wrong at 'knobs': write a section [knobs.\"KNOB\"] for each knob.")
    return {knob_id: _convert(path, table, KnobBounds, f'knobs."{knob_id}"') for knob_id, table in tables.items()}


def _load_workloads(folder: Path) -> dict[str, WorkloadConfig]:
    workloads: dict[str, WorkloadConfig] = {}
    for path in sorted(folder.glob("*.toml")):
        workload = load_workload(path)
        if workload.name in workloads:
            raise BadInputError(f"{path} defines the workload '{workload.name}' a second time.")
        workloads[workload.name] = workload
    return workloads


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(f"{path} is not valid TOML: {error}.") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path} is not valid TOML: it is not encoded in UTF-8.") from error
    except OSError as error:
        raise BadInputError(f"The configuration {path} cannot be read: {error.strerror}.") from error


def _convert(path: Path, document: dict[str, Any], kind: type[_Section], section: str = "") -> _Section:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise BadInputError(f"{path} is wrong{_where(str(error), section)}.") from error


def _where(message: str, section: str) -> str:
    """Turns ``Expected `int`, got `str` - at `$.study.max_trials``` into ``at 'study.max_trials': Expected …``."""
    match = _MESSAGE.fullmatch(message)
    assert match is not None, "the pattern's path is optional"
    key = (section + (match["key"] or "")).lstrip(".")
    what = match["what"]
    for pattern, words in _PLAIN_WORDS:
        what = pattern.sub(words, what)
    what = what[:1].lower() + what[1:]
    return f" at '{key}': {what}" if key else f": {what}"
