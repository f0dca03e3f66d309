"""A Linux kernel of its own for one Python program: QEMU without KVM, on this machine's files, read-only.

The guest has nothing installed. Its initial file system is busybox and the modules with which it mounts
this machine's root by 9p; there it runs this machine's Python on this checkout, as root, with control
groups version 2 alone and the hardware that ``silicon`` makes up. What the program prints, and its exit
status, come back over the serial console.
"""

from __future__ import annotations

import lzma
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.house.checkout import ROOT
from tests.kernel.guest_files import CACHE, QEMU, GuestFiles

BEGIN, END = "wattune-guest: begin", "wattune-guest: exit status "

_MODULES = (
    *("virtio_pci", "9pnet_virtio", "9p"),
    *("cpufreq_conservative", "cpufreq_ondemand", "cpufreq_powersave", "cpufreq_userspace"),
    "governor_simpleondemand",
)
_CPUS = 4
_MEMORY_MIB = 1024

_INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /host
mount -t proc proc /proc
for module in /modules/*; do insmod $module; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro host /host
mount -t proc proc /host/proc
mount -t devtmpfs devices /host/dev
mount -t sysfs sysfs /host/sys
mount -t debugfs debugfs /host/sys/kernel/debug
mount -t cgroup2 cgroup2 /host/sys/fs/cgroup
mount -t tmpfs scratch /host/run

# A program of a real machine is never in the root group: systemd puts each one in a group of its own.
groups=/host/sys/fs/cgroup
mkdir $groups/init.scope
echo $$ > $groups/init.scope/cgroup.procs
echo "+cpu +memory +pids" > $groups/cgroup.subtree_control

echo "{begin}"
chroot /host /usr/bin/env --ignore-environment --chdir={checkout} {environment} {command} < /host/dev/null
echo "{end}$?"
poweroff -f
"""

_ENVIRONMENT = {
    "COLUMNS": "120",
    "HOME": "/run",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPATH": str(ROOT),
    "PYTHONPYCACHEPREFIX": str(CACHE / "bytecode"),
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "TMPDIR": "/run",
}


def compile_ahead(*arguments: str) -> None:
    """Runs this Python here, so that what it imports is compiled once, and not slowly in each process of a guest."""
    of_this_machine = {"HOME": os.environ.get("HOME", "/"), "TMPDIR": tempfile.gettempdir()}
    environment = _ENVIRONMENT | of_this_machine
    del environment["PYTHONDONTWRITEBYTECODE"]
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, check=True)


_EMULATORS_FAULT = "Oops: int3"
"""A breakpoint that the kernel puts into its own code for a moment (text_poke_bp in its x86 alternative.c)."""


class GuestLostError(Exception):
    """The guest did not boot, or did not come to its end in time."""


@dataclass(frozen=True)
class Finished:
    """A program that has ended in the guest.

    Attributes:
        status: Its exit status.
        output: What it printed, standard error included.
    """

    status: int
    output: str


class VirtualMachine:
    """Boots a fresh guest for each program."""

    def __init__(self, files: GuestFiles, silicon: Path, scratch: Path) -> None:
        """Prepares nothing yet.

        Args:
            files: What the guest boots from.
            silicon: The module that makes up the guest's hardware.
            scratch: An empty folder for the initial file system.
        """
        self._files = files
        self._silicon = silicon
        self._scratch = scratch

    def run_python(self, *arguments: str, timeout_s: float) -> Finished:
        """Runs this Python with these arguments in a guest, in the folder of this checkout.

        QEMU emulates several CPUs in parallel, and now and then one of them meets an instruction that another is just
        rewriting: a guest that is lost by that is started once more.

        Raises:
            GuestLostError: The program did not come to its end in time; QEMU was killed.
        """
        initramfs = self._write_initramfs(shlex.join([sys.executable, *arguments]))
        try:
            return self._boot(initramfs, timeout_s)
        except GuestLostError as error:
            if _EMULATORS_FAULT not in str(error):
                raise
            print("The emulator lost the guest while its kernel rewrote itself; it is started once more.")
            return self._boot(initramfs, timeout_s)

    def _boot(self, initramfs: Path, timeout_s: float) -> Finished:
        try:
            ended = subprocess.run(
                self._qemu(initramfs),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            console = _text(error.stdout or b"")
            raise GuestLostError(f"The guest was not done after {timeout_s} s. Its console:\n{console}") from error
        return _parse(_text(ended.stdout))

    def _qemu(self, initramfs: Path) -> list[str]:
        share = "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
        return [
            *(QEMU, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", str(_CPUS), "-m", str(_MEMORY_MIB)),
            *("-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none", "-no-reboot"),
            *("-virtfs", share, "-kernel", str(self._files.kernel), "-initrd", str(initramfs)),
            *("-append", "console=ttyS0 panic=-1 quiet loglevel=3"),
        ]

    def _write_initramfs(self, command: str) -> Path:
        """Writes the initial file system; the kernel's Documentation/driver-api/early-userspace says how."""
        tree = self._scratch / "initramfs"
        shutil.rmtree(tree, ignore_errors=True)
        for name in ("bin", "modules"):
            (tree / name).mkdir(parents=True)
        shutil.copy(self._files.busybox, tree / "bin" / "busybox")
        modules = (*_with_dependencies(self._files.modules), self._silicon.read_bytes())
        for number, module in enumerate(modules):
            (tree / "modules" / f"{number:02}.ko").write_bytes(module)
        (tree / "init").write_text(_init(command))
        (tree / "init").chmod(0o755)
        return _pack(self._files.busybox, tree, self._scratch / "initramfs.cpio")


def _init(command: str) -> str:
    environment = shlex.join(f"{name}={value}" for name, value in _ENVIRONMENT.items())
    checkout = shlex.quote(str(ROOT))
    return _INIT.format(begin=BEGIN, end=END, checkout=checkout, environment=environment, command=command)


def _with_dependencies(folder: Path) -> Iterator[bytes]:
    """Yields the modules that the guest needs, each after those that it depends on; built-in ones have no file."""
    paths = {path.name.split(".ko")[0].replace("-", "_"): path for path in folder.rglob("*.ko*")}
    waiting = list(_MODULES)
    while waiting:
        name = waiting[0]
        if name not in paths:
            waiting.pop(0)
            continue
        content = _module_content(paths[name])
        missing = [needed for needed in _dependencies(content) if needed in paths]
        if missing:
            waiting[:0] = missing
        else:
            del paths[name]
            yield content


def _module_content(path: Path) -> bytes:
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


def _dependencies(module: bytes) -> list[str]:
    """Reads the field ``depends`` of a module's ``.modinfo``."""
    found = re.search(rb"\0depends=([^\0]+)\0", module)
    return found.group(1).decode().replace("-", "_").split(",") if found else []


def _pack(busybox: Path, tree: Path, archive: Path) -> Path:
    names = "".join(f"{path.relative_to(tree)}\n" for path in sorted(tree.rglob("*")))
    with archive.open("wb") as packed:
        command = [str(busybox), "cpio", "--create", "--format", "newc"]
        subprocess.run(command, cwd=tree, input=names.encode(), stdout=packed, stderr=subprocess.DEVNULL, check=True)
    return archive


def _text(console: bytes) -> str:
    return console.decode(errors="replace").replace("\r\n", "\n")


def _parse(console: str) -> Finished:
    found = re.search(rf"{re.escape(BEGIN)}\n(.*?)\n?{re.escape(END)}(\d+)\n", console, re.DOTALL)
    if found is None:
        raise GuestLostError(f"The guest ended before its program did. Its console:\n{console}")
    return Finished(int(found.group(2)), found.group(1))
