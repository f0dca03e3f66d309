"""What a guest boots from: Debian's kernels with some of their modules and headers, and a static busybox.

They are unpacked into a cache folder, one for each kernel. ``make test-kernel`` calls :func:`main`.
"""

from __future__ import annotations

import ctypes.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from tests.kernel.debian import Archive, ArchiveError

ARCHITECTURE = "x86_64"
QEMU = "qemu-system-x86_64"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wattune-tests" / "kernels"

_MODULE_FOLDERS = ("drivers/virtio", "drivers/cpufreq", "drivers/devfreq", "fs/9p", "fs/fscache", "fs/netfs", "net/9p")


class Release(StrEnum):
    """Which of Debian's kernels."""

    STABLE = "stable"
    """The kernel of the Debian release that this machine runs."""
    BACKPORTS = "backports"
    """A newer one, from the backports of that release."""


SUITES = {Release.STABLE: ("", "-security", "-updates"), Release.BACKPORTS: ("-backports",)}


@dataclass(frozen=True)
class GuestFiles:
    """What a guest boots from.

    Attributes:
        version: The kernel's version, as ``uname -r`` says it.
        kernel: The kernel's image.
        modules: The folder of its modules, with folders inside.
        headers: The folder in which modules for this kernel are built.
        common: The folder of the sources that its headers share with its siblings'.
        busybox: A busybox without shared libraries.
    """

    version: str
    kernel: Path
    modules: Path
    headers: Path
    common: Path
    busybox: Path

    @property
    def compiler(self) -> str:
        """The compiler with which the kernel was built, which its modules need as well."""
        found = re.search(r"gcc-\d+", (self.headers / ".kernelvariables").read_text())
        return found.group() if found else "gcc"


def find_guest_files(release: Release) -> GuestFiles | None:
    """Returns what was unpacked into the cache; None if it is not complete."""
    folder = CACHE / release
    for kernel in sorted(folder.glob("boot/vmlinuz-*"), reverse=True):
        version = kernel.name.removeprefix("vmlinuz-")
        modules = next(folder.glob(f"**/lib/modules/{version}"), None)
        headers = folder / "usr" / "src" / f"linux-headers-{version}"
        common = next(folder.glob(f"usr/src/linux-headers-{version.rpartition('-')[0]}-common"), None)
        busybox = next(folder.glob("**/bin/busybox"), None)
        if modules and headers.is_dir() and common and busybox:
            return GuestFiles(version, kernel, modules, headers, common, busybox)
    return None


def obstacle(release: Release) -> str | None:
    """Returns why no guest with this kernel can be booted here; None if one can."""
    if platform.machine() != ARCHITECTURE:
        return f"the guest runs this machine's programs on {ARCHITECTURE}, not on {platform.machine()}"
    files = find_guest_files(release)
    if files is None:
        return f"there is no {release} kernel in {CACHE}: run make test-kernel (needs apt-get)"
    missing = _missing_packages(files)
    return f"not installed, run as root: apt-get install {' '.join(missing)}" if missing else None


def main() -> int:
    """Fetches the kernels that are missing and installs what booting and building need; tells what it cannot.

    Returns:
        0 if a guest can be booted with at least one kernel, 2 if with none.
    """
    if platform.machine() == ARCHITECTURE:
        for release in Release:
            try:
                _prepare(release)
            except (OSError, ArchiveError, subprocess.CalledProcessError) as error:
                print(f"The {release} kernel cannot be prepared: {error}", file=sys.stderr)
    obstacles = {release: obstacle(release) for release in Release}
    for release, reason in obstacles.items():
        if reason is not None:
            print(f"No guest with the {release} kernel: {reason}.", file=sys.stderr)
    return 0 if None in obstacles.values() else 2


def _prepare(release: Release) -> None:
    files = find_guest_files(release)
    if files is None:
        _fetch(release)
        files = find_guest_files(release)
    missing = _missing_packages(files) if files is not None else []
    if missing and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "--quiet"], check=True)
        subprocess.run(["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing], check=True)


def _missing_packages(files: GuestFiles) -> list[str]:
    """Returns the packages to install: they boot guests, compile modules, and run the kernel's own build tools."""
    programs = {QEMU: "qemu-system-x86", "make": "make", files.compiler: files.compiler}
    missing = [package for program, package in programs.items() if shutil.which(program) is None]
    return missing if ctypes.util.find_library("elf") else [*missing, "libelf1"]


def _fetch(release: Release) -> None:
    """Fills the folder of a kernel in one step, so that an interrupted download leaves nothing half done."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        unpacked = Path(scratch, "unpacked")
        _unpack_kernel(Archive(Path(scratch, "apt"), SUITES[release]), unpacked)
        tools = Archive(Path(scratch, "apt-tools"), SUITES[Release.STABLE])
        tools.update()
        tools.unpack("busybox-static", unpacked, lambda path: path.endswith("bin/busybox"))
        shutil.rmtree(CACHE / release, ignore_errors=True)
        unpacked.rename(CACHE / release)


def _unpack_kernel(archive: Archive, folder: Path) -> None:
    """Unpacks the newest kernel: the one that Debian's ``linux-image-amd64`` stands for."""
    archive.update()
    image = next(name for name in archive.dependencies("linux-image-amd64") if name.startswith("linux-image-"))
    headers = image.replace("linux-image-", "linux-headers-")
    archive.unpack(image, folder, _boots_a_guest)
    for package in (headers, *archive.dependencies(headers)):
        if package.startswith(("linux-headers-", "linux-kbuild-")):
            archive.unpack(package, folder, _builds_a_module)


def _boots_a_guest(path: str) -> bool:
    if path.startswith("boot/vmlinuz-"):
        return True
    _, _, inside = path.partition("/kernel/")
    return path.endswith((".ko", ".ko.xz")) and str(PurePosixPath(inside).parent).startswith(_MODULE_FOLDERS)


def _builds_a_module(path: str) -> bool:
    return path.startswith(("usr/src/", "usr/lib/"))


if __name__ == "__main__":
    sys.exit(main())
