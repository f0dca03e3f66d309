"""``wattune predict fit``: learns a device from what was measured on it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.cli.model_argument import require_extra
from tuner.cli.terminal import print_json
from tuner.errors import BadInputError
from tuner.record_file import write_record

if TYPE_CHECKING:
    from tuner.energy_model.model_tree.device_model import DeviceModel
    from tuner.energy_model.model_tree.recording import Recording


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments."""
    parser.add_argument("recordings", nargs="+", type=Path, metavar="FILE", help="what 'wattune predict collect' wrote")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="where the device model goes")


def run(arguments: argparse.Namespace) -> int:
    """Learns, and returns the exit status.

    Raises:
        BadInputError: A recording cannot be used, or a library is missing.
        WattuneError: The file cannot be written.
    """
    require_extra("numpy", "scipy")
    from tuner.energy_model.model_tree.device_model import fit_device

    device = fit_device(_merged(arguments.recordings))
    write_record(arguments.output, device)
    _report(arguments, device)
    return 0


def _merged(paths: list[Path]) -> Recording:
    from tuner.energy_model.model_tree.recording import read_recording

    merged, *others = [read_recording(path) for path in paths]
    for path, recording in zip(paths[1:], others, strict=True):
        if recording.metering != merged.metering:
            raise BadInputError(f"{path} holds joules of another meter or setting than {paths[0]}: fit them apart.")
        for tree in recording.forest:
            merged = merged.with_tree(tree)
    return merged


def _report(arguments: argparse.Namespace, device: DeviceModel) -> None:
    leaves = device.energy.model.leaves
    facts = {
        "written": str(arguments.output),
        "models": device.models,
        "primitives": len(leaves.known),
        "operators": sorted(leaves.operators),
        "energy_factors": device.energy.factors,
        "time_factors": device.time.factors,
    }
    if arguments.json:
        print_json(facts)
        return
    print(f"{len(leaves.known)} primitives of {len(leaves.operators)} operators, from {', '.join(device.models)}.")
    for name, chosen in (("Energy", device.energy), ("Time", device.time)):
        factors = ", ".join(f"{level} {factor:.2f}" for level, factor in chosen.factors.items())
        print(f"{name}: within these factors in 90 % of all cases: {factors or 'unknown, from one model'}.")
    print(f"Written to {arguments.output}.")
