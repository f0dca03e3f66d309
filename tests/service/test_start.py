"""What a daemon needs to start, what it never loads, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.daemon_process import House, finished
from tuner.client import Client
from tuner.errors import BadInputError
from tuner.study_record import StudyRequest, StudyState

FORBIDDEN = {"torch", "numpy", "gpytorch", "botorch", "transformers", "scipy"}

WITNESS = """
import json, sys
from tuner.cli.main import main
status = main(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    json.dump(sorted({name.partition(".")[0] for name in sys.modules}), file)
sys.exit(status)
"""
"""The real command; what it has loaded by its end is written down."""


def test_a_daemon_that_has_run_a_study_holds_neither_torch_nor_numpy(house: House, tmp_path: Path) -> None:
    witness = tmp_path / "modules.json"
    house.start([sys.executable, "-c", WITNESS, str(witness), *house.command[3:]])
    with house.client() as client:
        study = finished(client, client.start_study(StudyRequest("classifier", max_trials=3)))
        assert study.state is StudyState.DONE
        client.inventory()
    assert house.stop() == 0
    loaded = set(json.loads(witness.read_text()))
    assert {"tuner", "knobs", "grpc"} <= loaded
    assert not loaded & FORBIDDEN


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_that_was_asked_for_is_clean(house: House, number: signal.Signals) -> None:
    house.start()
    assert house.end(number) == 0
    assert not list(house.runtime_dir.glob("*.sock"))


def test_a_daemon_tells_its_service_manager_that_it_serves(house: House, tmp_path: Path) -> None:
    address = tmp_path / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(60)
        house.process = subprocess.Popen(
            house.command, stderr=subprocess.PIPE, text=True, env=os.environ | {"NOTIFY_SOCKET": str(address)}
        )
        assert manager.recv(100) == b"READY=1"
        with house.client() as client:
            assert client.status().running_study is None
        assert house.stop() == 0
        assert manager.recv(100) == b"STOPPING=1"


def test_without_a_daemon_the_client_says_how_to_start_one(house: House) -> None:
    with house.client() as client:
        for call in (client.status, lambda: list(client.watch("a")), lambda: client.start_study(StudyRequest("a"))):
            with pytest.raises(BadInputError) as caught:
                call()
            assert str(caught.value) == (
                f"No daemon answers at {house.control_socket}: start one with 'wattune serve'."
            )


def test_a_second_daemon_in_the_same_place_is_refused(house: House, client: Client) -> None:
    assert house.refusal() == (2, f"wattune: Another daemon serves at {house.runtime_dir}: stop it first.\n")
    assert client.status().running_study is None


def test_a_missing_directory_is_named(house: House) -> None:
    house.runtime_dir.rmdir()
    status, said = house.refusal()
    assert status == 2
    assert said == (
        f"wattune: The runtime directory {house.runtime_dir} does not exist: "
        "create it, or name another with --runtime-dir.\n"
    )


def test_a_store_that_cannot_be_opened_is_named(house: House) -> None:
    (house.state_dir / "studies.sqlite").mkdir()
    status, said = house.refusal()
    assert status == 1
    assert str(house.state_dir / "studies.sqlite") in said
    assert "cannot be opened" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_state_directory_that_cannot_be_written_is_named(house: House) -> None:
    house.state_dir.chmod(0o500)
    status, said = house.refusal()
    assert status == 2
    assert said.startswith(f"wattune: The state directory {house.state_dir} cannot be written")


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("device = 'gpu'", "'device' must be 'local' or 'virtual:NAME', not 'gpu'"),
        ("device = 'virtual:agx-orin'\n[sockets]\ngroup = 'no-such-group'", "names the group 'no-such-group'"),
        ("[study]\ntrials = 3", "at 'study': there is no key 'trials'"),
    ],
)
def test_a_wrong_configuration_is_one_sentence(house: House, config: str, sentence: str) -> None:
    house.config_path.write_text(config)
    status, said = house.refusal()
    assert status == 2
    assert sentence in said.splitlines()[-1]


def test_a_path_too_long_for_a_socket_is_named(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    status, said = House(deep).refusal()
    assert status == 2
    assert "is longer than 107 bytes: choose a shorter runtime directory." in said


def test_a_device_that_does_not_exist_is_one_sentence(house: House) -> None:
    house.config_path.write_text("device = 'virtual:toaster'")
    status, said = house.refusal()
    assert status == 2
    assert said.count("\n") == 1
    assert "virtual:toaster" in said
