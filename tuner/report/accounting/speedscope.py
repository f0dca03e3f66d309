"""A profile for speedscope: https://www.speedscope.app/file-format-schema.json, profiles of the type "sampled"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tuner.energy_model.accounting.account import Account
from tuner.report.accounting.stacks import Stack, stacks
from tuner.report.accounting.words import batch_text, origin

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_MICROJOULES = 1e6


def speedscope_json(account: Account) -> bytes:
    """Returns two profiles of one repetition: microjoules, for which the format knows no unit, and seconds."""
    found = list(stacks(account))
    frames = {name: number for number, name in enumerate(dict.fromkeys(name for one in found for name in one.frames))}
    file = {
        "$schema": _SCHEMA,
        "name": f"{account.title}, {batch_text(account)}",
        "exporter": "wattune account",
        "activeProfileIndex": 0,
        "shared": {"frames": [{"name": name} for name in frames]},
        "profiles": [
            _profile(
                f"energy in µJ ({origin(account)})",
                "none",
                found,
                frames,
                [_MICROJOULES * one.energy_j for one in found],
            ),
            _profile("time", "seconds", found, frames, [one.time_s for one in found]),
        ],
    }
    return msgspec.json.encode(file) + b"\n"


def _profile(
    name: str, unit: str, found: Sequence[Stack], frames: dict[str, int], weights: Sequence[float]
) -> dict[str, Any]:
    return {
        "type": "sampled",
        "name": name,
        "unit": unit,
        "startValue": 0,
        "endValue": sum(weights),
        "samples": [[frames[frame] for frame in one.frames] for one in found],
        "weights": list(weights),
    }
