"""``wattune snapshot``: this machine's knobs, lists and meters in one file, to be attached to a bug report."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from knobs import snapshot
from knobs.keeper.records import to_json
from knobs.meters.plug.address import Address, AddressError
from knobs.sysfs import KernelFiles
from tuner.cli.arguments import add_places
from tuner.cli.hardware import LOCAL_DEVICE, HardwareSettings, open_inventory, settings_or_defaults
from tuner.cli.probe import values_in_force
from tuner.cli.terminal import print_json, remark, show
from tuner.daemon.machine_facts import describe_machine
from tuner.errors import BadInputError, WattuneError

_DEFAULT_FILE = "wattune-snapshot.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    add_places(parser)
    parser.add_argument("--output", type=Path, default=Path(_DEFAULT_FILE), metavar="FILE", help="where to write it")


def run(arguments: argparse.Namespace) -> int:
    """Writes the file; nothing of the machine is changed."""
    settings = settings_or_defaults(arguments.config, arguments.device)
    if settings.device != LOCAL_DEVICE:
        raise BadInputError(f"A snapshot is of this machine: leave out the device '{settings.device}'.")
    files = KernelFiles()
    view = snapshot.view_kernel(files)
    document = {
        "format": snapshot.FORMAT,
        "machine": describe_machine(files),
        "kernel": to_json(view),
        **(_nothing_that_wakes() if snapshot.nvidia_sleeps(files) else _found(settings, arguments.runtime_dir)),
    }
    text = json.dumps(document, indent=1)
    _write(arguments.output, f"{snapshot.without_identities(text, _names_of_plugs(settings))}\n")
    if arguments.json:
        print_json({"file": str(arguments.output), "files": len(view.files)})
    else:
        show(f"Wrote {arguments.output}: {len(view.files)} files of the kernel, with knobs and meters as found.")
    return 0


def _found(settings: HardwareSettings, runtime_dir: Path) -> dict[str, object]:
    inventory = open_inventory(settings, runtime_dir)
    return {
        "nvidia": to_json(snapshot.view_nvidia()),
        "inventory": to_json(inventory.record()),
        "current": values_in_force(inventory),
    }


def _nothing_that_wakes() -> dict[str, object]:
    remark("An NVIDIA GPU is asleep and is left so: for knobs and meters, use it and take the snapshot meanwhile.")
    return {"nvidia": None, "inventory": None, "current": None}


def _names_of_plugs(settings: HardwareSettings) -> Iterator[str]:
    for text in settings.wishes.plugs.values():
        yield text
        with suppress(AddressError):
            yield Address.parse(text).host


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise WattuneError(f"The snapshot cannot be written to {path}: {error.strerror}.") from error
