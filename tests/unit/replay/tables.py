"""Hand-made measured tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from simulation.measured_table import Dataset, Point, Task
from tuner.replay.row import Row
from tuner.replay.task import ReplayTask

DATASET = Dataset("by-hand", "inference", "Made by hand", "nobody", "Apache-2.0", "s per batch", "J per item", "")

CLOCKS = {"gpu_mhz": "MHz"}


def table(points: Sequence[tuple[Mapping[str, int | str], float, float]], knobs: Mapping[str, str] = CLOCKS) -> Task:
    """Makes a table of (values, latency_s, energy_j)."""
    return Task(DATASET, "device", "workload", knobs, tuple(Point(*point) for point in points))


def clock_table(latencies_s: Sequence[float], energies_j: Sequence[float]) -> Task:
    """Makes a table of one clock, 100 MHz for the first point, 200 for the second and so on."""
    pairs = zip(latencies_s, energies_j, strict=True)
    return table([({"gpu_mhz": 100 * (place + 1)}, *pair) for place, pair in enumerate(pairs)])


def replay_task(
    device: str = "device",
    workload: str = "workload",
    slo: float = 2.0,
    *,
    dataset: str = "by-hand",
    group: str = "inference",
    knobs: Mapping[str, str] = CLOCKS,
    best_mhz: int = 300,
) -> ReplayTask:
    """Makes a task of six clocks; the first knob is the one that matters, and the SLO of 2 x rules out the lowest."""
    first, *others = knobs
    points = tuple(
        Point({first: mhz, **dict.fromkeys(others, 1)}, 660.0 / (mhz + 60), 1.0 + abs(mhz - best_mhz) / 1000)
        for mhz in range(100, 700, 100)
    )
    return ReplayTask(Task(replace(DATASET, name=dataset, group=group), device, workload, knobs, points), slo)


def write_table(directory: Path, points: int = 12, workloads: Sequence[str] = ("workload",)) -> Path:
    """Writes a table of one clock as files and returns its folder."""
    directory.mkdir(parents=True)
    lines = ["device,workload,gpu_mhz,latency_s,energy_j"]
    for workload in workloads:
        for number in range(points):
            figures = f"{100 * (number + 1)},{2.0 - number / points},{1.0 + (number - 6) ** 2 / 20}"
            lines.append(f"device,{workload},{figures}")
    (directory / "points.csv").write_text("\n".join(lines) + "\n")
    (directory / "dataset.toml").write_text(
        'title = "Made by hand"\nsource = "nobody"\ngroup = "inference"\nlicence = "Apache-2.0"\n'
        'latency = "s"\nenergy = "J"\nnote = ""\n[knobs]\ngpu_mhz = "MHz"\n'
    )
    return directory


def row(
    group: str = "inference",
    method: str = "random",
    trials: int = 10,
    regret: float | None = 0.0,
    *,
    workload: str = "workload",
    seed: int = 0,
    regrets: tuple[float | None, ...] = (None, 0.5, 0.0),
) -> Row:
    """Makes a row of a run that found the optimum after some trials, half of them violations."""
    return Row(
        dataset="table",
        group=group,
        device="device",
        workload=workload,
        slo=1.3,
        method=method,
        seed=seed,
        trials_to_5pct=trials,
        violations=trials // 2,
        stopped_at=trials + 1,
        regret_at_stop=regret,
        seconds_per_proposal=0.1,
        regrets=regrets,
        is_violation=tuple(value is None for value in regrets),
    )
