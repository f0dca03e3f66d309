"""What crosses between daemon and runner: one JSON object a line, and records as plain JSON.

The runner greets with ``{"protocol": 2, "python": "3.8.18"}``. Then the daemon sends ``{"id": 1, "call": "run",
"arguments": {...}}`` and the runner answers, in order, ``{"id": 1, "result": ...}`` or ``{"id": 1, "error":
"one sentence"}``. The model shares the runner's process and is not trusted: the daemon checks all it reads.
"""

import dataclasses
import json
import math
from typing import Any, Dict, List, Mapping, Optional, Tuple

from serving_adapter.contract import (
    AdapterError,
    Completion,
    Histogram,
    Load,
    ServingParameter,
    Slice,
    Tokens,
    Traffic,
    Value,
    WorkloadDefinition,
)

PROTOCOL_VERSION = 2
LONGEST_LINE_BYTES = 64 * 1024 * 1024
"""The longest line that the daemon accepts: a million completions take about 40 MiB."""

MOST_NOTES = 20
LONGEST_NOTE = 1000


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
    return dataclasses.asdict(load)


def load_from_json(message: Mapping[str, Any]) -> Load:
    """Reads a load."""
    return Load(**message)


def notes_from_json(message: Any) -> Tuple[str, ...]:
    """Reads what an adapter has to say about how its workload is measured, from the answer to ``open``.

    Raises:
        ProtocolError: It is no list of a few sentences on one line each.
    """
    notes = message.get("notes") if isinstance(message, dict) else None
    if not isinstance(notes, list) or len(notes) > MOST_NOTES:
        raise ProtocolError("an answer to 'open' without a list of notes")
    return tuple(_sentence(note) for note in notes)


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


def optional_pid_from_json(message: Any) -> Optional[int]:
    """Reads a process id, if there is one.

    Raises:
        ProtocolError: It is none.
    """
    if message is None:
        return None
    if type(message) is not int or message <= 0:
        raise ProtocolError(f"{message!r} where a process id belongs")
    return message


def slice_to_json(stretch: Slice) -> Dict[str, Any]:
    """Returns a slice as JSON, each completion as a row without the field names."""
    message: Dict[str, Any] = {
        "start_s": stretch.start_s,
        "end_s": stretch.end_s,
        "completions": [_completion_to_json(completion) for completion in stretch.completions],
    }
    if stretch.traffic is not None:
        message["traffic"] = _traffic_to_json(stretch.traffic)
    if stretch.under_way_since_s is not None:
        message["under_way_since_s"] = stretch.under_way_since_s
    return message


def slice_from_json(message: Any) -> Slice:
    """Reads a slice.

    Raises:
        ProtocolError: It is not what :func:`slice_to_json` returns.
    """
    try:
        completions = tuple(_completion_from_json(*row) for row in message["completions"])
        traffic = _traffic_from_json(message["traffic"]) if "traffic" in message else None
        under_way_since_s = _seconds(message["under_way_since_s"]) if "under_way_since_s" in message else None
        return Slice(_seconds(message["start_s"]), _seconds(message["end_s"]), completions, traffic, under_way_since_s)
    except (AdapterError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ProtocolError("a slice of load that is incomplete") from error


def _completion_to_json(completion: Completion) -> List[Any]:
    row: List[Any] = [completion.arrivals_s, completion.start_s, completion.finish_s]
    if completion.failure or completion.tokens is not None:
        tokens = completion.tokens
        row += [completion.failure, None if tokens is None else [tokens.first_s, tokens.count]]
    return row


def _completion_from_json(
    arrivals_s: Any, start_s: Any, finish_s: Any, failure: Any = "", tokens: Any = None
) -> Completion:
    if not arrivals_s:
        raise ProtocolError("a batch without items")
    return Completion(
        arrivals_s=tuple(_seconds(arrival_s) for arrival_s in arrivals_s),
        start_s=_seconds(start_s),
        finish_s=_seconds(finish_s),
        failure=_text(failure),
        tokens=None if tokens is None else _tokens_from_json(*tokens),
    )


def _tokens_from_json(first_s: Any, count: Any) -> Tokens:
    if type(count) is not int or count < 0:
        raise ProtocolError(f"{count!r} where a number of tokens belongs")
    return Tokens(_seconds(first_s), count)


def _traffic_to_json(traffic: Traffic) -> Dict[str, Any]:
    """The last bound of a histogram is infinity, which JSON does not know: it is left out."""
    histograms = {
        name: [histogram.bounds_s[:-1], histogram.counts, histogram.sum_s]
        for name, histogram in traffic.histograms.items()
    }
    return {
        "requests": traffic.requests,
        "failures": traffic.failures,
        "histograms": histograms,
        "output_tokens": traffic.output_tokens,
        "busy_s": traffic.busy_s,
    }


def _traffic_from_json(message: Any) -> Traffic:
    return Traffic(
        requests=_count(message["requests"]),
        failures=_count(message["failures"]),
        histograms={_text(name): _histogram_from_json(*rest) for name, rest in message["histograms"].items()},
        output_tokens=_optional_count(message["output_tokens"]),
        busy_s=_optional_count(message["busy_s"]),
    )


def _histogram_from_json(bounds_s: Any, counts: Any, sum_s: Any) -> Histogram:
    return Histogram(
        (*(_seconds(bound_s) for bound_s in bounds_s), math.inf),
        tuple(_count(count) for count in counts),
        _seconds(sum_s),
    )


def _count(value: Any) -> float:
    count = _seconds(value)
    if count < 0:
        raise ProtocolError(f"{value!r} where a count belongs")
    return count


def _optional_count(value: Any) -> Optional[float]:
    return None if value is None else _count(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ProtocolError(f"{value!r} where a text belongs")
    return value


def _sentence(value: Any) -> str:
    text = _text(value)
    if len(text) > LONGEST_NOTE or not text.isprintable():
        raise ProtocolError(f"{text[:80]!r} where a sentence belongs")
    return text


def _value(value: Any) -> Value:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ProtocolError(f"{value!r} where a number or a text belongs")
    return _finite(value) if isinstance(value, float) else value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ProtocolError(f"{value!r} where a number belongs")
    try:
        return _finite(float(value))
    except OverflowError as error:
        raise ProtocolError("a number that is too large") from error


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ProtocolError(f"{number} where a finite number belongs")
    return number
