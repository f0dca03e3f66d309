"""Small files that survive a crash at any instant: replaced as a whole, flushed, and trusted only if they are ours."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from knobs.contract import KnobError


class UntrustedFileError(KnobError):
    """A file of ours is not what we wrote: a link, somebody else's, or damaged."""


def prepare_directory(directory: Path) -> None:
    """Makes a private folder where there is none.

    Raises:
        KnobError: It cannot be made, is a link, or anybody may write to it.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.lstat()
    except OSError as error:
        raise KnobError(
            f"Cannot use the folder {directory}: {error.strerror}; choose a folder you may write."
        ) from error
    if not stat.S_ISDIR(status.st_mode):
        raise KnobError(f"{directory} must be a folder, not a link or a file: choose another one.")
    if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
        raise KnobError(f"Anybody may write to {directory}: take that right away with chmod o-w.")


def replace_durably(path: Path, content: str) -> None:
    """Replaces a file as a whole and returns once it is on the medium; only its owner may read it.

    Raises:
        KnobError: It could not be written, and the earlier file still stands: the disk is full or read-only.
    """
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        _flush_directory(path.parent)
    except OSError as error:
        raise KnobError(
            f"Cannot write {path}: {error.strerror}; no knob is set before it is written, so make room or rights there."
        ) from error


def read_trusted(path: Path) -> str | None:
    """Returns the content of a file of ours; None if there is none.

    Raises:
        UntrustedFileError: It is a link, not a plain file, or belongs to somebody else.
        KnobError: It cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UntrustedFileError(f"Cannot read {path}: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise UntrustedFileError(f"{path} is not a plain file of user id {os.geteuid()}.")
        return file.read().decode(errors="replace")


def set_aside(path: Path) -> Path:
    """Moves a file that cannot be trusted out of the way, where a person can look at it.

    Raises:
        KnobError: It cannot be moved.
    """
    aside = path.with_name(f"{path.name}-invalid-{os.urandom(4).hex()}")
    try:
        path.rename(aside)
        _flush_directory(path.parent)
    except OSError as error:
        raise KnobError(f"Cannot move {path} out of the way: {error.strerror}; move it by hand.") from error
    return aside


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
