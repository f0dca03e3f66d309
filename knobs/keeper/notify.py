"""Tells systemd how the service is doing: sd_notify(3), whose protocol is one datagram."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Sends a state such as ``READY=1``; does nothing where no service manager asked for it.

    Raises:
        OSError: The service manager's socket cannot be reached.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.sendto(state.encode(), address)
