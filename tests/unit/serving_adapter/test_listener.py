"""Finding the process that listens, with real sockets of real processes."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving_adapter.server import listener
from serving_adapter.server.listener import listening_pid

LISTEN = """
import os, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
sockets = [socket.create_server((sys.argv[1], 0), family=family)]
for _ in range(int(sys.argv[2])):
    if os.fork() == 0:
        sys.stdin.read()
        os._exit(0)
print(sockets[0].getsockname()[1], flush=True)
sys.stdin.read()
"""


def start(host: str, workers: int = 0, program: str = sys.executable) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [program, "-c", LISTEN, host, str(workers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.communicate()
        pytest.skip(f"nothing can listen on {host} here")
    return process, int(line)


def end(process: subprocess.Popen[str]) -> None:
    process.communicate()


@pytest.fixture(params=[("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "localhost"), ("::1", "::1"), ("::", "127.0.0.1")])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[int, str, int]]:
    bound, asked = request.param
    process, port = start(bound)
    yield process.pid, asked, port
    end(process)


def test_the_process_that_listens_is_found_by_the_name_that_clients_use(served: tuple[int, str, int]) -> None:
    pid, host, port = served
    assert listening_pid(host, port) == pid


def test_of_a_parent_and_its_workers_it_is_the_parent() -> None:
    process, port = start("127.0.0.1", workers=3)
    try:
        assert listening_pid("127.0.0.1", port) == process.pid
    finally:
        end(process)


def test_of_two_that_listen_on_one_port_it_is_the_one_with_that_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        port = ours.getsockname()[1]
        program = LISTEN.replace("(sys.argv[1], 0)", f"(sys.argv[1], {port})")
        process = subprocess.Popen(
            [sys.executable, "-c", program, "127.0.0.2", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline()
        try:
            assert listening_pid("127.0.0.1", port) == os.getpid()
            assert listening_pid("127.0.0.2", port) == process.pid
        finally:
            end(process)


def test_a_client_that_is_connected_from_that_port_is_not_one_that_listens() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as ours,
        socket.create_connection(ours.getsockname()) as client,
    ):
        assert listening_pid("127.0.0.1", client.getsockname()[1]) is None


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid", "2001:db8::1", "not a host\0"])
def test_a_server_elsewhere_has_no_process_here_even_if_the_port_is_taken_here(host: str) -> None:
    with socket.create_server(("0.0.0.0", 0)) as ours:
        assert listening_pid(host, ours.getsockname()[1]) is None


def test_where_nothing_listens_there_is_no_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        port = ours.getsockname()[1]
    assert listening_pid("127.0.0.1", port) is None


def test_a_program_that_only_passes_on_is_not_the_server(tmp_path: Path) -> None:
    forwarder = tmp_path / "docker-proxy"
    forwarder.symlink_to(sys.executable)
    process, port = start("127.0.0.1", program=str(forwarder))
    try:
        assert Path(f"/proc/{process.pid}/comm").read_text().strip() == "docker-proxy"
        assert listening_pid("127.0.0.1", port) is None
    finally:
        end(process)


def test_without_a_proc_filesystem_nothing_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_PROC", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as ours:
        assert listening_pid("127.0.0.1", ours.getsockname()[1]) is None
