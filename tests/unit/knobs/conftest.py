"""A machine with a keeper, for the tests of knobs that need real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.knobs.keeper_machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Whatever still runs of it at the end is ended."""
    machine = Machine(tmp_path)
    yield machine
    machine.end()
