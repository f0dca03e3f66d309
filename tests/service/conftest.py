"""Daemons for tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.daemon_process import House
from tuner.client import Client


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A place for a daemon; what still runs at the end is ended."""
    house = House(tmp_path)
    yield house
    if house.process is not None:
        house.end(signal.SIGTERM)


@pytest.fixture
def client(house: House) -> Iterator[Client]:
    """A daemon that serves, and a client of it."""
    house.start()
    with house.client() as client:
        yield client
