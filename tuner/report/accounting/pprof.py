"""A profile for pprof: its ``profile.proto``, compressed with gzip.

The message is described here as far as it is written, with the field numbers of the published file (package
``perftools.profiles``); protobuf does the encoding.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import cache
from itertools import count
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from tuner.energy_model.accounting.account import Account
from tuner.report.accounting.stacks import stacks
from tuner.report.accounting.words import summary

_PACKAGE = "perftools.profiles"
_Field = tuple[str, int, str]
"""Name, number and type: ``int64``, ``uint64``, ``string`` or a message; with ``*`` if it is repeated."""

_MESSAGES: dict[str, tuple[_Field, ...]] = {
    "Profile": (
        ("sample_type", 1, "ValueType*"),
        ("sample", 2, "Sample*"),
        ("location", 4, "Location*"),
        ("function", 5, "Function*"),
        ("string_table", 6, "string*"),
        ("duration_nanos", 10, "int64"),
        ("comment", 13, "int64*"),
        ("default_sample_type", 14, "int64"),
    ),
    "ValueType": (("type", 1, "int64"), ("unit", 2, "int64")),
    "Sample": (("location_id", 1, "uint64*"), ("value", 2, "int64*")),
    "Location": (("id", 1, "uint64"), ("line", 4, "Line*")),
    "Line": (("function_id", 1, "uint64"),),
    "Function": (("id", 1, "uint64"), ("name", 2, "int64"), ("system_name", 3, "int64")),
}
_SCALARS = {
    "int64": FieldDescriptorProto.TYPE_INT64,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
    "string": FieldDescriptorProto.TYPE_STRING,
}
_ENERGY, _TIME, _CALLS = ("energy", "microjoules"), ("time", "nanoseconds"), ("calls", "count")


def pprof_gz(account: Account) -> bytes:
    """Returns the profile of one repetition: microjoules, nanoseconds and calls of every place."""
    profile = profile_class()()
    strings = _Strings()
    functions: dict[str, int] = {}
    for kind, unit in (_ENERGY, _TIME, _CALLS):
        profile.sample_type.add(type=strings[kind], unit=strings[unit])
    for stack in stacks(account):
        places = [functions.setdefault(frame, len(functions) + 1) for frame in stack.frames]
        values = (round(stack.energy_j * 1e6), round(stack.time_s * 1e9), stack.calls)
        profile.sample.add(location_id=reversed(places), value=values)
    for name, number in functions.items():
        profile.function.add(id=number, name=strings[name], system_name=strings[name])
        profile.location.add(id=number).line.add(function_id=number)
    profile.duration_nanos = round(account.window_s / account.repetitions * 1e9)
    profile.comment.append(strings[summary(account)])
    profile.default_sample_type = strings[_ENERGY[0]]
    profile.string_table.extend(strings)
    return gzip.compress(profile.SerializeToString(), mtime=0)


@cache
def profile_class() -> Any:
    """Returns the class of the message ``perftools.profiles.Profile``, as far as it is described here."""
    file = FileDescriptorProto(name="profile.proto", package=_PACKAGE, syntax="proto3")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, number, kind in fields:
            described.field.append(_field(name, number, kind))
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Profile"))


def _field(name: str, number: int, kind: str) -> FieldDescriptorProto:
    of_one = kind.removesuffix("*")
    label = FieldDescriptorProto.LABEL_OPTIONAL if kind == of_one else FieldDescriptorProto.LABEL_REPEATED
    field = FieldDescriptorProto(name=name, number=number, label=label)
    if of_one in _SCALARS:
        field.type = _SCALARS[of_one]
    else:
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{_PACKAGE}.{of_one}"
    return field


class _Strings:
    """The table of strings, of which the first one must be empty."""

    def __init__(self) -> None:
        self._numbers = {"": 0}
        self._next = count(1)

    def __getitem__(self, text: str) -> int:
        if text not in self._numbers:
            self._numbers[text] = next(self._next)
        return self._numbers[text]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)
