"""What the CPUs say about themselves."""

import pytest

from tests.emulated.sysfs.kernel.thermal import CoolingDevice, ThermalZone
from tests.emulated.sysfs.machines.processors import acpi_server, xeon
from tests.emulated.sysfs.tree import Attribute
from tests.unit.knobs.cpufreq.machines import CPU, POLICY, found_on, orin, orin_with_cooling, tx2_with_identified_cores


def monitor_of(machine):
    (monitor,) = found_on(machine).monitors
    return monitor


def test_the_clock_of_a_cluster_is_the_highest_of_its_online_cpus():
    machine = orin()
    machine.cpu_frequency.policies[1].load = lambda: 1.0
    monitor = monitor_of(machine)
    assert monitor.device == "cpu"
    assert monitor.observe().delivered == (("cpu.core.max_mhz", 1510.4),)
    for cpu in (4, 5):
        machine.cpus.set_online(cpu, False)
    assert monitor.observe().delivered == (("cpu.core.max_mhz", 115.2),)


def test_each_cluster_has_its_own_clock():
    assert [knob_id for knob_id, _ in monitor_of(tx2_with_identified_cores()).observe().delivered] == [
        "cpu.cluster0.max_mhz",
        "cpu.cluster1.max_mhz",
    ]


def test_a_clock_that_the_driver_cannot_tell_is_left_out():
    machine = orin()
    for policy in (0, 4):
        machine.tree.add(f"{POLICY}{policy}/scaling_cur_freq", Attribute(show=lambda: "<unknown>\n"))
    assert monitor_of(machine).observe().delivered == ()


@pytest.mark.parametrize("kind", ["core", "package"])
def test_throttling_counts_once(kind):
    machine = xeon()
    counts = dict.fromkeys(range(8), 5)
    for cpu in counts:
        machine.tree.add(
            f"{CPU}/cpu{cpu}/thermal_throttle/{kind}_throttle_count",
            Attribute(show=lambda cpu=cpu: f"{counts[cpu]}\n"),
        )
    monitor = monitor_of(machine)
    assert monitor.observe().obstacles == ()
    counts[3] += 2
    counts[4] += 1
    assert monitor.observe().obstacles == (f"cpu: thermal throttling ({kind})",)
    assert monitor.observe().obstacles == ()


def test_a_count_that_goes_and_comes_back_lower_is_no_throttling():
    machine = xeon()
    path = f"{CPU}/cpu1/thermal_throttle/core_throttle_count"
    machine.tree.add(path, Attribute(show=lambda: "7\n"))
    monitor = monitor_of(machine)
    machine.tree.remove(path)
    assert monitor.observe().obstacles == ()
    machine.tree.add(path, Attribute(show=lambda: "0\n"))
    assert monitor.observe().obstacles == ()


def test_an_active_cooling_device_is_an_obstacle():
    machine, cooling = orin_with_cooling()
    CoolingDevice(machine.tree, "pwm-fan", 3).set(3)
    monitor = monitor_of(machine)
    assert monitor.observe().obstacles == ()
    cooling.set(2)
    assert monitor.observe().obstacles == ("cpu: thermal cap cpufreq-cpu0 is at state 2",)


def test_a_powerclamp_that_is_off_reads_minus_one_and_is_none():
    machine = xeon()
    CoolingDevice(machine.tree, "intel_powerclamp", 50).state = -1
    assert monitor_of(machine).observe().obstacles == ()


def test_what_the_operator_or_the_firmware_holds_down_is_a_remark():
    machine = xeon()
    machine.tree.add(f"{CPU}/intel_pstate/max_perf_pct", Attribute(show=lambda: "60\n"))
    (remark,) = monitor_of(machine).observe().remarks
    assert "max_perf_pct holds the clock at 60 %" in remark
    server = acpi_server()
    server.tree.add(f"{POLICY}2/bios_limit", Attribute(show=lambda: "1600000\n"))
    assert monitor_of(server).observe().remarks == ("cpu: the firmware holds policy2 at 1600 MHz",)


def test_temperatures_of_zones_without_power_are_left_out():
    machine = orin()
    ThermalZone(machine.tree, "cpu-thermal", lambda: 51.25)
    ThermalZone(machine.tree, "cpu-thermal", lambda: 20.0, asleep=True)
    ThermalZone(machine.tree, "x86_pkg_temp", lambda: 40.0)
    ThermalZone(machine.tree, "x86_pkg_temp", lambda: 42.0)
    ThermalZone(machine.tree, "iwlwifi_1", lambda: 38.0)
    assert monitor_of(machine).observe().temperatures_c == (
        ("cpu-thermal", 51.25),
        ("x86_pkg_temp", 40.0),
        ("x86_pkg_temp 3", 42.0),
    )
