"""``wattune snapshot``: one file, and one sentence about it."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from knobs.keeper.records import from_json
from knobs.snapshot import FORMAT, KernelView, NvmlView
from tuner.cli.main import main

_SHORTEST_TELLING_NAME = 5


def taken(path: Path, *options: str) -> int:
    return main(["snapshot", "--output", str(path), "--runtime-dir", str(path.parent), *options])


def test_the_file_holds_what_this_machine_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "snapshot.json"
    assert taken(path) == 0
    shown = capsys.readouterr()
    text = path.read_text()
    document = json.loads(text)
    assert set(document) == {"format", "machine", "kernel", "nvidia", "inventory", "current"}
    assert document["format"] == FORMAT
    files = {file.path: file.text for file in from_json(KernelView, document["kernel"]).files}
    assert files["/sys/devices/system/cpu/online"] == Path("/sys/devices/system/cpu/online").read_text().strip()
    assert isinstance(from_json(NvmlView, document["nvidia"]).code, int)
    assert set(document["current"]) <= {knob["id"] for knob in document["inventory"]["knobs"]}
    assert " ".join(shown.out.split()).startswith(f"Wrote {path}: {len(files)} files of the kernel")
    if len(platform.node()) >= _SHORTEST_TELLING_NAME:
        assert platform.node() not in text


def test_json_names_the_file_and_nothing_else_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "snapshot.json"
    assert taken(path, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"file": str(path), "files": len(json.loads(path.read_text())["kernel"]["files"])}


def test_the_owners_network_is_left_out(tmp_path: Path) -> None:
    config = tmp_path / "wattune.toml"
    config.write_text('[plugs]\n"wall.power" = "shelly://127.0.0.1:9"\n"other.power" = "plug.home"\n')
    path = tmp_path / "snapshot.json"
    assert taken(path, "--config", str(config)) == 0
    text = path.read_text()
    assert "wall.power" in text
    assert "127.0.0.1" not in text
    assert "plug.home" not in text


@pytest.mark.parametrize("output", ["", "nowhere/snapshot.json", "file/snapshot.json"])
def test_a_file_that_cannot_be_written_is_one_sentence(
    output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / output
    assert main(["snapshot", "--output", str(path), "--runtime-dir", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"wattune: The snapshot cannot be written to {path}: ")
    assert shown.err.count("\n") == 1


def test_a_simulated_device_has_no_kernel_to_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "snapshot.json"
    assert taken(path, "--device", "virtual:tx2") == 2
    assert capsys.readouterr().err == ("wattune: A snapshot is of this machine: leave out the device 'virtual:tx2'.\n")
    assert not path.exists()
