"""Knees that networks show, beside the sizes of the caches; and how well time is predicted from the working sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.working_set.loads import load_of
from benchmarks.working_set.row_file import Measured
from tuner.energy_model.working_set.cost_model import (
    Accuracy,
    CostModel,
    cross_validated,
    fit_costs,
    flops_and_launches_form,
    flops_form,
    full_form,
    levelless_form,
)
from tuner.energy_model.working_set.knees import Knee, Knees, find_knees
from tuner.energy_model.working_set.levels import MemoryHierarchy
from tuner.energy_model.working_set.probe import MeasuredHierarchy
from tuner.energy_model.working_set.probe import measured as measured_levels

SWEEPS = ("depth", "width", "batch")
_MOST_KNEES = 3
_NEAR = 2.0

FORMS = {
    "launches, arithmetic, bytes by level": full_form,
    "launches, arithmetic, bytes": levelless_form,
    "launches, arithmetic": flops_and_launches_form,
    "arithmetic alone": flops_form,
}
"""What time is predicted from, ours first."""


@dataclass(frozen=True)
class KneeRow:
    """A level of memory as a sweep shows it.

    Attributes:
        sweep: The sweep.
        level: The level's name.
        stated_bytes: Its size as the machine states it.
        read: Its end as plain reads show it; None if they do not.
        network: The knee of time per datum that belongs there; None if there is none within a factor of two.
    """

    sweep: str
    level: str
    stated_bytes: int
    read: Knee | None
    network: Knee | None

    @property
    def ratio(self) -> float | None:
        """The network's knee relative to the one of plain reads."""
        return self.network.n_bytes / self.read.n_bytes if self.network and self.read else None


@dataclass(frozen=True)
class Comparison:
    """All figures of a measurement.

    Attributes:
        levels: The levels of memory with the sizes that plain reads show.
        knees: What each sweep shows of each of them.
        found: All knees of each sweep, also those that no level explains.
        prices: What time consists of, fitted to all rows.
        errors: How well a network's times are predicted from those of others, by what is known.
        errors_as_stated: The same for ours with the sizes of caches that the machine states.
    """

    levels: MeasuredHierarchy
    knees: tuple[KneeRow, ...]
    found: dict[str, Knees]
    prices: CostModel
    errors: dict[str, Accuracy]
    errors_as_stated: Accuracy


def compare(measured: Measured) -> Comparison:
    """Returns the figures of a measurement."""
    levels = measured_levels(measured.stated, measured.reads)
    found = {sweep: _knees(measured, sweep) for sweep in SWEEPS}
    times = [row.batch_s for row in measured.rows]
    networks = [(row.width, row.depth) for row in measured.rows]
    loads = [load_of(row, levels.hierarchy) for row in measured.rows]
    as_stated = [load_of(row, measured.stated) for row in measured.rows]
    return Comparison(
        levels=levels,
        knees=tuple(_knee_rows(measured.stated, levels, found)),
        found=found,
        prices=fit_costs(loads, times, measured.stated.names),
        errors={name: cross_validated(loads, times, networks, form) for name, form in FORMS.items()},
        errors_as_stated=cross_validated(as_stated, times, networks),
    )


def _knees(measured: Measured, sweep: str) -> Knees:
    rows = [row for row in measured.rows if row.sweep == sweep]
    return find_knees([row.forward_bytes for row in rows], [row.cost for row in rows], _MOST_KNEES)


def _knee_rows(stated: MemoryHierarchy, levels: MeasuredHierarchy, found: dict[str, Knees]) -> Iterator[KneeRow]:
    for sweep, knees in found.items():
        for level in stated.levels[1:-1]:
            read = levels.knees.get(level.name)
            expected = read.n_bytes if read else level.bytes_per_unit
            yield KneeRow(sweep, level.name, level.bytes_per_unit, read, _belonging(knees.knees, expected))


def _belonging(knees: Sequence[Knee], n_bytes: float) -> Knee | None:
    """Returns, of the knees within a factor of two, the one at which the cost rises most."""
    near = [knee for knee in knees if n_bytes / _NEAR <= knee.n_bytes <= n_bytes * _NEAR]
    return max(near, key=lambda knee: knee.rise, default=None)
