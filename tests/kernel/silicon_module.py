"""Builds the module of ``tests/kernel/silicon`` for a kernel; what is built is kept by the content of its sources."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.kernel.guest_files import CACHE, GuestFiles

SOURCES = Path(__file__).parent / "silicon"
_OF_AN_OUTER_MAKE = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}


class BuildError(Exception):
    """The module does not compile. The message is what the compiler says."""


def build_silicon(files: GuestFiles) -> Path:
    """Returns the module, built unless it was before.

    Raises:
        BuildError: It does not compile, or not without warnings.
    """
    built = CACHE / "silicon" / f"{files.version}-{_fingerprint()}.ko"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        for outdated in built.parent.glob(f"{files.version}-*.ko"):
            outdated.unlink()
        _build(files, built)
    return built


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted(SOURCES.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _build(files: GuestFiles, built: Path) -> None:
    """Compiles outside of the checkout, as the kernel's Documentation/kbuild/modules.rst describes.

    The type information of modules (BTF) is left out: it needs a program that is packaged elsewhere.
    """
    with tempfile.TemporaryDirectory(dir=built.parent) as scratch:
        sources = Path(scratch, "silicon")
        shutil.copytree(SOURCES, sources)
        command = [
            *("make", "--silent", f"--directory={files.headers}", f"--file={files.common / 'Makefile'}"),
            *(f"M={sources}", "KCFLAGS=-Werror", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"),
        ]
        environment = {name: value for name, value in os.environ.items() if name not in _OF_AN_OUTER_MAKE}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise BuildError(f"The silicon module does not compile for {files.version}:\n{ended.stdout}{ended.stderr}")
        (sources / "silicon.ko").replace(built)
