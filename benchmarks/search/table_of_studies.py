"""``python -m benchmarks.search.table_of_studies FOLDER STUDY.json...``: measured studies as a table to be replayed.

A study that tried every configuration (``method = "random"``, as many trials as there are) is a measured table of this
machine. Configurations that several studies measured are averaged when the table is read.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from tuner import serialization
from tuner.errors import BadInputError, WattuneError
from tuner.study_record import Study

_COLUMN_UNIT = {"": "name"}


def main() -> int:
    """Writes the table; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search.table_of_studies", description="Makes a measured table of studies."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where points.csv and dataset.toml go")
    parser.add_argument("studies", type=Path, nargs="+", metavar="STUDY.json", help="reports' study.json")
    arguments = parser.parse_args()
    try:
        write_table(arguments.folder, [_read(path) for path in arguments.studies])
    except WattuneError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


def write_table(folder: Path, studies: Sequence[Study]) -> None:
    """Writes ``points.csv`` and ``dataset.toml``.

    Args:
        folder: Is made.
        studies: Of workloads with the same parameters, on one machine.

    Raises:
        BadInputError: Studies differ in their parameters, or nothing was measured.
    """
    parameters = {parameter.id: parameter.unit for parameter in studies[0].space.parameters}
    if any({parameter.id for parameter in study.space.parameters} != parameters.keys() for study in studies):
        raise BadInputError("The studies differ in their parameters: make a table of each.")
    measured = [(study, trial) for study in studies for trial in study.trials if trial.measurement is not None]
    if not measured:
        raise BadInputError("Nothing was measured in these studies.")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "points.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["device", "workload", *parameters, "latency_s", "energy_j"])
        for study, trial in measured:
            assert trial.measurement is not None, "what was not measured is left out"
            values = [trial.configuration[name] for name in parameters]
            figures = (trial.measurement.slo_latency_s, trial.measurement.energy.per_request_j)
            writer.writerow([study.machine.device, study.request.workload, *values, *figures])
    (folder / "dataset.toml").write_text(_description(studies[0], parameters), encoding="utf-8")


def _description(study: Study, parameters: dict[str, str]) -> str:
    scope, provenance = study.objective.scope, study.machine.provenance
    units = "\n".join(f'"{name}" = "{_COLUMN_UNIT.get(unit, unit)}"' for name, unit in parameters.items())
    return (
        'title = "Studies of this machine"\nsource = "wattune"\ngroup = "inference"\nlicence = "none"\n'
        f'latency = "s, at the percentile of the SLO"\nenergy = "J per request, {scope}, {provenance}"\nnote = ""\n\n'
        f"[knobs]\n{units}\n"
    )


def _read(path: Path) -> Study:
    try:
        return serialization.decode(path.read_bytes(), Study)
    except OSError as error:
        raise BadInputError(f"The study {path} cannot be read: {error.strerror}.") from error


if __name__ == "__main__":
    sys.exit(main())
