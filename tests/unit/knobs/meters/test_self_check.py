"""Meters that work are kept; each one that does not is left out with its reason; all in a quarter of a second."""

import math
import threading
from dataclasses import dataclass, field

import pytest

from knobs.contract import DeviceError, Meter, MeterSpec, NoValueError, Provenance, Quantity, Reading, Scope
from knobs.meters.sampling import CounterSource, PowerSource, SampledMeter, Sampler, SourceFacts
from knobs.meters.self_check import self_checked


@dataclass
class Time:
    now_s: float = 50.0
    slept_s: list = field(default_factory=list)

    def __call__(self):
        return self.now_s

    def sleep(self, seconds):
        self.slept_s.append(seconds)
        self.now_s += seconds


@pytest.fixture
def time():
    return Time()


def facts(meter_id="gpu.energy", scope=Scope.GPU, period_s=0.1, device="gpu0"):
    return SourceFacts(meter_id, scope, device, update_period_s=period_s, resolution=0.001)


def counter(time, power_w=100.0, offset_j=500.0, **kwargs):
    """A counter that steps once a period, as a device would show it."""
    its = facts(**kwargs)

    def read():
        return offset_j + power_w * math.floor(time.now_s / its.update_period_s + 0.3) * its.update_period_s

    return SampledMeter(CounterSource(its, read), Sampler(time))


def power(time, watts, **kwargs):
    return SampledMeter(PowerSource(facts(**kwargs), lambda: watts), Sampler(time))


def failing(time, error):
    def read():
        raise error

    return SampledMeter(CounterSource(facts(), read), Sampler(time))


def check(time, *meters):
    kept, absent = self_checked(meters, time, time.sleep)
    return [meter.spec.id for meter in kept], {absence.id: absence for absence in absent}


@pytest.mark.parametrize("period_s", [0.001, 0.007, 0.02, 0.1])
def test_a_counter_and_a_power_that_work_are_kept(time, period_s):
    kept, absent = check(
        time,
        counter(time, meter_id="gpu.energy", period_s=period_s),
        power(time, 80.0, meter_id="gpu.power", period_s=period_s),
    )
    assert kept == ["gpu.energy", "gpu.power"]
    assert not absent


def test_all_are_checked_within_a_quarter_of_a_second(time):
    check(time, *(counter(time, meter_id=f"gpu{n}.energy", device=f"gpu{n}") for n in range(8)), power(time, 0.0))
    assert sum(time.slept_s) <= 0.25


def test_fast_meters_that_work_do_not_wait_for_the_end(time):
    check(time, counter(time, period_s=0.001))
    assert sum(time.slept_s) < 0.1


def test_a_counter_that_stands_still_is_left_out(time):
    kept, absent = check(time, counter(time, power_w=0.0, meter_id="board.psys.rapl"))
    assert not kept
    assert "stands still at 500 J" in absent["board.psys.rapl"].reason
    assert "virtual machine" in absent["board.psys.rapl"].fix


def test_a_power_that_is_always_zero_is_left_out(time):
    assert check(time, power(time, 0.0))[0] == []


def test_a_counter_that_runs_backwards_is_left_out(time):
    kept, absent = check(time, counter(time, power_w=-100.0))
    assert not kept
    assert "ran backwards" in absent["gpu.energy"].reason


@pytest.mark.parametrize(("watts", "reason"), [(1e6, "no power of scope gpu"), (-30.0, "runs backwards")])
def test_a_power_beyond_reason_is_left_out(time, watts, reason):
    kept, absent = check(time, power(time, watts))
    assert not kept
    assert reason in absent["gpu.energy"].reason


def test_a_counter_in_another_unit_than_it_says_is_left_out(time):
    assert check(time, counter(time, power_w=100.0 * 1e3))[0] == []


@pytest.mark.parametrize("shown", [math.nan, math.inf])
def test_what_is_no_number_is_left_out(time, shown):
    kept, absent = check(time, power(time, shown))
    assert not kept
    assert "no number" in absent["gpu.energy"].reason


def test_a_meter_that_cannot_be_read_says_why(time):
    kept, absent = check(time, failing(time, DeviceError("The GPU has fallen off the bus; restart the machine.")))
    assert not kept
    assert "fallen off the bus" in absent["gpu.energy"].reason


def test_a_meter_of_a_sleeping_device_is_kept(time):
    assert check(time, failing(time, NoValueError("The GPU is asleep.")))[0] == ["gpu.energy"]


def test_a_board_whose_sensors_answer_slowly_is_given_several_looks(time):
    """Rails behind a slow bus: each reading takes as long as half of the usual check."""

    def read():
        time.now_s += 0.12
        return 20.0

    source = PowerSource(facts("board.power", Scope.BOARD, period_s=0.007), read)
    kept, absent = self_checked([SampledMeter(source, Sampler(time))], time, time.sleep)
    assert (len(kept), absent) == (1, ())


def test_a_slow_meter_must_only_be_readable(time):
    kept, absent = check(
        time,
        counter(time, power_w=0.0, period_s=30.0, meter_id="board.battery", device="board", scope=Scope.BOARD),
        power(time, 40.0, period_s=1.0, meter_id="wall.plug", device="plug", scope=Scope.WALL),
    )
    assert kept == ["board.battery", "wall.plug"]
    assert not absent
    assert not time.slept_s


def test_meters_in_the_network_that_do_not_answer_are_not_waited_for(time):
    answer = threading.Event()
    plugs = [
        SampledMeter(PowerSource(facts(f"wall.plug{n}", Scope.WALL, 1.0, f"plug{n}"), answer.wait), Sampler(time))
        for n in range(4)
    ]
    kept, _ = check(time, *plugs)
    assert not answer.is_set(), "nobody answered, and yet the check is done"
    answer.set()
    assert len(kept) == 4


def test_a_slow_meter_that_fails_is_left_out(time):
    broken = SampledMeter(PowerSource(facts(period_s=1.0), lambda: math.nan), Sampler(time))
    assert "no number" in check(time, broken)[1]["gpu.energy"].reason


class TestPairs:
    def test_two_sources_of_one_thing_that_disagree_are_both_left_out(self, time):
        kept, absent = check(
            time,
            counter(time, 10.0, meter_id="gpu.energy"),
            power(time, 100.0, meter_id="gpu.power"),
            counter(time, 40.0, meter_id="cpu.package.rapl", device="cpu", scope=Scope.CPU),
        )
        assert kept == ["cpu.package.rapl"]
        assert "where gpu.power shows 100 W" in absent["gpu.energy"].reason
        assert "gpu.power" in absent

    def test_sources_of_different_devices_or_scopes_need_not_agree(self, time):
        kept, _ = check(
            time,
            counter(time, 10.0, meter_id="gpu0.energy", device="gpu0"),
            power(time, 100.0, meter_id="gpu1.power", device="gpu1"),
            power(time, 300.0, meter_id="gpu0.power", device="gpu0", scope=Scope.BOARD),
        )
        assert len(kept) == 3

    def test_a_platform_that_shows_less_than_its_processor_is_left_out(self, time):
        kept, absent = check(
            time,
            counter(time, 5.0, meter_id="board.psys.rapl", scope=Scope.BOARD, device="cpu"),
            counter(time, 40.0, meter_id="cpu.package.rapl", scope=Scope.CPU, device="cpu"),
        )
        assert kept == ["cpu.package.rapl"]
        assert "which it should cover" in absent["board.psys.rapl"].reason


class OtherMeter(Meter):
    """A meter that is none of ours, as a plug-in may bring: readings as they come."""

    def __init__(self, time, values):
        self.time, self.values = time, iter(values)

    @property
    def spec(self):
        return MeterSpec("other", Quantity.ENERGY_J, Scope.WALL, Provenance.MEASURED, 0.01, 0.1, "other")

    def sample(self):
        return Reading(self.time.now_s, next(self.values))


@pytest.mark.parametrize(
    ("values", "is_kept"),
    [
        ([math.nan] * 20, False),
        ([1.0, 2.0, 3.0, 4.0] + [5.0] * 20, True),
        ([3.0, 1.0] + [5.0] * 20, False),
        ([3.0] * 20, False),
    ],
)
def test_meters_of_every_kind_are_checked(time, values, is_kept):
    kept, _ = check(time, OtherMeter(time, values))
    assert bool(kept) == is_kept
