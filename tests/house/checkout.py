"""The checkout and its rooms, for the tests of the house itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("knobs", "serving_adapter", "simulation", "tuner")
GENERATED = ROOT / "tuner" / "service" / "wattune"


def sources(*rooms: str) -> Iterator[Path]:
    """Yields every Python file of these rooms that a person wrote."""
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            if not path.is_relative_to(GENERATED):
                yield path
