"""Values, configurations, intervals, enumerations and instants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.timestamp_pb2 import Timestamp

from knobs.contract import Provenance, Scope
from tuner.configuration import Configuration, Value
from tuner.errors import BadInputError
from tuner.objective import Scenario
from tuner.service.wattune.v1 import wattune_pb2 as pb
from tuner.study_record import StudyState
from tuner.trial import Interval, Purpose, Verdict

_Enumeration = TypeVar("_Enumeration", bound=StrEnum)


class EnumTable(Generic[_Enumeration]):
    """One enumeration and its names in protobuf; a member without a name there is an error at import."""

    def __init__(self, kind: type[_Enumeration], wire: EnumTypeWrapper, prefix: str) -> None:
        """Pairs every member with its name.

        Args:
            kind: The enumeration.
            wire: The protobuf enumeration.
            prefix: What protobuf's names begin with: ``SCOPE`` makes the member ``GPU`` ``SCOPE_GPU``.
        """
        self._name = kind.__name__
        self._names = {member: f"{prefix}_{member.name}" for member in kind}
        self._members = {wire.Value(name): member for member, name in self._names.items()}

    def encode(self, member: _Enumeration) -> str:
        """Returns the protobuf name of a member, which messages take as its value."""
        return self._names[member]

    def decode(self, number: int) -> _Enumeration:
        """Returns the member of a number in a message.

        Raises:
            BadInputError: The number is unspecified or unknown to this version.
        """
        if number not in self._members:
            raise BadInputError(f"The message has no known {self._name}: {number}.")
        return self._members[number]


SCOPES = EnumTable(Scope, pb.Scope, "SCOPE")
PROVENANCES = EnumTable(Provenance, pb.Provenance, "PROVENANCE")
SCENARIOS = EnumTable(Scenario, pb.Scenario, "SCENARIO")
VERDICTS = EnumTable(Verdict, pb.Verdict, "VERDICT")
PURPOSES = EnumTable(Purpose, pb.Purpose, "PURPOSE")
STUDY_STATES = EnumTable(StudyState, pb.StudyState, "STUDY_STATE")


def encode_value(value: Value) -> pb.Value:
    """Returns a value with its type: ``1`` and ``1.0`` differ on the wire."""
    if isinstance(value, str):
        return pb.Value(text=value)
    if isinstance(value, int):
        return pb.Value(integer=value)
    return pb.Value(number=value)


def decode_value(message: pb.Value) -> Value:
    """Returns the value.

    Raises:
        BadInputError: The message holds none.
    """
    match message.WhichOneof("kind"):
        case "integer":
            return message.integer
        case "number":
            return message.number
        case "text":
            return message.text
    raise BadInputError("The message has a value that is neither a number nor a text.")


def encode_configuration(configuration: Mapping[str, Value]) -> pb.Configuration:
    """Returns values by parameter id."""
    return pb.Configuration(values={name: encode_value(value) for name, value in configuration.items()})


def decode_configuration(message: pb.Configuration) -> Configuration:
    """Returns the configuration."""
    return Configuration({name: decode_value(value) for name, value in message.values.items()})


def encode_interval(interval: Interval) -> pb.Interval:
    """Returns an interval."""
    return pb.Interval(low=interval.low, high=interval.high)


def encode_optional_interval(interval: Interval | None) -> pb.Interval | None:
    """Returns an interval, or nothing."""
    return None if interval is None else encode_interval(interval)


def decode_interval(message: pb.Interval) -> Interval:
    """Returns the interval."""
    return Interval(message.low, message.high)


def encode_time(iso: str) -> Timestamp:
    """Returns an instant, from ISO 8601 in UTC."""
    timestamp = Timestamp()
    timestamp.FromDatetime(datetime.fromisoformat(iso).astimezone(UTC))
    return timestamp


def decode_time(message: Timestamp) -> str:
    """Returns an instant as ISO 8601 in UTC."""
    return message.ToDatetime(UTC).isoformat()
