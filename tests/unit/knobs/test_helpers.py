"""What many drivers share: reading values, units, waiting, switches, changes in several parts, averages."""

import errno
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.attributes import optional_number, optional_text, whole_number
from knobs.checks import captured_cpus, captured_number, captured_table, captured_text, require_listed
from knobs.contract import (
    DeviceError,
    KnobKind,
    KnobSpec,
    NoValueError,
    RefusedError,
    RestoreClass,
    RestoreOutcome,
)
from knobs.drivers.switch import Switch
from knobs.found import not_writable
from knobs.meters.averages import mean, median
from knobs.together import Step, all_or_none, all_restored
from knobs.units import even_steps, in_units
from knobs.waiting import patiently
from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.tree import Attribute, Tree, constant, kernel_error

SPEC = KnobSpec("gpu.clock", "MHz", KnobKind.CLOCK, (1, 2, 300), RestoreClass.EXACT, "gpu")


def files(**texts):
    tree = Tree()
    for name, text in texts.items():
        tree.add(f"/sys/{name}", constant(text))
    return tree, TreeFiles(tree)


class TestValuesInFiles:
    @pytest.mark.parametrize(("text", "number"), [("12\n", 12), ("-3\n", -3), ("0", 0)])
    def test_a_number_is_read(self, text, number):
        _, kernel = files(value=text)
        assert whole_number(kernel, "/sys/value") == optional_number(kernel, "/sys/value") == number

    @pytest.mark.parametrize("text", ["", "1.5", "<unknown>", "0x10"])
    def test_garbage_is_no_number(self, text):
        _, kernel = files(value=text)
        assert optional_number(kernel, "/sys/value") is None
        with pytest.raises(DeviceError, match=r"/sys/value holds .* instead of a number"):
            whole_number(kernel, "/sys/value")

    @pytest.mark.parametrize("number", [errno.EIO, errno.ENODATA, errno.EACCES])
    def test_what_cannot_be_read_is_missing_or_the_kernels_own_error(self, number):
        def fail():
            raise kernel_error(number)

        tree, kernel = files()
        tree.add("/sys/value", Attribute(fail))
        assert optional_text(kernel, "/sys/value") == ""
        assert optional_number(kernel, "/sys/value") is None
        with pytest.raises(DeviceError, match="Cannot read /sys/value"):
            whole_number(kernel, "/sys/value")
        assert optional_text(kernel, "/sys/nothing") == ""

    def test_the_first_file_that_may_not_be_written_is_named(self):
        tree, kernel = files()
        tree.add("/sys/open", Attribute(lambda: "1", lambda text: None))
        tree.add("/sys/closed", constant("1"))
        assert not_writable(kernel, "gpu.clock", ["/sys/open"]) is None
        absence = not_writable(kernel, "gpu.clock", ["/sys/open", "/sys/closed", "/sys/none"])
        assert absence is not None
        assert (absence.id, absence.reason) == ("gpu.clock", "/sys/closed may not be written")
        assert absence.fix.startswith("start the keeper as root")


class TestValuesAndEntries:
    @pytest.mark.parametrize("value", [3, "1", True, 1.5])
    def test_a_value_that_is_not_listed_is_refused_with_those_that_are(self, value):
        with pytest.raises(RefusedError, match=r"gpu\.clock cannot be .*: choose one of 1, 2, 300\."):
            require_listed(SPEC, value)

    def test_a_listed_value_passes_also_as_a_float(self):
        require_listed(SPEC, 300)
        require_listed(SPEC, 300.0)

    @pytest.mark.parametrize(
        ("read", "foreign"),
        [
            (captured_number, [{}, {"x": "1"}, {"x": True}, {"x": 1.5}, {"x": None}]),
            (captured_text, [{}, {"x": 1}, {"x": ""}]),
            (captured_table, [{}, {"x": 1}, {"x": {}}, {"x": [1]}]),
        ],
    )
    def test_an_entry_of_somebody_else_is_an_error(self, read, foreign):
        for captured in foreign:
            with pytest.raises(DeviceError, match=r"of gpu\.clock holds no x: it was not written by Wattune"):
                read("gpu.clock", captured, "x")

    def test_what_an_entry_holds_is_returned(self):
        assert captured_number("k", {"x": 3}, "x") == 3
        assert captured_text("k", {"x": "auto"}, "x") == "auto"
        assert captured_table("k", {"x": {"a": 1}}, "x") == {"a": 1}
        assert captured_cpus("k", [0, 2]) == [0, 2]
        with pytest.raises(DeviceError, match="names no CPUs"):
            captured_cpus("k", [])


class TestUnits:
    @given(st.integers(0, 10**12), st.sampled_from([1000, 1_000_000]))
    def test_a_count_is_whole_exactly_where_it_is(self, count, per_unit):
        converted = in_units(count, per_unit)
        assert isinstance(converted, int) == (count % per_unit == 0)
        assert round(converted * per_unit) == count

    @given(st.integers(1, 5000), st.integers(0, 5000), st.sampled_from([1, 5, 50]))
    def test_steps_are_even_between_ends_that_are_kept(self, low, span, step):
        steps = even_steps(low, low + span, step)
        assert (steps[0], steps[-1]) == (low, low + span)
        assert list(steps) == sorted(set(steps))
        assert all(value % step == 0 for value in steps[1:-1])


class TestWaiting:
    def test_it_tries_again_while_the_device_is_busy(self):
        answers = iter([NoValueError("busy"), NoValueError("busy"), 7])
        pauses = []

        def action():
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        assert patiently(action, 3, 0.5, pauses.append) == 7
        assert pauses == [0.5, 0.5]

    @pytest.mark.parametrize(("error", "pauses"), [(NoValueError("busy"), [0.5, 0.5]), (DeviceError("gone"), [])])
    def test_the_last_error_is_the_callers_and_others_are_at_once(self, error, pauses):
        waited = []

        def action():
            raise error

        with pytest.raises(DeviceError) as raised:
            patiently(action, 3, 0.5, waited.append)
        assert raised.value is error
        assert waited == pauses


class TestSwitches:
    """Kernels refuse some writes that would change nothing: to a policy's boost while boost is off for all CPUs."""

    @pytest.mark.parametrize(("is_inverted", "on"), [(False, "1"), (True, "0")])
    def test_only_a_change_is_written_and_it_is_read_back(self, is_inverted, on):
        state = {"text": on}
        tree, kernel = files()
        tree.add("/sys/switch", Attribute(lambda: f"{state['text']}\n", lambda text: state.update(text=text)))
        switch = Switch(kernel, "/sys/switch", is_inverted)
        assert switch.read() == "on"
        switch.write("on")
        assert kernel.writes == []
        switch.write("off")
        assert (state["text"], switch.read()) == (str(1 - int(on)), "off")

    def test_what_does_not_move_and_what_is_neither_is_an_error(self):
        tree, kernel = files()
        tree.add("/sys/switch", Attribute(lambda: "0\n", lambda text: None))
        with pytest.raises(DeviceError, match="does not take on"):
            Switch(kernel, "/sys/switch").write("on")
        tree.add("/sys/switch", constant("maybe\n"))
        with pytest.raises(DeviceError, match="instead of 0 or 1"):
            Switch(kernel, "/sys/switch").read()


class TestTogether:
    @pytest.mark.parametrize("error", [RefusedError("no"), DeviceError("broken")])
    def test_a_failure_takes_back_what_was_begun_last_first_and_stays_what_it_is(self, error):
        log = []

        def fail():
            raise error

        steps = [Step(lambda n=n: log.append(n), lambda n=n: log.append(-n)) for n in (1, 2)]
        with pytest.raises(type(error), match=str(error)):
            all_or_none([*steps, Step(fail, lambda: log.append(-3)), Step(lambda: log.append(4), lambda: None)])
        assert log == [1, 2, -3, -2, -1]

    def test_what_cannot_be_taken_back_is_named(self):
        def fail(sentence):
            raise RefusedError(sentence)

        steps = [Step(lambda: None, lambda: fail("A stays.")), Step(lambda: fail("B fails."), lambda: None)]
        with pytest.raises(DeviceError, match=r"^B fails\. What could not be taken back: A stays\.$"):
            all_or_none(steps)

    @given(st.lists(st.sampled_from(list(RestoreOutcome)), max_size=4))
    def test_the_outcome_is_that_of_the_part_that_needs_most(self, outcomes):
        joint = all_restored([lambda outcome=outcome: outcome for outcome in outcomes])
        if RestoreOutcome.PENDING in outcomes:
            assert joint is RestoreOutcome.PENDING
        elif RestoreOutcome.RESTORED in outcomes or not outcomes:
            assert joint is RestoreOutcome.RESTORED
        else:
            assert joint is RestoreOutcome.GONE

    def test_one_failure_keeps_no_other_part_from_being_put_back(self):
        done = []

        def fail():
            raise DeviceError("It is gone.")

        def put_back():
            done.append(1)
            return RestoreOutcome.RESTORED

        with pytest.raises(DeviceError, match=r"^It is gone\.$"):
            all_restored([put_back, fail, put_back, fail])
        assert done == [1, 1]


numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9)


@given(numbers)
def test_averages_are_those_of_statistics(values):
    assert mean(values) == pytest.approx(statistics.fmean(values), abs=1e-6)
    assert median(values) == pytest.approx(statistics.median(values))
