"""The checks of ``wattune doctor``: each looks at one thing and says in one line how it is, and what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from knobs.contract import Absence, InventoryRecord, KnobError, Provenance
from knobs.keeper.client import KeeperClient
from tuner.cli.sockets import CONTROL_SOCKET, KEEPER_SOCKET, READ_SOCKET, listens
from tuner.client import Client
from tuner.errors import WattuneError

_OLDEST_PYTHON = (3, 11)
_GOVERNORS = {
    "power-profiles-": "power-profiles-daemon",
    "tlp": "tlp",
    "tuned": "tuned",
    "auto-cpufreq": "auto-cpufreq",
    "thermald": "thermald",
    "nvpmodel": "nvpmodel",
    "gamemoded": "gamemoded",
}
"""Programs that move the same knobs, by the first characters of their name in ``/proc/PID/comm``."""
_EXTRAS = {"search": ("torch", "gpytorch", "botorch"), "report": ("plotly", "matplotlib")}


class Health(StrEnum):
    """How something is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """What was looked at, how it is, and what to do about it."""

    name: str
    health: Health
    finding: str
    fix: str = ""


def check_python() -> Check:
    """Looks at the interpreter's version."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= _OLDEST_PYTHON:
        return Check("python", Health.OK, found)
    return Check("python", Health.FAIL, f"{found} is too old", "use Python 3.11 or later")


def check_extras() -> Iterator[Check]:
    """Looks whether the optional parts are installed."""
    for extra, packages in _EXTRAS.items():
        missing = [package for package in packages if find_spec(package) is None]
        if missing:
            finding = f"{', '.join(missing)} not installed"
            yield Check(f"extra '{extra}'", Health.WARN, finding, f"install 'wattune[{extra}]'")
        else:
            yield Check(f"extra '{extra}'", Health.OK, "installed")


def check_daemon(runtime_dir: Path) -> Iterator[Check]:
    """Looks whether the daemon answers on its sockets, to this user."""
    for name in (CONTROL_SOCKET, READ_SOCKET):
        path = runtime_dir / name
        if not path.exists():
            yield Check(name, Health.FAIL, f"{path} does not exist", "start the daemon with 'wattune serve'")
        elif not listens(path):
            yield Check(name, Health.FAIL, f"nobody listens at {path}", "start the daemon with 'wattune serve'")
        elif not os.access(path, os.R_OK | os.W_OK):
            yield Check(name, Health.WARN, "you may not open it", f"join the group that owns {path}")
        else:
            yield _ask_daemon(name, path)


def _ask_daemon(name: str, path: Path) -> Check:
    try:
        with Client(path) as client:
            status = client.status()
    except WattuneError as error:
        return Check(name, Health.FAIL, str(error), "see the daemon's log")
    return Check(name, Health.OK, f"wattune {status.version} answers, device {status.device}")


def check_keeper(runtime_dir: Path) -> Check:
    """Looks whether the keeper answers."""
    path = runtime_dir / KEEPER_SOCKET
    if not listens(path):
        return Check(
            "keeper", Health.FAIL, f"no keeper listens at {path}", "start 'wattune serve' or the keeper's unit"
        )
    try:
        with KeeperClient(path) as keeper:
            state = keeper.state()
    except KnobError as error:
        # Under systemd only the daemon and root may talk to it: that is how it should be.
        health = Health.OK if not os.access(path, os.W_OK) else Health.FAIL
        return Check("keeper", health, "listens, to others than you" if health is Health.OK else str(error))
    return Check("keeper", Health.OK, f"answers; {len(state.trial)} trial values and {len(state.confirmed)} confirmed")


def check_state_directory(state_dir: Path) -> Check:
    """Looks whether studies can be stored."""
    if not state_dir.is_dir():
        return Check(
            "state directory", Health.WARN, f"{state_dir} does not exist", "create it, or name it: --state-dir"
        )
    if not os.access(state_dir, os.W_OK | os.X_OK):
        return Check("state directory", Health.WARN, f"{state_dir} is not writable for you", "fine if the daemon may")
    return Check("state directory", Health.OK, f"{state_dir} is writable")


def check_knobs(record: InventoryRecord) -> Check:
    """Looks whether there is anything to tune."""
    if record.knobs:
        return Check("knobs", Health.OK, ", ".join(spec.id for spec in record.knobs))
    return Check("knobs", Health.FAIL, "none", "see 'wattune probe' for the reasons")


def check_meters(record: InventoryRecord) -> Check:
    """Looks whether joules are measured, or only estimated or simulated."""
    by_provenance = {spec.provenance: spec.id for spec in reversed(record.meters)}
    if Provenance.MEASURED in by_provenance:
        return Check("meters", Health.OK, f"{by_provenance[Provenance.MEASURED]} measures")
    if Provenance.SIMULATED in by_provenance:
        return Check("meters", Health.OK, "simulated, as the device is")
    if Provenance.ESTIMATED in by_provenance:
        fixes = "; ".join(absence.fix for absence in record.absent if absence.fix)
        return Check("meters", Health.WARN, "no meter: joules are estimated from CPU time", fixes)
    return Check("meters", Health.FAIL, "none", "see 'wattune probe' for the reasons")


def check_cpu_bandwidth(record: InventoryRecord) -> Check:
    """Looks whether a workload's CPU bandwidth can be limited."""
    absence: Absence | None = next((absent for absent in record.absent if "quota" in absent.id), None)
    if absence is not None:
        return Check("control group", Health.WARN, absence.reason, absence.fix)
    if any("quota" in spec.id for spec in record.knobs):
        return Check("control group", Health.OK, "writable: CPU bandwidth can be tuned")
    return Check("control group", Health.OK, "not needed by this device")


def check_other_governors(root: Path) -> Check:
    """Looks for running programs that move the same knobs.

    Args:
        root: The folder under which ``proc`` is looked up.
    """
    running = sorted({known for name in _process_names(root) for start, known in _GOVERNORS.items() if name == start})
    if running:
        fix = f"stop them while tuning: systemctl stop {' '.join(running)}"
        return Check("other governors", Health.WARN, f"{', '.join(running)} may move the same knobs", fix)
    return Check("other governors", Health.OK, "none is running")


def _process_names(root: Path) -> Iterator[str]:
    for comm in (root / "proc").glob("[0-9]*/comm"):
        try:
            yield comm.read_text(errors="replace").strip()
        except OSError:
            # The process has ended since it was listed.
            continue
