"""``wattune restore``: asks the keeper to take trial values back; where none answers, does it itself."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from knobs.contract import RefusedError, RestoreReport
from knobs.keeper.client import KeeperClient
from knobs.keeper.restore import restore_all
from tuner.cli.arguments import add_places
from tuner.cli.hardware import open_inventory, settings_or_defaults
from tuner.cli.sockets import KEEPER_SOCKET, listens


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    add_places(parser)
    parser.add_argument("--confirmed", action="store_true", help="give up the confirmed configuration too")


def run(arguments: argparse.Namespace) -> int:
    """Restores, and says loudly what could not be restored."""
    socket_path: Path = arguments.runtime_dir / KEEPER_SOCKET
    if listens(socket_path):
        with KeeperClient(socket_path) as keeper:
            report = keeper.restore(arguments.confirmed)
    else:
        report = _restore_without_keeper(arguments)
    _show(report, as_json=arguments.json)
    return 1 if report.failed else 0


def _restore_without_keeper(arguments: argparse.Namespace) -> RestoreReport:
    settings = settings_or_defaults(arguments.config, arguments.device)
    inventory = open_inventory(settings, arguments.runtime_dir, check_meters=False)
    try:
        return restore_all(inventory, arguments.runtime_dir, arguments.state_dir, arguments.confirmed, settings.bounds)
    except RefusedError:
        # A keeper was just starting: it holds the folder now, and answers soon.
        with KeeperClient(arguments.runtime_dir / KEEPER_SOCKET) as keeper:
            return keeper.restore(arguments.confirmed)


def _show(report: RestoreReport, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(report)))
    elif report.restored:
        print(f"Restored: {', '.join(report.restored)}.")
    elif not report.pending and not report.failed:
        print("Nothing to restore: no knob differs from its own value because of Wattune.")
    for knob_id, note in report.notes:
        print(f"wattune: {knob_id}: {note}", file=sys.stderr)
    for knob_id in report.pending:
        print(f"wattune: {knob_id} was put back, but a cap that is not ours hides it for now.", file=sys.stderr)
    for knob_id, reason in report.failed:
        print(f"wattune: {knob_id} COULD NOT BE PUT BACK: {reason}", file=sys.stderr)
