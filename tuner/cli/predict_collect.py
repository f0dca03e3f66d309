"""``wattune predict collect``: measures what primitives and modules of models cost on this device."""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knobs.contract import Meter
from tuner.cli.account_meters import choose_meters
from tuner.cli.arguments import add_places, positive_integer, positive_number
from tuner.cli.model_argument import EXAMPLES, load_model, require_extra
from tuner.cli.terminal import print_json, remark
from tuner.errors import BadInputError
from tuner.record_file import write_record
from tuner.report.vocabulary import quantity_text

if TYPE_CHECKING:
    from tuner.energy_model.model_tree.node import Measured
    from tuner.energy_model.model_tree.recording import Metering, Recording

_DURATION_S = 0.3
_REMARK_EVERY_S = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments."""
    parser.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="models whose primitives are measured, and they themselves: workload files (*.toml), factories "
        f"package.module:function, or examples: {', '.join(EXAMPLES)}",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="where what is measured goes")
    parser.add_argument(
        "--batch-size", type=positive_integer, nargs="+", default=[1], metavar="N", help="items a batch (default 1)"
    )
    parser.add_argument(
        "--duration",
        type=positive_number,
        default=_DURATION_S,
        metavar="S",
        help="seconds for each primitive or module, more where the meter is slow (default %(default)g)",
    )
    parser.add_argument(
        "--budget", type=positive_number, metavar="S", help="seconds for all of it: then stop and write"
    )
    parser.add_argument(
        "--again", action="store_true", help="measure once more what the file holds; the quicker one counts"
    )
    parser.add_argument("--meter", metavar="ID", help="the meter (default: the best one; see wattune probe)")
    add_places(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measures what the file does not hold yet, and returns the exit status.

    Raises:
        BadInputError: A model, a meter or the file cannot be used, or a library is missing.
        WattuneError: The file cannot be written.
    """
    require_extra("torch", "numpy", "scipy")

    meter = choose_meters(arguments, gpus=())[0][0]
    recording = _begun(arguments.output, _metering(meter))
    deadline_s = time.monotonic() + arguments.budget if arguments.budget else math.inf
    failed: list[str] = []
    postponed = 0
    for name in arguments.models:
        for batch_size in arguments.batch_size:
            recording, of_model, left = _collected(recording, name, batch_size, meter, arguments, deadline_s)
            write_record(arguments.output, recording)
            failed += of_model
            postponed += left
    _report(arguments, recording, failed, postponed)
    return 0


def _metering(meter: Meter) -> Metering:
    import torch

    from tuner.energy_model.model_tree.recording import Metering

    return Metering(meter.spec.id, meter.spec.scope, meter.spec.provenance, torch.get_num_threads())


def _begun(path: Path, metering: Metering) -> Recording:
    from tuner.energy_model.model_tree.recording import Recording, read_recording

    if not path.exists():
        return Recording(metering)
    recording = read_recording(path)
    if recording.metering != metering:
        raise BadInputError(
            f"{path} holds joules of {recording.metering.meter} with {recording.metering.threads} threads, not of "
            f"{metering.meter} with {metering.threads}: name another file."
        )
    return recording


def _collected(
    recording: Recording, name: str, batch_size: int, meter: Meter, arguments: argparse.Namespace, deadline_s: float
) -> tuple[Recording, list[str], int]:
    """Returns the recording with one model more, names of what could not be measured, and how much was put off."""
    from tuner.energy_model.model_tree.collection import collect, missing_nodes
    from tuner.energy_model.model_tree.execution import Executions
    from tuner.energy_model.model_tree.network_tree import tree_of_network
    from tuner.energy_model.model_tree.repetition import Repetition
    from tuner.energy_model.network.extraction import extract

    model = load_model(name, batch_size)
    network_tree = tree_of_network(extract(model.module, model.inputs, name))
    repetition = Repetition.of(arguments.duration, meter.spec.update_period_s)
    known = recording.known
    count = len(missing_nodes(network_tree.root, {} if arguments.again else known))
    title = f"{name}, batch size {batch_size}"
    remark(f"{title}: {count} primitives and modules to measure, about {count * repetition.duration_s:.0f} s or more.")
    found = collect(
        network_tree.root,
        known,
        Executions(model.module, model.inputs, network_tree).of,
        _measurer(repetition, meter, title, count),
        lambda: time.monotonic() < deadline_s,
        again=arguments.again,
    )
    return recording.with_tree(found.tree), [f"{title}: {each}" for each in found.failed], found.postponed


def _measurer(repetition: Any, meter: Meter, title: str, count: int) -> Callable[[Callable[[], object]], Measured]:
    from tuner.energy_model.model_tree.repetition import measure

    done, next_s = 0, time.monotonic() + _REMARK_EVERY_S

    def sample() -> tuple[float, float]:
        reading = meter.sample()
        return reading.time_s, reading.value

    def measured(execute: Callable[[], object]) -> Measured:
        nonlocal done, next_s
        cost = measure(execute, repetition, sample, time.monotonic)
        done += 1
        if time.monotonic() >= next_s:
            next_s = time.monotonic() + _REMARK_EVERY_S
            remark(f"{title}: {done} of {count}.")
        return cost

    return measured


def _report(arguments: argparse.Namespace, recording: Recording, failed: list[str], postponed: int) -> None:
    metering = recording.metering
    for each in failed:
        remark(f"Not measured, it cannot run by itself or shows no joules: {each}.")
    if postponed:
        remark(f"{postponed} were put off by the budget: the same command goes on where this one stopped.")
    measured = len(recording.known)
    if arguments.json:
        print_json(
            {
                "written": os.fspath(arguments.output),
                "metering": metering,
                "measured": measured,
                "failed": failed,
                "postponed": postponed,
                "models": {tree.name: tree.measured for tree in recording.forest if tree.measured is not None},
            }
        )
        return
    for tree in recording.forest:
        if tree.measured is not None:
            energy, seconds = quantity_text(tree.measured.energy_j, "J"), quantity_text(tree.measured.time_s, "s")
            print(f"{tree.name}: {energy} ({metering.scope}, {metering.provenance}), {seconds}")
    print(f"{measured} primitives and modules in {arguments.output}; {metering.meter}, {metering.threads} threads.")
