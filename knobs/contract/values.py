"""Values of knobs, and where a number comes from."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
Value: TypeAlias = int | float | str
"""A value of a knob: a number in the knob's unit, or the name of a category."""

Captured: TypeAlias = dict[str, JsonValue]
"""Whatever a knob needs to put its original value back, as JSON: this is what the journal keeps."""

WORKLOAD_DEVICE = "workload"
"""The device of knobs and meters that belong to a workload's process: they end with it."""


class Provenance(StrEnum):
    """Where a number comes from. It follows the number to the last screen."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    SIMULATED = "simulated"
