"""What the keeper adds to setting a configuration and reading it back: socket, journal, a way back, checks."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.hardware.by_hand import (
    BOARD_CONFIGURATIONS,
    GPU_CONFIGURATIONS,
    PROCESS_CONFIGURATIONS,
    ByHand,
    Configuration,
    by_nvml_calls,
    by_scheduler_calls,
    by_system_calls,
)
from benchmarks.hardware.figures import Figure, Section, typical
from benchmarks.hardware.keeper_process import running_keeper
from benchmarks.hardware.machines import THIS_MACHINE, EmulatedA100, EmulatedOrin, Machine, scratch_folder
from knobs.journal import Journal, JournalEntry
from knobs.keeper.client import KeeperClient
from tests.emulated.nvml import ReturnCode
from tests.emulated.nvml.clients import initialised

LIMIT = 1.3
SLOW_CALL_S = 0.01
_ROUNDS, _SLOW_ROUNDS = 60, 12
_SOURCES_OF_ENERGY = ("nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetFieldValues", "nvmlDeviceGetPowerUsage")


@dataclass
class _Times:
    """Wall times of every round, in milliseconds.

    Attributes:
        bare: Writing and reading back by hand.
        careful: The same with reading before.
        keeper: The same through the keeper.
        socket: A question to the keeper that costs it nothing.
        journal: Writing down a configuration, as the keeper does before it sets it.
    """

    bare: list[float] = field(default_factory=list)
    careful: list[float] = field(default_factory=list)
    keeper: list[float] = field(default_factory=list)
    socket: list[float] = field(default_factory=list)
    journal: list[float] = field(default_factory=list)


def setting_section(a100: EmulatedA100 | None, orin: EmulatedOrin | None, skipped: tuple[str, ...]) -> Section:
    """Returns what a configuration costs through the keeper, over the same by hand.

    Args:
        a100: A machine with an emulated driver; None if there is none here.
        orin: A machine with emulated kernel files; None if there is none here.
        skipped: Why there is none.
    """
    figures: list[Figure] = []
    notes: list[str] = []
    for name, limit, times in _measured(a100, orin):
        figures += _figures(name, limit, times)
        notes.append(f"{name}: {_breakdown(times)}")
    title = "setting a configuration and reading it back: through the keeper over by hand"
    return Section(title, tuple(figures), tuple(notes), skipped)


def _measured(a100: EmulatedA100 | None, orin: EmulatedOrin | None) -> Iterator[tuple[str, float | None, _Times]]:
    """Yields what was measured, with the limit where calls take as long as on real hardware."""
    if a100 is not None:
        slow = f"NVML, calls of {SLOW_CALL_S * 1e3:g} ms"
        with _slowed(a100), _without_meter(a100):
            yield slow, LIMIT, _through_nvml(a100, _SLOW_ROUNDS)
        with _slowed(a100):
            yield f"{slow}, meter polled", None, _through_nvml(a100, _SLOW_ROUNDS)
        with _without_meter(a100):
            yield "NVML, calls that take no time", None, _through_nvml(a100, _ROUNDS)
    if orin is not None:
        with _client_of(orin) as client:
            times = _compare(by_system_calls(orin.mount), client, BOARD_CONFIGURATIONS, _ROUNDS)
            yield "cpufreq, devfreq, memory cap", None, times
    if len(os.sched_getaffinity(0)) > 1:
        yield "affinity, on this kernel", None, _through_the_scheduler()


def _through_nvml(a100: EmulatedA100, rounds: int) -> _Times:
    with _client_of(a100) as client, initialised(a100.socket_path):
        return _compare(by_nvml_calls(), client, GPU_CONFIGURATIONS, rounds)


def _through_the_scheduler() -> _Times:
    with _client_of(THIS_MACHINE) as client, subprocess.Popen(["sleep", "600"]) as process:
        try:
            client.attach(process.pid)
            return _compare(by_scheduler_calls(process.pid), client, PROCESS_CONFIGURATIONS, _ROUNDS)
        finally:
            process.kill()


@contextmanager
def _client_of(machine: Machine) -> Iterator[KeeperClient]:
    with running_keeper(machine) as keeper, KeeperClient(keeper.socket_path) as client:
        yield client


@contextmanager
def _slowed(a100: EmulatedA100) -> Iterator[None]:
    a100.control.call("slow", function="nvmlDevice*", delay_s=SLOW_CALL_S)
    try:
        yield
    finally:
        a100.control.call("clear", function="nvmlDevice*")


@contextmanager
def _without_meter(a100: EmulatedA100) -> Iterator[None]:
    """Takes every source of energy away: calls that poll a meter and calls that set something wait for each other."""
    for function in _SOURCES_OF_ENERGY:
        a100.control.call("fail", function=function, code=int(ReturnCode.NOT_SUPPORTED))
    try:
        yield
    finally:
        for function in _SOURCES_OF_ENERGY:
            a100.control.call("clear", function=function)


def _compare(
    by_hand: ByHand, client: KeeperClient, configurations: tuple[Configuration, Configuration], rounds: int
) -> _Times:
    """Sets two configurations in turn, by hand and through the keeper, so that each write changes something."""
    one, other = configurations
    times = _Times()
    client.acquire_lease()
    client.apply(one)  # the originals are captured once a study, not once a write
    with scratch_folder() as folder:
        journal = Journal(folder)
        for _ in range(rounds):
            times.bare.append(_milliseconds(lambda: by_hand.bare(other)))
            times.keeper.append(_milliseconds(lambda: client.apply(one)))
            times.careful.append(_milliseconds(lambda: by_hand.careful(other)))
            times.keeper.append(_milliseconds(lambda: client.apply(one)))
            times.socket.append(_milliseconds(client.heartbeat))
            times.journal.append(_milliseconds(lambda: journal.record(_entries(one, other))))
    client.release_lease()
    return times


def _entries(before: Configuration, wanted: Configuration) -> list[JournalEntry]:
    """What the keeper writes down for a configuration: an entry a knob, of the usual size."""
    return [
        JournalEntry(knob_id, "", {"members": {"0" * 40: {"to": value}}}, value, (value, wanted[knob_id]))
        for knob_id, value in before.items()
    ]


def _milliseconds(action: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    action()
    return (time.perf_counter() - start_s) * 1e3


def _figures(name: str, limit: float | None, times: _Times) -> Iterator[Figure]:
    keeper_ms, careful_ms, bare_ms = typical(times.keeper), typical(times.careful), typical(times.bare)
    yield Figure(
        name,
        keeper_ms / careful_ms,
        f"{keeper_ms:.2f} ms over {careful_ms:.2f} ms to read, write and read back",
        limit=limit,
        measured={"keeper_ms": keeper_ms, "read_write_read_ms": careful_ms},
    )
    yield Figure(
        "  without a way back",
        keeper_ms / bare_ms,
        f"over {bare_ms:.2f} ms to write and read back only",
        measured={"keeper_ms": keeper_ms, "write_read_ms": bare_ms},
    )


def _breakdown(times: _Times) -> str:
    added_ms = typical(times.keeper) - typical(times.careful)
    socket_ms, journal_ms = typical(times.socket), typical(times.journal)
    return (
        f"it adds {added_ms:.2f} ms = socket and JSON {socket_ms:.2f} + journal and its two flushes {journal_ms:.2f} + "
        f"what drivers read and check beside that {added_ms - socket_ms - journal_ms:.2f}"
    )
