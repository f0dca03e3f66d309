"""How much memory the keeper holds, and what it uses of a core while it is asked for readings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from benchmarks.hardware.figures import PERCENT, Figure, Section
from benchmarks.hardware.keeper_process import KeeperProcess, running_keeper
from benchmarks.hardware.machines import DEAR_FILES, Machine
from knobs.keeper.client import KeeperClient

LIMIT_MIB = 25.0
_SAMPLES_HZ = 50.0
_LOOKS_HZ = 10.0


def footprint_section(machines: Iterable[Machine], skipped: Iterable[str], seconds: float) -> Section:
    """Returns the keeper's resident memory over what is allowed: at rest, and while it works.

    Args:
        machines: The machines whose keepers are looked at.
        skipped: Why others are not.
        seconds: How long each one works.
    """
    figures = tuple(figure for machine in machines for figure in _footprint(machine, seconds))
    return Section(f"keeper: resident memory over {LIMIT_MIB:g} MiB", figures, (DEAR_FILES,), tuple(skipped))


def _footprint(machine: Machine, seconds: float) -> Iterable[Figure]:
    with running_keeper(machine) as keeper, KeeperClient(keeper.socket_path) as client:
        inventory = client.inventory()
        yield _memory(f"{machine.name}, idle", keeper, f"{len(inventory.knobs)} knobs, {len(inventory.meters)} meters")
        meter_ids = [meter.id for meter in inventory.meters]
        if not meter_ids:
            return

        def work() -> None:
            client.sample(meter_ids)

        busy = _share_of_a_core(keeper, work, client.observe, seconds)
        yield _memory(f"{machine.name}, sampling", keeper, f"all meters {_SAMPLES_HZ:g} times a second, looking at all")
        yield Figure(
            f"{machine.name}, CPU",
            busy,
            f"of one core, over its socket: all meters at {_SAMPLES_HZ:g} Hz and a look at the devices at "
            f"{_LOOKS_HZ:g} Hz, their reads and calls included",
            unit=PERCENT,
        )


def _memory(name: str, keeper: KeeperProcess, doing: str) -> Figure:
    resident_mib = keeper.resident_mib()
    measured = {"resident_mib": resident_mib}
    return Figure(name, resident_mib / LIMIT_MIB, f"{resident_mib:.1f} MiB, {doing}", limit=1.0, measured=measured)


def _share_of_a_core(
    keeper: KeeperProcess, sample: Callable[[], object], look: Callable[[], object], seconds: float
) -> float:
    """Samples, and looks at the devices less often, as a trial does; returns the keeper's share of one core."""
    start_s, cpu_s = time.monotonic(), keeper.cpu_s()
    for number in range(int(seconds * _SAMPLES_HZ)):
        time.sleep(max(0.0, start_s + number / _SAMPLES_HZ - time.monotonic()))
        sample()
        if number % round(_SAMPLES_HZ / _LOOKS_HZ) == 0:
            look()
    return (keeper.cpu_s() - cpu_s) / (time.monotonic() - start_s)
