"""What all monitors together say, and whether somebody else has moved a knob that is on trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from knobs.checks import matches
from knobs.contract import Conditions, DeviceError, Knob, Monitor, Value


def observe(monitors: Iterable[Monitor], moved: tuple[str, ...] = ()) -> Conditions:
    """Returns the conditions of all devices together; a device that does not answer is an obstacle.

    Args:
        monitors: One a device.
        moved: Further obstacles.
    """
    seen = [_observed(monitor) for monitor in monitors]
    utilizations = [conditions.utilization for conditions in seen if conditions.utilization is not None]
    backgrounds = [conditions.background_cores for conditions in seen if conditions.background_cores is not None]
    return Conditions(
        delivered=tuple(pair for conditions in seen for pair in conditions.delivered),
        obstacles=(*moved, *(text for conditions in seen for text in conditions.obstacles)),
        remarks=tuple(text for conditions in seen for text in conditions.remarks),
        power_capped=any(conditions.power_capped for conditions in seen),
        temperatures_c=tuple(pair for conditions in seen for pair in conditions.temperatures_c),
        utilization=max(utilizations, default=None),
        occupants=tuple(occupant for conditions in seen for occupant in conditions.occupants),
        background_cores=max(backgrounds, default=None),
    )


def moved_knobs(knobs: Mapping[str, Knob], trial: Mapping[str, Value]) -> tuple[str, ...]:
    """Returns a clause for each knob on trial that does not hold what was set."""
    return tuple(clause for knob_id, value in trial.items() if (clause := _moved(knobs.get(knob_id), knob_id, value)))


def _moved(knob: Knob | None, knob_id: str, value: Value) -> str:
    if knob is None:
        return f"{knob_id} is gone"
    try:
        present = knob.read()
    except DeviceError as error:
        return f"{knob_id} cannot be read: {error}"
    if matches(knob.spec, present, value):
        return ""
    return f"{knob_id} was set to {value} and reads {present}: another program or the kernel moved it"


def _observed(monitor: Monitor) -> Conditions:
    try:
        return monitor.observe()
    except DeviceError as error:
        return Conditions(obstacles=(f"{monitor.device}: {error}",))
