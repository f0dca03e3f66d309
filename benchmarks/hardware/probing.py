"""How long ``wattune probe`` takes, and whether it loads what it must not."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from benchmarks.hardware.figures import Figure, Section, typical
from benchmarks.hardware.machines import DEAR_FILES, Machine, scratch_folder

LIMIT_S = 0.5
_RUNS = 9
_HEAVY = frozenset({"numpy", "torch"})


def probe_section(machines: Iterable[Machine], skipped: Iterable[str]) -> Section:
    """Returns the wall time of a probe on each machine, over what is allowed."""
    known = tuple(machines)
    return Section(
        f"wattune probe: wall time, median of {_RUNS}, over {LIMIT_S:g} s",
        tuple(_wall_time(machine) for machine in known),
        (*(_imports(machine) for machine in known), DEAR_FILES),
        tuple(skipped),
    )


def _wall_time(machine: Machine) -> Figure:
    with _probe() as probe:
        walls_s, cpu_s = _times_s(machine, sys.executable, *probe)
    bare_walls_s, _ = _times_s(machine, sys.executable, "-c", "pass")
    measured = {
        "wall_s": typical(walls_s),
        "fastest_wall_s": min(walls_s),
        "cpu_s": typical(cpu_s),
        "bare_python_s": typical(bare_walls_s),
    }
    return Figure(
        machine.name,
        measured["wall_s"] / LIMIT_S,
        "{wall_s:.3f} s, fastest {fastest_wall_s:.3f} s, of it {cpu_s:.3f} s of CPU time; Python alone starts in "
        "{bare_python_s:.3f} s".format(**measured),
        limit=1.0,
        measured=measured,
    )


def _times_s(machine: Machine, *command: str) -> tuple[list[float], list[float]]:
    """Returns wall and CPU times of a command's runs."""
    output, _ = machine.run(sys.executable, "-m", "benchmarks.hardware.timed", str(_RUNS), *command)
    walls_s, cpu_s = zip(*json.loads(output), strict=True)
    return list(walls_s), list(cpu_s)


def _imports(machine: Machine) -> str:
    with _probe() as probe:
        _, log = machine.run(sys.executable, "-X", "importtime", *probe)
    modules = {line.rpartition("|")[2].strip() for line in log.splitlines() if line.startswith("import time:")}
    heavy = sorted(_HEAVY & modules)
    found = f"imports {' and '.join(heavy)}" if heavy else "imports neither numpy nor torch"
    return f"{machine.name}: a probe {found}, and {len(modules)} modules in all"


@contextmanager
def _probe() -> Iterator[tuple[str, ...]]:
    """Gives Python's arguments for a probe that asks no daemon and takes no configuration of this machine."""
    with scratch_folder() as folder:
        config = folder / "wattune.toml"
        config.touch()
        yield "-m", "tuner.cli.main", "probe", "--config", str(config), "--runtime-dir", str(folder)
