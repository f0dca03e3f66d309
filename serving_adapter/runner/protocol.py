"""What crosses between daemon and runner: one JSON object a line, and records as plain JSON.

The runner greets with ``{"protocol": 1, "python": "3.8.18"}``. Then the daemon sends ``{"id": 1, "call": "run",
"arguments": {...}}`` and the runner answers, in order, ``{"id": 1, "result": ...}`` or ``{"id": 1, "error":
"one sentence"}``. The model shares the runner's process and is not trusted: the daemon checks all it reads.
"""

import json
import math
from typing import Any, Dict, List, Mapping, Tuple

from serving_adapter.contract import Completion, Load, ServingParameter, Slice, Value, WorkloadDefinition

PROTOCOL_VERSION = 1
LONGEST_LINE_BYTES = 64 * 1024 * 1024
"""The longest line that the daemon accepts: a million completions take about 40 MiB."""


class ProtocolError(Exception):
    """A line is not what the protocol allows. The message completes 'The runner sent ...'."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Returns a message as one line.

    Raises:
        ValueError: A number is not finite.
        TypeError: A value has no JSON.
    """
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode(line: bytes) -> Dict[str, Any]:
    """Returns the message of a line.

    Raises:
        ProtocolError: The line is not a JSON object.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a line that is not JSON: {line[:80]!r}") from error
    if not isinstance(message, dict):
        raise ProtocolError(f"a line that is not a JSON object: {line[:80]!r}")
    return message


def workload_to_json(workload: WorkloadDefinition) -> Dict[str, Any]:
    """Returns a workload's definition as JSON."""
    return {
        "name": workload.name,
        "options": dict(workload.options),
        "parameters": {name: list(values) for name, values in workload.parameters.items()},
    }


def workload_from_json(message: Mapping[str, Any]) -> WorkloadDefinition:
    """Reads a workload's definition."""
    return WorkloadDefinition(message["name"], message["options"], message["parameters"])


def load_to_json(load: Load) -> Dict[str, Any]:
    """Returns a load as JSON."""
    return {
        "scenario": load.scenario,
        "batch_size": load.batch_size,
        "rate_hz": load.rate_hz,
        "seed": load.seed,
    }


def load_from_json(message: Mapping[str, Any]) -> Load:
    """Reads a load."""
    return Load(message["scenario"], message["batch_size"], message["rate_hz"], message["seed"])


def parameters_to_json(parameters: List[ServingParameter]) -> List[Dict[str, Any]]:
    """Returns serving parameters as JSON."""
    return [
        {
            "id": parameter.id,
            "unit": parameter.unit,
            "kind": parameter.kind,
            "values": list(parameter.values),
            "persistent": parameter.persistent,
        }
        for parameter in parameters
    ]


def parameters_from_json(message: Any) -> Tuple[ServingParameter, ...]:
    """Reads serving parameters.

    Raises:
        ProtocolError: They are not what :func:`parameters_to_json` returns.
    """
    try:
        return tuple(
            ServingParameter(
                id=_text(parameter["id"]),
                unit=_text(parameter["unit"]),
                kind=_text(parameter["kind"]),
                values=tuple(_value(value) for value in parameter["values"]),
                persistent=parameter["persistent"] is True,
            )
            for parameter in message
        )
    except (KeyError, TypeError) as error:
        raise ProtocolError("serving parameters that are incomplete") from error


def values_from_json(message: Any) -> Dict[str, Value]:
    """Reads values by serving parameter.

    Raises:
        ProtocolError: They are not numbers or text by name.
    """
    if not isinstance(message, dict):
        raise ProtocolError("values that are not named")
    return {name: _value(value) for name, value in message.items()}


def slice_to_json(stretch: Slice) -> Dict[str, Any]:
    """Returns a slice as JSON, each completion as a pair of its arrivals and its finish."""
    completions = [[completion.arrivals_s, completion.finish_s] for completion in stretch.completions]
    return {"start_s": stretch.start_s, "end_s": stretch.end_s, "completions": completions}


def slice_from_json(message: Any) -> Slice:
    """Reads a slice.

    Raises:
        ProtocolError: It is not what :func:`slice_to_json` returns.
    """
    try:
        completions = tuple(
            Completion(tuple(_seconds(arrival_s) for arrival_s in arrivals_s), _seconds(finish_s))
            for arrivals_s, finish_s in message["completions"]
        )
        return Slice(_seconds(message["start_s"]), _seconds(message["end_s"]), completions)
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError("a slice of load that is incomplete") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ProtocolError(f"{value!r} where a text belongs")
    return value


def _value(value: Any) -> Value:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ProtocolError(f"{value!r} where a number or a text belongs")
    return _finite(value) if isinstance(value, float) else value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ProtocolError(f"{value!r} where an instant belongs")
    try:
        return _finite(float(value))
    except OverflowError as error:
        raise ProtocolError("an instant that is too large") from error


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ProtocolError(f"{number} where a finite number belongs")
    return number
