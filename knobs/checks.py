"""What every knob checks alike: the value asked for, its journal entry, and what reads back."""

from __future__ import annotations

from knobs.contract import Captured, DeviceError, JsonValue, KnobSpec, RefusedError, Value


def require_listed(spec: KnobSpec, value: Value) -> None:
    """Makes sure that a value is one of a knob's.

    Raises:
        RefusedError: It is not.
    """
    if isinstance(value, bool) or value not in spec.values:
        raise RefusedError(f"{spec.id} cannot be {value!r}: choose one of {', '.join(map(str, spec.values))}.")


def matches(spec: KnobSpec, read: Value, written: Value) -> bool:
    """Tells whether a value read back is the value written, within the knob's tolerance."""
    if isinstance(read, str) or isinstance(written, str):
        return read == written
    return abs(read - written) <= spec.tolerance * abs(written)


def require_back(spec: KnobSpec, device: str, wanted: Value, present: Value) -> None:
    """Makes sure that an original value reads back.

    Raises:
        DeviceError: It does not.
    """
    if present != wanted:
        raise DeviceError(
            f"{spec.id} of {device} was put back to {wanted} {spec.unit} but reads {present} {spec.unit}: "
            "stop the program that moves it, then run wattune restore."
        )


def captured_number(knob_id: str, captured: Captured, name: str) -> int:
    """Returns a whole number out of a knob's journal entry.

    Raises:
        DeviceError: The entry does not hold it.
    """
    number = captured.get(name)
    if not isinstance(number, int) or isinstance(number, bool):
        raise foreign_entry(knob_id, f"holds no {name}")
    return number


def captured_text(knob_id: str, captured: Captured, name: str) -> str:
    """Returns a text out of a knob's journal entry.

    Raises:
        DeviceError: The entry does not hold it.
    """
    text = captured.get(name)
    if not isinstance(text, str) or not text:
        raise foreign_entry(knob_id, f"holds no {name}")
    return text


def captured_table(knob_id: str, captured: Captured, name: str) -> dict[str, JsonValue]:
    """Returns what a knob's journal entry holds by name.

    Raises:
        DeviceError: The entry does not hold it.
    """
    table = captured.get(name)
    if not isinstance(table, dict) or not table:
        raise foreign_entry(knob_id, f"holds no {name}")
    return table


def captured_cpus(knob_id: str, cpus: JsonValue) -> list[int]:
    """Returns the numbers of CPUs that a knob's journal entry holds.

    Raises:
        DeviceError: It holds none.
    """
    if not isinstance(cpus, list) or not cpus:
        raise foreign_entry(knob_id, "names no CPUs")
    return [cpu for cpu in cpus if isinstance(cpu, int)]


def foreign_entry(knob_id: str, trouble: str) -> DeviceError:
    """Returns the error for a journal entry that no knob of ours can have written."""
    return DeviceError(f"The journal entry of {knob_id} {trouble}: it was not written by Wattune.")
