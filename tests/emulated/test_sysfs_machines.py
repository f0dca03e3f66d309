"""The emulated machines: what their boards show, and that one physics stands behind all of it."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.catalogue import device_model
from simulation.realtime import RealTimeDevice
from tests.emulated.sysfs.asking import errno_of, read, write
from tests.emulated.sysfs.kernel.bpmp import BPMP_FOLDER
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.ina3221 import BUS_STEP_MV, SHUNT_STEP_UV, Ina3221, Rail
from tests.emulated.sysfs.kernel.nvpmodel import CONFIGURATION_PATH, STATUS_PATH
from tests.emulated.sysfs.kernel.powercap import POWERCAP_CLASS
from tests.emulated.sysfs.kernel.thermal import THERMAL_CLASS
from tests.emulated.sysfs.machines.jetson import Jetson, agx_orin, agx_xavier, orin_nano, tx2
from tests.emulated.sysfs.machines.processors import ryzen, virtual_machine, xeon
from tests.emulated.sysfs.tree import Attribute, Tree

EMC = f"{BPMP_FOLDER}/clk/emc"
POLICY8 = "/sys/devices/system/cpu/cpufreq/policy8"
ORIN_GPU = "/sys/class/devfreq/17000000.gpu"
CLASSIFIER = "efficientnet-b0"


class Time:
    """A clock that stands still until somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def device(time: Time) -> RealTimeDevice:
    return RealTimeDevice(device_model("virtual:agx-orin"), clock=time.clock, sleep=time.sleep)


@pytest.fixture
def orin(device: RealTimeDevice, time: Time) -> Jetson:
    return agx_orin(device, clock=time.clock)


class TestLayouts:
    @pytest.mark.parametrize(
        ("jetson", "gpu", "cap", "model"),
        [
            (tx2(), "17000000.gp10b", "/sys/kernel/nvpmodel_emc_cap/emc_iso_cap", "NVIDIA Jetson TX2"),
            (agx_xavier(), "17000000.gv11b", "/sys/kernel/nvpmodel_emc_cap/emc_iso_cap", "Jetson-AGX"),
            (agx_orin(generation=Generation.K5_10), "17000000.ga10b", "/sys/kernel/nvpmodel_emc_cap/emc_iso_cap", ""),
            (agx_orin(), "17000000.gpu", "/sys/kernel/nvpmodel_clk_cap/emc", "NVIDIA Jetson AGX Orin"),
            (orin_nano(super_mode=True), "17000000.gpu", "/sys/kernel/nvpmodel_clk_cap/emc", "NVIDIA Jetson Orin Nano"),
        ],
    )
    def test_each_release_has_its_files_elsewhere(self, jetson: Jetson, gpu: str, cap: str, model: str) -> None:
        files = jetson.files()
        assert files.listdir("/sys/class/devfreq") == [gpu]
        assert files.exists(f"/sys/class/devfreq/{gpu}/device/of_node/compatible")
        assert jetson.tree.attribute("/proc/device-tree/model").read().startswith(model)
        assert jetson.tree.attribute("/proc/device-tree/model").read().endswith("\0")
        assert files.read_text(cap) == "0"
        assert files.read_text(f"{BPMP_FOLDER}/emc/possible_rates").endswith(" (kHz)")

    def test_debugfs_and_energy_counters_are_for_root(self) -> None:
        assert agx_orin().files().exists(EMC)
        assert not agx_orin().files(is_root=False).exists(EMC)
        zone = f"{POWERCAP_CLASS}/intel-rapl:0/energy_uj"
        assert not ryzen().files(is_root=False).readable(zone)
        assert ryzen(generation=Generation.K4_9).files(is_root=False).readable(zone)

    def test_a_gpu_that_was_never_powered_appears_with_power(self) -> None:
        jetson = agx_orin(generation=Generation.K5_10)
        jetson.gpu.disappear()
        assert not jetson.files().glob("/sys/class/devfreq/*")
        assert write(jetson, "/sys/devices/gpu.0/railgate_enable", "0") == 0
        assert jetson.files().glob("/sys/class/devfreq/*/max_freq")

    def test_a_virtual_machine_has_an_empty_folder_where_clocks_would_be(self) -> None:
        assert virtual_machine().files().listdir("/sys/devices/system/cpu/cpufreq") == []


class TestMemoryClock:
    def test_a_rate_that_is_turned_down_looks_taken(self) -> None:
        jetson = agx_orin()
        assert write(jetson, f"{EMC}/mrq_rate_locked", "1") == 0
        assert write(jetson, f"{EMC}/rate", "665600000") == 0
        for text in ("9999999999", "abc", "-1"):
            assert write(jetson, f"{EMC}/rate", text) == 0
        assert write(jetson, f"{EMC}/max_rate", "5") == 0
        assert (read(jetson, f"{EMC}/rate"), read(jetson, f"{EMC}/max_rate")) == ("665600000", "3199000000")
        assert write(jetson, f"{EMC}/rate", "1600000000") == 0
        assert read(jetson, f"{EMC}/rate") == "2133000000"

    def test_the_oldest_kernel_says_so(self) -> None:
        assert write(tx2(), f"{EMC}/rate", "9999999999") == errno.EINVAL

    def test_without_the_lock_the_firmware_decides_and_the_cap_beats_both(self) -> None:
        jetson = agx_orin()
        write(jetson, f"{EMC}/rate", "204000000")
        assert read(jetson, f"{EMC}/rate") == "3199000000"
        write(jetson, "/sys/kernel/nvpmodel_clk_cap/emc", "2200000000")
        assert read(jetson, f"{EMC}/rate") == "2133000000"
        write(jetson, f"{EMC}/mrq_rate_locked", "1")
        assert read(jetson, f"{EMC}/rate") == "204000000"
        write(jetson, f"{EMC}/rate", "3199000000")
        assert read(jetson, f"{EMC}/rate") == "2133000000"


class TestPowerModes:
    @pytest.mark.parametrize("build", [tx2, agx_xavier, orin_nano, agx_orin])
    def test_every_mode_can_be_switched_to_from_every_other(self, build: type[Jetson]) -> None:
        jetson = build()
        for first in jetson.power_modes.modes:
            for second in jetson.power_modes.modes:
                jetson.power_modes.switch(first)
                jetson.power_modes.switch(second)
                assert read(jetson, STATUS_PATH) == f"pmode:{second:04d} fmode:quiet"
                assert jetson.cpus.online == set(jetson.power_modes.modes[second].cpus_online)

    def test_a_switch_rewrites_what_we_have_set(self) -> None:
        jetson = agx_orin()
        write(jetson, f"{ORIN_GPU}/max_freq", "306000000")
        jetson.power_modes.switch(2)
        assert read(jetson, f"{ORIN_GPU}/max_freq") == "612000000"
        assert errno_of(lambda: read(jetson, f"{POLICY8}/scaling_max_freq")) == errno.EBUSY
        jetson.power_modes.switch(0)
        assert read(jetson, f"{ORIN_GPU}/max_freq") == "1300500000"
        assert read(jetson, f"{POLICY8}/scaling_min_freq") == "729600"

    def test_the_configuration_names_every_mode(self) -> None:
        text = read(agx_orin(), CONFIGURATION_PATH)
        assert "< POWER_MODEL ID=2 NAME=MODE_30W >" in text
        assert "GPU MAX_FREQ 612000000" in text
        assert text.endswith("< PM_CONFIG DEFAULT=0 >")


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


class TestPowerMonitors:
    @given(power_w=st.floats(0.0, 60.0), shunt_uohm=st.sampled_from([2_000, 5_000, 10_000]))
    def test_they_show_whole_steps_near_the_truth(self, power_w: float, shunt_uohm: int) -> None:
        rail = Rail("VDD_IN", 19_003, lambda: power_w, shunt_uohm)
        assert rail.shown_mv() % BUS_STEP_MV == 0
        assert rail.shown_shunt_uv() % SHUNT_STEP_UV == 0
        step_ma = SHUNT_STEP_UV * 1e3 / shunt_uohm
        assert rail.shown_ma() == pytest.approx(power_w / 19.003 * 1e3, abs=step_ma / 2 + 0.5)

    def test_a_conversion_is_held_until_the_next(self, time: Time) -> None:
        drawn_w = [5.0]
        rails = (Rail("A", 5_000, lambda: drawn_w[0]), Rail("B", 5_000, lambda: 0.0), Rail("C", 5_000, lambda: 0.0))
        folder = Ina3221(rails, time.clock).show_as_hwmon(tree := Tree(), "/sys/devices/i2c-1", "1-0040")
        current = tree.attribute(f"{folder}/curr1_input")
        assert current.read() == "1000\n"
        drawn_w[0] = 10.0
        assert current.read() == "1000\n"
        time.sleep(0.007)
        assert current.read() == "2000\n"
        assert tree.attribute(f"{folder}/update_interval").read() == "7\n"

    def test_a_channel_that_is_off_or_has_no_resistor_has_no_value(self) -> None:
        jetson = orin_nano()
        [folder] = jetson.files().glob("/sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon*")
        assert write(jetson, f"{folder}/in2_enable", "0") == 0
        for file in ("in2_input", "curr2_input"):
            assert errno_of(lambda file=file: read(jetson, f"{folder}/{file}")) == errno.ENODATA
        jetson.chips[0].rails[0].shunt_uohm = 0
        assert errno_of(lambda: read(jetson, f"{folder}/curr1_input")) == errno.ENODATA
        assert read(jetson, f"{folder}/in1_input") == "5000"

    def test_the_old_layout_works_out_milliwatts(self) -> None:
        jetson = tx2()
        folder = "/sys/bus/i2c/drivers/ina3221x/0-0041/iio:device1"
        assert read(jetson, f"{folder}/rail_name_0") == "VDD_IN"
        power_mw = int(read(jetson, f"{folder}/in_voltage0_input")) * int(read(jetson, f"{folder}/in_current0_input"))
        assert int(read(jetson, f"{folder}/in_power0_input")) == power_mw // 1000
        assert power_mw / 1e6 == pytest.approx(3.0, abs=0.08)


class TestEnergyCounters:
    def test_they_count_wrap_and_fail(self, time: Time) -> None:
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

    def test_a_slower_clock_takes_longer_and_the_rails_add_up(
        self, orin: Jetson, device: RealTimeDevice, time: Time
    ) -> None:
        latency_s, board_w = {}, {}
        for clock in ("306000000", "1300500000"):
            for file in ("min_freq", "max_freq", "min_freq"):
                write(orin, f"{ORIN_GPU}/{file}", clock)
            latency_s[clock] = device.infer(CLASSIFIER, 16)
            time.sleep(1.0)
            rails = [rail for chip in orin.chips for rail in chip.rails if rail.enabled]
            board_w[clock] = sum(rail.shown_ma() * rail.shown_mv() / 1e6 for rail in rails)
            assert board_w[clock] == pytest.approx(device.observe().power_w, abs=0.5)
        assert latency_s["306000000"] > 1.5 * latency_s["1300500000"]
        assert board_w["306000000"] < board_w["1300500000"]

    def test_a_board_with_a_total_rail_shows_the_whole(self, time: Time) -> None:
        model = device_model("virtual:tx2")
        device = RealTimeDevice(model, clock=time.clock, sleep=time.sleep)
        jetson = tx2(device, clock=time.clock)
        total = jetson.chips[1].rails[0]
        assert total.label == "VDD_IN"
        assert total.power_w() == pytest.approx(device.observe().power_w)
        parts = [rail.power_w() for chip in jetson.chips for rail in chip.rails if rail is not total]
        assert sum(parts) < total.power_w()

    def test_a_processors_counters_count_the_devices_energy(self, device: RealTimeDevice, time: Time) -> None:
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
