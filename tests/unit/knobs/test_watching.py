"""What all monitors say together, and who has moved a knob that is on trial."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from knobs.contract import Captured, Conditions, DeviceError, Monitor, Occupant, RestoreOutcome
from knobs.inventory import Inventory
from knobs.journal import Journal
from knobs.keeper import watching
from knobs.keeper.desired import Desired
from knobs.keeper.keeper import Keeper
from knobs.keeper.records import from_json, to_json
from tests.unit.knobs.file_knob import FAN, MAX, FileKnob, file_knobs


class ScriptedMonitor(Monitor):
    def __init__(self, device: str, conditions: Conditions | DeviceError) -> None:
        self._device = device
        self._conditions = conditions

    @property
    def device(self) -> str:
        return self._device

    def observe(self) -> Conditions:
        if isinstance(self._conditions, DeviceError):
            raise self._conditions
        return self._conditions


GPU = Conditions(
    delivered=(("gpu.core.max_mhz", 1200.0),),
    remarks=("gpu: held down by its power cap",),
    power_capped=True,
    temperatures_c=(("gpu", 61.0),),
    utilization=0.9,
    occupants=(Occupant(os.getpid(), "gpu", "python", 1 << 30),),
)
CPU = Conditions(obstacles=("cpu: thermal throttling",), utilization=0.2)


def test_all_devices_speak_at_once():
    seen = watching.observe([ScriptedMonitor("gpu", GPU), ScriptedMonitor("cpu", CPU)], ("a knob is gone",))
    assert seen.obstacles == ("a knob is gone", "cpu: thermal throttling")
    assert seen.power_capped
    assert seen.utilization == 0.9
    assert seen.delivered == GPU.delivered


def test_a_device_that_does_not_answer_is_an_obstacle():
    seen = watching.observe([ScriptedMonitor("gpu", DeviceError("GPU 0 has fallen off the bus."))])
    assert seen.obstacles == ("gpu: GPU 0 has fallen off the bus.",)


def test_conditions_survive_the_socket():
    seen = watching.observe([ScriptedMonitor("gpu", GPU), ScriptedMonitor("cpu", CPU)])
    assert from_json(Conditions, to_json(seen)) == seen


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    knobs = file_knobs(tmp_path / "hardware")
    inventory = Inventory(knobs, (), monitors=(ScriptedMonitor("gpu", GPU),))
    return Keeper(inventory, Journal(tmp_path / "run"), Desired(tmp_path / "state"))


def test_a_knob_on_trial_that_somebody_else_moves_is_an_obstacle(keeper, tmp_path):
    knob = next(iter(file_knobs(tmp_path / "hardware")))
    first, second = (value for value in knob.spec.values[:2])
    keeper.apply({knob.spec.id: first})
    assert keeper.observe().obstacles == ()
    knob.write(second)
    (moved,) = keeper.observe().obstacles
    assert moved.startswith(f"{knob.spec.id} was set to {first} and reads {second}")


def test_the_attached_workload_is_no_stranger_and_neither_are_its_children(keeper):
    assert keeper.observe().occupants == GPU.occupants
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        keeper.attach(parent.pid, None)
        assert keeper.observe().occupants == GPU.occupants
        keeper.attach(os.getpid(), None)
        assert keeper.observe().occupants == ()
        assert descendant_is_own(keeper, parent.pid)
    finally:
        parent.kill()
        parent.communicate()


def descendant_is_own(keeper: Keeper, pid: int) -> bool:
    return keeper._is_own(Occupant(pid, "gpu"))


class Coupled(FileKnob):
    """A knob whose restoring moves another one, as a CPU that comes back online loses its clocks."""

    def restore(self, captured: Captured) -> RestoreOutcome:
        outcome = super().restore(captured)
        (self._value.parent / FAN).write_text("100")
        return outcome


def test_a_confirmed_value_that_restoring_another_knob_has_moved_is_brought_back(tmp_path):
    hardware = tmp_path / "hardware"
    fan = next(knob for knob in file_knobs(hardware) if knob.spec.id == FAN)
    coupled = Coupled(hardware, MAX)
    keeper = Keeper(Inventory((fan, coupled), ()), Journal(tmp_path / "run"), Desired(tmp_path / "state"))
    keeper.apply({FAN: 300})
    keeper.confirm()
    keeper.apply({MAX: 200})
    report = keeper.take_back()
    assert fan.read() == 300
    assert [knob_id for knob_id, _ in report.notes] == [FAN]
    assert not keeper.owes
