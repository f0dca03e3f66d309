"""Who may speak to a keeper, and what it makes of those who speak badly."""

import os
import socket
import stat
import subprocess
import sys
import threading
import time

import pytest

from knobs.contract import RefusedError
from tests.unit.knobs.file_knob import MAX, ORIGINAL
from tests.unit.knobs.keeper_machine import ROOT, leased


def test_the_socket_and_the_journal_are_private(machine):
    machine.start_keeper()
    assert stat.S_IMODE(machine.socket.stat().st_mode) == 0o660
    with leased(machine) as client:
        client.apply({MAX: 200})
        assert stat.S_IMODE((machine.folder / "run" / "journal.jsonl").stat().st_mode) == 0o600


def test_a_user_who_is_not_allowed_is_refused(machine):
    machine.start_keeper(allowed_uids=[os.getuid() + 1])
    for pause_s in (0, 0, 0, 0.2, 0.2):
        with machine.connect() as client, pytest.raises(RefusedError, match="may not use the keeper"):
            time.sleep(pause_s)
            client.inventory()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_allowed_user_may_not_have_a_process_of_another_tuned(machine, tmp_path):
    machine.start_keeper(allowed_uids=[65534])
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_uid == os.getuid() and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    os.chown(machine.socket, 65534, 65534)
    script = (
        "import os, sys; from pathlib import Path\n"
        "from knobs.keeper.client import KeeperClient\n"
        "from knobs.contract import RefusedError\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "client = KeeperClient(Path(sys.argv[1]))\n"
        "try: client.attach(int(sys.argv[2]))\n"
        "except RefusedError as error: print(error)\n"
        "print(len(client.attach(os.getpid()).meters))\n"
    )
    workload = machine.start_workload()
    command = [sys.executable, "-c", script, str(machine.socket), str(workload.pid)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "belongs to another user" in child.stdout
    assert child.stdout.splitlines()[-1] == "1", child.stderr


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\n",
        b'{"version": 2, "call": "state"}\n',
        b'{"version": 1, "call": "__class__"}\n',
        b'{"version": 1, "call": "apply", "arguments": {"values": {"core.max_mhz": [1]}}}\n',
        b'{"version": 1, "call": 7}\n',
        b"[" * 100_000 + b"\n",
        b"x" * (3 << 20),
    ],
)
def test_rubbish_on_the_socket_harms_nobody_else(machine, line):
    machine.start_keeper()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(machine.socket))
        try:
            connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4096)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
    assert answer == b"" or b'"error"' in answer
    with leased(machine) as client:
        assert client.apply({MAX: 200}) == {MAX: 200}


def test_systemd_is_told_when_the_keeper_is_ready_and_when_it_stops(machine):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.settimeout(20)
    manager.bind(str(machine.folder / "notify"))
    keeper = machine.start_keeper(env={**os.environ, "NOTIFY_SOCKET": str(machine.folder / "notify")})
    assert manager.recv(100) == b"READY=1"
    keeper.terminate()
    assert manager.recv(100) == b"STOPPING=1"
    assert keeper.wait(20) == 0
    manager.close()


def test_many_threads_of_one_client_do_not_mix_their_answers(machine):
    machine.start_keeper()
    with machine.connect() as client:
        wrong = []

        def ask(knob_id):
            for _ in range(50):
                if client.read([knob_id]) != {knob_id: ORIGINAL[knob_id]}:
                    wrong.append(knob_id)

        threads = [threading.Thread(target=ask, args=(knob_id,)) for knob_id in ORIGINAL]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
