"""Hand-made measured tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from simulation.measured_table import Dataset, Point, Task

DATASET = Dataset("by-hand", "inference", "Made by hand", "nobody", "Apache-2.0", "s per batch", "J per item", "")

CLOCKS = {"gpu_mhz": "MHz"}


def table(points: Sequence[tuple[Mapping[str, int | str], float, float]], knobs: Mapping[str, str] = CLOCKS) -> Task:
    """Makes a table of (values, latency_s, energy_j)."""
    return Task(DATASET, "device", "workload", knobs, tuple(Point(*point) for point in points))


def clock_table(latencies_s: Sequence[float], energies_j: Sequence[float]) -> Task:
    """Makes a table of one clock, 100 MHz for the first point, 200 for the second and so on."""
    pairs = zip(latencies_s, energies_j, strict=True)
    return table([({"gpu_mhz": 100 * (place + 1)}, *pair) for place, pair in enumerate(pairs)])


def write_table(directory: Path, points: int = 12) -> Path:
    """Writes a table of one clock as files and returns its folder."""
    directory.mkdir(parents=True)
    lines = ["device,workload,gpu_mhz,latency_s,energy_j"]
    for number in range(points):
        lines.append(f"device,workload,{100 * (number + 1)},{2.0 - number / points},{1.0 + (number - 6) ** 2 / 20}")
    (directory / "points.csv").write_text("\n".join(lines) + "\n")
    (directory / "dataset.toml").write_text(
        'title = "Made by hand"\nsource = "nobody"\ngroup = "inference"\nlicence = "Apache-2.0"\n'
        'latency = "s"\nenergy = "J"\nnote = ""\n[knobs]\ngpu_mhz = "MHz"\n'
    )
    return directory
