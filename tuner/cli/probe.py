"""``wattune probe``: knobs and meters of this machine, and for each absent one the reason and the fix."""

from __future__ import annotations

import argparse
import os

from rich.table import Table
from rich.text import Text

from knobs.contract import DeviceError, InventoryRecord, Value
from knobs.inventory import Inventory as LocalInventory
from tuner.cli.arguments import add_places
from tuner.cli.hardware import open_inventory, settings_or_defaults
from tuner.cli.sockets import READ_SOCKET, listens
from tuner.cli.terminal import print_json, remark, show
from tuner.daemon_record import Inventory
from tuner.report.plain_table import plain_table
from tuner.report.vocabulary import NOTHING, quantity_text, value_text

_MOST_VALUES = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    add_places(parser)
    parser.set_defaults(socket=None)


def run(arguments: argparse.Namespace) -> int:
    """Shows the inventory: the daemon's, or where none runs what this process finds."""
    if arguments.device is None and listens(arguments.runtime_dir / READ_SOCKET):
        from tuner.cli.daemon import to_ask  # only here: gRPC takes longer to load than a probe may take

        with to_ask(arguments) as client:
            inventory = client.inventory()
    else:
        inventory = _look(arguments)
        remark("No daemon answers: this is what this process finds with your own rights.")
    if arguments.json:
        print_json(inventory)
        return 0
    _show(inventory)
    return 0


def _look(arguments: argparse.Namespace) -> Inventory:
    settings = settings_or_defaults(arguments.config, arguments.device)
    found = open_inventory(settings, arguments.runtime_dir)
    # Stands for a workload: what can be tuned about a process is told of this one. Nothing is written.
    found.attach(os.getpid())
    return Inventory(found.record(), values_in_force(found))


def values_in_force(found: LocalInventory) -> dict[str, Value]:
    """Returns what each knob reads now; one that cannot be read is remarked on and left out."""
    values: dict[str, Value] = {}
    for knob_id, knob in found.knobs.items():
        try:
            values[knob_id] = knob.read()
        except DeviceError as error:
            remark(f"{knob_id} cannot be read: {error}")
    return values


def _show(inventory: Inventory) -> None:
    record = inventory.record
    show(_knobs(inventory) if record.knobs else "No knobs.")
    show("")
    show(_meters(record) if record.meters else "No meters.")
    if record.absent:
        show("")
        show(_absences(record))


def _knobs(inventory: Inventory) -> Table:
    table = plain_table("Knobs", "knob", "now", "values", "explored", "restore", "device")
    for spec in inventory.record.knobs:
        now = inventory.current.get(spec.id)
        table.add_row(
            Text(spec.id),
            Text(NOTHING if now is None else value_text(now, spec.unit)),
            Text(_choices(spec.values, spec.unit)),
            Text("yes" if spec.explored else "no"),
            Text(spec.restore_class),
            Text(f"{spec.device}, {spec.provenance}"),
        )
    return table


def _choices(values: tuple[Value, ...], unit: str) -> str:
    shown = [value_text(value) for value in values]
    if len(shown) > _MOST_VALUES:
        shown = [*shown[: _MOST_VALUES // 2], "…", *shown[-_MOST_VALUES // 2 + 1 :]]
    return f"{', '.join(shown)} {value_text('', unit).strip()}".strip()


def _meters(record: InventoryRecord) -> Table:
    table = plain_table("Meters", "meter", "scope", "joules are", "updates every", "note")
    for spec in record.meters:
        period = quantity_text(spec.update_period_s, "s") if spec.update_period_s else "reading"
        cells = (spec.id, spec.scope.value, spec.provenance.value, period, spec.note)
        table.add_row(*map(Text, cells))
    return table


def _absences(record: InventoryRecord) -> Table:
    table = plain_table("Absent", "what", "why", "what to do")
    for (reason, fix), absences in _by_reason(record).items():
        table.add_row(Text("\n".join(absences)), Text(reason), Text(fix or NOTHING))
    return table


def _by_reason(record: InventoryRecord) -> dict[tuple[str, str], list[str]]:
    """Returns what is absent, together where one reason stands for several."""
    found: dict[tuple[str, str], list[str]] = {}
    for absence in record.absent:
        found.setdefault((absence.reason, absence.fix), []).append(absence.id)
    return found
