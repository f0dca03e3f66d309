"""One keeper at a time works with a runtime folder: a lock that the kernel lets go when its process ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from knobs.contract import KnobError, RefusedError

_LOCK_NAME = "keeper.lock"
_PAUSE_S = 0.05


@contextmanager
def only_keeper(runtime_dir: Path, patience_s: float = 2.0) -> Iterator[None]:
    """Holds the lock of a runtime folder.

    Args:
        runtime_dir: The folder of the journal.
        patience_s: How long to wait for a keeper that is about to end.

    Raises:
        RefusedError: Another keeper runs.
        KnobError: The lock cannot be made.
    """
    path = runtime_dir / _LOCK_NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KnobError(f"Cannot make {path}: {error.strerror}; choose a runtime folder you may write.") from error
    try:
        _lock(descriptor, path, time.monotonic() + patience_s)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path, deadline_s: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline_s:
                raise RefusedError(f"Another keeper holds {path}: ask that one, or stop it first.") from error
            time.sleep(_PAUSE_S)
        else:
            return
