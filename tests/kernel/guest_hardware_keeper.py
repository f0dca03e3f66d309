"""A keeper over clocks, cores and memory of the guest: it dies without warning, and every file is as it was before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from knobs.contract import RestoreReport
from knobs.keeper.client import KeeperClient
from knobs.keeper.restore import restore_all
from knobs.sysfs import KernelFiles
from tests.kernel.hardware_keeper import hardware, keeper_folders, start_keeper
from tests.kernel.silicon_control import Silicon, until

CPU = "/sys/devices/system/cpu"
EVERY_FILE = (
    *(f"{CPU}/cpufreq/policy*/scaling_{name}" for name in ("min_freq", "max_freq", "governor")),
    *(f"{CPU}/cpu[0-9]*/online", "/sys/class/devfreq/*/max_freq", "/sys/class/devfreq/*/min_freq"),
    *("/sys/kernel/debug/bpmp/debug/clk/emc/rate", "/sys/kernel/debug/bpmp/debug/clk/emc/mrq_rate_locked"),
    "/sys/kernel/nvpmodel_clk_cap/emc",
)
TRIAL = {
    "cpu.core.max_mhz": 960,
    "cpu.core.min_mhz": 652.8,
    "cpu.governor": "performance",
    "cpu.cores.online": 3,
    "gpu.core.max_mhz": 612,
    "gpu.core.min_mhz": 408,
    "memory.max_mhz": 665.6,
}
"""A value for every knob of the guest, none of them in force before."""


def every_file() -> dict[str, str]:
    files = KernelFiles()
    return {path: files.read_text(path) for pattern in EVERY_FILE for path in files.glob(pattern)}


class Study:
    """A keeper process and its client, with trial values in force."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before = every_file()
        keeper = start_keeper(folder)
        with KeeperClient(folder / "keeper.sock") as client:
            client.acquire_lease()
            self.applied = client.apply(TRIAL)
            self.during = every_file()
            keeper.kill()
            keeper.join()

    def restore(self) -> RestoreReport:
        return restore_all(hardware(), *keeper_folders(self.folder), confirmed=False)


def test_an_owner_finds_every_knob_and_meter_of_the_guest() -> None:
    found = hardware().record()
    assert {knob.id for knob in found.knobs} == TRIAL.keys()
    assert {meter.id for meter in found.meters} >= {"board.power", "board.battery", "cpu.package.rapl"}
    assert "hwmon.ltc2947.board-monitor" in {absence.id for absence in found.absent}
    assert set(found.monitored) == {"cpu", "gpu"}


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    study = Study(tmp_path)
    yield study
    study.restore()


def test_every_file_is_back_at_its_first_value_after_the_keeper_was_killed(study: Study) -> None:
    assert study.applied == TRIAL
    changed = {path for path, text in study.before.items() if study.during.get(path) != text}
    assert len(changed) >= len(TRIAL)
    report = study.restore()
    assert set(report.restored) == TRIAL.keys()
    assert (report.pending, report.failed, report.notes) == ((), (), ())
    assert every_file() == study.before


def test_what_a_thermal_cap_hides_is_pending_until_it_is_cool(study: Study, silicon: Silicon) -> None:
    with silicon.hot("cpu-thermal"), silicon.hot("gpu-thermal"):
        report = study.restore()
        assert set(report.pending) >= {"cpu.core.max_mhz", "gpu.core.max_mhz"}
        assert report.failed == ()
    report = study.restore()
    assert (report.pending, report.failed) == ((), ())
    until(lambda: every_file() == study.before)


def test_the_next_keeper_puts_every_file_back(study: Study) -> None:
    keeper = start_keeper(study.folder)
    assert every_file() == study.before
    keeper.terminate()
    keeper.join()
    assert keeper.exitcode == 0
