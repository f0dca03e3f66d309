"""Where a virtual device keeps its state: one small file, changed under a lock.

A process may be killed between any two instructions. The kernel then drops its lock. The file has two
slots, each with a checksum: a change goes to the slot that does not hold the present state, so that the
present one stands until the next is whole. That is a hundred times faster than replacing a file on a disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from simulation.state import DeviceState, decode, encode

SLOT_BYTES = 2048

# As a service, the keeper is root and the runner is not: both are in the group that owns the state, whatever the
# umask of the one that came first.
_DIRECTORY_MODE = 0o770
_FILE_MODE = 0o660


def device_directory(runtime_dir: Path) -> Path:
    """Returns where simulated devices keep their state, for the keeper and the runner alike."""
    return runtime_dir / "devices"


def make_device_directory(runtime_dir: Path) -> Path:
    """Makes the directory, if it is not there, for everybody in its group; returns it.

    Raises:
        OSError: It cannot be made.
    """
    directory = device_directory(runtime_dir)
    try:
        directory.mkdir(parents=True)
    except FileExistsError:
        return directory
    directory.chmod(_DIRECTORY_MODE)
    return directory


class StorageError(Exception):
    """The state cannot be read or written. The message is one sentence for the operator."""


class OpenState:
    """The state of one device while this process holds its lock.

    Attributes:
        state: The present state, or None if the device was never switched on.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        """Reads both slots.

        Args:
            descriptor: The file, open and locked.
            path: Its path, for messages.

        Raises:
            StorageError: The file holds something else.
        """
        self._descriptor = descriptor
        content = os.pread(descriptor, 2 * SLOT_BYTES, 0)
        slots = [_unpack(content[:SLOT_BYTES]), _unpack(content[SLOT_BYTES:])]
        whole = [slot for slot in slots if slot is not None]
        self._sequence = 0
        self.state: DeviceState | None = None
        if whole:
            self._sequence, self.state = max(whole, key=lambda slot: slot[0])
        elif content:
            raise StorageError(
                f"{path} does not hold the state of a virtual device: remove it to switch the device on anew."
            )

    def write(self, state: DeviceState) -> None:
        """Makes a state the present one.

        Raises:
            OSError: The file cannot be written; the old state stands.
        """
        self._sequence += 1
        os.pwrite(self._descriptor, _pack(self._sequence, state), self._sequence % 2 * SLOT_BYTES)
        self.state = state


class StateFile:
    """The state of one device, shared by all processes that name the same file."""

    def __init__(self, path: Path) -> None:
        """Names the file; touches nothing."""
        self._path = path

    @contextlib.contextmanager
    def locked(self) -> Iterator[OpenState]:
        """Yields the state while every other process and thread is kept out.

        The file is opened each time: a lock belongs to an open file, so that forks and threads that
        shared one would not exclude each other.

        Raises:
            StorageError: The file cannot be used, or holds something else.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if os.fstat(descriptor).st_size == 0:
                    os.fchmod(descriptor, _FILE_MODE)
                yield OpenState(descriptor, self._path)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StorageError(f"The virtual device cannot use its state {self._path}: {error.strerror}.") from error


def _pack(sequence: int, state: DeviceState) -> bytes:
    numbered = b"%d %s" % (sequence, encode(state))
    return (b"%08x %s" % (zlib.crc32(numbered), numbered)).ljust(SLOT_BYTES - 1) + b"\n"


def _unpack(slot: bytes) -> tuple[int, DeviceState] | None:
    """Returns a slot's sequence number and state, or None if it is empty or was not written to its end."""
    checksum, _, numbered = slot.rstrip().partition(b" ")
    if checksum != b"%08x" % zlib.crc32(numbered):
        return None
    sequence, _, line = numbered.partition(b" ")
    try:
        return int(sequence), decode(line)
    except ValueError:
        return None
