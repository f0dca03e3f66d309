"""A real keeper process that dies without warning while its values are in force in a real kernel."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from knobs.contract import KeeperState
from knobs.keeper.client import KeeperLostError
from tests.kernel.conftest import THREADED, Service
from tests.kernel.guest_effect import allowed_cpus
from tests.unit.knobs.keeper_machine import CORES, QUOTA, Machine

TRIAL = {CORES: 1, QUOTA: 50}


class Killed:
    """A service that a dead keeper has left with trial values."""

    def __init__(self, machine: Machine, service: Service) -> None:
        self.service = service
        self.pid = service.start(THREADED).pid
        self.before = self.state()
        keeper = machine.start_keeper()
        with machine.connect() as client:
            client.attach(self.pid)
            client.acquire_lease()
            assert client.apply(TRIAL) == TRIAL
            keeper.send_signal(signal.SIGKILL)
            keeper.wait()
            with pytest.raises(KeeperLostError):
                client.state()
        assert allowed_cpus(self.pid) == {"0"}
        [group] = service.folder.glob("wattune-*")
        assert (group / "cpu.max").read_text() == "50000 100000\n"

    def state(self) -> object:
        return self.service.state(), allowed_cpus(self.pid)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.end()


@pytest.fixture
def killed(machine: Machine, service: Service) -> Killed:
    return Killed(machine, service)


def test_restore_puts_back_what_a_killed_keeper_had_applied(machine: Machine, killed: Killed) -> None:
    report = machine.restore_all()
    assert set(report.restored) == TRIAL.keys()
    assert (report.pending, report.failed, report.notes) == ((), (), ())
    assert killed.state() == killed.before
    assert machine.journal_is_empty()


def test_the_next_keeper_puts_back_what_a_killed_one_had_applied(machine: Machine, killed: Killed) -> None:
    machine.start_keeper()
    assert killed.state() == killed.before
    assert machine.journal_is_empty()
    with machine.connect() as client:
        assert client.state() == KeeperState()
