"""A keeper process over the guest's hardware, for tests that kill it."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.context import ForkProcess
from pathlib import Path

from knobs.found import Wishes
from knobs.inventory import Inventory, discover
from knobs.keeper.server import serve

ALLOWED = frozenset({"cpu.cores.online", "memory.max_mhz"})
STARTS_WITHIN_S = 60.0

_FORKING = multiprocessing.get_context("fork")
"""A process that starts anew imports everything once more, which takes an emulated processor ten seconds."""


def hardware() -> Inventory:
    """Returns what the guest offers, its dangerous knobs included."""
    return discover(wishes=Wishes(allowed=ALLOWED))


def start_keeper(folder: Path) -> ForkProcess:
    """Returns a keeper that is ready; its socket is ``keeper.sock`` in the folder."""
    here, there = _FORKING.Pipe(duplex=False)
    keeper = _FORKING.Process(target=_serve, args=(folder, lambda: there.send("ready")), daemon=True)
    keeper.start()
    assert here.poll(STARTS_WITHIN_S), "the keeper did not start"
    return keeper


def keeper_folders(folder: Path) -> tuple[Path, Path]:
    """Returns where a keeper of the folder keeps its journal, and its confirmed values."""
    return folder / "run", folder / "state"


def _serve(folder: Path, ready: Callable[[], None]) -> None:
    runtime_dir, state_dir = keeper_folders(folder)
    status = serve(
        hardware(),
        socket_path=folder / "keeper.sock",
        runtime_dir=runtime_dir,
        state_dir=state_dir,
        on_stop="restore",
        bounds={},
        allowed_uids=frozenset({os.getuid()}),
        lease_timeout_s=30.0,
        parent_fd=None,
        ready=ready,
    )
    os._exit(status)
