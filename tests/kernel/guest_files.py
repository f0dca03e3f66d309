"""What a guest boots from: Debian's kernel, its modules and a static busybox, unpacked into a cache folder.

Nothing of it is installed, so that the boot of this machine stays as it is. ``make kernel`` calls :func:`main`.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ARCHITECTURE = "x86_64"
QEMU = "qemu-system-x86_64"
QEMU_PACKAGE = "qemu-system-x86"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wattune-tests" / "kernel"


@dataclass(frozen=True)
class GuestFiles:
    """What a guest boots from.

    Attributes:
        kernel: The kernel's image.
        modules: The folder of its modules, with folders inside.
        busybox: A busybox without shared libraries.
    """

    kernel: Path
    modules: Path
    busybox: Path


def find_guest_files(folder: Path = CACHE) -> GuestFiles | None:
    """Returns what was unpacked into a folder; None if it is not complete."""
    kernels = sorted(folder.glob("boot/vmlinuz-*"))
    if not kernels:
        return None
    release = kernels[-1].name.removeprefix("vmlinuz-")
    files = GuestFiles(kernels[-1], folder / "lib" / "modules" / release, folder / "bin" / "busybox")
    return files if files.modules.is_dir() and files.busybox.exists() else None


def obstacle() -> str | None:
    """Returns why no guest can be booted here; None if one can."""
    if platform.machine() != ARCHITECTURE:
        return f"the guest runs this machine's programs on {ARCHITECTURE}, not on {platform.machine()}"
    if shutil.which(QEMU) is None:
        return f"{QEMU} is not installed: run make kernel as root, or apt-get install {QEMU_PACKAGE}"
    if find_guest_files() is None:
        return f"there is no kernel image in {CACHE}: run make kernel (needs apt-get)"
    return None


def main() -> int:
    """Installs QEMU if it is missing, and fills the cache folder if it is empty."""
    if platform.machine() != ARCHITECTURE:
        print(obstacle(), file=sys.stderr)
        return 2
    try:
        if shutil.which(QEMU) is None and not _install_qemu():
            return 2
        if find_guest_files() is None:
            _unpack_packages(_kernel_package(), "busybox-static")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{error}: this needs Debian; apt-get update may help.", file=sys.stderr)
        return 2
    return 0


def _install_qemu() -> bool:
    command = ["apt-get", "install", "--yes", "--no-install-recommends", QEMU_PACKAGE]
    if os.geteuid() != 0:
        print(f"{QEMU} is missing. As root: {' '.join(command)}", file=sys.stderr)
        return False
    subprocess.run(command, check=True)
    return True


def _kernel_package() -> str:
    """Returns the package of the newest kernel: the one that Debian's ``linux-image-amd64`` stands for."""
    command = ["apt-cache", "depends", "linux-image-amd64"]
    depends = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"Depends: (linux-image-\S+)", depends)
    if found is None:
        raise FileNotFoundError("apt-cache knows no package linux-image-amd64")
    return found.group(1)


def _unpack_packages(*packages: str) -> None:
    """Fills the cache folder in one step, so that an interrupted download leaves nothing half done."""
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as scratch:
        subprocess.run(["apt-get", "download", "--quiet", *packages], cwd=scratch, check=True)
        for package in Path(scratch).glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", package, f"{scratch}/unpacked"], check=True)
        shutil.rmtree(CACHE, ignore_errors=True)
        Path(scratch, "unpacked").rename(CACHE)


if __name__ == "__main__":
    sys.exit(main())
