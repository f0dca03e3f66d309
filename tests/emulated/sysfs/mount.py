"""A tree of kernel files as a real mount, by FUSE, with the manners of sysfs (fs/kernfs/file.c).

Root, too, is refused a file whose mode has no such right; one write(2) is one store; what is read through one open
file is one show; a file whose device is unplugged answers ENODEV to those who still hold it open. The server is a
thread of this process, so that tests reach the machine behind the files. Do not start a process whose working
directory is in the mount: it would wait for this process, which waits for it.
"""

from __future__ import annotations

import errno
import importlib
import itertools
import os
import shutil
import signal
import stat
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.emulated.sysfs.kernel.parsing import PAGE_BYTES
from tests.emulated.sysfs.tree import Attribute, Leaf, Link, Tree, kernel_error

CONTROL_GROUPS = "/sys/fs/cgroup"
"""A folder that every mounted tree has, so that the real control groups can be put there."""

_TAKEN_OVER_BY_LIBFUSE = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)
_THREADS = 8
_PATIENCE_S = 10.0
_GUARD = 'read -r line; umount --lazy "$1" 2>/dev/null'


def obstacle() -> str | None:
    """Returns why nothing can be mounted here, as a clause; None if it can."""
    if os.geteuid() != 0:
        return "only root may mount file systems for all users"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "there is no /dev/fuse: load the module fuse, or let the container have it"
    for program in ("umount", "unshare"):
        if shutil.which(program) is None:
            return f"there is no program {program}: install util-linux"
    try:
        importlib.import_module("mfusepy")
    except (ImportError, OSError, AttributeError) as error:
        return f"FUSE cannot be used from Python: install libfuse3-3 and mfusepy ({error})"
    return None


@dataclass
class _OpenFile:
    """A file that somebody holds open.

    Attributes:
        path: Its path.
        attribute: What it was when it was opened.
        content: What has been shown to this reader; None before the first read.
    """

    path: str
    attribute: Attribute
    content: bytes | None = None


class _Operations:
    """The tree as FUSE wants it; every error is an OSError, which FUSE passes on."""

    use_ns = True

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._open: dict[int, _OpenFile] = {}
        self._numbers = itertools.count(1)
        self._one_store = threading.Lock()

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        if self._tree.is_folder(path):
            return {"st_mode": stat.S_IFDIR | self._tree.folder_mode(path), "st_nlink": 2}
        leaf = self._leaf(path)
        if isinstance(leaf, Link):
            return {"st_mode": stat.S_IFLNK | 0o777, "st_nlink": 1, "st_size": len(leaf.target)}
        return {"st_mode": stat.S_IFREG | leaf.mode, "st_nlink": 1, "st_size": PAGE_BYTES}

    def readdir(self, path: str, fh: int) -> list[str]:
        return [".", "..", *self._tree.names(path)]

    def readlink(self, path: str) -> str:
        leaf = self._leaf(path)
        if not isinstance(leaf, Link):
            raise kernel_error(errno.EINVAL)
        return leaf.target

    def open(self, path: str, flags: int) -> int:
        attribute = self._attribute(path)
        access = flags & os.O_ACCMODE
        wants_read, wants_write = access != os.O_WRONLY, access != os.O_RDONLY
        may_read = attribute.show is not None and attribute.mode & 0o444
        may_write = attribute.store is not None and attribute.mode & 0o222
        if (wants_read and not may_read) or (wants_write and not may_write):
            raise kernel_error(errno.EACCES)
        number = next(self._numbers)
        self._open[number] = _OpenFile(path, attribute)
        return number

    def create(self, path: str, mode: int, flags: int) -> int:
        raise kernel_error(errno.EACCES)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        opened = self._still_there(fh)
        if offset == 0 or opened.content is None:
            opened.content = opened.attribute.read().encode()
        return opened.content[offset : offset + size]

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        opened = self._still_there(fh)
        with self._one_store:
            opened.attribute.write(data.decode(errors="replace"))
        return len(data)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        return 0  # what a shell's redirection does first

    def release(self, path: str, fh: int) -> int:
        self._open.pop(fh, None)
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        return {"f_bsize": PAGE_BYTES, "f_namemax": 255}

    def _leaf(self, path: str) -> Leaf:
        leaf = self._tree.leaf(path)
        if leaf is None:
            raise kernel_error(errno.ENOENT)
        return leaf

    def _attribute(self, path: str) -> Attribute:
        leaf = self._leaf(path)
        if not isinstance(leaf, Attribute):
            raise kernel_error(errno.EINVAL)
        return leaf

    def _still_there(self, fh: int) -> _OpenFile:
        opened = self._open[fh]
        now = self._tree.leaf(opened.path)
        if not isinstance(now, Attribute):
            raise kernel_error(errno.ENODEV)
        opened.attribute = now  # a fault may have been put in its place
        return opened


@contextmanager
def mounted(tree: Tree, place: Path) -> Iterator[Path]:
    """Mounts a tree at an empty folder, and unmounts it at the end, also if this process is killed meanwhile.

    Args:
        tree: The files; it may change while mounted.
        place: The folder.

    Yields:
        The folder.
    """
    tree.add_folder(CONTROL_GROUPS)
    guard = subprocess.Popen(["/bin/sh", "-c", _GUARD, "sh", str(place)], stdin=subprocess.PIPE, start_new_session=True)
    server = threading.Thread(target=_serve, args=(tree, place), name=f"fuse at {place}", daemon=True)
    handlers = {number: signal.getsignal(number) for number in _TAKEN_OVER_BY_LIBFUSE}
    try:
        server.start()
        _wait_until_mounted(place, server)
        _put_back(handlers)
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False, capture_output=True)
        server.join(_PATIENCE_S)
        guard.communicate()


def _serve(tree: Tree, place: Path) -> None:
    fuse = importlib.import_module("mfusepy")
    operations = type("KernelFilesOperations", (_Operations, fuse.Operations), {})(tree)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        fuse.FUSE(
            operations,
            str(place),
            foreground=True,
            fsname="emulated",
            allow_other=True,
            default_permissions=True,
            direct_io=True,
            attr_timeout=0,
            entry_timeout=0,
            negative_timeout=0,
            max_idle_threads=_THREADS,
        )


def _wait_until_mounted(place: Path, server: threading.Thread) -> None:
    end_s = time.monotonic() + _PATIENCE_S
    while not place.is_mount():
        if not server.is_alive() or time.monotonic() > end_s:
            raise RuntimeError(f"FUSE could not mount at {place}")
        time.sleep(0.002)


def _put_back(handlers: dict[signal.Signals, Any]) -> None:
    """Takes signals back from libfuse, which would end the mount instead of the process."""
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():
            signal.signal(number, handler)
