"""The daemon: everything is put together here, started in order, and stopped in the reverse order."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from knobs.keeper.notify import notify
from simulation.catalogue import device_model
from simulation.storage import make_device_directory
from tuner.clock import SystemClock
from tuner.config import load_config
from tuner.config_record import WattuneConfig
from tuner.daemon.device_set import DeviceSet
from tuner.daemon.keeper_supervisor import CommandFor, KeeperSupervisor
from tuner.daemon.machine import Machine
from tuner.daemon.studies import StudyManager
from tuner.daemon.study_processes import Site
from tuner.errors import BadInputError, BusyError
from tuner.service.server import CONTROL_SOCKET, READ_SOCKET, SocketServer, check_socket_directory
from tuner.service.servicers import ControlServicer, ReadServicer
from tuner.store import Store

_log = logging.getLogger(__name__)

KEEPER_SOCKET = "keeper.sock"
STORE_NAME = "studies.sqlite"
_LOCK_NAME = "daemon.lock"
_GRACE_S = 5.0


@dataclass(frozen=True)
class Places:
    """Where the daemon finds and keeps things.

    Attributes:
        config_path: ``wattune.toml``; its workloads lie in ``workloads.d`` beside it.
        runtime_dir: Where the sockets are made.
        state_dir: Where the studies are kept.
        keeper_socket: Socket of a keeper that is a unit of its own; None to start one as a child if none answers.
    """

    config_path: Path
    runtime_dir: Path
    state_dir: Path
    keeper_socket: Path | None = None


def run(
    config_path: Path,
    runtime_dir: Path,
    state_dir: Path,
    device: str | None = None,
    keeper_socket: Path | None = None,
) -> int:
    """Serves until SIGTERM or SIGINT. Must be called from the main thread.

    Args:
        config_path: ``wattune.toml``; its workloads lie in ``workloads.d`` beside it.
        runtime_dir: Where the sockets are made; must exist.
        state_dir: Where the studies are kept; must exist.
        device: Takes the place of the configuration's device, if given.
        keeper_socket: Socket of a keeper that is a unit of its own; None to start one as a child if none answers.

    Returns:
        The exit status of a deliberate stop, 0.

    Raises:
        BadInputError: The configuration or a directory is wrong, or another daemon serves there.
        RefusedError: There is no such simulated device.
        WattuneError: The store cannot be written, no keeper answers, or a socket cannot be made.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    stop = _stop_on_signal()
    places = Places(config_path.absolute(), runtime_dir.absolute(), state_dir.absolute(), keeper_socket)
    with ExitStack() as stack:
        _serve(load_config(config_path, device), places, stack)
        stop.wait()
    return 0


def _serve(config: WattuneConfig, places: Places, stack: ExitStack) -> None:
    """Starts everything; the stack stops it again in the reverse order."""
    site = _make_site(config, places, stack)
    machine = Machine(site.keeper, site.device_set)
    studies = StudyManager(site, machine)
    servers = _start_servers(config, places.runtime_dir, studies, machine, stack)
    stack.callback(machine.close)
    stack.callback(studies.shutdown)
    studies.resume()
    for server in servers:
        server.say_serving(serving=True)
        stack.callback(server.say_stopping)
    notify("READY=1")
    stack.callback(notify, "STOPPING=1")
    _log.info("Serving %s at %s.", config.device, places.runtime_dir / CONTROL_SOCKET)


def _make_site(config: WattuneConfig, places: Places, stack: ExitStack) -> Site:
    """Opens the store and makes sure that a keeper answers."""
    _check_directory(places.runtime_dir, "runtime", "--runtime-dir")
    _check_directory(places.state_dir, "state", "--state-dir")
    check_socket_directory(places.runtime_dir)
    stack.enter_context(_only_daemon(places.runtime_dir))
    store = Store(places.state_dir / STORE_NAME)
    stack.callback(store.close)
    if config.is_simulated:
        device_model(config.device)  # refuses a device that does not exist
        make_device_directory(places.runtime_dir)
    command_for = None if places.keeper_socket else _keeper_command(config, places)
    keeper = KeeperSupervisor(places.keeper_socket or places.runtime_dir / KEEPER_SOCKET, command_for)
    stack.callback(keeper.stop)
    keeper.connect().close()
    return Site(config, places.runtime_dir, store, keeper, DeviceSet(), SystemClock())


def _start_servers(
    config: WattuneConfig, runtime_dir: Path, studies: StudyManager, machine: Machine, stack: ExitStack
) -> tuple[SocketServer, ...]:
    read = ReadServicer(studies, machine)
    servers = (
        SocketServer(runtime_dir / CONTROL_SOCKET, config.sockets.group, read, ControlServicer(studies, machine)),
        SocketServer(runtime_dir / READ_SOCKET, config.sockets.group, read, None),
    )
    for server in servers:
        server.start()
        stack.callback(server.stop, _GRACE_S)
    return servers


def _keeper_command(config: WattuneConfig, places: Places) -> CommandFor:
    def command(parent_fd: int) -> Sequence[str]:
        program = [sys.executable, "-m", "tuner.cli.main", "keeper", "--config", str(places.config_path)]
        directories = ["--runtime-dir", str(places.runtime_dir), "--state-dir", str(places.state_dir)]
        return [*program, *directories, "--device", config.device, "--parent-fd", str(parent_fd)]

    return command


def _check_directory(path: Path, which: str, option: str) -> None:
    if not path.is_dir():
        raise BadInputError(f"The {which} directory {path} does not exist: create it, or name another with {option}.")
    if not os.access(path, os.W_OK | os.X_OK):
        raise BadInputError(f"The {which} directory {path} cannot be written: change its owner, or name another.")


@contextmanager
def _only_daemon(runtime_dir: Path) -> Iterator[None]:
    """Holds the runtime directory's lock; the kernel lets it go however the daemon ends."""
    path = runtime_dir / _LOCK_NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadInputError(f"The lock {path} cannot be made: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(f"Another daemon serves at {runtime_dir}: stop it first.") from error
        yield
    finally:
        os.close(descriptor)


def _stop_on_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
