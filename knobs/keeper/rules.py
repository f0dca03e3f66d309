"""What a configuration must keep to, and in which order its values are written. Touches no hardware."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter

from knobs.contract import Knob, KnobSpec, RefusedError, Value


def within_bounds(spec: KnobSpec, bounds: Mapping[str, tuple[Value, ...]]) -> tuple[Value, ...]:
    """Returns the values of a knob that the operator allows."""
    allowed = bounds.get(spec.id)
    return spec.values if allowed is None else tuple(value for value in spec.values if value in allowed)


def admissible(
    knobs: Mapping[str, Knob], bounds: Mapping[str, tuple[Value, ...]], values: Mapping[str, Value]
) -> dict[str, Value]:
    """Returns the wanted values as the device lists them.

    Raises:
        RefusedError: A knob is unknown, or a value is not one of the device's within the operator's bounds.
    """
    return {knob_id: _admissible_value(knobs, bounds, knob_id, value) for knob_id, value in values.items()}


def _admissible_value(
    knobs: Mapping[str, Knob], bounds: Mapping[str, tuple[Value, ...]], knob_id: str, value: Value
) -> Value:
    if knob_id not in knobs:
        raise RefusedError(f"There is no knob {knob_id}: choose one of {', '.join(sorted(knobs)) or 'none'}.")
    choices = within_bounds(knobs[knob_id].spec, bounds)
    for choice in choices:
        if choice == value and not isinstance(value, bool):
            return choice
    listed = ", ".join(map(str, choices)) or "none: the operator's bounds exclude every value"
    raise RefusedError(f"{knob_id} cannot be {value!r}: choose one of {listed}.")


def check_order(specs: Iterable[KnobSpec], configuration: Mapping[str, Value]) -> None:
    """Makes sure that a configuration keeps the order of knobs that belong together.

    Args:
        specs: The knobs.
        configuration: Values by knob id. Of two knobs that belong together both must be named to be checked;
            a value that does not go with a knob that is not named is the device's to refuse.

    Raises:
        RefusedError: An order is broken.
    """
    for spec in specs:
        limit = spec.not_above
        if limit is None or spec.id not in configuration or limit.limit not in configuration:
            continue
        value, bound = configuration[spec.id], configuration[limit.limit]
        if float(value) > limit.factor * float(bound):
            raise RefusedError(
                f"{spec.id} = {value} must not exceed {limit.factor:g} x {limit.limit} = {bound}: "
                f"lower {spec.id} or raise {limit.limit}."
            )


def write_order(
    specs: Mapping[str, KnobSpec], current: Mapping[str, Value], wanted: Mapping[str, Value]
) -> tuple[str, ...]:
    """Returns the order of writes in which no intermediate state breaks an order between two knobs.

    A knob comes after those that its ``after`` names.

    Where ``lower <= factor * upper`` must hold, a rising upper value is written first and a falling
    one last. Then either the old lower value is compared with the risen upper one, or the new lower
    value with the old, higher upper one: both hold if the first and the last state do.

    Args:
        specs: The knobs by id.
        current: The values now in force.
        wanted: The values to be written.
    """
    before: dict[str, set[str]] = {knob_id: set() for knob_id in wanted}
    for knob_id in wanted:
        before[knob_id].update(other for other in specs[knob_id].after if other in wanted)
        limit = specs[knob_id].not_above
        if limit is None or limit.limit not in wanted:
            continue
        upper = limit.limit
        if upper in current and float(wanted[upper]) >= float(current[upper]):
            before[knob_id].add(upper)
        else:
            before[upper].add(knob_id)
    return tuple(TopologicalSorter(before).static_order())
