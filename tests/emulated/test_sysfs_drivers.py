"""The emulated kernels answer as the real ones do: scaling drivers, CPUs that come and go, numbers."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulated.sysfs.asking import errno_of, limits, read, write
from tests.emulated.sysfs.kernel.cpufreq_drivers import TEGRA194, TEGRA_4_9, table_driven
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.hotplug import CPU_FOLDER, Cpus
from tests.emulated.sysfs.kernel.parsing import boolean, cpu_list, scanned_unsigned, strict_unsigned
from tests.emulated.sysfs.machines.jetson import tx2
from tests.emulated.sysfs.machines.machine import Machine
from tests.emulated.sysfs.machines.processors import acpi_server, ryzen, xeon
from tests.emulated.sysfs.script import POLICY, SECOND_CPU
from tests.emulated.sysfs.tree import Tree


class TestOwnDrivers:
    @pytest.mark.parametrize("machine", [ryzen(), xeon()], ids=["amd-pstate-epp", "intel_pstate"])
    def test_they_offer_two_governors_and_no_table(self, machine: Machine) -> None:
        assert read(machine, f"{POLICY}/scaling_available_governors") == "performance powersave "
        assert write(machine, f"{POLICY}/scaling_governor", "schedutil") == errno.EINVAL
        assert not machine.files().exists(f"{POLICY}/scaling_available_frequencies")
        assert write(machine, f"{POLICY}/scaling_max_freq", "1234567") == 0
        assert limits(machine)[1] == "1234567"

    @pytest.mark.parametrize("build", [ryzen, xeon])
    def test_performance_refuses_other_preferences_and_gives_the_old_one_back(
        self, build: Callable[[], Machine]
    ) -> None:
        machine, path = build(), f"{POLICY}/energy_performance_preference"
        assert write(machine, path, "power") == 0
        assert write(machine, f"{POLICY}/scaling_governor", "performance") == 0
        assert read(machine, path) == "performance"
        assert write(machine, path, "balance_power") == errno.EBUSY
        assert write(machine, path, "performance") == 0
        assert write(machine, f"{POLICY}/scaling_governor", "powersave") == 0
        assert write(machine, path, "balance_power") == 0
        assert read(machine, path) == "balance_power"
        assert write(machine, path, "turbo") == errno.EINVAL

    def test_only_intel_takes_levels(self) -> None:
        path = f"{POLICY}/energy_performance_preference"
        intel, amd = xeon(), ryzen()
        assert (write(intel, path, "37"), read(intel, path)) == (0, "37")
        assert write(intel, path, "256") == errno.EINVAL
        assert write(amd, path, "37") == errno.EINVAL

    def test_no_turbo_lowers_the_limit_and_can_be_forbidden(self) -> None:
        machine = xeon()
        path = f"{CPU_FOLDER}/intel_pstate/no_turbo"
        assert write(machine, path, "1") == 0
        assert limits(machine)[1] == "2400000"
        assert write(machine, path, "0") == 0
        assert limits(machine)[1] == "3500000"
        assert machine.cpu_frequency.boost is not None
        machine.cpu_frequency.boost.forbidden = True
        assert write(machine, path, "1") == errno.EPERM

    def test_boost_of_acpi_is_a_switch_that_no_limit_shows(self) -> None:
        machine = acpi_server()
        boost = f"{CPU_FOLDER}/cpufreq/boost"
        write(machine, f"{POLICY}/scaling_governor", "performance")
        assert machine.cpu_frequency.policies[0].current_khz() == 2_401_000
        assert write(machine, boost, "0") == 0
        assert machine.cpu_frequency.policies[0].current_khz() == 2_400_000
        assert limits(machine)[1] == "2401000"
        assert write(machine, boost, "2") == errno.EINVAL
        assert read(machine, f"{POLICY}/scaling_available_frequencies").startswith("2401000 2400000 ")

    def test_passive_drivers_take_the_generic_governors(self) -> None:
        for machine, name in ((xeon(active=False), "intel_cpufreq"), (ryzen(active=False), "amd-pstate")):
            assert read(machine, f"{POLICY}/scaling_driver") == name
            assert write(machine, f"{POLICY}/scaling_governor", "userspace") == 0
            assert write(machine, f"{POLICY}/scaling_setspeed", "1500000") == 0
            assert read(machine, f"{POLICY}/scaling_setspeed") == "1500000"


class TestHotplug:
    def test_the_last_cpu_stays_and_a_busy_kernel_says_so(self) -> None:
        cpus = Cpus(tree := Tree(), 2, boot_cpu_stays=False)
        cpu0, cpu1 = (tree.attribute(f"{CPU_FOLDER}/cpu{cpu}/online") for cpu in (0, 1))
        cpus.busy = True
        assert errno_of(lambda: cpu1.write("0")) == errno.EBUSY
        cpus.busy = False
        assert errno_of(lambda: cpu1.write("0")) == 0
        assert errno_of(lambda: cpu0.write("0")) == errno.EBUSY
        assert tree.attribute(f"{CPU_FOLDER}/online").read() == "0\n"
        assert tree.attribute(f"{CPU_FOLDER}/offline").read() == "1\n"

    def test_the_boot_cpu_has_no_switch_on_x86(self) -> None:
        assert not xeon().files().exists(f"{CPU_FOLDER}/cpu0/online")
        assert tx2().files().exists(f"{CPU_FOLDER}/cpu0/online")
        assert f"{CPU_FOLDER}/cpu1/online" == SECOND_CPU


class TestParsing:
    @given(st.integers(0, 2**64 - 1))
    def test_both_parsers_read_decimal_numbers(self, number: int) -> None:
        assert scanned_unsigned(f" {number}x") == number
        assert (
            strict_unsigned(f"{number}\n") == strict_unsigned(hex(number)) == strict_unsigned(f"0{number:o}") == number
        )

    @pytest.mark.parametrize("text", ["", "\n", " 1", "1 ", "-1", "1\n\n", "0x", "08", "1.5"])
    def test_the_strict_one_refuses_everything_else(self, text: str) -> None:
        assert errno_of(lambda: strict_unsigned(text)) == errno.EINVAL

    def test_the_strict_one_refuses_what_does_not_fit(self) -> None:
        assert errno_of(lambda: strict_unsigned(str(2**32), 32)) == errno.ERANGE
        assert scanned_unsigned(str(2**32 + 5), 32) == 5

    def test_the_first_letters_of_a_boolean_decide(self) -> None:
        assert [boolean(text) for text in ("1", "yes", "on", "0\n", "No", "off")] == [True] * 3 + [False] * 3
        assert errno_of(lambda: boolean("2")) == errno.EINVAL

    @given(st.sets(st.integers(0, 40)))
    def test_a_list_of_cpus_names_each(self, cpus: set[int]) -> None:
        named: set[int] = set()
        for run in cpu_list(cpus).split(",") if cpus else ():
            low, _, high = run.partition("-")
            named |= set(range(int(low), int(high or low) + 1))
        assert named == cpus


def test_drivers_are_called_what_they_are_called() -> None:
    for driver, name in ((TEGRA194, "tegra194"), (TEGRA_4_9, "tegra_cpufreq")):
        tree = Tree()
        table_driven(tree, Generation.K5_15, Cpus(tree, 1, boot_cpu_stays=True), driver, [((0,), (1, 2))])
        assert tree.attribute(f"{POLICY}/scaling_driver").read() == f"{name}\n"
