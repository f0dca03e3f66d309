"""The emulated machines: what their boards show, and that one physics stands behind all of it."""

from __future__ import annotations

import errno

import pytest

from simulation.catalogue import device_model
from simulation.realtime import RealTimeDevice
from tests.emulated.simulated_time import SimulatedTime
from tests.emulated.sysfs.asking import errno_of, read, write
from tests.emulated.sysfs.kernel.bpmp import BPMP_FOLDER
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.powercap import POWERCAP_CLASS
from tests.emulated.sysfs.kernel.thermal import THERMAL_CLASS
from tests.emulated.sysfs.machines.jetson import Jetson, agx_orin
from tests.emulated.sysfs.machines.processors import ryzen, virtual_machine, xeon
from tests.emulated.sysfs.tree import Attribute

EMC = f"{BPMP_FOLDER}/clk/emc"
POLICY8 = "/sys/devices/system/cpu/cpufreq/policy8"
ORIN_GPU = "/sys/class/devfreq/17000000.gpu"
CLASSIFIER = "efficientnet-b0"


@pytest.fixture
def time() -> SimulatedTime:
    return SimulatedTime()


@pytest.fixture
def device(time: SimulatedTime) -> RealTimeDevice:
    return RealTimeDevice(device_model("virtual:agx-orin"), clock=time.clock, sleep=time.sleep)


@pytest.fixture
def orin(device: RealTimeDevice, time: SimulatedTime) -> Jetson:
    return agx_orin(device, clock=time.clock)


class TestLayouts:
    def test_debugfs_and_energy_counters_are_for_root(self) -> None:
        assert agx_orin().files().exists(EMC)
        assert not agx_orin().files(is_root=False).exists(EMC)
        zone = f"{POWERCAP_CLASS}/intel-rapl:0/energy_uj"
        assert not ryzen().files(is_root=False).readable(zone)
        assert ryzen(generation=Generation.K4_9).files(is_root=False).readable(zone)

    def test_a_virtual_machine_has_an_empty_folder_where_clocks_would_be(self) -> None:
        assert virtual_machine().files().listdir("/sys/devices/system/cpu/cpufreq") == []


class TestThermal:
    def test_a_sleeping_zone_says_try_again(self) -> None:
        jetson = agx_orin()
        zone = jetson.zones["cv0-thermal"]
        assert errno_of(lambda: read(jetson, f"{zone.path}/temp")) == errno.EAGAIN
        zone.asleep = False
        assert read(jetson, f"{zone.path}/temp") == "45000"

    def test_a_cooling_device_takes_clocks_from_the_top(self) -> None:
        jetson = agx_orin()
        for kind, path, capped in (
            ("cpufreq-cpu8", f"{POLICY8}/scaling_max_freq", "2112000"),
            ("devfreq-17000000.gpu", f"{ORIN_GPU}/max_freq", "1122000000"),
        ):
            before = read(jetson, path)
            state = f"{jetson.cooling[kind].path}/cur_state"
            assert write(jetson, state, "2") == 0
            assert read(jetson, path) == capped
            assert write(jetson, state, "0") == 0
            assert read(jetson, path) == before
            assert write(jetson, state, "999") == errno.EINVAL
        assert jetson.files().glob(f"{THERMAL_CLASS}/cooling_device*/type")


class TestEnergyCounters:
    def test_they_count_wrap_and_fail(self, time: SimulatedTime) -> None:
        machine = ryzen()
        zone, path = machine.zones["intel-rapl:0"], f"{POWERCAP_CLASS}/intel-rapl:0/energy_uj"
        zone.energy_j = lambda: 45.0 * time.clock()
        zone.start_uj = zone.range_uj - 1_000_000
        before = int(read(machine, path))
        time.sleep(1.0)
        after = int(read(machine, path))
        assert after < before
        assert (after - before) % zone.range_uj == pytest.approx(45e6, abs=70)
        zone.unreachable = True
        assert errno_of(lambda: read(machine, path)) == errno.EINVAL

    def test_domains_lie_within_each_other(self) -> None:
        machine = xeon()
        names = {place: read(machine, f"{POWERCAP_CLASS}/{place}/name") for place in machine.zones}
        assert sorted(names.values()) == ["dram", "dram", "package-0", "package-0", "package-1", "psys"]
        assert machine.tree.resolve(f"{POWERCAP_CLASS}/intel-rapl:0:0").endswith("/intel-rapl:0/intel-rapl:0:0")
        whole = machine.zones["intel-rapl:2"].energy_j
        parts = [machine.zones[place].energy_j for place in ("intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1")]
        machine.physics.energy_j = lambda: 100.0  # type: ignore[method-assign]
        assert sum(part() for part in parts) < 100.0 < whole()

    def test_locked_limits_swallow_writes(self) -> None:
        machine = xeon()
        path = f"{POWERCAP_CLASS}/intel-rapl:0/constraint_0_power_limit_uw"
        machine.zones["intel-rapl:0"].locked = True
        assert write(machine, path, "60000000") == 0
        assert read(machine, path) == "125000000"


class TestOnePhysics:
    def test_limits_reach_the_device_and_its_clock_comes_back(self, orin: Jetson, device: RealTimeDevice) -> None:
        write(orin, f"{ORIN_GPU}/max_freq", "510000000")
        write(orin, f"{ORIN_GPU}/min_freq", "510000000")
        assert device.observe().core_mhz == 510.0
        assert read(orin, f"{ORIN_GPU}/cur_freq") == "510000000"
        write(orin, "/sys/kernel/nvpmodel_clk_cap/emc", "2133000000")
        assert device.observe().memory_mhz == 2133.0
        for policy in (0, 4, 8):
            write(orin, f"/sys/devices/system/cpu/cpufreq/policy{policy}/scaling_max_freq", "1036800")
        assert device.observe().cpu_mhz == 1036.8

    def test_the_fastest_cpus_count(self, orin: Jetson, device: RealTimeDevice) -> None:
        write(orin, f"{POLICY8}/scaling_max_freq", "1036800")
        assert device.observe().cpu_mhz == 2201.6

    def test_heat_holds_the_clock_down_though_the_limit_stays(self, orin: Jetson, device: RealTimeDevice) -> None:
        write(orin, f"{ORIN_GPU}/min_freq", "1300500000")
        device.hold_down(612.0)
        assert read(orin, f"{ORIN_GPU}/cur_freq") == "612000000"
        assert read(orin, f"{ORIN_GPU}/max_freq") == "1300500000"

    def test_a_slower_clock_takes_longer_and_draws_less(
        self, orin: Jetson, device: RealTimeDevice, time: SimulatedTime
    ) -> None:
        latency_s, board_w = {}, {}
        for clock in ("306000000", "1300500000"):
            for file in ("min_freq", "max_freq", "min_freq"):
                write(orin, f"{ORIN_GPU}/{file}", clock)
            latency_s[clock] = device.infer(CLASSIFIER, 16)
            time.sleep(1.0)
            board_w[clock] = orin.physics.whole_w()
        assert latency_s["306000000"] > 1.5 * latency_s["1300500000"]
        assert board_w["306000000"] < board_w["1300500000"]

    def test_a_processors_counters_count_the_devices_energy(self, device: RealTimeDevice, time: SimulatedTime) -> None:
        machine = ryzen(device)
        path = f"{POWERCAP_CLASS}/intel-rapl:0/energy_uj"
        counted_uj, true_j = int(read(machine, path)), device.observe().energy_j
        time.sleep(2.0)
        assert (int(read(machine, path)) - counted_uj) / 1e6 == pytest.approx(
            device.observe().energy_j - true_j, abs=1e-3
        )


def test_a_file_can_be_made_to_fail_and_is_whole_again() -> None:
    jetson = agx_orin()
    with jetson.failing(f"{ORIN_GPU}/max_freq", errno.EIO, reads=False):
        assert write(jetson, f"{ORIN_GPU}/max_freq", "306000000") == errno.EIO
        assert read(jetson, f"{ORIN_GPU}/max_freq") == "1300500000"
    assert write(jetson, f"{ORIN_GPU}/max_freq", "306000000") == 0
    with jetson.failing(f"{ORIN_GPU}/max_freq", errno.ENODATA):
        assert errno_of(lambda: read(jetson, f"{ORIN_GPU}/max_freq")) == errno.ENODATA


def test_the_content_of_a_machine_is_all_that_can_be_read() -> None:
    content = agx_orin().content()
    assert content["/sys/firmware/devicetree/base/model"].startswith("NVIDIA Jetson AGX Orin")
    assert f"errno {errno.EAGAIN}" in content.values()
    leaves = agx_orin().tree
    assert all(isinstance(leaves.leaf(path), Attribute) for path in content)
