"""Timelines made by hand, for the tests of this room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from knobs.contract import Provenance, Scope
from tuner.energy_model.accounting.power import PowerSeries, of_power
from tuner.energy_model.accounting.timeline import NONE, Kind, Label, Lane, Timeline

SECOND = 1_000_000_000

Event = tuple[str, str, float, float]
"""Name, lane such as ``cpu/1``, begin and end in seconds. Names that begin with ``~`` wait, with ``[`` are modules."""


def kind_of(name: str) -> Kind:
    marks = {"~": Kind.WAITING, "[": Kind.MODULE, "^": Kind.GRADIENT, "@": Kind.KERNEL}
    return marks.get(name[0], Kind.OPERATOR)


def timeline(*events: Event, origins: dict[int, int] | None = None) -> Timeline:
    names = list(dict.fromkeys(event[0] for event in events))
    lanes = list(dict.fromkeys(event[1] for event in events))
    origin = np.full(len(events), NONE, dtype=np.int64)
    for event, cause in (origins or {}).items():
        origin[event] = cause
    return Timeline(
        labels=tuple(Label(name, kind_of(name)) for name in names),
        lanes=tuple(Lane(*lane.split("/")) for lane in lanes),
        label=np.array([names.index(event[0]) for event in events], dtype=np.int64),
        lane=np.array([lanes.index(event[1]) for event in events], dtype=np.int64),
        start_ns=np.array([round(event[2] * SECOND) for event in events], dtype=np.int64),
        end_ns=np.array([round(event[3] * SECOND) for event in events], dtype=np.int64),
        origin=origin,
    )


def power(times_s: Sequence[float], power_w: Sequence[float], *devices: str) -> PowerSeries:
    """Watts, each the mean since the time before."""
    times_ns = [round(time_s * SECOND) for time_s in times_s]
    return of_power("meter", devices or ("cpu",), times_ns, power_w, Provenance.MEASURED, Scope.CPU)
