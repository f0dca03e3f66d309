"""The emulated Jetsons: what each board and each release shows, what nvpmodel does, and what the rails add up to."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.meters.ina3221 import find_rails, power_sources
from simulation.catalogue import device_model
from simulation.realtime import RealTimeDevice
from tests.emulated.simulated_time import SimulatedTime
from tests.emulated.sysfs.asking import errno_of, read, write
from tests.emulated.sysfs.kernel.bpmp import BPMP_FOLDER, DEBUG_FOLDER
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.hotplug import CPU_FOLDER
from tests.emulated.sysfs.kernel.ina3221 import BUS_STEP_MV, SHUNT_STEP_UV, Ina3221, Rail
from tests.emulated.sysfs.kernel.nvpmodel import CONFIGURATION_PATH, STATUS_PATH
from tests.emulated.sysfs.machines.jetson import (
    Jetson,
    agx_orin,
    agx_xavier,
    nano,
    orin_nano,
    orin_nx,
    tx2,
    xavier_nx,
)
from tests.emulated.sysfs.tree import Tree

EMC = f"{BPMP_FOLDER}/clk/emc"
OVERRIDE = f"{DEBUG_FOLDER}/clk/override.emc"
POLICY8 = "/sys/devices/system/cpu/cpufreq/policy8"
ORIN_GPU = "/sys/class/devfreq/17000000.gpu"
NEWER_CAP = "/sys/kernel/nvpmodel_clk_cap/emc"
OLDER_CAP = "/sys/kernel/nvpmodel_emc_cap/emc_iso_cap"
BOARDS: tuple[Callable[..., Jetson], ...] = (tx2, nano, agx_xavier, xavier_nx, orin_nano, orin_nx, agx_orin)


class TestLayouts:
    @pytest.mark.parametrize(
        ("jetson", "gpu", "cap", "model"),
        [
            (tx2(), "/sys/devices/17000000.gp10b", OLDER_CAP, "NVIDIA Jetson TX2"),
            (nano(), "/sys/devices/57000000.gpu", OLDER_CAP, "NVIDIA Jetson Nano"),
            (agx_xavier(), "/sys/devices/17000000.gv11b", OLDER_CAP, "Jetson-AGX"),
            (xavier_nx(), "/sys/devices/17000000.gv11b", OLDER_CAP, "NVIDIA Jetson Xavier NX"),
            (agx_orin(generation=Generation.K5_10), "/sys/devices/17000000.ga10b", OLDER_CAP, "NVIDIA Jetson AGX Orin"),
            (agx_orin(), "/sys/devices/platform/17000000.gpu", NEWER_CAP, "NVIDIA Jetson AGX Orin"),
            (orin_nano(super_mode=True), "/sys/devices/platform/17000000.gpu", NEWER_CAP, "NVIDIA Jetson Orin Nano"),
            (
                orin_nx(generation=Generation.K6_8),
                "/sys/devices/platform/bus@0/17000000.gpu",
                NEWER_CAP,
                "NVIDIA Jetson Orin NX",
            ),
        ],
    )
    def test_each_release_has_its_files_elsewhere(self, jetson: Jetson, gpu: str, cap: str, model: str) -> None:
        files = jetson.files()
        name = gpu.rpartition("/")[2]
        assert files.listdir("/sys/class/devfreq") == [name]
        assert files.resolve(f"/sys/class/devfreq/{name}") == f"{gpu}/devfreq/{name}"
        assert files.exists(f"/sys/class/devfreq/{name}/device/of_node/compatible")
        assert read(jetson, "/proc/device-tree/model").startswith(model)
        assert read(jetson, "/proc/device-tree/model").endswith("\0")
        assert files.writable(cap)

    def test_a_gpu_that_was_never_powered_appears_with_power(self) -> None:
        jetson = agx_orin(generation=Generation.K5_10)
        jetson.gpu.disappear()
        assert not jetson.files().glob("/sys/class/devfreq/*")
        assert write(jetson, "/sys/devices/gpu.0/railgate_enable", "0") == 0
        assert jetson.files().glob("/sys/class/devfreq/*/max_freq")

    def test_the_make_of_a_core_is_shown_while_it_runs(self) -> None:
        jetson = tx2()
        denver, cortex = (f"{CPU_FOLDER}/cpu{cpu}/regs/identification/midr_el1" for cpu in (1, 3))
        assert (read(jetson, denver), read(jetson, cortex)) == ("0x000000004e0f0030", "0x00000000411fd073")
        jetson.power_modes.switch(1)
        assert not jetson.files().exists(denver)
        jetson.power_modes.switch(0)
        assert read(jetson, denver) == "0x000000004e0f0030"


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
        write(jetson, NEWER_CAP, "2200000000")
        assert read(jetson, f"{EMC}/rate") == "2133000000"
        write(jetson, f"{EMC}/mrq_rate_locked", "1")
        assert read(jetson, f"{EMC}/rate") == "204000000"
        write(jetson, f"{EMC}/rate", "3199000000")
        assert read(jetson, f"{EMC}/rate") == "2133000000"

    def test_a_board_without_firmware_overrides_the_clock_itself(self) -> None:
        jetson = nano()
        assert read(jetson, f"{DEBUG_FOLDER}/clk/emc/clk_possible_rates").endswith(" 1600000 (kHz)")
        write(jetson, f"{OVERRIDE}/clk_update_rate", "408000000")
        assert read(jetson, f"{DEBUG_FOLDER}/clk/emc/clk_rate") == "1600000000"
        write(jetson, f"{OVERRIDE}/clk_state", "1")
        assert read(jetson, f"{DEBUG_FOLDER}/clk/emc/clk_rate") == "408000000"


class TestMemoryCap:
    def test_since_jetpack_6_it_is_always_a_clock_that_exists_and_zero_is_the_lowest(self) -> None:
        jetson = agx_orin()
        for written, shown in (("2200000000", "2133000000"), ("0", "204000000"), (str(2**63 - 1), "3199000000")):
            assert write(jetson, NEWER_CAP, written) == 0
            assert (read(jetson, NEWER_CAP), read(jetson, f"{EMC}/rate")) == (shown, shown)
        assert write(jetson, NEWER_CAP, "665600000 Hz") == errno.EINVAL

    def test_before_it_is_what_was_written_and_zero_is_none(self) -> None:
        jetson = agx_orin(generation=Generation.K5_10)
        for written, rate in (("2200000000", "2133000000"), ("0", "3199000000")):
            assert write(jetson, OLDER_CAP, written) == 0
            assert (read(jetson, OLDER_CAP), read(jetson, f"{EMC}/rate")) == (written, rate)

    @pytest.mark.parametrize("generation", [Generation.K5_10, Generation.K5_15, Generation.K6_8])
    def test_a_mode_without_a_cap_takes_the_cap_of_another_away(self, generation: Generation) -> None:
        jetson = agx_orin(generation=generation)
        for mode, rate in ((1, "2133000000"), (0, "3199000000")):
            jetson.power_modes.switch(mode)
            assert read(jetson, f"{EMC}/rate") == rate


class TestPowerModes:
    @pytest.mark.parametrize("build", BOARDS)
    def test_every_mode_can_be_switched_to_from_every_other(self, build: Callable[..., Jetson]) -> None:
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


class TestPowerMonitors:
    @given(power_w=st.floats(0.0, 60.0), shunt_uohm=st.sampled_from([2_000, 5_000, 10_000]))
    def test_they_show_whole_steps_near_the_truth(self, power_w: float, shunt_uohm: int) -> None:
        rail = Rail("VDD_IN", 19_003, lambda: power_w, shunt_uohm)
        assert rail.shown_mv() % BUS_STEP_MV == 0
        assert rail.shown_shunt_uv() % SHUNT_STEP_UV == 0
        step_ma = SHUNT_STEP_UV * 1e3 / shunt_uohm
        assert rail.shown_ma() == pytest.approx(power_w / 19.003 * 1e3, abs=step_ma / 2 + 0.5)

    def test_a_conversion_is_held_until_the_next(self) -> None:
        time = SimulatedTime()
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

    @pytest.mark.parametrize(("build", "model"), [(tx2, "tx2"), (orin_nano, "agx-orin"), (agx_orin, "agx-orin")])
    def test_the_board_that_our_meter_adds_up_draws_what_the_device_draws(
        self, build: Callable[..., Jetson], model: str
    ) -> None:
        time = SimulatedTime()
        device = RealTimeDevice(device_model(f"virtual:{model}"), clock=time.clock, sleep=time.sleep)
        jetson = build(device, clock=time.clock)
        for _ in range(3):
            device.infer("efficientnet-b0", 16)
            time.sleep(0.01)
            rails = {rail.name: rail for rail in find_rails(jetson.files())}
            board = next(source for source in power_sources(rails) if source.facts.id == "board.power")
            assert board.read() == pytest.approx(device.observe().power_w, abs=board.facts.resolution)
