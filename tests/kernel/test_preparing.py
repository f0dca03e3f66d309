"""What is told, and what is kept, where guests cannot be booted or are being prepared; boots nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kernel import guest_files, silicon_module
from tests.kernel.debian import Archive, ArchiveError, _unpack
from tests.kernel.guest_files import GuestFiles, Release, find_guest_files, main, obstacle
from tests.kernel.virtual_machine import Finished, GuestLostError, VirtualMachine

VERSION = "6.1.0-9-amd64"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cache = tmp_path / "cache"
    monkeypatch.setattr(guest_files, "CACHE", cache)
    monkeypatch.setattr(silicon_module, "CACHE", cache)
    return cache


@pytest.fixture
def kernel(cache: Path) -> Path:
    """Returns the folder of a kernel that is complete."""
    folder = cache / Release.STABLE
    for name in ("boot", f"lib/modules/{VERSION}", f"usr/src/linux-headers-{VERSION}", "bin"):
        (folder / name).mkdir(parents=True)
    (folder / "usr/src/linux-headers-6.1.0-9-common").mkdir()
    (folder / "boot" / f"vmlinuz-{VERSION}").touch()
    (folder / "bin" / "busybox").touch()
    (folder / f"usr/src/linux-headers-{VERSION}" / ".kernelvariables").write_text("CC = $(CROSS_COMPILE)gcc-12\n")
    return folder


def test_a_kernel_is_found_with_all_that_belongs_to_it(kernel: Path) -> None:
    files = find_guest_files(Release.STABLE)
    assert files is not None
    assert (files.version, files.compiler) == (VERSION, "gcc-12")
    assert find_guest_files(Release.BACKPORTS) is None


@pytest.mark.parametrize("name", ["bin/busybox", "boot/vmlinuz-6.1.0-9-amd64"])
def test_a_kernel_that_is_not_complete_is_none(kernel: Path, name: str) -> None:
    (kernel / name).unlink()
    assert find_guest_files(Release.STABLE) is None


@pytest.mark.skipif(guest_files.platform.machine() != guest_files.ARCHITECTURE, reason="has another obstacle")
def test_what_is_missing_is_named_with_what_to_do(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    missing = obstacle(Release.STABLE)
    assert missing is not None
    assert missing.startswith("not installed, run as root: apt-get install qemu-system-x86 make gcc-12")
    unfetched = obstacle(Release.BACKPORTS)
    assert unfetched is not None
    assert "run make test-kernel" in unfetched


def test_on_another_architecture_nothing_is_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    monkeypatch.setattr(guest_files.platform, "machine", lambda: "aarch64")
    assert main() == 2
    assert capsys.readouterr().err.count("on x86_64, not on aarch64") == len(Release)
    assert not cache.exists()


@pytest.mark.skipif(guest_files.platform.machine() != guest_files.ARCHITECTURE, reason="nothing is tried")
def test_without_apt_every_kernel_has_its_reason_and_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main() == 2
    told = capsys.readouterr().err
    for release in Release:
        assert f"The {release} kernel cannot be prepared: There is no apt-get here" in told
        assert f"No guest with the {release} kernel:" in told
    assert list(cache.iterdir()) == []


def test_apt_keeps_its_state_in_a_folder_of_its_own_and_its_complaint_is_told(tmp_path: Path) -> None:
    bin_folder, folder = tmp_path / "bin", tmp_path / "apt"
    bin_folder.mkdir()
    complaint = '#!/bin/sh\necho "$@" > "$0.arguments"\necho "E: No packages found" >&2\nexit 100\n'
    (bin_folder / "apt-cache").write_text(complaint)
    (bin_folder / "apt-cache").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ArchiveError, match=r"failed: E: No packages found$"):
        patch.setenv("PATH", f"{bin_folder}:/usr/bin:/bin")
        Archive(folder, ("",)).dependencies("linux-image-amd64")
    arguments = (bin_folder / "apt-cache.arguments").read_text()
    assert f"Dir::State::lists={folder}/lists" in arguments
    assert "Dir::Etc::sourceparts=/dev/null" in arguments


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (f"boot/vmlinuz-{VERSION}", True),
        (f"lib/modules/{VERSION}/kernel/fs/9p/9p.ko", True),
        (f"lib/modules/{VERSION}/kernel/drivers/cpufreq/cpufreq_userspace.ko.xz", True),
        (f"lib/modules/{VERSION}/kernel/drivers/gpu/drm/amd/amdgpu/amdgpu.ko", False),
        (f"boot/System.map-{VERSION}", False),
    ],
)
def test_only_what_boots_a_guest_is_unpacked(path: str, wanted: bool) -> None:
    assert guest_files._boots_a_guest(path) is wanted


class TestSilicon:
    @pytest.fixture
    def files(self, kernel: Path) -> GuestFiles:
        """A kernel whose Makefile does not compile anything, but counts how often it is asked to."""
        files = find_guest_files(Release.STABLE)
        assert files is not None
        (files.common / "Makefile").write_text(
            "modules:\n"
            "\t@echo once >> $(CURDIR)/built\n"
            "\t@test ! -e $(CURDIR)/broken || { echo 'error: no'; exit 1; }\n"
            "\t@echo module > $(M)/silicon.ko\n"
        )
        return files

    def test_it_is_built_once_until_its_sources_change(
        self, files: GuestFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sources = tmp_path / "sources"
        sources.mkdir()
        monkeypatch.setattr(silicon_module, "SOURCES", sources)
        first = silicon_module.build_silicon(files)
        assert silicon_module.build_silicon(files) == first
        (sources / "main.c").write_text("int changed;")
        second = silicon_module.build_silicon(files)
        assert second.read_text() == "module\n"
        assert not first.exists()
        assert (files.headers / "built").read_text() == "once\nonce\n"

    def test_what_the_compiler_says_is_told_and_nothing_is_kept(self, files: GuestFiles) -> None:
        (files.headers / "broken").touch()
        with pytest.raises(silicon_module.BuildError, match=f"does not compile for {VERSION}:\nerror: no"):
            silicon_module.build_silicon(files)
        assert list((guest_files.CACHE / "silicon").iterdir()) == []


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="packages are built and unpacked by dpkg-deb")
def test_a_package_gives_the_files_that_are_wanted(tmp_path: Path) -> None:
    root = tmp_path / "package"
    (root / "DEBIAN").mkdir(parents=True)
    control = "Package: p\nVersion: 1\nArchitecture: all\nMaintainer: m\nDescription: d\n"
    (root / "DEBIAN" / "control").write_text(control)
    for name in ("boot/vmlinuz-1", "usr/share/doc/p"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    subprocess.run(["dpkg-deb", "--build", str(root), str(tmp_path / "p.deb")], check=True, capture_output=True)
    _unpack(tmp_path / "p.deb", tmp_path / "out", lambda path: path.startswith("boot/"))
    assert [str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()] == [
        "boot/vmlinuz-1"
    ]


class ScriptedMachine(VirtualMachine):
    """Boots nothing: each boot ends as the script says."""

    def __init__(self, *consoles: str) -> None:
        self.consoles = list(consoles)

    def _write_initramfs(self, command: str) -> Path:
        return Path(command)

    def _boot(self, initramfs: Path, timeout_s: float) -> Finished:
        console = self.consoles.pop(0)
        if console != "done":
            raise GuestLostError(console)
        return Finished(0, console)


def test_a_guest_that_the_emulator_lost_is_started_once_more() -> None:
    machine = ScriptedMachine("[ 56.1] Oops: int3: 0000 [#1] PREEMPT SMP", "done")
    assert machine.run_python("-c", "pass", timeout_s=1) == Finished(0, "done")
    with pytest.raises(GuestLostError):
        ScriptedMachine("Oops: int3", "Oops: int3", "done").run_python("-c", "pass", timeout_s=1)


def test_a_guest_that_is_lost_by_its_own_fault_is_lost() -> None:
    machine = ScriptedMachine("BUG: unable to handle page fault", "done")
    with pytest.raises(GuestLostError, match="page fault"):
        machine.run_python("-c", "pass", timeout_s=1)
    assert machine.consoles == ["done"]
