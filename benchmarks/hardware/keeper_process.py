"""A keeper as it is installed: a process of its own, with its socket and its journal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.hardware.machines import Machine, scratch_folder

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_KIB_PER_MIB = 1024


@dataclass(frozen=True)
class KeeperProcess:
    """A keeper that runs.

    Attributes:
        pid: Its process id.
        folder: Its runtime folder, with the journal.
        socket_path: Where clients connect.
    """

    pid: int
    folder: Path
    socket_path: Path

    def resident_mib(self) -> float:
        """Returns the memory that it holds, shared libraries included (VmRSS)."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / _KIB_PER_MIB

    def cpu_s(self) -> float:
        """Returns the CPU time that it has used (proc(5): utime and stime)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


@contextmanager
def running_keeper(machine: Machine) -> Iterator[KeeperProcess]:
    """Gives a keeper of a machine; it restores and ends at the end."""
    with scratch_folder() as folder:
        (folder / "wattune.toml").touch()
        process = machine.start(
            *(sys.executable, "-m", "tuner.cli.main", "keeper", "--json", "--config", str(folder / "wattune.toml")),
            *("--runtime-dir", str(folder), "--state-dir", str(folder / "state")),
        )
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise RuntimeError(f"The keeper did not start on {machine.name}: {process.communicate()[1]}")
            yield KeeperProcess(process.pid, folder, folder / "keeper.sock")
        finally:
            process.terminate()
            process.communicate()
