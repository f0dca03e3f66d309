"""How true the virtual Jetson AGX Orin is to the measured one, and where its constants come from.

The measured table is Llama-3.2-1B on a Jetson AGX Orin over prefill clock, decode clock and batch
(github.com/Zanatticus/EnergyLLM). A virtual device has one GPU clock: a cell is the mean over all prefill
clocks at one decode clock and batch, as the prefill clock hardly matters.

Prints the error of the formulas (noise aside, temperature stationary) and of the whole device (the clock
pinned, its own sensor, governor and noise included). With ``--calibrate`` it prints instead the constants
that fit the table best, for :mod:`simulation.catalogue`.

    python -m benchmarks.virtual_device_fidelity ../shared/data/replay/energyllm-agx-orin
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls  # type: ignore[import-untyped]  # scipy ships no types

from simulation.catalogue import device_model
from simulation.device import VirtualDevice
from simulation.measured_table import TableError, load_tables
from simulation.model import DeviceModel, VoltageCurve
from simulation.physics import (
    Clocks,
    batch_activity,
    batch_timing,
    core_voltage_v,
    power,
    steady_power,
)

DEVICE = "virtual:agx-orin"
TOKENS = 100
"""Tokens of one completion: the table's energy is per token, its latency per batch of completions."""

Cell = tuple[float, int]
"""GPU clock in MHz, batch size."""


@dataclasses.dataclass(frozen=True)
class Result:
    """Latency of a batch in seconds, and energy of a token in joules."""

    latency_s: float
    energy_j: float


Surface = Mapping[Cell, Result]


def measured_surface(directory: Path) -> Surface:
    """Returns the measured table, averaged over the prefill clock."""
    (task,) = load_tables([directory])
    cells: dict[Cell, list[Result]] = {}
    for point in task.points:
        cell = (float(point.values["decode_gpu_mhz"]), int(point.values["batch_size"]))
        cells.setdefault(cell, []).append(Result(point.latency_s, point.energy_j))
    return {
        cell: Result(
            latency_s=float(np.mean([result.latency_s for result in same])),
            energy_j=float(np.mean([result.energy_j for result in same])),
        )
        for cell, same in cells.items()
    }


def pinned(model: DeviceModel, core_mhz: float) -> Clocks:
    """Returns the clocks of a device with its GPU clock pinned and everything else at its highest."""
    return Clocks(core_mhz=core_mhz, memory_mhz=model.memory_clocks_mhz[-1], cpu_ratio=1.0)


def steady_surface(model: DeviceModel, cells: Surface) -> Surface:
    """Returns what the formulas say: no noise, stationary temperature."""
    profile = model.profiles[0]
    surface: dict[Cell, Result] = {}
    for core_mhz, items in cells:
        clocks = pinned(model, core_mhz)
        timing = batch_timing(model, profile, items, clocks)
        drawn, _ = steady_power(model, clocks, batch_activity(profile, items, timing))
        surface[core_mhz, items] = Result(timing.total_s, drawn.board_w * timing.total_s / (items * TOKENS))
    return surface


def device_surface(model: DeviceModel, cells: Surface, batches: int = 100) -> Surface:
    """Returns what the whole device says through its sensor: warmed up for 3 minutes, then so many batches."""
    surface: dict[Cell, Result] = {}
    with tempfile.TemporaryDirectory() as directory:
        device = VirtualDevice(model.name, Path(directory))
        for core_mhz, items in cells:
            device.set("core_max_mhz", core_mhz)
            device.set("core_min_mhz", core_mhz)
            warm_s = device.now_s() + 180.0
            while device.now_s() < warm_s:
                device.infer(model.profiles[0].name, items)
            before = device.sample()
            latency_s = sum(device.infer(model.profiles[0].name, items) for _ in range(batches))
            energy_j = device.sample().board_j - before.board_j
            surface[core_mhz, items] = Result(latency_s / batches, energy_j / (batches * items * TOKENS))
            device.set("core_min_mhz", model.core_clocks_mhz[0])
    return surface


def optimum(surface: Surface, items: int) -> tuple[float, float]:
    """Returns the clock of least energy at a batch size, and its saving over the highest clock."""
    energy_j = {core_mhz: result.energy_j for (core_mhz, size), result in surface.items() if size == items}
    best_mhz = min(energy_j, key=lambda core_mhz: energy_j[core_mhz])
    return best_mhz, 1.0 - energy_j[best_mhz] / energy_j[max(energy_j)]


def report(title: str, surface: Surface, measured: Surface) -> None:
    """Prints how far a surface is from the measured one."""
    print(f"\n{title}")
    values: tuple[tuple[str, Callable[[Result], float]], ...] = (
        ("latency", lambda result: result.latency_s),
        ("energy", lambda result: result.energy_j),
    )
    for name, value in values:
        errors = [abs(value(surface[cell]) / value(measured[cell]) - 1.0) for cell in measured]
        print(
            f"  {name:8} absolute relative error: median {np.median(errors):.2%}, "
            f"p90 {np.quantile(errors, 0.9):.2%}, largest {max(errors):.2%}"
        )
    clocks = sorted({core_mhz for core_mhz, _ in measured})
    print("  batch  optimum table/model [MHz]  steps apart   saving table/model   points apart")
    steps, points = [], []
    for items in sorted({items for _, items in measured}):
        (table_mhz, table_saving), (model_mhz, model_saving) = optimum(measured, items), optimum(surface, items)
        steps.append(abs(clocks.index(table_mhz) - clocks.index(model_mhz)))
        points.append(abs(model_saving - table_saving) * 100)
        print(
            f"  {items:5}  {table_mhz:11g} / {model_mhz:<11g} {steps[-1]:11} "
            f"{table_saving:12.1%} / {model_saving:.1%} {points[-1]:13.1f}"
        )
    print(f"  optimum at most {max(steps)} step(s) apart, saving at most {max(points):.1f} percentage points apart")


def calibrate_timing(model: DeviceModel, measured: Surface) -> DeviceModel:
    """Fits the profile's host, core and serial figures to the measured latency."""
    names = ("host_s", "core_gcycles", "core_gcycles_per_item", "serial_gcycles")

    def with_figures(figures: NDArray[np.float64]) -> DeviceModel:
        fitted: dict[str, Any] = dict(zip(names, map(float, figures), strict=True))
        profile = dataclasses.replace(model.profiles[0], **fitted)
        return dataclasses.replace(model, profiles=(profile, *model.profiles[1:]))

    def log_errors(figures: NDArray[np.float64]) -> list[float]:
        candidate = with_figures(figures)
        return [
            np.log(batch_timing(candidate, candidate.profiles[0], items, pinned(model, mhz)).total_s / result.latency_s)
            for (mhz, items), result in measured.items()
        ]

    start = [getattr(model.profiles[0], name) for name in names]
    return with_figures(least_squares(log_errors, start, bounds=(0.0, np.inf), x_scale=start).x)


def calibrate_power(model: DeviceModel, measured: Surface, voltage: VoltageCurve) -> DeviceModel:
    """Fits base and traffic power and the busy GPU's capacitance to the measured power, given the voltage.

    Whatever the table cannot tell apart (leakage, clock tree, memory clock, dispatching CPU) keeps its assumed value.
    """
    profile = model.profiles[0]
    assumed = dataclasses.replace(
        model, voltage=voltage, power=dataclasses.replace(model.power, base_w=0.0, traffic_j_per_gb=0.0)
    )
    columns, targets = [], []
    for (core_mhz, items), result in measured.items():
        clocks = pinned(model, core_mhz)
        activity = batch_activity(profile, items, batch_timing(model, profile, items, clocks))
        board_w = result.energy_j * items * TOKENS / result.latency_s
        temperature_c = model.thermal.ambient_c + model.thermal.resistance_c_per_w * board_w
        known_w = power(assumed, clocks, dataclasses.replace(activity, core_nf=0.0), temperature_c).board_w
        switching_w_per_nf = core_voltage_v(voltage, core_mhz) ** 2 * core_mhz * 1e-3 * activity.core_utilisation
        row = [1.0, activity.traffic_gb_s, switching_w_per_nf, switching_w_per_nf * items]
        columns.append([value / board_w for value in row])
        targets.append((board_w - known_w) / board_w)
    base_w, traffic_j_per_gb, core_nf, core_nf_per_item = map(float, nnls(np.array(columns), np.array(targets))[0])
    return dataclasses.replace(
        assumed,
        power=dataclasses.replace(model.power, base_w=base_w, traffic_j_per_gb=traffic_j_per_gb),
        profiles=(
            dataclasses.replace(profile, core_nf=core_nf, core_nf_per_item=core_nf_per_item),
            *model.profiles[1:],
        ),
    )


def disagreement(model: DeviceModel, measured: Surface) -> tuple[int, float]:
    """Returns how far apart the optima are (steps, beyond the one allowed), then the error of energy and saving."""
    surface = steady_surface(model, measured)
    clocks = sorted({core_mhz for core_mhz, _ in measured})
    steps, points = 0, 0.0
    for items in {items for _, items in measured}:
        (table_mhz, table_saving), (model_mhz, model_saving) = optimum(measured, items), optimum(surface, items)
        steps = max(steps, abs(clocks.index(table_mhz) - clocks.index(model_mhz)) - 1)
        points = max(points, abs(model_saving - table_saving))
    errors = [abs(surface[cell].energy_j / measured[cell].energy_j - 1.0) for cell in measured]
    return steps, float(np.median(errors)) + points


def calibrate(model: DeviceModel, measured: Surface) -> DeviceModel:
    """Returns the device with the constants that fit the table best."""
    timed = calibrate_timing(model, measured)
    candidates = (
        calibrate_power(
            timed, measured, dataclasses.replace(model.voltage, knee_mhz=knee_mhz, slope_v_per_ghz=float(slope))
        )
        for knee_mhz, slope in itertools.product(range(350, 851, 50), np.round(np.arange(0.1, 0.46, 0.025), 3))
    )
    return min(candidates, key=lambda candidate: disagreement(candidate, measured))


def main() -> int:
    """Runs the comparison, or the calibration."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="folder of the measured table")
    parser.add_argument("--calibrate", action="store_true", help="print the constants that fit the table best")
    arguments = parser.parse_args()
    try:
        measured = measured_surface(arguments.table)
    except TableError as error:
        print(error, file=sys.stderr)
        return 2
    model = device_model(DEVICE)
    if arguments.calibrate:
        model = calibrate(model, measured)
        print(model.profiles[0], model.voltage, model.power, sep="\n")
    report(f"{DEVICE}: the formulas", steady_surface(model, measured), measured)
    if not arguments.calibrate:
        report(f"{DEVICE}: the whole device, through its sensor", device_surface(model, measured), measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
