"""``wattune keeper``: the process that owns the hardware knobs. Imports the standard library, knobs and simulation."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import pwd
from pathlib import Path

from knobs.keeper.server import serve
from tuner.cli.arguments import add_places
from tuner.cli.hardware import load_settings, open_inventory
from tuner.cli.sockets import KEEPER_SOCKET

_SERVICE_USER = "wattune"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    add_places(parser)
    parser.add_argument("--parent-fd", type=int, metavar="FD", help="stop when this pipe's other end is closed")


def run(arguments: argparse.Namespace) -> int:
    """Keeps the hardware until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    settings = load_settings(arguments.config, arguments.device)
    socket_path: Path = arguments.runtime_dir / KEEPER_SOCKET

    def announce() -> None:
        if arguments.json:
            print(json.dumps({"ready": True, "socket": str(socket_path), "device": settings.device}), flush=True)

    return serve(
        open_inventory(settings, arguments.runtime_dir),
        socket_path=socket_path,
        runtime_dir=arguments.runtime_dir,
        state_dir=arguments.state_dir,
        on_stop=settings.on_stop,
        bounds=settings.bounds,
        allowed_uids=_allowed_uids(),
        parent_fd=arguments.parent_fd,
        ready=announce,
    )


def _allowed_uids() -> frozenset[int]:
    """Returns who may connect: root, whoever runs the keeper, and the daemon's own user if the keeper is root's."""
    allowed = {0, os.geteuid()}
    if os.geteuid() == 0:
        # Where Wattune is not installed as a service, there is no such user.
        with contextlib.suppress(KeyError):
            allowed.add(pwd.getpwnam(_SERVICE_USER).pw_uid)
    return frozenset(allowed)
