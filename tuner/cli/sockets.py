"""Whether somebody listens at a Unix socket. Standard library only."""

from __future__ import annotations

import socket
from pathlib import Path

CONTROL_SOCKET = "control.sock"
READ_SOCKET = "read.sock"
KEEPER_SOCKET = "keeper.sock"


def listens(path: Path) -> bool:
    """Tells whether somebody listens at a socket, also somebody who would not let us in."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except PermissionError:
            return True
        except OSError:
            return False
        return True
