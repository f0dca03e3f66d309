"""Child processes, each the leader of a group of its own: killed with all that they have started, and described."""

import contextlib
import os
import signal
import subprocess


def kill_group(child: "subprocess.Popen[bytes]") -> None:
    """Ends a process and all that it has started in its group, at once. Safe from any thread, and twice.

    Args:
        child: A process that leads its group.
    """
    # Until the exit status is collected, the group's number cannot belong to anybody else.
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)


def describe_end(status: int) -> str:
    """Returns how a process ended, as the end of a sentence about it.

    Args:
        status: Its exit status; below zero, the signal that ended it.
    """
    return f"was ended by signal {-status}" if status < 0 else f"has ended with status {status}"
