"""The two limits of a governed clock, on kernels that refuse crossing limits and on those that hide one."""

import errno
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.contract import DeviceError, RefusedError, RestoreOutcome
from knobs.drivers.devfreq import FrequencyRange
from knobs.drivers.devfreq_knobs import DevfreqKnobNames, DevfreqMaximumKnob, DevfreqMinimumKnob
from knobs.drivers.thermal import ThermalCaps
from knobs.units import megahertz
from tests.emulated.sysfs.tree import Attribute, kernel_error
from tests.unit.knobs.jetson.silicon import CLASS, NODE, ORIN_HZ, Devfreq, Jetson, Time

NAMES = DevfreqKnobNames("gpu0", "gpu.core.max_mhz", "gpu.core.min_mhz")
GPU_STATE = "/sys/class/thermal/cooling_device0/cur_state"


def knobs(board, time=None):
    time = time or Time()
    files = board.files()
    range_ = FrequencyRange(files, CLASS)
    caps = ThermalCaps(files, re.compile("gpu"), time, time.sleep)
    return (
        DevfreqMaximumKnob(range_, NAMES, range_.table_hz, caps),
        DevfreqMinimumKnob(range_, NAMES, range_.table_hz, caps),
    )


@pytest.fixture(params=[False, True], ids=["kernel 4.9", "kernel 5.10"])
def board(request):
    return Jetson().with_gpu(Devfreq(requests=request.param)).with_cooling("gpu-throttle")


def test_clocks_are_whole_where_they_are_whole():
    assert megahertz(1_020_000_000) == 1020
    assert isinstance(megahertz(1_020_000_000), int)
    assert megahertz(114_750_000) == 114.75


def test_only_clocks_of_the_table_are_offered_and_written(board):
    maximum, _ = knobs(board)
    assert maximum.spec.values == tuple(hertz // 10**6 for hertz in ORIN_HZ)
    with pytest.raises(RefusedError, match=r"gpu\.core\.max_mhz cannot be 700"):
        maximum.write(700)
    assert board.devfreq.asked_max == 1_020_000_000


def test_a_highest_clock_below_the_lowest_one_hides_it_until_it_fits_again(board):
    """As jetson_clocks leaves the GPU: lowest and highest clock are both the highest of the table."""
    board.devfreq.asked_min = 1_020_000_000
    maximum, minimum = knobs(board)
    maximum.write(408)
    assert (maximum.read(), minimum.read()) == (408, 408)
    maximum.write(816)
    assert (maximum.read(), minimum.read()) == (816, 816)
    maximum.write(1020)
    assert (maximum.read(), minimum.read()) == (1020, 1020)


def test_restoring_the_highest_clock_brings_a_hidden_lowest_one_back_in_another_process(board):
    board.devfreq.asked_min = 918_000_000
    maximum, _ = knobs(board)
    captured = maximum.capture()
    maximum.write(306)
    fresh, minimum = knobs(board)
    assert fresh.restore(captured) is RestoreOutcome.RESTORED
    assert (fresh.read(), minimum.read()) == (1020, 918)


def test_a_lowest_clock_that_is_hidden_now_is_captured_as_it_was(board):
    board.devfreq.asked_min = 918_000_000
    maximum, minimum = knobs(board)
    original = maximum.capture()
    maximum.write(408)
    hidden = minimum.capture()
    minimum.write(306)
    assert maximum.restore(original) is RestoreOutcome.RESTORED
    assert minimum.restore(hidden) is RestoreOutcome.RESTORED
    assert (maximum.read(), minimum.read()) == (1020, 918)


def test_taking_back_only_the_lowest_clock_keeps_it_hidden_below_the_highest_one(board):
    board.devfreq.asked_min = 918_000_000
    maximum, minimum = knobs(board)
    maximum.write(408)
    hidden = minimum.capture()
    minimum.write(306)
    assert minimum.restore(hidden) is RestoreOutcome.RESTORED
    assert minimum.read() == 408
    maximum.write(1020)
    assert minimum.read() == 918


def test_a_lowest_clock_above_the_highest_one_is_refused_everywhere(board):
    maximum, minimum = knobs(board)
    maximum.write(510)
    with pytest.raises(RefusedError, match=r"gpu\.core\.max_mhz is 510 now; raise that first"):
        minimum.write(612)
    assert minimum.read() == 306


def test_a_clock_that_another_program_pinned_off_the_table_is_restored_exactly(board):
    board.devfreq.asked_max = 700_000_000
    maximum, _ = knobs(board)
    captured = maximum.capture()
    maximum.write(1020)
    assert maximum.restore(captured) is RestoreOutcome.RESTORED
    assert board.devfreq.asked_max == 700_000_000


def test_an_old_kernel_keeps_the_lowest_clock_when_it_refuses_the_highest_one_after_all():
    board = Jetson().with_gpu(Devfreq(requests=False))
    board.devfreq.asked_min = 918_000_000
    maximum, minimum = knobs(board)

    def refuse(text):
        raise kernel_error(errno.EINVAL)

    whole = board.tree.attribute(f"{CLASS}/max_freq")
    board.tree.add(f"{NODE}/devfreq/17000000.gpu/max_freq", Attribute(whole.show, refuse))
    with pytest.raises(DeviceError):
        maximum.write(408)
    assert minimum.read() == 918


def test_no_limit_of_an_old_kernel_reads_as_the_ends_of_the_table():
    board = Jetson().with_gpu(Devfreq(requests=False))
    board.devfreq.asked_min = board.devfreq.asked_max = 0
    maximum, minimum = knobs(board)
    assert (maximum.read(), minimum.read()) == (1020, 306)


def test_a_thermal_cap_is_waited_for_before_the_original_is_captured(board):
    time = Time()
    maximum, _ = knobs(board, time)
    board.devfreq.cap = 510_000_000
    board.texts[GPU_STATE] = "3"

    def cool_down():
        if time.now_s > 2:
            board.devfreq.cap = 1_020_000_000
            board.texts[GPU_STATE] = "0"

    time.on_sleep = cool_down
    assert maximum.capture()["max_hz"] == 1_020_000_000


def test_a_thermal_cap_that_stays_leaves_the_original_unknown(board):
    maximum, minimum = knobs(board)
    board.devfreq.cap = 306_000_000
    board.texts[GPU_STATE] = "3"
    with pytest.raises(DeviceError, match=r"original gpu\.core\.max_mhz cannot be told: thermal cap gpu-throttle"):
        maximum.capture()
    with pytest.raises(DeviceError, match=r"original gpu\.core\.min_mhz cannot be told"):
        minimum.capture()


def test_a_cap_that_hides_the_restored_clock_leaves_it_pending(board):
    maximum, minimum = knobs(board)
    maximum_was, minimum_was = maximum.capture(), {"min_hz": 816_000_000}
    maximum.write(612)
    board.devfreq.cap = 510_000_000
    board.texts[GPU_STATE] = "2"
    assert maximum.restore(maximum_was) is RestoreOutcome.PENDING
    assert minimum.restore(minimum_was) is RestoreOutcome.PENDING
    board.devfreq.cap = 1_020_000_000
    board.texts[GPU_STATE] = "0"
    assert maximum.restore(maximum_was) is RestoreOutcome.RESTORED
    assert minimum.restore(minimum_was) is RestoreOutcome.RESTORED
    assert (maximum.read(), minimum.read()) == (1020, 816)


def test_a_clock_that_does_not_come_back_without_a_cap_is_a_failure(board):
    maximum, _ = knobs(board)
    captured = maximum.capture()
    maximum.write(612)
    board.devfreq.cap = 510_000_000
    with pytest.raises(DeviceError, match="put back to 1020 MHz but reads 510"):
        maximum.restore(captured)


@pytest.mark.parametrize("captured", [{}, {"max_hz": "1020"}, {"min_hz": 1, "max_hz": None}])
def test_a_damaged_journal_entry_is_no_clock(board, captured):
    for knob in knobs(board):
        if knob.spec.id == NAMES.minimum and "min_hz" in captured:
            continue
        with pytest.raises(DeviceError, match="not written by Wattune"):
            knob.restore(captured)


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EIO, errno.EACCES, errno.ENODEV, errno.EAGAIN])
def test_what_the_kernel_answers_reaches_the_caller(board, number):
    maximum, _ = knobs(board)

    def fail(*_):
        raise kernel_error(number)

    board.tree.add(f"{NODE}/devfreq/17000000.gpu/max_freq", Attribute(fail, fail))
    with pytest.raises(DeviceError):
        maximum.read()
    with pytest.raises(DeviceError):
        maximum.write(612)


def test_garbage_instead_of_a_clock_is_said_so(board):
    maximum, _ = knobs(board)
    board.tree.add(f"{NODE}/devfreq/17000000.gpu/max_freq", Attribute(lambda: "<unsupported>", lambda text: None))
    with pytest.raises(DeviceError, match="holds '<unsupported>' instead of a number"):
        maximum.read()


def test_a_device_that_was_unplugged_does_not_answer(board):
    maximum, _ = knobs(board)
    board.tree.remove(NODE)
    with pytest.raises(DeviceError, match="does not exist"):
        maximum.read()


_CLOCKS = st.sampled_from(ORIN_HZ)


@given(
    requests=st.booleans(),
    start=st.tuples(_CLOCKS, _CLOCKS).map(sorted),
    steps=st.lists(st.tuples(st.booleans(), _CLOCKS)),
)
def test_whatever_is_set_both_kernels_show_the_same_and_the_originals_come_back(requests, start, steps):
    board = Jetson().with_gpu(Devfreq(requests=requests))
    board.devfreq.asked_min, board.devfreq.asked_max = start
    maximum, minimum = knobs(board)
    originals = maximum.capture(), minimum.capture()
    asked_min, asked_max = start
    for is_maximum, hertz in steps:
        if is_maximum:
            maximum.write(megahertz(hertz))
            asked_max = hertz
        elif hertz <= asked_max:
            minimum.write(megahertz(hertz))
            asked_min = hertz
        assert maximum.read() == megahertz(asked_max)
        assert minimum.read() == megahertz(min(asked_min, asked_max))
    in_order = (0, 1) if board.devfreq.highest <= start[1] else (1, 0)
    fresh = knobs(board)
    for index in in_order:
        assert fresh[index].restore(originals[index]) is RestoreOutcome.RESTORED
    assert (board.devfreq.lowest, board.devfreq.highest) == tuple(start)
