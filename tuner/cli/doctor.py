"""``wattune doctor``: checks this installation; every line says how something is and what to do about it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from rich.table import Table
from rich.text import Text

from knobs.contract import KnobError
from tuner.cli.arguments import add_places
from tuner.cli.checks import (
    Check,
    Health,
    check_cpu_bandwidth,
    check_daemon,
    check_extras,
    check_keeper,
    check_knobs,
    check_meters,
    check_other_governors,
    check_python,
    check_state_directory,
)
from tuner.cli.hardware import open_inventory, settings_or_defaults
from tuner.cli.terminal import print_json, show
from tuner.errors import WattuneError

_STYLES = {Health.OK: "green", Health.WARN: "yellow", Health.FAIL: "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    add_places(parser)


def run(arguments: argparse.Namespace) -> int:
    """Runs every check; one that fails makes the exit status 1."""
    checks = list(_checks(arguments))
    if arguments.json:
        print_json(checks)
    else:
        show(_table(checks))
    return 1 if any(check.health is Health.FAIL for check in checks) else 0


def _checks(arguments: argparse.Namespace) -> Iterator[Check]:
    yield check_python()
    yield from check_extras()
    yield from _check_hardware(arguments)
    yield from check_daemon(arguments.runtime_dir)
    yield check_keeper(arguments.runtime_dir)
    yield check_state_directory(arguments.state_dir)
    yield check_other_governors(Path("/"))


def _check_hardware(arguments: argparse.Namespace) -> Iterator[Check]:
    try:
        settings = settings_or_defaults(arguments.config, arguments.device)
        yield Check("configuration", Health.OK, f"device {settings.device}")
        inventory = open_inventory(settings, arguments.runtime_dir)
        # Stands for a workload: what can be tuned about a process is told of this one. Nothing is written.
        inventory.attach(os.getpid())
    except WattuneError as error:
        yield Check("configuration", Health.FAIL, str(error))
    except KnobError as error:
        yield Check("hardware", Health.FAIL, str(error))
    else:
        record = inventory.record()
        yield from (check_knobs(record), check_meters(record), check_cpu_bandwidth(record))


def _table(checks: list[Check]) -> Table:
    table = Table.grid(padding=(0, 2))
    for check in checks:
        finding = Text(check.finding)
        if check.fix:
            finding.append(f": {check.fix}", style="dim")
        table.add_row(Text(check.health, style=_STYLES[check.health]), Text(check.name), finding)
    return table
