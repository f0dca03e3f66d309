"""The API's Python is what the .proto says, and the requirements are new enough for it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from packaging.requirements import Requirement
from packaging.version import Version

from tests.house.checkout import ROOT
from tuner.service.wattune.v1.wattune_pb2 import DESCRIPTOR as API_FILE

API = Path("tuner/service/wattune/v1")


def test_the_generated_code_is_up_to_date(tmp_path: Path) -> None:
    out = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    command = [sys.executable, "-m", "grpc_tools.protoc", "--proto_path=.", *out, str(API / "wattune.proto")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    generated = sorted(path.name for path in (tmp_path / API).iterdir())
    assert generated == ["wattune_pb2.py", "wattune_pb2.pyi", "wattune_pb2_grpc.py"]
    stale = [name for name in generated if (ROOT / API / name).read_text() != (tmp_path / API / name).read_text()]
    assert not stale, "run make proto"


@pytest.mark.parametrize(
    ("package", "file", "pattern"),
    [
        ("grpcio", "wattune_pb2_grpc.py", r"GRPC_GENERATED_VERSION = '([\d.]+)'"),
        ("protobuf", "wattune_pb2.py", r"# Protobuf Python Version: ([\d.]+)"),
    ],
)
def test_the_oldest_runtime_allowed_can_load_the_generated_code(package: str, file: str, pattern: str) -> None:
    found = re.search(pattern, (ROOT / API / file).read_text())
    assert found is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (requirement,) = (one for one in map(Requirement, project["dependencies"]) if one.name == package)
    (oldest,) = (Version(bound.version) for bound in requirement.specifier if bound.operator == ">=")
    assert oldest >= Version(found[1])


def _fields_of_requests() -> list[FieldDescriptor]:
    """Every field that a client can fill in, through all nested messages."""
    pending = [method.input_type for service in API_FILE.services_by_name.values() for method in service.methods]
    seen: dict[str, Descriptor] = {}
    while pending:
        message = pending.pop()
        if message.full_name not in seen:
            seen[message.full_name] = message
            pending += [field.message_type for field in message.fields if field.message_type]
    return [field for message in seen.values() for field in message.fields]


def test_no_request_carries_code_a_command_or_a_path() -> None:
    fields = _fields_of_requests()
    assert {field.name for field in fields} >= {"workload", "slos", "values"}, "requests were found"
    for field in fields:
        assert field.type != FieldDescriptor.TYPE_BYTES, field.full_name
        assert not re.search(r"path|file|dir|command|argv|module|code|script|pickle|env", field.name), field.full_name
