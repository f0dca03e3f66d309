"""What every knob of a GPU checks alike: the value asked for, and the journal entry it gets back."""

from __future__ import annotations

from knobs.contract import Captured, DeviceError, KnobSpec, RefusedError, Value


def require_listed(spec: KnobSpec, value: Value) -> None:
    """Makes sure that a value is one of a knob's.

    Raises:
        RefusedError: It is not.
    """
    if value not in spec.values:
        raise RefusedError(f"{spec.id} cannot be {value}: choose one of {', '.join(map(str, spec.values))}.")


def whole_number(spec: KnobSpec, captured: Captured, name: str) -> int:
    """Returns a number out of a knob's journal entry.

    Raises:
        DeviceError: The entry does not hold it.
    """
    value = captured.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise DeviceError(f"The journal entry of {spec.id} holds no {name}: it was not written by Wattune.")
    return value


def require_back(spec: KnobSpec, label: str, wanted: Value, present: Value) -> None:
    """Makes sure that an original value reads back.

    Raises:
        DeviceError: It does not.
    """
    if present != wanted:
        raise DeviceError(
            f"{spec.id} of {label} was put back to {wanted} {spec.unit} but reads {present} {spec.unit}: "
            "stop the program that moves it, then run wattune restore."
        )
