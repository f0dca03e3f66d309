"""Builds libnvidia-ml.so.1, once for each content, and loads it where the official binding will find it."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

LIBRARY_NAME = "libnvidia-ml.so.1"
NO_COMPILER = "there is no C compiler (gcc or cc) to build the emulated NVML with"

_SOURCES = Path(__file__).parent / "abi"
_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden", "-pthread")
_READABLE = 0o755


def compiler() -> str | None:
    """Returns the C compiler of this machine, or None."""
    return shutil.which("gcc") or shutil.which("cc")


def library_folder(absent_symbols: tuple[str, ...] = ()) -> Path:
    """Returns the folder of the library, which is built if need be.

    Args:
        absent_symbols: Functions that it shall not export, as an old driver's does not.

    Raises:
        RuntimeError: There is no compiler.
    """
    command = compiler()
    if command is None:
        raise RuntimeError(NO_COMPILER)
    exports = _export_list(absent_symbols)
    folder = _cache() / _digest(exports)
    if not (folder / LIBRARY_NAME).exists():
        _build(command, exports, folder)
    return folder


def load_into_this_process() -> None:
    """Loads the complete library, so that the binding's ``CDLL("libnvidia-ml.so.1")`` finds it by its name."""
    ctypes.CDLL(str(library_folder() / LIBRARY_NAME))


def _export_list(absent_symbols: tuple[str, ...]) -> str:
    """Returns a linker script; a name in it beats a pattern."""
    local = "".join(f" {symbol};" for symbol in absent_symbols)
    return f"{{ global: nvml*; local:{local} *; }};\n"


def _digest(exports: str) -> str:
    digest = hashlib.sha256(" ".join(_FLAGS).encode() + exports.encode())
    for source in sorted(_SOURCES.iterdir()):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _cache() -> Path:
    """Returns a folder of this user that others may read, so that a process without privilege can load from it.

    Raises:
        RuntimeError: Somebody else made it.
    """
    cache = Path(tempfile.gettempdir()) / f"emulated-nvml-{os.getuid()}"
    cache.mkdir(exist_ok=True)
    if cache.lstat().st_uid != os.getuid():
        raise RuntimeError(f"{cache} belongs to another user.")
    cache.chmod(_READABLE)
    return cache


def _build(command: str, exports: str, folder: Path) -> None:
    """Builds beside the folder and renames, so that tests that run at the same time see all of it or nothing."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        workshop = Path(name)
        workshop.chmod(_READABLE)
        script = workshop / "exports"
        script.write_text(exports, encoding="utf-8")
        subprocess.run(
            [
                command,
                *_FLAGS,
                f"-Wl,-soname,{LIBRARY_NAME}",
                f"-Wl,--version-script={script}",
                "-o",
                str(workshop / LIBRARY_NAME),
                *map(str, sorted(_SOURCES.glob("*.c"))),
            ],
            check=True,
        )
        folder.mkdir(exist_ok=True)
        for path in (folder, workshop / LIBRARY_NAME):
            path.chmod(_READABLE)
        (workshop / LIBRARY_NAME).replace(folder / LIBRARY_NAME)
