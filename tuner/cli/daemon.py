"""How the verbs reach the daemon."""

from __future__ import annotations

import argparse
from pathlib import Path

from tuner.cli.sockets import CONTROL_SOCKET, READ_SOCKET
from tuner.client import Client


def to_ask(arguments: argparse.Namespace) -> Client:
    """Returns a client that may ask questions."""
    return Client(socket_path(arguments, READ_SOCKET))


def to_change(arguments: argparse.Namespace) -> Client:
    """Returns a client that may change something."""
    return Client(socket_path(arguments, CONTROL_SOCKET))


def socket_path(arguments: argparse.Namespace, name: str) -> Path:
    """Returns the socket that was given, or the one of this name in the runtime directory."""
    chosen: Path = arguments.socket or arguments.runtime_dir / name
    return chosen
