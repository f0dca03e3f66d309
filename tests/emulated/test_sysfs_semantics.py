"""The emulated kernels answer as the real ones do, each generation in its own way: limits of clocks."""

from __future__ import annotations

import errno
import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulated.sysfs.asking import errno_of, gpu_limits, limits, read, write
from tests.emulated.sysfs.kernel.devfreq import DEVFREQ_CLASS, Devfreq
from tests.emulated.sysfs.kernel.frequency_limits import FrequencyLimits, Range
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.hotplug import CPU_FOLDER
from tests.emulated.sysfs.machines.jetson import tx2
from tests.emulated.sysfs.machines.jetson_boards import ORIN_NANO_SUPER
from tests.emulated.sysfs.machines.machine import Machine
from tests.emulated.sysfs.machines.reference import reference
from tests.emulated.sysfs.script import EVERYTHING, GPU, POLICY, differences, run_script
from tests.emulated.sysfs.tree import Tree

BOTTOM, TOP = ORIN_NANO_SUPER.cpu_khz[0], ORIN_NANO_SUPER.cpu_khz[-1]
WITH_REQUESTS = [generation for generation in Generation if generation.limits_are_requests]


@pytest.mark.parametrize("generation", [Generation.K6_1, Generation.K6_12])
def test_the_script_that_ran_on_real_kernels_gives_the_same_answers(generation: Generation) -> None:
    assert differences(run_script(reference(generation).files(), EVERYTHING), generation) == []


def test_the_two_real_kernels_differ() -> None:
    answers = run_script(reference(Generation.K6_1).files(), EVERYTHING)
    assert len(differences(answers, Generation.K6_12)) > 5


class TestLimitsThatAreChecked:
    """L4T's 4.9."""

    @pytest.fixture
    def machine(self) -> Machine:
        return tx2()

    def test_limits_that_would_cross_are_refused_and_nothing_changes(self, machine: Machine) -> None:
        assert write(machine, f"{POLICY}/scaling_min_freq", "960000") == 0
        assert write(machine, f"{POLICY}/scaling_max_freq", "806400") == errno.EINVAL
        assert write(machine, f"{POLICY}/scaling_max_freq", "1267200") == 0
        assert write(machine, f"{POLICY}/scaling_min_freq", "1420800") == errno.EINVAL
        assert limits(machine) == ("960000", "1267200")

    def test_values_between_clocks_stay_and_those_beyond_are_clamped(self, machine: Machine) -> None:
        assert write(machine, f"{POLICY}/scaling_max_freq", "1000000") == 0
        assert write(machine, f"{POLICY}/scaling_min_freq", "1") == 0
        assert limits(machine) == ("345600", "1000000")
        assert write(machine, f"{POLICY}/scaling_max_freq", "99999999") == 0
        assert limits(machine) == ("345600", "2035200")

    def test_the_unclamped_value_is_what_the_other_limit_is_checked_against(self, machine: Machine) -> None:
        assert write(machine, f"{POLICY}/scaling_max_freq", "9223372036854775807") == 0
        assert write(machine, f"{POLICY}/scaling_min_freq", "3000000") == 0
        assert limits(machine) == ("2035200", "2035200")

    @pytest.mark.parametrize("text", ["abc", "-5", ""])
    def test_what_is_no_number_is_refused(self, machine: Machine, text: str) -> None:
        assert write(machine, f"{POLICY}/scaling_max_freq", text) == errno.EINVAL

    def test_a_cap_passes_and_the_limit_that_was_set_comes_back(self, machine: Machine) -> None:
        write(machine, f"{POLICY}/scaling_max_freq", "1881600")
        machine.cpu_frequency.cap("thermal", 960_000)
        assert limits(machine) == ("345600", "960000")
        machine.cpu_frequency.cap("thermal", None)
        assert limits(machine) == ("345600", "1881600")

    def test_gpu_limits_that_would_cross_are_refused(self, machine: Machine) -> None:
        gpu = f"{DEVFREQ_CLASS}/17000000.gp10b"
        assert write(machine, f"{gpu}/min_freq", "624750000") == 0
        assert write(machine, f"{gpu}/max_freq", "522750000") == errno.EINVAL
        assert write(machine, f"{gpu}/max_freq", "1") == errno.EINVAL
        assert write(machine, f"{gpu}/max_freq", "726750000") == 0
        assert write(machine, f"{gpu}/min_freq", "854250000") == errno.EINVAL
        assert write(machine, f"{gpu}/min_freq", "5") == 0
        assert read(machine, f"{gpu}/min_freq") == "114750000"
        assert write(machine, f"{gpu}/max_freq", "99999999999") == 0
        assert read(machine, f"{gpu}/max_freq") == "1300500000"
        assert write(machine, f"{gpu}/max_freq", "0") == 0
        assert read(machine, f"{gpu}/max_freq") == "0"
        assert write(machine, f"{gpu}/governor", "bogus") == errno.ENODEV


class TestLimitsThatAreRequests:
    @pytest.mark.parametrize("generation", WITH_REQUESTS)
    def test_a_request_stays_and_takes_effect_when_the_other_gives_way(self, generation: Generation) -> None:
        machine = reference(generation)
        assert write(machine, f"{POLICY}/scaling_max_freq", "960000") == 0
        assert write(machine, f"{POLICY}/scaling_min_freq", "1497600") == 0
        assert limits(machine) == ("960000", "960000")
        assert write(machine, f"{POLICY}/scaling_max_freq", "1728000") == 0
        assert limits(machine) == ("1497600", "1728000")

    def test_between_clocks_5_10_shows_what_was_written_and_later_kernels_what_holds(self) -> None:
        shown = {}
        for generation in WITH_REQUESTS:
            machine = reference(generation)
            write(machine, f"{POLICY}/scaling_max_freq", "1000000")
            write(machine, f"{POLICY}/scaling_min_freq", "700000")
            shown[generation] = limits(machine)
        assert shown.pop(Generation.K5_10) == ("700000", "1000000")
        assert set(shown.values()) == {("729600", "960000")}

    def test_negative_requests_were_taken_before_they_were_checked(self) -> None:
        assert write(reference(Generation.K5_10), f"{POLICY}/scaling_max_freq", "2147483648") == 0
        assert write(reference(Generation.K6_1), f"{POLICY}/scaling_max_freq", "2147483648") == errno.EINVAL

    @pytest.mark.parametrize("generation", WITH_REQUESTS)
    def test_a_cap_hides_what_is_written_meanwhile(self, generation: Generation) -> None:
        machine = reference(generation)
        machine.cpu_frequency.cap("thermal", 806_400)
        assert write(machine, f"{POLICY}/scaling_max_freq", "1497600") == 0
        assert limits(machine)[1] == "806400"
        machine.cpu_frequency.cap("thermal", None)
        assert limits(machine)[1] == "1497600"

    @given(
        generation=st.sampled_from(WITH_REQUESTS),
        writes=st.lists(st.tuples(st.booleans(), st.integers(0, 2**31 - 1)), max_size=6),
        cap=st.none() | st.sampled_from(ORIN_NANO_SUPER.cpu_khz),
    )
    def test_whatever_is_written_something_is_left(
        self, generation: Generation, writes: list[tuple[bool, int]], cap: int | None
    ) -> None:
        known = FrequencyLimits(generation, Range(BOTTOM, TOP, ORIN_NANO_SUPER.cpu_khz))
        for upper, khz in writes:
            (known.store_highest if upper else known.store_lowest)(str(khz))
        known.cap("thermal", cap)
        assert BOTTOM <= known.lowest_khz <= known.highest_khz <= TOP
        if generation >= Generation.K5_15:
            assert {known.lowest_khz, known.highest_khz} <= set(ORIN_NANO_SUPER.cpu_khz)
        if generation >= Generation.K6_12 and cap is not None:
            assert known.highest_khz <= cap


class TestPolicy:
    def test_texts_and_modes_are_the_kernels(self) -> None:
        tree = reference(Generation.K6_12).tree
        frequencies = tree.attribute(f"{POLICY}/scaling_available_frequencies")
        assert frequencies.read() == "".join(f"{khz} " for khz in ORIN_NANO_SUPER.cpu_khz) + "\n"
        assert tree.attribute(f"{POLICY}/scaling_available_governors").read().endswith("schedutil \n")
        assert tree.attribute(f"{GPU}/available_frequencies").read().endswith("1020000000\n")
        assert tree.attribute(f"{POLICY}/cpuinfo_cur_freq").mode == 0o400
        assert tree.attribute(f"{POLICY}/scaling_setspeed").mode == 0o644
        assert tree.attribute(f"{POLICY}/scaling_driver").mode == 0o444
        assert tree.resolve(f"{CPU_FOLDER}/cpu1/cpufreq") == POLICY

    def test_a_policy_without_a_running_cpu_is_busy_and_keeps_its_settings(self) -> None:
        machine = tx2()
        policy = f"{CPU_FOLDER}/cpufreq/policy1"
        write(machine, f"{policy}/scaling_governor", "performance")
        write(machine, f"{policy}/scaling_max_freq", "960000")
        for cpu in (1, 2):
            assert write(machine, f"{CPU_FOLDER}/cpu{cpu}/online", "0") == 0
        assert write(machine, f"{policy}/scaling_max_freq", "806400") == errno.EBUSY
        assert errno_of(lambda: read(machine, f"{policy}/scaling_max_freq")) == errno.EBUSY
        assert write(machine, f"{CPU_FOLDER}/cpu2/online", "1") == 0
        assert read(machine, f"{policy}/affected_cpus") == "2"
        assert read(machine, f"{policy}/scaling_governor") == "performance"
        assert read(machine, f"{policy}/scaling_max_freq") == "960000"

    def test_the_clock_follows_governor_load_and_limits(self) -> None:
        machine = reference(Generation.K6_12)
        [policy] = machine.cpu_frequency.policies
        assert policy.current_khz() == BOTTOM
        policy.load = lambda: 0.5
        assert policy.current_khz() == 1_113_600
        write(machine, f"{POLICY}/scaling_max_freq", "960000")
        assert policy.current_khz() == 960_000
        write(machine, f"{POLICY}/scaling_governor", "powersave")
        assert policy.current_khz() == BOTTOM


class TestGpuClock:
    @pytest.mark.parametrize("generation", list(Generation))
    def test_between_two_clocks_the_one_above_is_delivered(self, generation: Generation) -> None:
        machine = reference(generation)
        assert write(machine, f"{GPU}/max_freq", "700000000") == 0
        assert write(machine, f"{GPU}/min_freq", "700000000") == 0
        assert read(machine, f"{GPU}/cur_freq") == "714000000"

    def test_a_lowest_clock_that_was_hidden_comes_back(self) -> None:
        machine = reference(Generation.K6_1)
        for file, text in (("max_freq", "700000000"), ("min_freq", "900000000"), ("max_freq", "1020000000")):
            assert write(machine, f"{GPU}/{file}", text) == 0
        assert gpu_limits(machine) == (900_000_000, 1_020_000_000)
        assert read(machine, f"{GPU}/cur_freq") == "918000000"

    @given(
        generation=st.sampled_from(list(Generation)),
        writes=st.lists(st.tuples(st.booleans(), st.integers(0, 2**64 - 1)), max_size=6),
        load=st.floats(0.0, 1.0),
    )
    def test_what_is_delivered_exists(
        self, generation: Generation, writes: list[tuple[bool, int]], load: float
    ) -> None:
        gpu = Devfreq(Tree(), generation, "/sys/devices/gpu", ORIN_NANO_SUPER.gpu_hz, ("simple_ondemand",))
        gpu.load = lambda: load
        for upper, hz in writes:
            file = gpu.folder.tree.attribute(f"{gpu.folder.path}/{'max' if upper else 'min'}_freq")
            errno_of(functools.partial(file.write, str(hz)))
        lowest, highest = gpu.limits_hz()
        assert gpu.current_hz() in ORIN_NANO_SUPER.gpu_hz
        assert lowest <= highest or highest == 0

    def test_its_own_folder_comes_with_the_governor_userspace(self) -> None:
        machine = tx2()
        folder = f"{DEVFREQ_CLASS}/17000000.gp10b"
        assert not machine.files().exists(f"{folder}/userspace/set_freq")
        assert write(machine, f"{folder}/governor", "userspace\n") == 0
        assert read(machine, f"{folder}/userspace/set_freq") == "undefined"
        assert write(machine, f"{folder}/userspace/set_freq", "500000000") == 0
        assert read(machine, f"{folder}/cur_freq") == "522750000"
        assert write(machine, f"{folder}/governor", "nvhost_podgov") == 0
        assert not machine.files().exists(f"{folder}/userspace")
