"""The device on the real clock: what its firmware orders, and the past that its sensors are told."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.catalogue import device_model
from simulation.realtime import Orders, RealTimeDevice, Stretch
from tests.emulated.simulated_time import SimulatedTime

ORIN = device_model("virtual:agx-orin")
LOW_MHZ, HIGH_MHZ = ORIN.core_clocks_mhz[0], ORIN.core_clocks_mhz[-1]
PARKS_AFTER_S = 0.3


class Remembering(RealTimeDevice):
    """A device that remembers, and whose firmware parks the clocks some time after it was switched on."""

    def __init__(self, time: SimulatedTime, *, parks: bool = False) -> None:
        self.past: list[Stretch] = []
        self.parks = parks
        super().__init__(ORIN, clock=time.clock, sleep=time.sleep)

    def orders(self, time_s: float, busy: bool) -> Orders | None:
        if not self.parks:
            return None
        if busy or time_s < PARKS_AFTER_S:
            return Orders(HIGH_MHZ, ORIN.memory_clocks_mhz[-1], PARKS_AFTER_S)
        return Orders(LOW_MHZ, ORIN.memory_clocks_mhz[0])

    def passed(self, stretch: Stretch) -> None:
        self.past.append(stretch)


ACTS: tuple[Callable[[Remembering, SimulatedTime], object], ...] = (
    lambda device, time: time.sleep(0.7),
    lambda device, time: device.observe(),
    lambda device, time: device.infer("efficientnet-b0", 8),
    lambda device, time: device.set_core_range(LOW_MHZ, LOW_MHZ),
    lambda device, time: device.set_core_range(LOW_MHZ, HIGH_MHZ),
    lambda device, time: device.hold_down(LOW_MHZ),
    lambda device, time: device.hold_down(None),
)


@given(acts=st.lists(st.sampled_from(ACTS), max_size=12), parks=st.booleans())
def test_the_past_has_no_gaps_and_adds_up(acts: list[Callable[..., object]], parks: bool) -> None:
    time = SimulatedTime()
    device = Remembering(time, parks=parks)
    for act in acts:
        act(device, time)
    time.sleep(0.01)
    now = device.observe()
    assert device.past[0].start_s == 0.0
    assert device.past[-1].end_s == pytest.approx(now.time_s)
    assert device.past[-1].energy_j == now.energy_j
    for before, after in itertools.pairwise(device.past):
        assert after.start_s == before.end_s < after.end_s
        assert after.energy_j > before.energy_j
        assert not (after.capped_by_power and after.capped_by_heat)
    busy_s = sum(stretch.end_s - stretch.start_s for stretch in device.past if stretch.busy)
    assert (busy_s > 0.0) == (ACTS[2] in acts)


def test_orders_hold_from_the_instant_at_which_work_begins_and_end_when_they_say() -> None:
    time = SimulatedTime()
    device = Remembering(time, parks=True)
    time.sleep(2 * PARKS_AFTER_S)
    assert (device.observe().core_mhz, device.observe().memory_mhz) == (LOW_MHZ, ORIN.memory_clocks_mhz[0])
    assert any(stretch.end_s == pytest.approx(PARKS_AFTER_S) for stretch in device.past)
    slow_s = RealTimeDevice(ORIN, clock=time.clock, sleep=time.sleep).infer("efficientnet-b0", 8)
    assert device.infer("efficientnet-b0", 8) < slow_s
    assert device.past[-1].busy


def test_heat_is_told_from_the_power_cap() -> None:
    time = SimulatedTime()
    device = Remembering(time)
    device.hold_down(LOW_MHZ)
    time.sleep(0.1)
    device.observe()
    assert device.past[-1].capped_by_heat
