import errno
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knobs.contract import DeviceError, NoValueError, RestoreOutcome
from knobs.drivers.intel_gpu.clock_limit import clock_steps
from knobs.keeper.rules import write_order
from knobs.sysfs import NotAcceptedError
from tests.unit.knobs.intel_gpu.machine import arc_i915, arc_xe, tiger_lake

MAX, MIN, POWER = "gpu.core.max_mhz", "gpu.core.min_mhz", "gpu.power.limit_w"
BOTH = [arc_i915, arc_xe]


@given(bottom=st.integers(1, 3000), span=st.integers(1, 3000))
def test_the_steps_have_both_ends_and_multiples_of_fifty_between(bottom, span):
    steps = clock_steps(bottom, bottom + span)
    assert (steps[0], steps[-1]) == (bottom, bottom + span)
    assert list(steps) == sorted(set(steps))
    assert all(mhz % 50 == 0 for mhz in steps[1:-1])
    assert all(high - low <= 50 for low, high in pairwise(steps))


def test_the_boost_clock_goes_with_the_limit_and_comes_back_with_it():
    machine = arc_i915()
    machine.gpu.boost_mhz = 2000
    knob = machine.knob(MAX)
    captured = knob.capture()
    knob.write(1200)
    assert (machine.gpu.highest_mhz, machine.gpu.boost_mhz) == (1200, 1200)
    knob.restore(captured)
    assert (machine.gpu.highest_mhz, machine.gpu.boost_mhz) == (2450, 2000)


def test_the_boost_clock_is_at_no_instant_above_the_limit():
    machine = arc_i915()
    knob = machine.knob(MAX)
    for mhz in (1200, 2000):
        machine.files.writes.clear()
        knob.write(mhz)
        files = [path.rpartition("/")[2] for path, _ in machine.files.writes]
        falling = mhz == 1200
        assert files[0 if falling else 1] == "rps_boost_freq_mhz"


@pytest.mark.parametrize("make", BOTH)
def test_limits_that_would_cross_are_refused_before_anything_is_written(make):
    machine = make()
    highest, lowest = machine.knob(MAX), machine.knob(MIN)
    lowest.write(1000)
    before = machine.gpu.state
    with pytest.raises(DeviceError, match="lower that first"):
        highest.write(900)
    highest.write(1500)
    with pytest.raises(DeviceError, match="raise that first"):
        lowest.write(1600)
    assert machine.gpu.state[0] == before[0]


@pytest.mark.parametrize("make", BOTH)
@settings(deadline=None, max_examples=30)  # the machine that tests may be busy
@given(data=st.data())
def test_in_the_keepers_order_every_pair_of_limits_can_be_reached_from_every_other(make, data):
    machine = make()
    knobs = {MAX: machine.knob(MAX), MIN: machine.knob(MIN)}
    specs = {knob_id: knob.spec for knob_id, knob in knobs.items()}
    for _ in range(4):
        top = data.draw(st.sampled_from(specs[MAX].values))
        wanted = {MAX: top, MIN: data.draw(st.sampled_from([mhz for mhz in specs[MIN].values if mhz <= top]))}
        current = {knob_id: knob.read() for knob_id, knob in knobs.items()}
        for knob_id in write_order(specs, current, wanted):
            knobs[knob_id].write(wanted[knob_id])
        assert {knob_id: knob.read() for knob_id, knob in knobs.items()} == wanted


@pytest.mark.parametrize("make", BOTH)
def test_a_reset_that_passes_is_waited_for(make):
    machine = make()
    knob = machine.knob(MAX)
    machine.gpu.refuse, machine.gpu.refusals = errno.EAGAIN, 5
    knob.write(1200)
    assert knob.read() == 1200
    assert 0 < machine.slept_s < 1.5


@pytest.mark.parametrize("make", BOTH)
def test_a_reset_that_does_not_pass_is_not_waited_for_forever(make):
    machine = make()
    knob = machine.knob(MAX)
    machine.gpu.refuse = errno.EAGAIN
    with pytest.raises(NoValueError):
        knob.read()
    assert machine.slept_s < 1.5


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EINVAL, errno.ENODEV, errno.EBUSY])
@pytest.mark.parametrize("make", BOTH)
@pytest.mark.parametrize("knob_id", [MAX, MIN, POWER])
def test_whatever_the_kernel_answers_is_one_sentence(make, knob_id, number):
    machine = make()
    knob = machine.knob(knob_id)
    captured = knob.capture()
    machine.gpu.refuse = number
    for action in (knob.read, knob.capture, lambda: knob.write(knob.spec.values[0]), lambda: knob.restore(captured)):
        with pytest.raises(DeviceError, match=r"^[A-Z].*\.$"):
            action()


def test_a_kernel_that_refuses_is_reported_as_such():
    machine = arc_i915()
    knob = machine.knob(MAX)
    machine.gpu.facts = machine.gpu.facts.__class__("8086:56A5", 300, 1000, 55)
    with pytest.raises(NotAcceptedError):
        knob.write(2000)


@pytest.mark.parametrize("captured", [{}, {"tiles": []}, {"tiles": [{"highest_mhz": "fast"}]}, {"tiles": [7]}])
def test_a_damaged_journal_entry_changes_nothing(captured):
    machine = arc_i915()
    before = machine.gpu.state
    with pytest.raises(DeviceError, match="journal entry"):
        machine.knob(MAX).restore(captured)
    assert machine.gpu.state == before


def test_an_unplugged_gpu_is_gone():
    machine = arc_xe()
    knob = machine.knob(MAX)
    captured = knob.capture()
    machine.gpu.pci.unplug()
    for action in (knob.read, knob.capture, lambda: knob.write(1200), lambda: knob.restore(captured)):
        with pytest.raises(DeviceError):
            action()


def test_a_discrete_gpu_asleep_is_not_woken_and_an_integrated_one_never_counts_as_asleep():
    machine = arc_xe()
    knob = machine.knob(MAX)
    machine.gpu.pci.asleep = True
    with pytest.raises(NoValueError, match="asleep"):
        knob.read()
    assert machine.gpu.pci.woken == 0
    integrated = tiger_lake()
    integrated.gpu.pci.asleep = True
    assert integrated.knob("igpu.core.max_mhz").read() == 1350


def test_older_kernels_show_the_clocks_of_the_card_itself():
    machine = tiger_lake()
    machine.knob("igpu.core.max_mhz").write(700)
    assert [path for path, _ in machine.files.writes] == [
        "/sys/class/drm/card0/gt_boost_freq_mhz",
        "/sys/class/drm/card0/gt_max_freq_mhz",
    ]


def test_a_power_limit_comes_back_to_the_microwatt():
    machine = arc_xe()
    machine.gpu.limit_microwatts = 54_875_000
    knob = machine.knob(POWER)
    assert knob.read() == 54.875
    captured = knob.capture()
    knob.write(30)
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert machine.gpu.limit_microwatts == 54_875_000
