"""Emulated kernel files as real files: through system calls, from other processes, at the real paths."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from knobs.sysfs import KernelFiles
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.machines.jetson import Jetson, agx_orin
from tests.emulated.sysfs.machines.processors import ryzen
from tests.emulated.sysfs.machines.reference import reference
from tests.emulated.sysfs.mount import CONTROL_GROUPS, mounted, obstacle
from tests.emulated.sysfs.namespace import Covered, covered
from tests.emulated.sysfs.script import EVERYTHING, POLICY, differences, run_script
from tests.emulated.sysfs.tree import Attribute, Folder, Tree
from tests.house.checkout import ROOT

REASON = obstacle()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"kernel files cannot be mounted: {REASON}")

NOBODY = 65534
GPU = "/sys/class/devfreq/17000000.gpu"


def open_error(path: Path, flags: int) -> int:
    """Returns the error of opening a file, 0 if it opens."""
    try:
        os.close(os.open(path, flags))
    except OSError as error:
        return error.errno or 0
    return 0


def read_error(path: Path) -> int:
    """Returns the error of reading a file that opens, 0 if it can be read."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.read(descriptor, 4096)
    except OSError as error:
        return error.errno or 0
    finally:
        os.close(descriptor)
    return 0


def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.01)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def orin() -> Jetson:
    return agx_orin()


@pytest.fixture(scope="module")
def root(orin: Jetson) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        with mounted(orin.tree, Path(place)) as folder:
            yield folder


@pytest.fixture
def policy(root: Path) -> Path:
    return root / POLICY.lstrip("/")


class TestSystemCalls:
    @pytest.mark.parametrize("generation", [Generation.K6_1, Generation.K6_12])
    def test_the_script_that_ran_on_real_kernels_gives_the_same_answers(
        self, generation: Generation, tmp_path: Path
    ) -> None:
        with mounted(reference(generation).tree, tmp_path) as folder:
            assert differences(run_script(KernelFiles(folder), EVERYTHING), generation) == []

    def test_the_error_of_a_store_is_that_of_write(self, policy: Path) -> None:
        descriptor = os.open(policy / "scaling_max_freq", os.O_WRONLY)
        try:
            with pytest.raises(OSError, match="Invalid argument"):
                os.write(descriptor, b"abc")
            assert os.write(descriptor, b"960000\n") == 7
            assert os.write(descriptor, b"2201600\n") == 8
        finally:
            os.close(descriptor)
        assert (policy / "scaling_max_freq").read_text() == "2201600\n"

    def test_modes_bind_root_when_a_file_is_opened(self, policy: Path) -> None:
        assert open_error(policy / "scaling_driver", os.O_WRONLY) == errno.EACCES
        assert open_error(policy / "scaling_driver", os.O_RDWR) == errno.EACCES
        assert open_error(policy / "scaling_driver", os.O_RDONLY) == 0
        assert open_error(policy / "no_such_file", os.O_RDONLY) == errno.ENOENT
        assert open_error(policy / "no_such_file", os.O_WRONLY | os.O_CREAT) == errno.EACCES

    def test_others_read_only_what_is_for_all(self, root: Path, policy: Path) -> None:
        script = (
            f"cat {policy}/scaling_driver; cat {policy}/cpuinfo_cur_freq; echo 1 > {policy}/scaling_max_freq; "
            f"ls {root}/sys/kernel/debug"
        )
        ended = subprocess.run(["sh", "-c", script], user=NOBODY, capture_output=True, text=True, check=False)
        assert ended.stdout == "tegra194\n"
        assert ended.stderr.count("Permission denied") == 3

    def test_files_are_a_page_long_and_links_lead_where_they_do(self, root: Path, policy: Path) -> None:
        assert (policy / "scaling_driver").stat().st_size == 4096
        assert (policy / "cpuinfo_cur_freq").stat().st_mode & 0o777 == 0o400
        assert (root / "sys/devices/system/cpu/cpu1/cpufreq").resolve() == policy
        assert (root / GPU.lstrip("/")).readlink().as_posix().startswith("../../devices/")
        assert (root / "proc/device-tree/model").read_bytes().endswith(b"Developer Kit\0")
        assert "scaling_governor" in names(policy)

    def test_a_shell_can_write(self, policy: Path) -> None:
        ended = subprocess.run(
            ["bash", "-c", f"echo 960000 > {policy}/scaling_max_freq && cat {policy}/scaling_max_freq"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert ended.stdout == "960000\n"

    def test_errors_of_shows_are_those_of_read(self, orin: Jetson, root: Path) -> None:
        assert read_error(root / orin.zones["cv0-thermal"].path.lstrip("/") / "temp") == errno.EAGAIN
        with orin.failing(f"{GPU}/cur_freq", errno.ENODATA):
            assert read_error(root / GPU.lstrip("/") / "cur_freq") == errno.ENODATA
        assert read_error(root / GPU.lstrip("/") / "cur_freq") == 0

    def test_one_open_file_shows_one_content_and_can_be_read_anew(self, tmp_path: Path) -> None:
        tree, shown = Tree(), iter(range(100))
        Folder(tree, "/sys").add("count", lambda: f"{next(shown):010d}")
        with mounted(tree, tmp_path) as folder:
            descriptor = os.open(folder / "sys/count", os.O_RDONLY)
            try:
                assert os.read(descriptor, 5) + os.read(descriptor, 50) == b"0000000000\n"
                assert os.read(descriptor, 50) == b""
                assert os.pread(descriptor, 50, 0) == b"0000000001\n"
            finally:
                os.close(descriptor)


class TestChanges:
    def test_what_is_unplugged_is_gone_also_for_those_who_hold_it_open(self, tmp_path: Path) -> None:
        jetson = agx_orin()
        with mounted(jetson.tree, tmp_path) as folder:
            path = folder / GPU.lstrip("/") / "max_freq"
            descriptor = os.open(path, os.O_RDWR)
            try:
                assert os.read(descriptor, 64) == b"1300500000\n"
                jetson.gpu.disappear()
                with pytest.raises(OSError, match="No such device"):
                    os.pread(descriptor, 64, 0)
                with pytest.raises(OSError, match="No such device"):
                    os.write(descriptor, b"306000000")
            finally:
                os.close(descriptor)
            assert open_error(path, os.O_RDONLY) == errno.ENOENT
            assert names(folder / "sys/class/devfreq") == []
            jetson.gpu.appear()
            assert path.read_text() == "1300500000\n"

    def test_many_read_and_write_while_things_come_and_go(self, tmp_path: Path) -> None:
        jetson = agx_orin()
        clocks = [str(hz) for hz in jetson.board.gpu_hz]
        with mounted(jetson.tree, tmp_path) as folder:
            path = folder / GPU.lstrip("/") / "max_freq"

            def hammer(worker: int) -> int:
                for turn in range(40):
                    if worker == 0:
                        path.write_text(clocks[turn % len(clocks)])
                    elif worker == 1:
                        Folder(jetson.tree, f"/sys/class/net/eth{turn}").add("mtu", 1500)
                        jetson.tree.remove(f"/sys/class/net/eth{turn}")
                    else:
                        assert path.read_text().strip() in clocks
                return worker

            with ThreadPoolExecutor(6) as workers:
                assert sorted(workers.map(hammer, range(6))) == list(range(6))

    def test_stores_come_one_after_another_also_those_of_different_files(self, tmp_path: Path) -> None:
        inside, worst = 0, 0

        def store(_: str) -> None:
            nonlocal inside, worst
            inside += 1
            worst = max(worst, inside)
            time.sleep(0.005)
            inside -= 1

        tree = Tree()
        for number in range(4):
            tree.add(f"/sys/slow{number}", Attribute(show=lambda: "\n", store=store))
        with mounted(tree, tmp_path) as folder, ThreadPoolExecutor(4) as workers:
            list(workers.map(lambda number: (folder / f"sys/slow{number}").write_text("1"), range(4)))
        assert worst == 1


class TestEnds:
    def test_nothing_is_left_and_signals_are_as_before(self, tmp_path: Path) -> None:
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), threading.active_count()
        with mounted(ryzen().tree, tmp_path):
            assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before[:2]
        assert not tmp_path.is_mount()
        assert threading.active_count() == before[2]

    def test_a_mount_ends_with_its_process_even_if_that_is_killed(self, tmp_path: Path) -> None:
        program = (
            "import sys, time; from pathlib import Path; from tests.emulated.sysfs.mount import mounted; "
            "from tests.emulated.sysfs.machines.processors import ryzen\n"
            "with mounted(ryzen().tree, Path(sys.argv[1])):\n    print('ready', flush=True); time.sleep(60)"
        )
        process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert tmp_path.is_mount()
        process.kill()
        process.communicate()
        try:
            until(lambda: str(tmp_path) not in Path("/proc/mounts").read_text())
        finally:
            subprocess.run(["umount", "--lazy", str(tmp_path)], check=False, capture_output=True)
        assert names(tmp_path) == []


@pytest.fixture(scope="module")
def real(orin: Jetson) -> Iterator[Covered]:
    with covered(orin.tree) as found:
        yield found


@pytest.fixture
def run(real: Covered) -> Callable[[str], str]:
    def run(script: str) -> str:
        command = real.command("bash", "-euc", script)
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT).stdout

    return run


class TestRealPaths:
    def test_a_program_meets_the_machine_at_the_real_paths(self, orin: Jetson, run: Callable[[str], str]) -> None:
        outside = names(Path("/sys/devices/system/cpu")), Path("/proc/mounts").read_text()
        assert run(f"echo 960000 > {POLICY}/scaling_max_freq; cat {POLICY}/scaling_max_freq") == "960000\n"
        assert orin.cpu_frequency.policies[0].limits.highest_khz == 960_000
        assert run("cat /sys/firmware/devicetree/base/model").startswith("NVIDIA Jetson AGX Orin")
        assert (names(Path("/sys/devices/system/cpu")), Path("/proc/mounts").read_text()) == outside

    def test_files_that_this_machine_lacks_appear_and_others_stay(self, run: Callable[[str], str]) -> None:
        assert run("cat /var/lib/nvpmodel/status") == "pmode:0000 fmode:quiet\n"
        assert run("head -1 /etc/nvpmodel.conf") == "< PARAM TYPE=FILE NAME=CPU_ONLINE >\n"
        assert run("cat /etc/hostname") == Path("/etc/hostname").read_text()
        assert not os.path.lexists("/etc/nvpmodel.conf")
        assert not os.path.lexists("/var/lib/nvpmodel")

    def test_a_command_that_runs_again_covers_everything_again(self, real: Covered) -> None:
        command = real.command("cat", "/var/lib/nvpmodel/status")
        for _ in range(2):
            assert subprocess.run(command, capture_output=True, check=True).stdout == b"pmode:0000 fmode:quiet\n"
        assert not os.path.lexists("/var/lib/nvpmodel")

    def test_a_file_in_a_folder_behind_another_one_leaves_the_real_folder_alone(self, tmp_path: Path) -> None:
        (tmp_path / "outer" / "inner").mkdir(parents=True)
        tree = Tree()
        for path in (tmp_path / "outer" / "new", tmp_path / "outer" / "inner" / "new"):
            tree.add(str(path), Attribute(show=lambda: "emulated"))
        with covered(tree) as machine:
            shown = subprocess.run(machine.command("cat", str(path)), capture_output=True, check=True).stdout
        assert shown == b"emulated"
        assert names(tmp_path / "outer") == ["inner"]
        assert names(tmp_path / "outer" / "inner") == []

    def test_control_groups_stay_real(self, run: Callable[[str], str]) -> None:
        assert run(f"ls {CONTROL_GROUPS}").split() == names(Path(CONTROL_GROUPS))

    def test_a_program_of_ours_finds_the_machine_without_being_told(self, run: Callable[[str], str]) -> None:
        program = "from knobs.inventory import discover; print(*discover().knobs)"
        assert {"gpu.core.max_mhz", "memory.max_mhz"} <= set(run(f"{sys.executable} -c '{program}'").split())


def test_the_obstacle_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert obstacle() == "only root may mount file systems for all users"
