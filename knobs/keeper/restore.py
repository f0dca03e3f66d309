"""The way back without a keeper: what ``wattune restore`` does when none answers, and systemd after one has died."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from knobs.contract import RestoreReport, Value
from knobs.durable import prepare_directory
from knobs.inventory import Inventory
from knobs.journal import Journal
from knobs.keeper.desired import Desired
from knobs.keeper.keeper import Keeper
from knobs.keeper.single import only_keeper


def restore_all(
    inventory: Inventory,
    runtime_dir: Path,
    state_dir: Path,
    confirmed: bool,
    bounds: Mapping[str, tuple[Value, ...]] | None = None,
) -> RestoreReport:
    """Brings every knob in the journal to its confirmed value, or else to its original.

    Args:
        inventory: The knobs of this machine.
        runtime_dir: The folder of the journal.
        state_dir: The folder of the confirmed values.
        confirmed: Whether to forget the confirmed values, so that every knob returns to its original.
        bounds: The values that the operator allows, by knob id.

    Raises:
        RefusedError: A keeper runs: ask it instead.
        KnobError: A folder cannot be used.
    """
    prepare_directory(runtime_dir)
    with only_keeper(runtime_dir):
        keeper = Keeper(inventory, Journal(runtime_dir), Desired(state_dir), bounds)
        return keeper.recover(withdraw=confirmed)
