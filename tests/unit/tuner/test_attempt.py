"""One look at a configuration in force: when its window opens, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from tests.unit.tuner.scripted_bench import BATCH, CLOCK, ScriptedDevice, bench
from tuner.config_record import MeasurementSettings
from tuner.measuring.attempt import Aim, Attempt
from tuner.measuring.watch import Bounds, Watch
from tuner.trial import Measurement

SETTINGS = MeasurementSettings(warm_up_s=6.0, soak_s=30.0)
ONE_SLICE_S = SETTINGS.slice_s + 0.1
"""A slice, with the batch that it ends in."""


@dataclass
class Temperatures:
    """Whether temperatures stand still, on a device's clock.

    Attributes:
        device: What is warm.
        still_after_s: Seconds of the device's clock after which they do.
        looks: How often somebody asked.
    """

    device: ScriptedDevice
    still_after_s: float
    looks: int = 0

    def __post_init__(self) -> None:
        self._begin_s = self.device.now_s

    def stand_still(self) -> bool:
        self.looks += 1
        return self.device.now_s >= self._begin_s + self.still_after_s


@pytest.fixture
def temperatures(monkeypatch: pytest.MonkeyPatch) -> Temperatures:
    made = Temperatures(ScriptedDevice(), still_after_s=15.0)
    monkeypatch.setattr(Watch, "temperatures_stand_still", lambda _: made.stand_still())
    return made


def measure(device: ScriptedDevice, aim: Aim, settle_s: float = 0.0) -> Measurement:
    made = replace(bench(device), knobs=(replace(CLOCK, settle_s=settle_s),))
    attempt = Attempt(made, SETTINGS, Bounds(), aim, lambda: False)
    measured = attempt.measure({CLOCK.id: device.clock_mhz}, {BATCH.id: device.batch_size})
    assert isinstance(measured, Measurement)
    return measured


def test_a_soaked_look_opens_its_window_once_temperatures_stand_still(temperatures: Temperatures) -> None:
    measured = measure(temperatures.device, Aim(is_soaked=True))
    assert 15.0 <= measured.warm_up_s <= 15.0 + ONE_SLICE_S
    assert measured.notes == ()


def test_soaking_is_bounded_and_says_when_it_was_given_up(temperatures: Temperatures) -> None:
    temperatures.still_after_s = 1000.0
    measured = measure(temperatures.device, Aim(is_soaked=True))
    assert 30.0 <= measured.warm_up_s <= 30.0 + ONE_SLICE_S
    [note] = measured.notes
    assert note == f"Not steady after {measured.warm_up_s:.1f} s of warming up. Temperatures still moved."


def test_a_look_that_is_not_soaked_asks_for_no_temperature(temperatures: Temperatures) -> None:
    temperatures.still_after_s = 1000.0
    measured = measure(temperatures.device, Aim())
    assert temperatures.looks == 0
    assert measured.warm_up_s < SETTINGS.warm_up_s
    assert measured.notes == ()


def test_settling_is_part_of_warming_up(temperatures: Temperatures) -> None:
    at_once = measure(ScriptedDevice(), Aim())
    settled = measure(temperatures.device, Aim(), settle_s=2.0)
    assert settled.warm_up_s == pytest.approx(at_once.warm_up_s + 2.0)
