"""The hardware that is not: it behaves as the kernel's documents say, before anything is tested on it."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.silicon_control import Silicon, until

POLICY = Path("/sys/devices/system/cpu/cpufreq/policy0")
GPU = Path("/sys/class/devfreq/17000000.gpu")
RAPL = Path("/sys/class/powercap")
BATTERY = Path("/sys/class/power_supply/BAT0")
MEMORY = Path("/sys/kernel/debug/bpmp/debug/clk/emc")
HIGHEST_KHZ, LOWEST_KHZ = 1_728_000, 115_200


def number(path: Path) -> int:
    return int(path.read_text())


def hwmon(name: str) -> Path:
    [found] = [path.parent for path in Path("/sys/class/hwmon").glob("hwmon*/name") if path.read_text() == f"{name}\n"]
    return found


def error_of_reading(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.read(descriptor, 4096)
    except OSError as error:
        return error.errno
    finally:
        os.close(descriptor)
    return None


def run_at(khz: int) -> None:
    (POLICY / "scaling_governor").write_text("performance")
    (POLICY / "scaling_max_freq").write_text(str(khz))
    until(lambda: number(POLICY / "scaling_cur_freq") == khz)


@pytest.fixture(autouse=True)
def put_clocks_back() -> Iterator[None]:
    yield
    for policy in POLICY.parent.glob("policy*"):
        (policy / "scaling_governor").write_text("schedutil")
        (policy / "scaling_max_freq").write_text(str(HIGHEST_KHZ))
        (policy / "scaling_min_freq").write_text(str(LOWEST_KHZ))


class TestCpus:
    def test_there_are_two_clusters_of_an_orin_nano(self) -> None:
        policies = sorted(POLICY.parent.glob("policy*"))
        assert [(path / "related_cpus").read_text() for path in policies] == ["0 1\n", "2 3\n"]
        assert (POLICY / "scaling_driver").read_text() == "tegra194\n"
        table = [int(khz) for khz in (POLICY / "scaling_available_frequencies").read_text().split()]
        assert table == [LOWEST_KHZ + 76_800 * step for step in range(22)]

    def test_the_clock_follows_its_limit(self) -> None:
        for khz in (960_000, LOWEST_KHZ, HIGHEST_KHZ):
            run_at(khz)
            assert number(POLICY / "cpuinfo_cur_freq") == khz

    def test_the_energy_counter_moves_at_a_rate_that_depends_on_the_clock(self) -> None:
        def core_watts(khz: int) -> float:
            run_at(khz)
            before_uj, started_s = number(RAPL / "intel-rapl:0:0" / "energy_uj"), time.monotonic()
            time.sleep(0.3)
            return (number(RAPL / "intel-rapl:0:0" / "energy_uj") - before_uj) / 1e6 / (time.monotonic() - started_s)

        (POLICY.parent / "policy2" / "scaling_max_freq").write_text(str(LOWEST_KHZ))
        slow, fast = core_watts(LOWEST_KHZ), core_watts(HIGHEST_KHZ)
        assert 1.9 < fast < 2.6
        assert slow < fast / 5

    def test_a_hot_zone_lowers_the_limit_that_is_read_and_a_cool_one_gives_it_back(self, silicon: Silicon) -> None:
        with silicon.hot("cpu-thermal"):
            until(lambda: number(POLICY / "scaling_max_freq") == 1_420_800)
            (POLICY / "scaling_max_freq").write_text("1651200")
            time.sleep(0.1)
            assert number(POLICY / "scaling_max_freq") == 1_420_800
        until(lambda: number(POLICY / "scaling_max_freq") == 1_651_200)

    def test_another_board_has_other_clocks_and_boost(self, silicon: Silicon) -> None:
        with silicon.board("desktop"):
            assert len(list(POLICY.parent.glob("policy*"))) == 4
            assert (POLICY / "scaling_driver").read_text() == "acpi-cpufreq\n"
            (POLICY.parent / "boost").write_text("1")
            until(lambda: number(POLICY / "cpuinfo_max_freq") == 4_400_000)
        assert (POLICY / "scaling_driver").read_text() == "tegra194\n"
        assert not (POLICY.parent / "boost").exists()


class TestGpu:
    def test_its_clock_follows_its_limit(self) -> None:
        (GPU / "max_freq").write_text("510000000")
        until(lambda: number(GPU / "cur_freq") == 510_000_000)
        (GPU / "max_freq").write_text("1020000000")
        until(lambda: number(GPU / "cur_freq") == 1_020_000_000)

    def test_a_hot_zone_lowers_the_limit_that_is_read(self, silicon: Silicon) -> None:
        with silicon.hot("gpu-thermal"):
            until(lambda: number(GPU / "max_freq") == 612_000_000)
        until(lambda: number(GPU / "max_freq") == 1_020_000_000)

    def test_the_device_tree_tells_whose_clock_it_is(self) -> None:
        assert (GPU / "device" / "of_node" / "compatible").read_bytes() == b"nvidia,ga10b\0"
        assert b"nvidia,tegra234\0" in Path("/sys/firmware/devicetree/base/compatible").read_bytes()


class TestMeters:
    def test_only_root_may_read_the_energy_counters(self) -> None:
        zones = [RAPL / name for name in ("intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1")]
        assert [(zone / "name").read_text() for zone in zones] == ["package-0\n", "core\n", "package-1\n"]
        assert {stat.S_IMODE((zone / "energy_uj").stat().st_mode) for zone in zones} == {0o400}

    def test_a_counter_wraps(self, silicon: Silicon) -> None:
        counter, range_uj = RAPL / "intel-rapl:0" / "energy_uj", number(RAPL / "intel-rapl:0" / "max_energy_range_uj")
        silicon.set("powercap", "wraps_in_uj", 500_000)
        assert range_uj - 500_000 <= number(counter) < range_uj
        until(lambda: number(counter) < 10_000_000)

    def test_a_channel_that_is_off_has_no_value(self) -> None:
        chip = hwmon("ina3221")
        assert Path("/sys/bus/i2c/drivers/ina3221/1-0040/hwmon", chip.name).is_dir()
        assert [(chip / f"in{channel}_label").read_text() for channel in (1, 2, 3)] == [
            *("VDD_IN\n", "VDD_CPU_GPU_CV\n", "VDD_SOC\n")
        ]
        (chip / "in2_enable").write_text("0")
        try:
            assert error_of_reading(chip / "curr2_input") == errno.ENODATA
        finally:
            (chip / "in2_enable").write_text("1")
        assert number(chip / "curr2_input") % 8 == 0

    def test_the_rails_and_the_board_agree(self) -> None:
        chip, board = hwmon("ina3221"), hwmon("ltc2947")
        run_at(HIGHEST_KHZ)
        rail_w = number(chip / "in1_input") * number(chip / "curr1_input") / 1e6
        assert rail_w == pytest.approx(number(board / "power1_input") / 1e6, rel=0.2)
        before_uj = number(board / "energy1_input")
        until(lambda: number(board / "energy1_input") > before_uj)


class TestFaults:
    @pytest.mark.parametrize("number_", [errno.EIO, errno.EAGAIN])
    def test_a_part_answers_with_the_error_that_it_is_told(self, silicon: Silicon, number_: int) -> None:
        paths = {
            "ina3221": hwmon("ina3221") / "curr1_input",
            "hwmon": hwmon("ltc2947") / "power1_input",
            "battery": BATTERY / "voltage_now",
            "bpmp": MEMORY / "rate",
        }
        for part, path in paths.items():
            with silicon.failing(part, number_):
                assert error_of_reading(path) == number_
            assert number(path) >= 0

    def test_the_powercap_core_says_einval_whatever_the_hardware_says(self, silicon: Silicon) -> None:
        with silicon.failing("powercap", errno.EIO):
            assert error_of_reading(RAPL / "intel-rapl:0" / "energy_uj") == errno.EINVAL

    @pytest.mark.parametrize(
        ("part", "path"),
        [
            ("battery", BATTERY),
            ("powercap", RAPL / "intel-rapl:0"),
            ("devfreq", GPU),
            ("cpufreq", POLICY),
            ("bpmp", MEMORY),
        ],
    )
    def test_a_part_can_be_unplugged_and_comes_back(self, silicon: Silicon, part: str, path: Path) -> None:
        with silicon.without(part):
            assert not path.exists()
        assert path.exists()

    def test_a_memory_clock_that_is_rejected_is_rejected_in_silence(self) -> None:
        before = (MEMORY / "rate").read_text()
        for text in ("9999999999", "abc", "-1"):
            (MEMORY / "rate").write_text(text)
        assert (MEMORY / "rate").read_text() == before
        (MEMORY / "rate").write_text("1600000000")
        assert number(MEMORY / "rate") == 2_133_000_000
