"""The only module that opens files of the kernel: sysfs, procfs and cgroupfs.

Everything above it names files by their usual absolute path. The root under which they are looked
up is an argument, so that tests can lay out a tree of their own.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from knobs.contract import DeviceError, NoValueError

_READ_BYTES = 65536

_CAUSES = {
    errno.EACCES: ("permission is denied", "start the keeper as a user who may do this, usually root"),
    errno.EPERM: ("the kernel does not permit it", "start the keeper as a user who may do this, usually root"),
    errno.EROFS: ("it is mounted read-only", "mount it writable, or run outside of the container"),
    errno.EINVAL: ("the kernel does not accept this value", "choose a value that the device lists"),
    errno.ERANGE: ("the kernel finds this value out of range", "choose a value that the device lists"),
    errno.EBUSY: ("the device is busy", "try again once it is idle"),
    errno.EAGAIN: ("the device is asleep or in reset", "try again while it is in use"),
    errno.ENODATA: ("the device has no value now", "try again while it is in use"),
    errno.EIO: ("the device does not answer", "check the kernel's log"),
    errno.ENODEV: ("the device is gone", "check the kernel's log"),
    errno.EOPNOTSUPP: ("the kernel does not support it here", "leave this knob or meter out"),
}
_MISSING = (errno.ENOENT, errno.ESRCH, errno.ENOTDIR)
_NOT_NOW = (errno.EBUSY, errno.EAGAIN, errno.ENODATA, errno.EIO)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


class MissingError(DeviceError):
    """The file, or the process behind it, does not exist."""


class ForbiddenError(DeviceError):
    """This process may not do that to the file."""


class NotAcceptedError(DeviceError):
    """The kernel refuses the text that was written."""


class AttributeReader:
    """Reads one attribute of sysfs again and again through one open file: a quarter of the system calls."""

    def __init__(self, path: str, local: Path) -> None:
        """Opens nothing yet.

        Args:
            path: The attribute's usual path, for messages.
            local: Where it is looked up.
        """
        self._path = path
        self._local = local
        self._descriptor: int | None = None

    def __del__(self) -> None:
        self._close()

    def read(self) -> str:
        """Returns the present content, without the white space around it.

        Reading from the start calls the attribute's show function anew (``kernfs_seq_show`` in fs/kernfs/file.c).

        Raises:
            MissingError: There is no such file, or its device is gone.
            DeviceError: The file cannot be read.
        """
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._local, os.O_RDONLY | os.O_CLOEXEC)
            return os.pread(self._descriptor, _READ_BYTES, 0).decode(errors="replace").strip()
        except OSError as error:
            if error.errno == errno.ENODEV:
                self._close()  # a device that comes back has another file
            raise _device_error("read", self._path, error) from error

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class KernelFiles:
    """The kernel's files below a root folder."""

    def __init__(self, root: Path = Path("/")) -> None:
        """Looks up every path below ``root``."""
        self._root = root

    def read_text(self, path: str) -> str:
        """Returns the content of a file, without the white space around it.

        Raises:
            MissingError: There is no such file.
            DeviceError: The file cannot be read.
        """
        try:
            descriptor = os.open(self._local(path), os.O_RDONLY | os.O_CLOEXEC)
            try:
                # An attribute of sysfs is read whole by one call: its show function fills one page at most.
                content = os.read(descriptor, _READ_BYTES) if path.startswith("/sys/") else _read_all(descriptor)
                return content.decode(errors="replace").strip()
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _device_error("read", path, error) from error

    def reader(self, path: str) -> Callable[[], str]:
        """Returns a function that reads an attribute of sysfs, for those that are read all the time.

        It raises what :meth:`read_text` does.
        """
        return AttributeReader(path, self._local(path)).read

    def write_text(self, path: str, text: str) -> None:
        """Writes a text with a single write(2), so that the kernel's verdict is not lost in a buffer.

        Raises:
            MissingError: There is no such file.
            DeviceError: The kernel refused the text.
        """
        try:
            descriptor = os.open(self._local(path), os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(descriptor, text.encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _device_error(f"write {text!r} to", path, error) from error

    def make_directory(self, path: str) -> None:
        """Makes a folder, which in a cgroup hierarchy makes a group. One that exists is left as it is.

        Raises:
            DeviceError: The kernel refused.
        """
        try:
            self._local(path).mkdir(exist_ok=True)
        except OSError as error:
            raise _device_error("make", path, error) from error

    def remove_directory(self, path: str) -> None:
        """Removes a folder, which in a cgroup hierarchy removes an empty group. None there is fine.

        Raises:
            DeviceError: The kernel refused.
        """
        try:
            self._local(path).rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            raise _device_error("remove", path, error) from error

    def exists(self, path: str) -> bool:
        """Tells whether a file or folder exists."""
        return self._local(path).exists()

    def writable(self, path: str) -> bool:
        """Tells whether this process may write to a file, or make entries in a folder.

        A file's mode counts for root as well: sysfs refuses even root to open a file for writing that nobody may
        write (``kernfs_fop_open`` in the kernel's fs/kernfs/file.c).
        """
        local = self._local(path)
        try:
            mode = local.stat().st_mode
        except OSError:
            return False
        anybody_may = stat.S_ISDIR(mode) or bool(mode & 0o222)
        return anybody_may and os.access(local, os.W_OK, effective_ids=True)

    def readable(self, path: str) -> bool:
        """Tells whether this process may read a file."""
        return os.access(self._local(path), os.R_OK, effective_ids=True)

    def resolve(self, path: str) -> str:
        """Returns the path behind all symbolic links, as the kernel names it.

        Raises:
            MissingError: There is no such file or folder.
            DeviceError: The links cannot be followed.
        """
        try:
            resolved = self._local(path).resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise _device_error("follow", path, error if isinstance(error, OSError) else OSError()) from error
        root = self._root.resolve()
        return f"/{resolved.relative_to(root)}" if resolved.is_relative_to(root) else str(resolved)

    def is_directory(self, path: str) -> bool:
        """Tells whether a path names a folder."""
        return self._local(path).is_dir()

    def mode(self, path: str) -> int:
        """Returns the permission bits of a file or folder.

        Raises:
            MissingError: There is none.
        """
        try:
            return stat.S_IMODE(self._local(path).stat().st_mode)
        except OSError as error:
            raise _device_error("look at", path, error) from error

    def glob(self, pattern: str) -> list[str]:
        """Returns the paths that match a pattern (``/sys/class/hwmon/hwmon*/name``), sorted; none is fine."""
        return sorted(f"/{path.relative_to(self._root)}" for path in self._root.glob(pattern.lstrip("/")))

    def listdir(self, path: str) -> list[str]:
        """Returns the names in a folder, sorted.

        Raises:
            MissingError: There is no such folder.
            DeviceError: The folder cannot be read.
        """
        try:
            return sorted(entry.name for entry in self._local(path).iterdir())
        except OSError as error:
            raise _device_error("list", path, error) from error

    def directories(self, path: str) -> list[str]:
        """Returns the names of the folders in a folder, sorted.

        Raises:
            MissingError: There is no such folder.
            DeviceError: The folder cannot be read.
        """
        return [name for name in self.listdir(path) if self._local(f"{path}/{name}").is_dir()]

    def _local(self, path: str) -> Path:
        return self._root / path.lstrip("/")


def _read_all(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, _READ_BYTES):
        parts.append(part)
    return b"".join(parts)


def _device_error(action: str, path: str, error: OSError) -> DeviceError:
    number = error.errno or 0
    if number in _MISSING:
        return MissingError(f"Cannot {action} {path}: it does not exist; the device or process may be gone.")
    cause, fix = _CAUSES.get(number, (os.strerror(number), "check the kernel's log"))
    return _kind_of(number, is_read=action == "read")(f"Cannot {action} {path}: {cause}; {fix}.")


def _kind_of(number: int, *, is_read: bool) -> type[DeviceError]:
    # The powercap class answers a failed reading with EINVAL whatever went wrong (drivers/powercap/powercap_sys.c).
    if number in _NOT_NOW or (is_read and number == errno.EINVAL):
        return NoValueError
    if number in _FORBIDDEN:
        return ForbiddenError
    if number in (errno.EINVAL, errno.ERANGE):
        return NotAcceptedError
    return DeviceError
