"""A real keeper process, real clients, and signals at bad moments."""

import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from knobs.contract import DeviceError, KnobError, RefusedError
from knobs.drivers.process import ProcessDriver
from knobs.inventory import Inventory
from knobs.keeper.client import KeeperClient, KeeperLostError
from knobs.keeper.restore import restore_all
from knobs.sysfs import KernelFiles
from tests.unit.knobs.file_knob import FAN, MAX, MIN, ORIGINAL, VALUES, file_knobs, in_hardware, writes

ROOT = Path(__file__).parents[3]
CORES, QUOTA = "workload.cpu.cores", "workload.cpu.quota_percent"

CLIENT = """
import sys, time
from pathlib import Path
from knobs.keeper.client import KeeperClient
client = KeeperClient(Path(sys.argv[1]))
client.acquire_lease()
client.apply({"core.max_mhz": 200, "fan.level": 300})
print("applied", flush=True)
values = (100, 200, 300, 400)
number = 0
while len(sys.argv) > 2:
    number += 1
    client.apply({"core.max_mhz": values[number % 4], "fan.level": values[number % 3]})
time.sleep(600)
"""


class Machine:
    """A folder with hardware, a keeper process and its clients."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / "keeper.sock"
        self.hardware = folder / "hardware"
        self.processes = []
        self.greeting = {}

    def start_keeper(self, pass_fds=(), env=None, **options):
        command = [sys.executable, "-m", "tests.unit.knobs.keeper_program", str(self.folder), json.dumps(options)]
        keeper = self._start(command, pass_fds=pass_fds, env=env)
        line = keeper.stdout.readline()
        assert line, "the keeper did not start"
        self.greeting = json.loads(line)
        return keeper

    def start_client(self, *arguments):
        client = self._start([sys.executable, "-c", CLIENT, str(self.socket), *arguments])
        assert client.stdout.readline() == b"applied\n"
        return client

    def start_workload(self):
        return self._start([sys.executable, "-c", "import time; time.sleep(600)"])

    def _start(self, command, **options):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, **options)
        self.processes.append(process)
        return process

    def connect(self):
        return KeeperClient(self.socket)

    def now(self):
        return in_hardware(self.hardware)

    def restore_all(self, confirmed=False):
        inventory = Inventory(file_knobs(self.hardware), (), (), (ProcessDriver(KernelFiles()),))
        return restore_all(inventory, self.folder / "run", self.folder / "state", confirmed)

    def journal_is_empty(self):
        journal = self.folder / "run" / "journal.jsonl"
        return not journal.exists() or not journal.read_text()

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()
            process.stdout.close()


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    machine.end()


def until(condition, limit_s):
    deadline_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.01)


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


@contextmanager
def leased(machine):
    with machine.connect() as client:
        client.acquire_lease()
        yield client


def test_the_keeper_imports_nothing_but_the_standard_library(machine):
    machine.start_keeper()
    assert machine.greeting == {"ready": True, "foreign_modules": []}


def test_a_client_sees_applies_confirms_and_restores(machine):
    machine.start_keeper()
    with leased(machine) as client:
        assert [spec.id for spec in client.inventory().knobs] == [MIN, MAX, FAN]
        assert client.inventory().knobs[0].not_above.limit == MAX
        assert client.apply({MAX: 200}) == {MAX: 200}
        assert client.read([MAX, MIN]) == {MAX: 200, MIN: 100}
        assert client.state().trial == ((MAX, 200),)
        assert client.state().leased
        client.release_lease()
        assert machine.now() == ORIGINAL
        client.acquire_lease()
        client.apply({FAN: 400})
        assert client.confirm() == {FAN: 400}
        client.release_lease()
        assert machine.now()[FAN] == 400
        assert client.state().confirmed == ((FAN, 400),)
        assert client.restore(confirmed=True).restored == (FAN,)
        assert machine.now() == ORIGINAL


def test_errors_arrive_as_what_they_are(machine):
    machine.start_keeper()
    with machine.connect() as client:
        with pytest.raises(RefusedError, match="does not hold the lease"):
            client.apply({MAX: 200})
        with pytest.raises(RefusedError, match="does not hold the lease"):
            client.confirm()
        with pytest.raises(RefusedError, match=r"There is no meter wall\.w"):
            client.sample(["wall.w"])
        client.acquire_lease()
        with pytest.raises(RefusedError, match="choose one of 100, 200, 300, 400"):
            client.apply({MAX: 123})
        (machine.hardware / f"{MAX}.broken").touch()
        with pytest.raises(DeviceError, match="does not answer"):
            client.apply({MAX: 200})
        (machine.hardware / f"{MAX}.broken").unlink()


def test_without_a_keeper_the_client_says_so_in_one_sentence(tmp_path):
    with pytest.raises(KnobError, match="No keeper answers at"):
        KeeperClient(tmp_path / "keeper.sock")


def test_a_second_lease_is_refused(machine):
    machine.start_keeper()
    with leased(machine), machine.connect() as other, pytest.raises(RefusedError, match="wait until its study ends"):
        other.acquire_lease()


def test_the_lease_lasts_while_its_holder_lives_and_is_idle(machine):
    machine.start_keeper(lease_timeout_s=2.0)
    with leased(machine) as client:
        client.apply({MAX: 200})
        time.sleep(3)
        assert machine.now()[MAX] == 200
        client.apply({MAX: 300})


def test_when_a_client_is_killed_its_trial_values_are_back_within_two_seconds(machine):
    machine.start_keeper()
    client = machine.start_client()
    assert machine.now() == {MAX: 200, MIN: 100, FAN: 300}
    kill(client)
    until(lambda: machine.now() == ORIGINAL and machine.journal_is_empty(), limit_s=2)


def test_when_a_client_freezes_its_trial_values_are_back_after_the_heartbeat_limit(machine):
    machine.start_keeper(lease_timeout_s=0.6)
    client = machine.start_client()
    client.send_signal(signal.SIGSTOP)
    until(lambda: machine.now() == ORIGINAL, limit_s=5)
    with leased(machine) as other:
        other.apply({MAX: 300})
    client.send_signal(signal.SIGCONT)


def test_killed_clients_at_random_moments_leave_nothing_behind(machine):
    machine.start_keeper()
    dice = random.Random(2)
    for _ in range(5):
        client = machine.start_client("and go on")
        time.sleep(dice.uniform(0, 0.05))
        kill(client)
        until(lambda: machine.now() == ORIGINAL and machine.journal_is_empty(), limit_s=5)


def test_when_the_keeper_is_killed_the_client_says_so_and_restore_puts_all_back(machine):
    keeper = machine.start_keeper()
    with leased(machine) as client:
        client.apply({MAX: 200, MIN: 200, FAN: 300})
        kill(keeper)
        with pytest.raises(KeeperLostError):
            client.state()
        with pytest.raises(KeeperLostError):
            client.apply({MAX: 300})
    assert machine.now() == {MAX: 200, MIN: 200, FAN: 300}
    assert sorted(machine.restore_all().restored) == [MAX, MIN, FAN]
    assert machine.now() == ORIGINAL
    assert machine.restore_all().restored == ()


def test_killed_keepers_at_random_moments_leave_nothing_that_restore_cannot_undo(machine):
    dice = random.Random(3)
    for _ in range(8):
        keeper = machine.start_keeper()
        client = machine.start_client("and go on")
        time.sleep(dice.uniform(0, 0.05))
        kill(keeper)
        kill(client)
        assert machine.restore_all().failed == ()
        assert machine.now() == ORIGINAL
        assert machine.journal_is_empty()


def test_a_keeper_that_starts_after_a_crash_takes_trial_values_back_first(machine):
    keeper = machine.start_keeper()
    with leased(machine) as client:
        client.apply({FAN: 400})
        client.confirm()
        client.apply({MAX: 200, FAN: 300})
        kill(keeper)
    machine.start_keeper()
    assert machine.now() == {**ORIGINAL, FAN: 400}


def test_restore_refuses_to_race_a_running_keeper(machine):
    machine.start_keeper()
    with pytest.raises(RefusedError, match="Another keeper"):
        machine.restore_all()


@pytest.mark.parametrize(("on_stop", "fan"), [("restore", ORIGINAL[FAN]), ("keep", 400)])
def test_a_deliberate_stop_takes_trial_values_back_and_confirmed_ones_as_configured(machine, on_stop, fan):
    keeper = machine.start_keeper(on_stop=on_stop)
    with leased(machine) as client:
        client.apply({FAN: 400})
        client.confirm()
        client.apply({MAX: 200})
        keeper.terminate()
        assert keeper.wait(20) == 0
    assert machine.now() == {**ORIGINAL, FAN: fan}
    assert not machine.socket.exists()
    machine.start_keeper()
    assert machine.now() == {**ORIGINAL, FAN: 400}


def test_a_stop_that_cannot_restore_exits_with_one_and_keeps_the_entry(machine):
    keeper = machine.start_keeper()
    with leased(machine) as client:
        client.apply({MAX: 200})
        (machine.hardware / f"{MAX}.broken").touch()
        keeper.terminate()
        assert keeper.wait(20) == 1
    (machine.hardware / f"{MAX}.broken").unlink()
    machine.restore_all()
    assert machine.now() == ORIGINAL


def test_when_the_parent_dies_the_keeper_restores_and_exits(machine):
    read_end, write_end = os.pipe()
    keeper = machine.start_keeper(pass_fds=(read_end,), parent_fd=read_end)
    os.close(read_end)
    with leased(machine) as client:
        client.apply({MAX: 200})
        keeper.send_signal(signal.SIGINT)
        assert client.read([MAX]) == {MAX: 200}
        os.close(write_end)
        assert keeper.wait(20) == 0
    assert machine.now() == ORIGINAL


def test_what_is_owed_is_tried_again_in_the_background(machine):
    machine.start_keeper()
    with leased(machine) as client:
        client.apply({MAX: 200})
        (machine.hardware / f"{MAX}.broken").touch()
        with pytest.raises(KnobError, match="does not answer"):
            client.release_lease()
    (machine.hardware / f"{MAX}.broken").unlink()
    until(lambda: machine.now() == ORIGINAL and machine.journal_is_empty(), limit_s=20)


def test_an_operator_may_restore_from_under_a_study_whose_lease_ends_by_it(machine):
    machine.start_keeper()
    with leased(machine) as study, machine.connect() as operator:
        study.apply({MAX: 200})
        assert operator.restore().restored == (MAX,)
        assert machine.now() == ORIGINAL
        with pytest.raises(RefusedError, match="does not hold the lease"):
            study.apply({MAX: 300})


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


def first_below_top(client, knob_id):
    spec = next((spec for spec in client.inventory().knobs if spec.id == knob_id), None)
    if spec is None or len(spec.values) < 2:
        pytest.skip(f"{knob_id} cannot be set on this machine")
    return spec.values[0], spec.values[-1]


@pytest.mark.parametrize("knob_id", [CORES, QUOTA])
@pytest.mark.parametrize("victim", ["client", "keeper", "workload"])
def test_real_knobs_of_a_workload_return_whoever_is_killed(machine, knob_id, victim):
    keeper = machine.start_keeper()
    workload = machine.start_workload()
    client = machine.connect()
    client.acquire_lease()
    client.attach(workload.pid)
    low, top = first_below_top(client, knob_id)
    assert client.apply({knob_id: low}) == {knob_id: low}
    if victim == "client":
        client.close()
        with machine.connect() as other:
            until(lambda: other.read([knob_id]) == {knob_id: top}, limit_s=5)
    elif victim == "keeper":
        kill(keeper)
        client.close()
        assert machine.restore_all().restored == (knob_id,)
        machine.start_keeper()
        with machine.connect() as other:
            other.attach(workload.pid)
            assert other.read([knob_id]) == {knob_id: top}
    else:
        kill(workload)
        client.release_lease()
        client.close()
    until(machine.journal_is_empty, limit_s=5)
    assert list(Path("/sys/fs/cgroup").rglob(f"wattune-{workload.pid}-*")) == []


def test_a_confirmed_value_of_a_workload_holds_over_a_restart_of_the_keeper_and_ends_with_the_workload(machine):
    keeper = machine.start_keeper(on_stop="keep")
    workload = machine.start_workload()
    with leased(machine) as client:
        client.attach(workload.pid)
        low, top = first_below_top(client, CORES)
        client.apply({CORES: low})
        client.confirm()
    keeper.terminate()
    assert keeper.wait(20) == 0
    assert len(os.sched_getaffinity(workload.pid)) == low
    keeper = machine.start_keeper(on_stop="keep")
    with leased(machine) as client:
        spec = next(spec for spec in client.attach(workload.pid).knobs if spec.id == CORES)
        assert spec.values[-1] == top
        client.apply({CORES: top})
        client.release_lease()
    assert len(os.sched_getaffinity(workload.pid)) == low
    kill(workload)
    keeper.terminate()
    assert keeper.wait(20) == 0
    machine.start_keeper()
    assert machine.journal_is_empty()


def test_every_value_of_a_file_knob_can_be_reached_over_the_socket(machine):
    machine.start_keeper()
    with leased(machine) as client:
        for value in VALUES:
            client.apply({FAN: value})
        assert writes(machine.hardware)[-1] == f"{FAN}={VALUES[-1]}"
