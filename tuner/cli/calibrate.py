"""``wattune calibrate``: fits a meter to a reference of wider scope, so that joules of that scope can be estimated."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from knobs.contract import InventoryRecord, MeterSpec, Provenance, Scope
from knobs.keeper.client import KeeperClient
from tuner.cli.arguments import add_runtime_dir, positive_number
from tuner.cli.sockets import KEEPER_SOCKET
from tuner.cli.terminal import print_json, remark, show
from tuner.cli.toml_section import put_section, section_text
from tuner.energy_model.calibration.fit import LARGEST_ERROR, CalibrationFit, calibrate
from tuner.energy_model.calibration.recording import read_recording
from tuner.energy_model.calibration.sampling import MeterRecorder
from tuner.energy_model.calibration.series import EnergySeries
from tuner.errors import BadInputError
from tuner.report.vocabulary import quantity_text, share_text

_SECTION = "calibration"
_DURATION_S = 60.0
_REMARK_EVERY_S = 10.0
_REST_S = 5.0
_STEP_OF_ERROR = 1e-3
"""An error is written in steps of this, rounded up: no fit is exact."""


@dataclass(frozen=True)
class Calibrated:
    """A fit, and what it is of.

    Attributes:
        meter: The meter's id; empty where a recording does not tell.
        reference: What it was fitted to.
        scope: What a joule of the reference covers.
        provenance: Whether both meters measure.
        fit: The fit.
        values: What stands in the section of the configuration.
    """

    meter: str
    reference: str
    scope: Scope
    provenance: Provenance
    fit: CalibrationFit
    values: dict[str, str | float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    parser.add_argument(
        "--csv",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="a recording instead of meters of this machine: one file with the columns time_s, device_j or device_w, "
        "reference_j or reference_w, or two files with one meter each",
    )
    parser.add_argument("--meter", metavar="ID", help="the meter that is fitted, such as gpu.energy")
    parser.add_argument("--reference", metavar="ID", help="the meter that it is fitted to, such as a plug at the wall")
    parser.add_argument(
        "--scope", choices=list(Scope), help="what the reference of a recording covers (default wall)", type=Scope
    )
    parser.add_argument(
        "--duration", type=positive_number, metavar="S", help=f"seconds to sample (default {_DURATION_S:g})"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the fit into this wattune.toml")
    parser.add_argument(
        "--largest-error",
        type=positive_number,
        default=LARGEST_ERROR,
        metavar="SHARE",
        help=f"refuse a fit that is further off (default {LARGEST_ERROR:g})",
    )
    add_runtime_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fits, shows what the fit is worth, and writes it if wanted."""
    _check(arguments)
    found = _from_recording(arguments) if arguments.csv else _from_meters(arguments)
    if arguments.write is not None:
        _write(arguments.write, found)
    if arguments.json:
        print_json({**asdict(found), "error": found.fit.error, "written": str(arguments.write or "")})
    else:
        _show(found, written=arguments.write is not None)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.csv:
        if arguments.reference or arguments.duration:
            raise BadInputError("A recording has its own reference and duration: leave --reference and --duration out.")
        if len(arguments.csv) > 2:
            raise BadInputError("Name one recording of both meters, or two of one each, not more.")
        if arguments.write and not arguments.meter:
            raise BadInputError("Which meter the recording is of must be known to write its fit: name it with --meter.")
    elif not (arguments.meter and arguments.reference):
        raise BadInputError("Name both meters, --meter ID --reference ID, or a recording of them, --csv FILE.")
    elif arguments.scope:
        raise BadInputError("A meter of this machine says itself what it covers: leave --scope out.")


def _from_recording(arguments: argparse.Namespace) -> Calibrated:
    device, reference = read_recording(arguments.csv)
    fit = calibrate(device, reference, arguments.largest_error)
    return _calibrated(arguments.meter or "", reference.name, arguments.scope or Scope.WALL, Provenance.MEASURED, fit)


def _from_meters(arguments: argparse.Namespace) -> Calibrated:
    with KeeperClient(arguments.runtime_dir / KEEPER_SOCKET) as keeper:
        device, reference = _pair(keeper.inventory(), arguments.meter, arguments.reference)
        if arguments.write and device.provenance is not Provenance.MEASURED:
            raise BadInputError(
                f"{device.id} is simulated: its fit says nothing of a machine, so that it is not written."
            )
        measured, referred = _record(keeper, device, reference, arguments.duration or _DURATION_S)
    fit = calibrate(measured, referred, arguments.largest_error)
    return _calibrated(device.id, reference.id, reference.scope, device.provenance, fit)


def _pair(inventory: InventoryRecord, meter: str, reference: str) -> tuple[MeterSpec, MeterSpec]:
    """Returns the two meters.

    Raises:
        BadInputError: There is no such meter, or one cannot be fitted to the other.
    """
    meters = {spec.id: spec for spec in inventory.meters}
    for name in (meter, reference):
        if name not in meters:
            known = ", ".join(meters) or "none"
            raise BadInputError(f"There is no meter '{name}': this machine has {known}; see wattune probe.")
        if meters[name].provenance is Provenance.ESTIMATED:
            raise BadInputError(f"{name} does not measure, it estimates: take meters that measure.")
    narrow, wide = meters[meter], meters[reference]
    if meter == reference or not wide.scope.covers(narrow.scope):
        raise BadInputError(
            f"{reference} (scope {wide.scope}) does not cover what {meter} (scope {narrow.scope}) measures: the "
            "reference must be another meter, of a wider scope."
        )
    return narrow, wide


def _record(keeper: KeeperClient, device: MeterSpec, reference: MeterSpec, duration_s: float) -> list[EnergySeries]:
    remark(
        f"Sampling {device.id} and {reference.id} for {duration_s:g} s. Nothing is made to work by this: meanwhile let "
        f"the machine rest and work by turns, several times and for {_REST_S:g} s or more each."
    )
    with _Progress(duration_s) as progress:
        return MeterRecorder(keeper.sample, (device, reference)).record(duration_s, progress)


class _Progress:
    """Says how far the recording is: a living line on a terminal, else a line now and then."""

    def __init__(self, duration_s: float) -> None:
        self._duration_s = duration_s
        self._next_s = _REMARK_EVERY_S
        console = Console(stderr=True, highlight=False)
        self._status = Status("Waiting for both meters", console=console) if console.is_terminal else None

    def __enter__(self) -> _Progress:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def __call__(self, recorded_s: float, powers_w: Mapping[str, float]) -> None:
        powers = ", ".join(f"{name} {quantity_text(power_w, 'W')}" for name, power_w in powers_w.items())
        line = f"{recorded_s:.0f} of {self._duration_s:g} s: {powers or 'waiting for both meters'}"
        if self._status is not None:
            self._status.update(line)
        elif recorded_s >= self._next_s:
            self._next_s = recorded_s + _REMARK_EVERY_S
            remark(line)


def _calibrated(meter: str, reference: str, scope: Scope, provenance: Provenance, fit: CalibrationFit) -> Calibrated:
    values: dict[str, str | float] = {
        "scope": scope.value,
        "factor": float(f"{fit.factor:.5g}"),
        "base_w": float(f"{fit.base_w:.5g}"),
        "error": round(max(1, math.ceil(fit.error / _STEP_OF_ERROR)) * _STEP_OF_ERROR, 3),
    }
    return Calibrated(meter, reference, scope, provenance, fit, values)


def _write(path: Path, found: Calibrated) -> None:
    put_section(path, _SECTION, found.meter, found.values)
    remark(f"Written to {path}: start the keeper and the daemon again, then {found.meter}.calibrated is there.")


def _show(found: Calibrated, *, written: bool) -> None:
    fit = found.fit
    name = found.meter or "the device"
    table = Table.grid(padding=(0, 3))
    for row in (
        ("factor", f"{fit.factor:.4g} ± {fit.factor_half_width:.2g}"),
        ("base power", f"{fit.base_w:.4g} ± {fit.base_half_width_w:.2g} W"),
        ("error", f"{share_text(fit.mean_error)} on average where the fit had not seen the recording"),
        ("", f"{share_text(fit.largest_error)} at most, over a fifth of it"),
        (
            "at rest",
            f"{name} {quantity_text(fit.idle_device_w, 'W')}, {found.scope} {quantity_text(fit.idle_reference_w, 'W')}",
        ),
        ("holds up to", f"{quantity_text(fit.busy_device_w, 'W')} of {name}"),
        ("lag", f"{found.reference} follows after {fit.lag_s:.2f} s"),
        ("from", f"{fit.stretches} stretches of about {fit.stretch_s:.3g} s, {fit.outliers} out of line and left out"),
    ):
        table.add_row(*map(Text, row))
    formula = f"{found.scope} energy = {fit.factor:.4g} * {name} + {fit.base_w:.4g} W * time"
    show(Text(f"{formula} (of meters that are simulated)" if _is_simulated(found) else formula, "bold"))
    show(table)
    if found.meter and not _is_simulated(found) and not written:
        show(Text("\nFor wattune.toml (or --write FILE):\n"))
        show(Text(section_text(_SECTION, found.meter, found.values).rstrip()))


def _is_simulated(found: Calibrated) -> bool:
    return found.provenance is Provenance.SIMULATED
